//! What the flagship's seeds come to, and how a run that does not come to its end says so.

use crate::scenes::{RACE, broken, explore_options, naive_race, plan, played, scenario, seed_options, word};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{Begin, Behaviour, FaultAction, FaultPlan, World};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::explore;
use rehearsal_sim::seed::{SeedFailure, SeedOptions, Setup, play, play_with};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

const ONE_JOB: &str = "worker_runs_one_job_at_a_time";

#[test]
fn a_hardened_worker_never_runs_two_jobs_and_both_clients_get_theirs() {
    for seed in 1..=10 {
        let run = played(RACE, seed);
        assert_eq!(run.failure, None);
        assert!(broken(&run).is_empty(), "{seed} {:?}", broken(&run));
        assert_eq!(word(&run, ONE_JOB), "holds");
        let judged = run.verdicts.iter().find(|verdict| verdict.name == ONE_JOB).map(|verdict| verdict.judged);
        assert_eq!(judged, Some(2));
    }
}

#[test]
fn a_naive_worker_is_found_to_run_two_jobs() {
    let scenario = scenario(&naive_race());
    let options = explore_options(10);
    let exploration =
        explore(&|seed| scenario.plan(seed, World::Simulated), &options, &mut |_| ControlFlow::Continue(()));
    let check = exploration.checks.iter().find(|check| check.check.name == ONE_JOB).unwrap();
    assert!(check.broken_seeds >= 1, "{:?}", exploration.seeds);
    let kept = exploration.kept.iter().find(|run| Some(run.plan.seed) == check.lowest_broken_seed).unwrap();
    assert!(broken(kept).contains(&ONE_JOB));
}

#[test]
fn a_run_ends_early_once_nobody_has_anything_left_to_do() {
    let run = played(RACE, 1);
    let planned_end = run.plan.end_ns();
    assert!(run.virtual_ns < planned_end / 2, "{} of {planned_end}", run.virtual_ns);
}

#[test]
fn a_run_without_a_server_says_that_it_could_not_get_ready() {
    let mut without = (*plan(RACE, 1)).clone();
    without.system.servers = 0;
    let run = play(Arc::new(without), seed_options());
    assert!(matches!(run.failure, Some(SeedFailure::NotPrepared { seed: 1, .. })), "{:?}", run.failure);
    assert!(run.is_broken());
}

#[test]
fn a_fault_on_a_host_that_does_not_exist_breaks_the_run_and_is_named() {
    let mut plan = (*plan(RACE, 1)).clone();
    let action = FaultAction::Kill { hosts: vec!["nobody".into()] };
    plan.faults = vec![FaultPlan { name: "ghost".into(), begins: Begin::At(0), for_ns: None, action }];
    let run = play(Arc::new(plan), seed_options());
    let Some(failure) = run.failure else { panic!("the run was not broken") };
    assert!(failure.to_string().contains("no simulated host is called nobody"), "{failure}");
}

#[test]
fn a_planted_panic_breaks_the_seed_and_is_named() {
    let mut plan = (*plan(RACE, 1)).clone();
    for user in &mut plan.users {
        if let Behaviour::Worker(worker) = &mut user.behaviour {
            // No scenario can say this: choosing among nothing panics inside the worker's own task.
            worker.job = Distribution::Pick { values: Vec::new(), weights: Vec::new() };
        }
    }
    let run = play(Arc::new(plan), seed_options());
    let Some(SeedFailure::Broke { reason, .. }) = run.failure else { panic!("{:?}", run.failure) };
    assert!(reason.contains("workers") && reason.contains("panicked after"), "{reason}");
}

#[test]
fn a_run_that_is_stuck_says_what_everybody_waits_for() {
    let mut plan = (*plan(RACE, 1)).clone();
    plan.network.latency = Distribution::Fixed(2_000_000_000);
    plan.phases.measure_ns = 30_000_000_000;
    plan.phases.settle_ns = 0;
    let setup = Setup { options: seed_options(), patience: Duration::from_millis(1), ..Setup::default() };
    let Some(failure) = play_with(Arc::new(plan), setup).failure else { panic!("the run was not stuck") };
    let told = failure.to_string();
    assert!(told.contains("stuck leaving") && told.contains(" waits for "), "{told}");
    assert!(told.contains("not ended: workers-0, clients-0, clients-1"), "{told}");
}

#[test]
fn a_run_that_is_not_ready_in_its_time_is_not_played_and_one_that_is_just_in_time_is() {
    for engine in EngineKind::ALL {
        let options = SeedOptions { engine, ..seed_options() };
        let ready = play(plan(RACE, 1), options);
        let mut hurried = (*plan(RACE, 1)).clone();
        hurried.phases.prepare_ns = ready.time_0_ns + 20_000_000;
        assert_eq!(play(Arc::new(hurried.clone()), options).failure, None);
        hurried.phases.prepare_ns = ready.time_0_ns / 2;
        let Some(SeedFailure::NotPrepared { reason, .. }) = play(Arc::new(hurried), options).failure else {
            panic!("{engine:?}: it was played");
        };
        assert!(reason.contains("of 4 rooms and identities were made within"), "{reason}");
    }
}

#[test]
fn what_is_not_removed_in_the_time_for_it_may_be_left_behind() {
    for engine in EngineKind::ALL {
        let options = SeedOptions { engine, ..seed_options() };
        let mut hurried = (*plan(RACE, 1)).clone();
        hurried.phases.cleanup_ns = 1_000_000;
        let run = play(Arc::new(hurried), options);
        assert_eq!((run.failure.as_ref(), word(&run, "nothing_is_left_behind")), (None, "unknown"), "{engine:?}");
        assert_eq!(word(&play(plan(RACE, 1), options), "nothing_is_left_behind"), "holds", "{engine:?}");
    }
}
