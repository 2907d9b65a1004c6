//! Makes failures smaller before they are told: each way to fail once, the one that the outcome tells of with its story. What
//! there is no time for is told as it was found. Used by `exploring` and `replay`. Neighbours: `sim::shrink` does it,
//! `simulated` keeps records.

use crate::cli::Shrink;
use crate::exit::Failure;
use crate::exploring::Way;
use crate::progress::{Progress, Verbosity};
use crate::simulated::{self, How};
use crate::source::Source;
use rehearsal_reports::outcome::{CheckSummary, Outcome};
use rehearsal_scenarios::Scenario;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::{Fingerprint, story_of_check};
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
    pub fn of(shrink: Shrink) -> Shrinking {
        match (shrink.shrink, shrink.time()) {
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

    /// How long at most.
    pub fn time(self) -> Duration {
        match self {
            Shrinking::Never => Duration::ZERO,
            Shrinking::Unexpected(time) | Shrinking::Always(time) => time,
        }
    }
}

/// What failures are told with.
pub struct Telling<'a> {
    /// Where they were found.
    pub source: &'a Source,
    /// The seed that the outcome tells of.
    pub told: Option<u64>,
    /// Folder for records.
    pub runs: &'a Path,
    /// Whether progress is shown.
    pub verbosity: Verbosity,
}

/// Makes the lowest seed of each way to fail smaller, all within this time: the first ways first, since time may run out.
pub fn shrink_all(
    telling: &Telling<'_>,
    scenario: &Scenario,
    ways: &[Way<'_>],
    time: Duration,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let ways = &ways[..ways.len().min(GROUPS_MAX)];
    let share = time / u32::try_from(ways.len().max(1)).unwrap_or(u32::MAX);
    if !ways.is_empty() && telling.verbosity == Verbosity::Normal {
        let name = &telling.source.name;
        let each = if ways.len() == 1 { String::new() } else { format!(" for each of {} ways to fail", ways.len()) };
        eprintln!("{name}: shrinking, {:.1} s at most{each}", share.as_secs_f64());
    }
    // The one that is told comes last: `latest` then points at its record. Its seed may fail in other ways too, which are not
    // what is told.
    for (index, way) in ways.iter().enumerate().rev() {
        let plan = Arc::new(scenario.plan(way.group.lowest_seed, World::Simulated));
        let telling = Telling { told: telling.told.filter(|_| index == 0), ..*telling };
        shrink_one(&telling, &plan, &way.group.fingerprint, share, outcome)?;
    }
    Ok(())
}

/// Makes the first failure of a run smaller, if it fails.
pub fn shrink_run(telling: &Telling<'_>, run: &SeedRun, time: Duration, outcome: &mut Outcome) -> Result<(), Failure> {
    match Fingerprint::all_of(run).pop_first() {
        Some(fingerprint) => shrink_one(telling, &run.plan, &fingerprint, time, outcome),
        None => {
            outcome.notes.push("nothing to shrink: no check is broken".to_owned());
            Ok(())
        }
    }
}

fn shrink_one(
    telling: &Telling<'_>,
    plan: &Arc<Plan>,
    fingerprint: &Fingerprint,
    time_max: Duration,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let Telling { source, told, runs, verbosity } = *telling;
    let seed = plan.seed;
    if time_max.is_zero() {
        outcome.notes.push(format!("seed {seed} is told as it was found: there was no time left to make it smaller"));
        return Ok(());
    }
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
    tell(outcome, &shrunk, told, &record, page);
    Ok(())
}

/// `seed 4 was shrunk from … to …`.
fn words(Shrunk { run, before, after, trials, is_minimal, .. }: &Shrunk) -> String {
    let end = if *is_minimal { "nothing more can be taken away" } else { "time ran out" };
    format!("seed {} was shrunk from {before} to {after} in {trials} plays; {end}", run.plan.seed)
}

/// The outcome tells of the smaller failure in place of the one that was found.
fn tell(outcome: &mut Outcome, shrunk: &Shrunk, told: Option<u64>, record: &str, page: Option<String>) {
    let seed = shrunk.run.plan.seed;
    let name = &shrunk.fingerprint.check;
    let is_told = told == Some(seed);
    let is_it = |it: &&mut CheckSummary| it.check.name == *name && (is_told || it.lowest_broken_seed == Some(seed));
    let smaller = shrunk.run.verdicts.iter().find(|check| check.name == *name);
    let (Some(summary), Some(smaller)) = (outcome.checks.iter_mut().find(is_it), smaller) else { return };
    (summary.check.verdict, summary.check.violations) = (smaller.verdict.clone(), smaller.violations);
    if !is_told {
        return;
    }
    if let Some(found) = outcome.repeat.take() {
        outcome.notes.push(format!("as it was found: {found}"));
    }
    outcome.story = story_of_check(&shrunk.run, name);
    outcome.repeat = Some(simulated::replay_of(Path::new(record)));
    outcome.record = Some(record.to_owned());
    outcome.page = page;
}
