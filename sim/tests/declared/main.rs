//! The checks that come with the program and can be said in a scenario are said in one here, and both forms agree on a
//! thousand seeds, broken ones and others.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod linearizable;

use rehearsal_reports::checks::RunEnd;
use rehearsal_reports::event::{Body, Event, Kind};
use rehearsal_reports::judge::Judge;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, Scenario, library, load};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::seed::{SeedOptions, SeedRun, play};
use std::sync::Arc;

/// What comes with the program, as an author would write it.
const DECLARED: &str = include_str!("declared.toml");

/// A check of the program, the declared ones that say the same together, and where they may be compared.
const PAIRS: [(&str, &[&str], Where); 6] = [
    ("worker_runs_one_job_at_a_time", &["one_job_at_a_time"], Where::Everywhere),
    ("job_is_begun_by_one_worker", &["begun_once"], Where::Everywhere),
    ("nobody_speaks_for_another", &["speaks_for_itself"], Where::Everywhere),
    (
        "nothing_is_left_behind",
        &["no_room_is_left", "no_identity_is_left", "no_job_is_left", "nobody_stays_reserved"],
        Where::Everywhere,
    ),
    ("reservation_always_ends", &["reserved_ends"], Where::WithoutFaults),
    ("flows_come_to_their_end", &["flows_end"], Where::WithoutFaults),
];

/// The program's check excuses what a fault may have caused; the declared one does not.
#[derive(PartialEq, Eq)]
enum Where {
    Everywhere,
    WithoutFaults,
}

/// Scenarios with the number of their seeds, a thousand in all.
const SEEDS: [(&str, u64); 8] = [
    ("two_clients_race_naive_worker", 300),
    ("two_clients_race_for_one_worker", 150),
    ("defect_status_after_accept", 150),
    ("defect_assignment_timeout_never_fires", 100),
    ("defect_sender_not_checked", 100),
    ("defect_message_crosses_rooms", 50),
    ("worker_crashes_mid_job", 100),
    ("server_restarts_while_workers_run", 50),
];

fn scenario(name: &str) -> Scenario {
    let source = format!("{}\n{DECLARED}", library::get(name).unwrap());
    load(name, source.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn played(plan: Plan) -> SeedRun {
    let options = SeedOptions { engine: EngineKind::Event, keep: Keep::VerdictsOnly, ..SeedOptions::default() };
    play(Arc::new(plan), options)
}

fn is_broken(run: &SeedRun, name: &str) -> bool {
    let verdict = run.verdicts.iter().find(|verdict| verdict.name == name);
    verdict.unwrap_or_else(|| panic!("{name} was not judged")).verdict.word() == "broken"
}

#[test]
fn what_comes_with_the_program_and_what_is_declared_agree_over_a_thousand_seeds() {
    let mut broken = [0; PAIRS.len()];
    assert_eq!(SEEDS.iter().map(|(_, count)| count).sum::<u64>(), 1_000);
    for (name, count) in SEEDS {
        let scenario = scenario(name);
        for seed in 1..=count {
            let plan = scenario.plan(seed, World::Simulated);
            let has_faults = !plan.faults.is_empty();
            let run = played(plan);
            assert_eq!(run.failure, None, "{name}, seed {seed}");
            for ((built_in, declared, place), broken) in PAIRS.iter().zip(&mut broken) {
                if has_faults && *place == Where::WithoutFaults {
                    continue;
                }
                let is = is_broken(&run, built_in);
                let said = declared.iter().any(|declared| is_broken(&run, declared));
                assert_eq!(is, said, "{name}, seed {seed}: {built_in}\n{:#?}", run.verdicts);
                *broken += u64::from(is);
            }
        }
    }
    let [overlaps, _, spoofs, left, stuck, _] = broken;
    assert!(overlaps > 100 && spoofs == 100 && stuck >= 100 && left == 0, "{broken:?}");
}

/// What a run came to, by both forms, once this was done to its history.
fn after(run: &SeedRun, change: impl FnOnce(&mut Vec<Event>)) -> Vec<(String, bool)> {
    let mut events = run.events.clone();
    change(&mut events);
    (0..).zip(&mut events).for_each(|(n, event)| event.n = n);
    let mut judge = Judge::new(&run.plan);
    events.iter().for_each(|event| judge.observe(event));
    let end = RunEnd { t_ns: events.last().map_or(0, |event| event.t_ns), complete: true };
    judge.finish(end).into_iter().map(|check| (check.name.clone(), check.verdict.word() == "broken")).collect()
}

/// A seed breaks these in no scenario above, or in few.
#[test]
fn both_forms_are_broken_by_the_same_change_of_a_history() {
    let options = SeedOptions { engine: EngineKind::Event, ..SeedOptions::default() };
    let plan = scenario("two_clients_race_for_one_worker").plan(1, World::Simulated);
    let run = play(Arc::new(plan), options);
    let is_op = |event: &Event, kind, op: &str| event.kind == kind && &*event.op == op;
    let changes: [(&str, Vec<(String, bool)>); 6] = [
        ("", after(&run, |_| ())),
        ("nothing_is_left_behind", after(&run, |events| events.retain(|event| &*event.op != "delete_room"))),
        ("nothing_is_left_behind", after(&run, |events| events.retain(|event| &*event.op != "delete_identity"))),
        (
            "nothing_is_left_behind",
            after(&run, |events| {
                let last = events.iter().rposition(|event| is_op(event, Kind::Ended, "job")).unwrap();
                events.remove(last);
            }),
        ),
        (
            "job_is_begun_by_one_worker",
            after(&run, |events| {
                let began = events.iter().position(|event| is_op(event, Kind::Began, "job")).unwrap();
                let ended = events.iter().find(|event| is_op(event, Kind::Ended, "job")).unwrap().clone();
                let again = Event { user: "workers-7".into(), ..events[began].clone() };
                let t_ns = again.t_ns;
                events.insert(began + 1, again);
                events.insert(began + 2, Event { user: "workers-7".into(), t_ns, ..ended });
            }),
        ),
        (
            "flows_come_to_their_end",
            after(&run, |events| {
                let ended = events.iter_mut().find(|event| is_op(event, Kind::Ended, "flow")).unwrap();
                ended.body = Body::Error { code: "step_failed".into(), message: "as planned".into(), to: None };
            }),
        ),
    ];
    for (broken, verdicts) in changes {
        let is = |name: &str| verdicts.iter().any(|(known, is_broken)| known == name && *is_broken);
        for (built_in, declared, _) in &PAIRS {
            let said = declared.iter().any(|declared| is(declared));
            assert_eq!((is(built_in), said), (*built_in == broken, *built_in == broken), "{broken}: {built_in}");
        }
    }
}
