//! One seed in the simulated world: how it is played, what cannot be, its record, and the command that repeats it. Used by
//! `exploring` and `replay`. Neighbours: `sim::seed` plays, `records` keeps, `output` shows.

use crate::exit::{Exit, Failure};
use crate::output;
use crate::records;
use crate::source::Source;
use rehearsal_reports::judge::overall;
use rehearsal_reports::outcome::{CheckSummary, Outcome, Seeds};
use rehearsal_reports::record::PLAYBACK;
use rehearsal_scenarios::Scenario;
use rehearsal_scenarios::plan::{Plan, Service, World};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::explore::story_of;
use rehearsal_sim::feature::Feature;
use rehearsal_sim::seed::{NO_SYSTEM, SeedOptions, SeedRun, Setup, TICK, play_with};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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

/// Refuses what the engine cannot play, before any seed is: the plan of this seed speaks for all of them, but for delay
/// points, which some seeds may have and others not.
pub fn refuse_unplayable(source: &Source, scenario: &Scenario, seed: u64, engine: EngineKind) -> Result<(), Failure> {
    refuse_platform(rehearsal_sim::unsupported())?;
    let plan = &scenario.plan(seed, World::Simulated);
    if plan.system.service == Service::Own {
        return Err(Failure::usage(
            format!("{}: {NO_SYSTEM}", source.shown),
            "simulate it in a test of your package (docs/tutorial.md), or `rehearsal load` it against your process",
        ));
    }
    let holds_back = scenario.may_hold_tasks_back() && engine.lacks().contains(&Feature::DelayPoints);
    let swarm = || holds_back.then(|| "`[search]` holds tasks back in some seeds".to_owned());
    match engine.refuses(plan).or_else(swarm) {
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

/// The same seed was not the same twice.
pub fn not_deterministic(message: String) -> Failure {
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
        drawn: run.plan.drawn.clone(),
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
