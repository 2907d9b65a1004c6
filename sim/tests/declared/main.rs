//! The checks that come with the program and can be said in a scenario are said in one here, and both forms agree on a
//! thousand seeds, broken ones and others.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod linearizable;

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
    ("nothing_is_left_behind", &["no_room_is_left", "no_identity_is_left"], Where::Everywhere),
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
