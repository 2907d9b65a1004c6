//! The embedded scenario files, played live against the reference server with the defects that they ask for.

use crate::live_runs::{first_contact, options, run_quietly};
use crate::support::Served;
use rehearsal_loadgen::live::guard::Refused;
use rehearsal_loadgen::live::options::{LiveError, LiveRun};
use rehearsal_reference::defects::Defects;
use rehearsal_reference::protocol;
use rehearsal_reference::server::ServerOptions;
use rehearsal_reports::checks::standstills::STANDSTILL;
use rehearsal_reports::outcome::Overall;
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, library, load};
use std::collections::BTreeMap;

fn live_plan(name: &str) -> Plan {
    let text = library::get(name).unwrap();
    load(name, text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live)
}

async fn play(plan: Plan) -> LiveRun {
    let defects = Defects::named(plan.system.defects.iter().map(String::as_str)).unwrap();
    let served = Served::start(ServerOptions { defects, ..ServerOptions::default() }).await;
    let out = tempfile::tempdir().unwrap();
    let run = run_quietly(plan, options(served.target(), &out)).await.unwrap();
    assert!(run.left_behind.is_nothing(), "{:?}", run.left_behind);
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_embedded_scenario_that_can_be_played_live_gives_its_expected_verdict() {
    let plans = library::names().map(|name| (name, live_plan(name))).filter(|(_, plan)| is_playable(plan));
    let runs = plans.map(|(name, plan)| async move { (name, play(plan).await) });
    let runs: BTreeMap<&str, LiveRun> = futures_util::future::join_all(runs).await.into_iter().collect();
    assert!(runs.len() > 10, "{:?}", runs.keys());
    assert!(FAULTY.iter().all(|name| runs.contains_key(name)), "{:?}", runs.keys());
    for (name, run) in runs {
        let outcome = &run.outcome;
        if outcome.checks.iter().any(|summary| is_excused(&summary.check.verdict)) {
            // The machine was too busy for this one.
            continue;
        }
        assert!(outcome.expected, "{name}: {:?} {:?} {:?}", outcome.verdict, outcome.notes, outcome.checks);
        assert_eq!(outcome.story.is_some(), outcome.verdict == Overall::Broken, "{name}");
        assert!(run.unreachable.is_none(), "{name}");
        let says_so = outcome.notes.iter().any(|note| note.starts_with("played inside the generator"));
        assert_eq!(says_so, FAULTY.contains(&name), "{name}: {:?}", outcome.notes);
    }
}

/// Whether a bound was missed while this machine gave the generator no processor.
fn is_excused(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unknown { reason } if reason.contains(STANDSTILL))
}

/// Scenarios whose faults hit users alone.
const FAULTY: [&str; 6] = [
    "client_dies_before_it_assigns",
    "partition_between_worker_and_server",
    "paused_worker_misses_its_assignment",
    "users_in_trouble",
    "worker_crashes_mid_job",
    "worker_dies_between_acceptance_and_assignment",
];

fn is_playable(plan: &Plan) -> bool {
    plan.faults.iter().all(|fault| fault.refused_live().is_none())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_contact_of_every_embedded_scenario_passes_with_both_profiles() {
    for profile in [protocol::Profile::Documented, protocol::Profile::Deployed] {
        let served = Served::start(ServerOptions { profile, ..ServerOptions::default() }).await;
        let out = tempfile::tempdir().unwrap();
        let plans = library::names().map(|name| (name, live_plan(name))).filter(|(_, plan)| is_playable(plan));
        let contacts = plans.map(|(name, plan)| {
            let options = options(served.target(), &out);
            async move { (name, first_contact(plan, options).await) }
        });
        for (name, found) in futures_util::future::join_all(contacts).await {
            match found {
                Ok(_) => {}
                Err(LiveError::Refused(Refused::Lacking { .. })) if profile == protocol::Profile::Deployed => {
                    assert_eq!(name, "defect_reservation_never_expires", "nobody has deployed reservations");
                }
                Err(error) => panic!("{profile:?} {name}: {error}"),
            }
        }
        let left = std::fs::read_dir(out.path()).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(left.count(), 0, "a first contact leaves no record");
    }
}
