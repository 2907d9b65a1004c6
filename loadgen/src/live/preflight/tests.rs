//! Walks as they are shaped, and troubles as they are judged.

use super::shape::shape;
use super::troubles::{Trouble, Troubles};
use crate::recorder::error;
use crate::sink::{Draft, EventSink};
use rehearsal_reports::event::{Body, Closer, Kind};
use rehearsal_scenarios::plan::{Behaviour, Plan, Step, Verb, World};
use rehearsal_scenarios::{Overrides, library, load};

fn live_plan(name: &str) -> Plan {
    let text = library::get(name).unwrap();
    load(name, text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live)
}

fn waits_ns(steps: &[Step]) -> u64 {
    steps
        .iter()
        .map(|step| match &step.verb {
            Verb::Expect { within_ns, .. } | Verb::Meet { within_ns, .. } => *within_ns,
            Verb::Discover { retry: Some(retry), .. } => retry.for_ns,
            Verb::Repeat { times, every, steps, .. } => {
                assert_eq!((*times, every), (Some(1), &None));
                waits_ns(steps)
            }
            _ => 0,
        })
        .sum()
}

#[test]
fn every_embedded_scenario_becomes_a_short_walk_of_one_user_a_group() {
    for name in library::names() {
        let plan = live_plan(name);
        let walk = shape(&plan);
        let groups: Vec<&str> = walk.walkers.iter().map(|&it| plan.users[it as usize].group.as_str()).collect();
        let mut once = groups.clone();
        once.dedup();
        assert_eq!(groups, once, "{name}");
        for &walker in &walk.walkers {
            let user = &walk.plan.users[walker as usize];
            assert!((user.room as usize) < walk.plan.rooms.len(), "{name}");
            if let Behaviour::Flow(steps) = &user.behaviour {
                assert!(waits_ns(steps) <= 2_000_000_000, "{name}");
            }
        }
    }
}

#[test]
fn a_meeting_counts_the_walkers_that_come_there() {
    let walk = shape(&live_plan("two_clients_race_for_one_worker"));
    let counts = walk.walkers.iter().filter_map(|&walker| match &walk.plan.users[walker as usize].behaviour {
        Behaviour::Flow(steps) => steps.iter().find_map(|step| match step.verb {
            Verb::Meet { count, .. } => Some(count),
            _ => None,
        }),
        _ => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [1]);
}

fn after(drafts: Vec<Draft>) -> Option<Trouble> {
    let troubles = Troubles::new();
    for draft in drafts {
        troubles.record(draft);
    }
    troubles.of("a-0")
}

fn draft(kind: Kind, conn: u32, body: Body) -> Draft {
    Draft { conn, op_id: Some(1), ..Draft::new("a-0".into(), kind, "step".into(), body) }
}

fn closed(by: Closer, code: Option<u16>) -> Draft {
    draft(Kind::Closed, 1, Body::Closed { by, code, reason: "gone".into() })
}

#[test]
fn a_wait_in_vain_is_no_trouble_with_the_target_and_a_connection_that_times_out_is() {
    let timed_out = |conn| draft(Kind::Failed, conn, error("timed_out", "nothing came"));
    assert_eq!(after(vec![timed_out(0)]), Some(Trouble::InVain));
    assert!(matches!(after(vec![timed_out(1)]), Some(Trouble::Target { .. })));
    assert_eq!(after(vec![timed_out(1), draft(Kind::Ok, 1, Body::Empty)]), None);
}

#[test]
fn a_target_that_ends_a_connection_is_trouble_unless_somebody_took_over() {
    let cut = || draft(Kind::Unknown, 1, error("closed", "gone"));
    assert!(matches!(after(vec![cut(), closed(Closer::Peer, Some(1000))]), Some(Trouble::Target { .. })));
    assert_eq!(after(vec![cut(), closed(Closer::Peer, Some(4001))]), Some(Trouble::InVain));
    let vain_after = vec![closed(Closer::Network, None), draft(Kind::Failed, 0, error("closed", "not connected"))];
    assert!(matches!(after(vain_after), Some(Trouble::Target { .. })));
}

#[test]
fn a_refused_registration_is_trouble_and_a_refused_question_is_not() {
    let refused = || draft(Kind::Failed, 1, error("ROOM_NOT_FOUND", "no"));
    let register =
        Body::Register { peer: "p".into(), room: "r".into(), role: "peer".into(), metadata: Default::default() };
    assert!(matches!(after(vec![draft(Kind::Invoked, 1, register), refused()]), Some(Trouble::Target { .. })));
    assert_eq!(after(vec![refused()]), Some(Trouble::InVain));
    let unwanted = draft(Kind::Failed, 0, Body::Http { request: "GET /x".into(), status: 500 });
    let left = vec![unwanted, closed(Closer::Us, None)];
    assert!(matches!(after(left), Some(Trouble::Target { .. })), "leaving makes nothing undone");
}
