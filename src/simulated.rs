//! Plays a scenario in the simulated world and makes one outcome of many seeds. Used by `simulate`, `replay` and the main
//! job. Neighbours: `sim::explore` plays, `records` keeps, `output` shows.

use crate::confirming;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::progress::{Progress, Verbosity};
use crate::records;
use crate::shrinking::{self, Shrinking};
use crate::source::Source;
use rehearsal_reports::judge::overall;
use rehearsal_reports::outcome::{CheckSummary, Outcome, Seeds};
use rehearsal_reports::record::PLAYBACK;
use rehearsal_scenarios::Scenario;
use rehearsal_scenarios::plan::{Plan, Service, World};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::event_log::Keep;
pub use rehearsal_sim::explore::story_of;
use rehearsal_sim::explore::{self, Exploration, ExploreOptions, Plays, SeedRange, explore};
use rehearsal_sim::seed::{NO_SYSTEM, SeedFailure, SeedOptions, SeedRun, Setup, TICK, play_with};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What one scenario came to over its seeds.
pub struct Simulated {
    /// For readers.
    pub outcome: Outcome,
    /// The exit code that it asks for.
    pub exit: Exit,
}

/// How seeds are played: whoever repeats one must play it the same way.
#[derive(Clone, Copy)]
pub struct How {
    /// Which engine.
    pub engine: EngineKind,
    /// How far virtual time goes in one step of an engine that has steps.
    pub tick: Duration,
}

/// The engine with this name.
pub fn engine(name: &str) -> Result<EngineKind, Failure> {
    EngineKind::ALL.into_iter().find(|engine| engine.name() == name).ok_or_else(|| {
        let known: Vec<_> = EngineKind::ALL.iter().map(|engine| engine.name()).collect();
        Failure::usage(format!("there is no engine {name:?}"), format!("engines are: {}", known.join(", ")))
    })
}

/// Refuses what the engine cannot play, before any seed is.
pub fn refuse_unplayable(source: &Source, plan: &Plan, engine: EngineKind) -> Result<(), Failure> {
    refuse_platform(rehearsal_sim::unsupported())?;
    if plan.system.service == Service::Own {
        return Err(Failure::usage(
            format!("{}: {NO_SYSTEM}", source.shown),
            "simulate it in a test of your package (docs/tutorial.md), or `rehearsal load` it against your process",
        ));
    }
    match engine.refuses(plan) {
        Some(reason) => Err(Failure::usage(
            format!("{}: {reason}, which the {} engine has not", source.shown, engine.name()),
            "another engine may have it, or leave it out",
        )),
        None => Ok(()),
    }
}

/// Refuses to simulate where the machine cannot be kept out of it, for this reason.
fn refuse_platform(reason: Option<String>) -> Result<(), Failure> {
    match reason {
        Some(reason) => Err(Failure::usage(
            format!("simulation is not supported here: {reason}"),
            "load, check, report and lint work on this machine",
        )),
        None => Ok(()),
    }
}

/// How many seeds the progress bar shows when there is no number.
const UNKNOWN_TOTAL: u64 = 0;

/// Plays all seeds of a scenario; broken ones leave records below `runs`.
pub fn play(
    source: &Source,
    scenario: &Scenario,
    options: &ExploreOptions,
    shrinking: Shrinking,
    runs: &Path,
    verbosity: Verbosity,
    interrupted: &AtomicBool,
) -> Result<Simulated, Failure> {
    let total = match options.seeds {
        SeedRange::Count { count, .. } => count,
        SeedRange::For { .. } => UNKNOWN_TOTAL,
    };
    let progress = Progress::start(&source.name, total, verbosity);
    let exploration = explore(&|seed| scenario.plan(seed, World::Simulated), options, &mut |now| {
        progress.at(now.done, &format!("{} broken, {:.0} s virtual", now.broken, now.virtual_ns as f64 / 1e9));
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    progress.finish();
    if let Some(difference) = &exploration.difference {
        return Err(not_deterministic(format!("{}: {difference}", source.shown)));
    }
    if options.plays == Plays::Twice {
        eprintln!("{}: {} seeds played twice, the same both times", source.shown, exploration.seeds.count);
    }
    let how = How { engine: options.engine, tick: options.tick };
    let first = scenario.plan(exploration.seeds.first, World::Simulated);
    let mut outcome = outcome_of(source, &first, &exploration, how);
    // The lowest one is written last: `latest` then points at the seed that the outcome tells of.
    for run in exploration.kept.iter().rev() {
        let kept = keep(source, run.plan.clone(), runs, how)?;
        if kept.run.hash != run.hash {
            let seed = run.plan.seed;
            return Err(not_deterministic(format!("{}: seed {seed} played differently once more", source.shown)));
        }
        (outcome.record, outcome.page) = (kept.outcome.record, kept.outcome.page);
    }
    confirm(source, &exploration, how)?;
    if shrinking.applies(&outcome) {
        shrinking::shrink_all(source, scenario, &exploration, shrinking, runs, verbosity, &mut outcome)?;
    }
    let exit = exit_of(&outcome, &exploration);
    Ok(Simulated { outcome, exit })
}

/// The lowest seed of each way to fail is played once more in a process of its own before it is told: what only fails in this
/// process is no failure of the system.
fn confirm(source: &Source, exploration: &Exploration, how: How) -> Result<(), Failure> {
    let lowest: BTreeSet<u64> = exploration.groups.iter().map(|group| group.lowest_seed).collect();
    for run in exploration.kept.iter().filter(|run| lowest.contains(&run.plan.seed)) {
        if confirming::hash_in_own_process(&run.plan, how)? != run.hash {
            let seed = run.plan.seed;
            return Err(not_deterministic(format!(
                "{}: seed {seed} played differently in a process of its own",
                source.shown
            )));
        }
    }
    Ok(())
}

fn exit_of(outcome: &Outcome, exploration: &Exploration) -> Exit {
    let mut exits = vec![output::exit_of(outcome)];
    if exploration.interrupted {
        exits.push(Exit::Interrupted);
    }
    if exploration.not_deterministic.is_some() {
        exits.push(Exit::NotDeterministic);
    }
    exits.extend(exploration.failures.iter().map(|failure| match failure {
        // Nothing was played that could be judged.
        SeedFailure::NotPrepared { .. } => Exit::CannotJudge,
        SeedFailure::Broke { .. } | SeedFailure::Stuck { .. } => Exit::Unexpected,
    }));
    Exit::worst(exits)
}

fn outcome_of(source: &Source, plan: &Plan, exploration: &Exploration, how: How) -> Outcome {
    Outcome {
        repeat: exploration.seeds.first_broken.map(|seed| repeat(source, seed, how)),
        ..explore::outcome_of(plan, exploration, how.engine)
    }
}

/// An outcome of the simulated world in which nothing has been played yet.
fn frame(plan: &Plan, engine: EngineKind) -> Outcome {
    Outcome { engine: Some(engine.name().to_owned()), ..Outcome::not_played(plan) }
}

/// Whether the source is a plan that was kept: then its record is what can be played again.
pub fn is_pinned(source: &Source) -> bool {
    source.scenario(None).is_ok_and(|scenario| scenario.pinned_seed().is_some())
}

/// The command that plays a record again.
pub fn replay_of(record: &Path) -> String {
    format!("rehearsal replay {}", record.display())
}

/// The command that plays a seed again, for its page: which folder its record is in depends on what was there before.
fn played_again(source: &Source, seed: u64, how: How) -> String {
    if is_pinned(source) { REPLAY_HERE.to_owned() } else { repeat(source, seed, how) }
}

/// The command that plays the record again that somebody stands in.
pub const REPLAY_HERE: &str = "rehearsal replay .    # in the folder of this page";

/// The command that plays a seed again, with everything that shaped it.
pub fn repeat(source: &Source, seed: u64, How { engine, tick }: How) -> String {
    let mut shaped = if tick == TICK { String::new() } else { format!(" --tick {}ms", tick.as_secs_f64() * 1e3) };
    if engine != EngineKind::default() {
        shaped += &format!(" --engine {}", engine.name());
    }
    format!("rehearsal replay {} --seed {seed}{shaped}", source.words())
}

/// A seed that was played for its record.
pub struct Kept {
    /// The run, with its events.
    pub run: SeedRun,
    /// Its outcome.
    pub outcome: Outcome,
}

/// Plays a seed and leaves its record with its report. What is known before it is played is written before: the network
/// log of a replay that is killed stays readable, and its header says what it is of.
pub fn keep(source: &Source, plan: Arc<Plan>, runs: &Path, how: How) -> Result<Kept, Failure> {
    let folder = records::create(runs, &plan)?;
    let log = records::begin(&folder, source, &plan, how.engine)?;
    let options = SeedOptions { engine: how.engine, tick: how.tick, keep: Keep::Events };
    let run = play_with(plan, Setup { options, network_log: Some(log.clone()), ..Setup::default() });
    let outcome = of_one_seed(source, &run, &folder, how);
    records::finish(&folder, &run, &outcome, &log)?;
    output::write_html(&folder.join("report.html"), &outcome.scenario, vec![outcome.clone()], None)?;
    let again = played_again(source, run.plan.seed, how);
    output::write_playback(&folder.join(PLAYBACK), &outcome, &run.events, Some(&again))?;
    Ok(Kept { run, outcome })
}

fn not_deterministic(message: String) -> Failure {
    Failure::new(
        Exit::NotDeterministic,
        message,
        "something in the scenario's programs reads the machine's clock, randomness or threads; `rehearsal replay` names \
         who asks for the first two",
    )
}

/// The outcome of one seed alone, with its record.
fn of_one_seed(source: &Source, run: &SeedRun, record: &Path, how: How) -> Outcome {
    let (verdict, expected, reasons) = overall(&run.verdicts, &run.plan.expect);
    let seed = run.plan.seed;
    let mut notes = if expected { Vec::new() } else { reasons };
    notes.extend(run.failure.iter().map(ToString::to_string));
    let checks = run.verdicts.iter().map(|check| CheckSummary::of_one_seed(check.clone(), seed, &run.plan.expect));
    Outcome {
        verdict,
        expected: expected && run.failure.is_none(),
        seeds: Seeds::of_one(seed, run.is_broken(), run.hash),
        checks: checks.collect(),
        story: story_of(run),
        repeat: Some(if is_pinned(source) { replay_of(record) } else { repeat(source, seed, how) }),
        notes,
        duration_ns: run.virtual_ns as i64,
        record: Some(record.display().to_string()),
        page: Some(record.join(PLAYBACK).display().to_string()),
        ..frame(&run.plan, how.engine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_without_simulation_is_a_usage_error_with_its_reason_and_what_works() {
        let failure = refuse_platform(Some("no libc here".to_owned())).expect_err("refused");
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.message, "simulation is not supported here: no libc here");
        assert!(failure.hint.contains("load, check, report"), "{failure}");
        assert!(refuse_platform(rehearsal_sim::unsupported()).is_ok(), "the tests run where it is supported");
    }
}
