//! Segments: together they are the plan, no user is in two of them, and who has to do with each other stays together.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;
use rehearsal_scenarios::plan::{CannotSplit, Expectation, Plan, Segment, UserPlan, World};
use rehearsal_scenarios::{Overrides, load};
use std::collections::{BTreeMap, BTreeSet};

fn plan(text: &str) -> Plan {
    let loaded = load("generated", text.as_bytes(), &Overrides::default());
    loaded.unwrap_or_else(|faults| panic!("{text}\n{faults}")).plan(3, World::Live)
}

fn segments(plan: &Plan, of: u32) -> Result<Vec<Plan>, CannotSplit> {
    Segment::all(of).map(|segment| plan.segment(segment)).collect()
}

/// A user with the name of its room in place of the number, which segments give anew.
fn in_room(plan: &Plan, user: &UserPlan) -> (UserPlan, Option<String>) {
    (UserPlan { room: 0, ..user.clone() }, plan.rooms.get(user.room as usize).cloned())
}

prop_compose! {
    fn text()(
        rooms in 1u32..9,
        workers in 1u32..30,
        clients in 1u32..30,
        peers in 1u32..9,
        meets in any::<bool>(),
        names in any::<bool>(),
        spread in prop::sample::select(vec!["", "rooms = 'zipf'\n"]),
        service in prop::sample::select(vec!["", "[system]\nservice = 'own'\n"]),
    ) -> String {
        let meet = if meets { "{ meet = 'here' }, " } else { "" };
        let send = if names { "{ raw = { to = '${peer.peers-0}' } }, " } else { "" };
        let (spread, rooms, workers) = match service {
            "" => (spread, format!("[rooms]\ncount = {rooms}\n"), format!("[users.workers]\ncount = {workers}\n")),
            _ => ("", String::new(), String::new()),
        };
        format!(
            "format = 1\n{service}{rooms}{workers}\
             [users.clients]\nflow = 'alone'\ncount = {clients}\n{spread}[users.peers]\nflow = 'all'\ncount = {peers}\n\
             [flow.alone]\nsteps = ['connect', {send}{{ think = '1s' }}]\n\
             [flow.all]\nsteps = ['connect', {meet}{{ think = '1s' }}]\n"
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_union_of_the_segments_is_the_plan_and_nobody_is_in_two(text in text(), of in 1u32..9) {
        let plan = plan(&text);
        let Ok(segments) = segments(&plan, of) else {
            prop_assert!(plan.parts() < of as usize);
            return Ok(());
        };
        let mut users: Vec<_> =
            segments.iter().flat_map(|part| part.users.iter().map(|user| in_room(part, user))).collect();
        users.sort_by_key(|(user, _)| user.number);
        let expected: Vec<_> = plan.users.iter().map(|user| in_room(&plan, user)).collect();
        prop_assert_eq!(users, expected);
        prop_assert!(segments.iter().all(|part| !part.users.is_empty() && part.phases == plan.phases));
        for part in &segments {
            prop_assert!(part.users.iter().all(|user| part.user(user.number) == Some(user)));
        }
    }

    #[test]
    fn a_room_is_made_by_one_segment_only(text in text(), of in 2u32..5) {
        let plan = plan(&text);
        let Ok(segments) = segments(&plan, of) else { return Ok(()) };
        let made: Vec<&String> = segments.iter().flat_map(|part| &part.rooms).collect();
        prop_assert_eq!(made.len(), made.iter().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn segments_are_as_even_as_their_parts_allow(text in text(), of in 1u32..9) {
        let plan = plan(&text);
        let Ok(segments) = segments(&plan, of) else { return Ok(()) };
        let mut rooms: BTreeMap<u32, usize> = BTreeMap::new();
        plan.users.iter().for_each(|user| *rooms.entry(user.room).or_default() += 1);
        let largest_part = if plan.parts() == rooms.len() { rooms.values().max().copied().unwrap() } else { plan.users.len() };
        let sizes = segments.iter().map(|part| part.users.len());
        prop_assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= largest_part);
    }
}

const TWO_ROOMS: &str =
    "format = 1\n[rooms]\ncount = 2\n[users.workers]\ncount = 4\n[users.clients]\nflow = 'f'\ncount = 4\n";

#[test]
fn users_who_meet_or_name_each_other_stay_together_across_rooms() {
    let alone = plan(&format!("{TWO_ROOMS}[flow.f]\nsteps = ['join', {{ think = '1s' }}]\n"));
    assert_eq!(alone.parts(), 2);
    for tie in ["{ meet = 'here' }", "{ send = { to = '${peer.workers-1}', payload = { a = 1 } } }"] {
        let tied =
            plan(&format!("{TWO_ROOMS}[flow.f]\nsteps = ['join', {{ repeat = {{ times = 2, steps = [{tie}] }} }}]\n"));
        assert_eq!(tied.parts(), 1, "{tie}");
    }
}

#[test]
fn a_plan_that_does_not_fall_apart_is_not_split() {
    let plan = plan("format = 1\n[users.workers]\ncount = 10\n[users.clients]\n");
    let error = plan.segment(Segment { nth: 1, of: 2 }).unwrap_err();
    assert_eq!(error, CannotSplit::TooFewParts { parts: 1, wanted: 2 });
    assert!(error.to_string().contains("hint: "));
}

fn with_fault(fault: &str) -> Plan {
    plan(&format!("{TWO_ROOMS}[flow.f]\nsteps = ['join', {{ think = '5s' }}]\n[faults.it]\n{fault}\n"))
}

/// Whom the faults of a plan hit.
fn hit(plan: &Plan) -> Vec<String> {
    let mut hosts: Vec<String> = plan.faults.iter().flat_map(|fault| fault.action.hosts().cloned()).collect();
    hosts.retain(|host| host != "server-0");
    hosts.sort();
    hosts
}

#[test]
fn a_fault_at_a_time_hits_in_each_segment_those_who_are_there() {
    let plan = with_fault("do = 'partition'\nbetween = ['workers', 'server']\nat = '1s'\nfor = '1s'");
    let parts = segments(&plan, 2).unwrap();
    for part in &parts {
        assert!(part.faults.iter().all(|fault| part.users.iter().any(|user| hit(part).contains(&user.host))
            && fault.begins == plan.faults[0].begins
            && fault.action.hosts().any(|host| host == "server-0")));
        assert_eq!(hit(part).len(), 2);
    }
    let mut all: Vec<String> = parts.iter().flat_map(hit).collect();
    all.sort();
    assert_eq!(all, hit(&plan), "together they hit whom the plan hits");
    let one = segments(&with_fault("do = 'kill'\nwho = { users = 'workers', pick = 1 }\nat = '1s'"), 2).unwrap();
    assert_eq!(one.iter().map(|part| part.faults.len()).sum::<usize>(), 1, "in one of them");
    assert_eq!(plan.segment(Segment { nth: 1, of: 1 }).unwrap(), plan);
}

#[test]
fn users_of_a_fault_that_follows_a_message_stay_together() {
    let follows = |who: &str| format!("do = 'kill'\nwho = {who}\nwhen = {{ sends = {{ type = 'register' }} }}");
    assert_eq!(with_fault(&follows("{ users = 'workers', pick = 1 }")).parts(), 2);
    let all = with_fault(&follows("'workers'"));
    assert_eq!(all.segment(Segment { nth: 1, of: 2 }), Err(CannotSplit::TooFewParts { parts: 1, wanted: 2 }));
}

#[test]
fn what_only_the_whole_can_answer_is_not_asked_of_a_segment() {
    let plan = plan(&format!(
        "{TWO_ROOMS}[flow.f]\nsteps = ['join', {{ discover = {{}} }}]\n[prepare]\nsign_in_rate = 50\n[thresholds]\ndiscover = 'p99 < 100ms'\n"
    ));
    let part = plan.segment(Segment { nth: 2, of: 2 }).unwrap();
    assert!(part.thresholds.is_empty() && part.checks.named.is_empty());
    assert_eq!((part.expect, part.prepare.sign_in_rate), (Expectation::Either, 25.0));
    assert_eq!(plan.segment(Segment { nth: 1, of: 1 }).unwrap(), plan);
}
