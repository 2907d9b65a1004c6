//! Makes failures smaller before they are told: each way to fail once, the one that the outcome tells of with its story.
//! Used by `simulate` and `replay`. Neighbours: `sim::shrink` does it, `simulated` keeps records.

use crate::cli::Shrink;
use crate::exit::Failure;
use crate::progress::{Progress, Verbosity};
use crate::simulated::{self, How};
use crate::source::Source;
use rehearsal_reports::outcome::Outcome;
use rehearsal_scenarios::Scenario;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::{Exploration, Fingerprint};
use rehearsal_sim::seed::{SeedOptions, SeedRun, TICK};
use rehearsal_sim::shrink::{ShrinkOptions, Shrunk, shrink};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// When failures are made smaller, and for how long over all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrinking {
    /// They are told as they were found.
    Never,
    /// If the verdict is not the expected one.
    Unexpected(Duration),
    /// Always.
    Always(Duration),
}

/// More ways to fail than this are told, but not made smaller.
const GROUPS_MAX: usize = 5;

/// Shrinking is for readers: it plays on the fast engine, whichever found the failure.
const HOW: How = How { engine: EngineKind::Event, tick: TICK };

impl Shrinking {
    /// What the command line says.
    pub fn of(Shrink { shrink, shrink_for }: Shrink) -> Shrinking {
        match (shrink, shrink_for) {
            (_, Duration::ZERO) => Shrinking::Never,
            (true, time) => Shrinking::Always(time),
            (false, time) => Shrinking::Unexpected(time),
        }
    }

    /// Whether what this outcome tells of is to be made smaller.
    pub fn applies(self, outcome: &Outcome) -> bool {
        match self {
            Shrinking::Never => false,
            Shrinking::Unexpected(_) => !outcome.expected,
            Shrinking::Always(_) => true,
        }
    }

    fn time(self) -> Duration {
        match self {
            Shrinking::Never => Duration::ZERO,
            Shrinking::Unexpected(time) | Shrinking::Always(time) => time,
        }
    }
}

/// Tells each way in which seeds fail, and makes the lowest seed of each smaller.
pub fn shrink_all(
    source: &Source,
    scenario: &Scenario,
    exploration: &Exploration,
    shrinking: Shrinking,
    runs: &Path,
    verbosity: Verbosity,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let seeds = exploration.seeds.count;
    for group in &exploration.groups {
        outcome.notes.push(format!(
            "{} of {seeds} seeds ({:.0} %), the lowest is {}: {}",
            group.seeds,
            group.seeds as f64 / seeds.max(1) as f64 * 100.0,
            group.lowest_seed,
            group.fingerprint
        ));
    }
    let groups = exploration.groups.iter().take(GROUPS_MAX);
    let share = shrinking.time() / u32::try_from(groups.len().max(1)).unwrap_or(u32::MAX);
    if groups.len() > 0 && verbosity == Verbosity::Normal {
        eprintln!("{}: shrinking, {share:.0?} at most for each of {} ways to fail", source.name, groups.len());
    }
    // The lowest seed comes last: `latest` then points at the record that the outcome tells of.
    for group in groups.rev() {
        let plan = Arc::new(scenario.plan(group.lowest_seed, World::Simulated));
        shrink_one(source, &plan, &group.fingerprint, share, runs, verbosity, outcome)?;
    }
    Ok(())
}

/// Makes the first failure of a run smaller, if it fails.
pub fn shrink_run(
    source: &Source,
    run: &SeedRun,
    time: Duration,
    runs: &Path,
    verbosity: Verbosity,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    match Fingerprint::all_of(run).pop_first() {
        Some(fingerprint) => shrink_one(source, &run.plan, &fingerprint, time, runs, verbosity, outcome),
        None => {
            outcome.notes.push("nothing to shrink: no check is broken".to_owned());
            Ok(())
        }
    }
}

fn shrink_one(
    source: &Source,
    plan: &Arc<Plan>,
    fingerprint: &Fingerprint,
    time_max: Duration,
    runs: &Path,
    verbosity: Verbosity,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let seed = plan.seed;
    let progress = Progress::start(&format!("{} shrinking", source.name), 0, verbosity);
    let seed_options = SeedOptions { engine: HOW.engine, tick: HOW.tick, ..SeedOptions::default() };
    let shrunk = shrink(plan, fingerprint, ShrinkOptions { seed: seed_options, time_max, ..ShrinkOptions::default() });
    progress.finish();
    let Some(shrunk) = shrunk else {
        let engine = HOW.engine.name();
        outcome
            .notes
            .push(format!("seed {seed} is told as it was found: the {engine} engine does not show `{fingerprint}`"));
        return Ok(());
    };
    let pinned = Source::pinned(&shrunk.run.plan, &words(&shrunk), source.shown.clone());
    let kept = simulated::keep(&pinned, shrunk.run.plan.clone(), runs, HOW)?;
    let (record, page) = (kept.outcome.record.unwrap_or_default(), kept.outcome.page);
    outcome.notes.push(words(&shrunk));
    outcome.notes.push(format!("keep it: rehearsal keep {record} --name NAME"));
    tell(outcome, &shrunk, &record, page);
    Ok(())
}

/// `seed 4 was shrunk from … to …`.
fn words(Shrunk { run, before, after, trials, is_minimal, .. }: &Shrunk) -> String {
    let end = if *is_minimal { "nothing more can be taken away" } else { "time ran out" };
    format!("seed {} was shrunk from {before} to {after} in {trials} plays; {end}", run.plan.seed)
}

/// The outcome tells of the smaller failure in place of the lowest seed that breaks the check, if it is that one.
fn tell(outcome: &mut Outcome, shrunk: &Shrunk, record: &str, page: Option<String>) {
    let seed = shrunk.run.plan.seed;
    let name = &shrunk.fingerprint.check;
    let told = outcome.checks.iter_mut().find(|it| it.check.name == *name && it.lowest_broken_seed == Some(seed));
    let smaller = shrunk.run.verdicts.iter().find(|check| check.name == *name);
    let (Some(told), Some(smaller)) = (told, smaller) else { return };
    (told.check.verdict, told.check.violations) = (smaller.verdict.clone(), smaller.violations);
    if outcome.seeds.first_broken != Some(seed) {
        return;
    }
    if let Some(found) = outcome.repeat.take() {
        outcome.notes.push(format!("as it was found: {found}"));
    }
    outcome.story = simulated::story_of(&shrunk.run);
    outcome.repeat = Some(simulated::replay_of(Path::new(record)));
    outcome.record = Some(record.to_owned());
    outcome.page = page;
}
