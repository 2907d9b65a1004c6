//! Scenarios as text, and how they are played here.

use crate::ENGINE;
use rehearsal_reports::event::{Body, Event};
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, Scenario, load};
use rehearsal_sim::explore::{ExploreOptions, SeedRange, twice_on};
use rehearsal_sim::seed::{SeedOptions, SeedRun, TICK, play};
use std::sync::Arc;

/// Two clients find the same worker at the same moment.
pub const RACE: &str = r#"
format = 1

[users.workers]
role = "worker"
strategy = "metadata_first"
job = { uniform = ["2s", "3s"] }

[users.clients]
role = "client"
count = 2
start = { uniform = ["500ms", "520ms"] }
"#;

pub fn scenario(source: &str) -> Scenario {
    load("scene", source.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The race with a worker that answers before it says so, and refuses nobody.
pub fn naive_race() -> String {
    let naive = "strategy = \"reject_when_busy\"\ndefects = [\"status_after_accept\", \"no_busy_rejection\"]";
    RACE.replace("strategy = \"metadata_first\"", naive)
}

/// The race with a fault.
pub fn race_with(fault: &str) -> String {
    format!("{RACE}\n{fault}\n")
}

pub fn plan(source: &str, seed: u64) -> Arc<Plan> {
    Arc::new(scenario(source).plan(seed, World::Simulated))
}

/// How a seed is played here.
pub fn seed_options() -> SeedOptions {
    SeedOptions { engine: ENGINE, ..SeedOptions::default() }
}

/// How many are played here.
pub fn explore_options(count: u64) -> ExploreOptions {
    ExploreOptions { engine: ENGINE, seeds: SeedRange::Count { first: 1, count }, ..ExploreOptions::default() }
}

/// A seed that is the same twice.
pub fn twice(plan: &Arc<Plan>) -> SeedRun {
    twice_on(ENGINE, plan, TICK).unwrap_or_else(|difference| panic!("{difference}"))
}

pub fn played(source: &str, seed: u64) -> SeedRun {
    play(plan(source, seed), seed_options())
}

/// The verdict's word of a check.
pub fn word(run: &SeedRun, check: &str) -> &'static str {
    let found = run.verdicts.iter().find(|verdict| verdict.name == check);
    found.unwrap_or_else(|| panic!("no check is called {check}")).verdict.word()
}

/// Names of broken checks.
pub fn broken(run: &SeedRun) -> Vec<&str> {
    let broken = run.verdicts.iter().filter(|check| matches!(check.verdict, Verdict::Broken { .. }));
    broken.map(|check| check.name.as_str()).collect()
}

/// Words of all fault events with their times in seconds.
pub fn faults(run: &SeedRun) -> Vec<(String, f64)> {
    let fault = |event: &Event| match &event.body {
        Body::Fault { what, .. } => Some((what.to_string(), event.t_ns as f64 / 1e9)),
        _ => None,
    };
    run.events.iter().filter_map(fault).collect()
}
