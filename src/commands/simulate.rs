//! `rehearsal simulate`: plays scenarios in the simulated world, over many seeds.

use super::runtime;
use crate::asked::{Asked, Seeds};
use crate::cli::Simulate;
use crate::exit::{Exit, Failure};
use crate::exploring::{Explored, Exploring, Known, SeedLines, TimeBox};
use crate::output;
use crate::progress::Verbosity;
use crate::records;
use crate::shrinking::Shrinking;
use crate::simulated;
use crate::source::{self, Source};
use rehearsal_scenarios::Scenario;
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::{ExploreOptions, Plays, SeedRange};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Plays all files; the exit code is the one that applies over all of them.
pub fn run(arguments: &Simulate) -> Result<Exit, Failure> {
    output::prepare(&arguments.output)?;
    let asked = Asked::of(arguments)?;
    let engine = simulated::engine(&arguments.engine)?;
    let (sources, scenarios): (Vec<_>, Vec<_>) = scenarios(arguments, &asked, engine)?.into_iter().unzip();
    let interrupted = runtime::interrupt_flag()?;
    let mut lines = arguments.each_seed.as_deref().map(SeedLines::create).transpose()?;
    let runs = records::runs(arguments.output.out.as_deref());
    let all = TimeBox::begin(asked.seeds.time().unwrap_or_default());
    let (mut known, mut exits, mut outcomes) = (Known::default(), Vec::new(), Vec::new());
    for (place, (source, scenario)) in sources.iter().zip(&scenarios).enumerate() {
        // What is left is shared by those that are left.
        let share = all.left().unwrap_or_default() / u32::try_from(sources.len() - place).unwrap_or(u32::MAX);
        let exploring = exploring(arguments, &asked, (scenario, engine), share, (&known, &runs, &interrupted));
        let Explored { outcome, exit, exploration } = exploring.play(source, scenario, lines.as_mut())?;
        let is_kept = scenario.pinned_seed().is_some();
        if is_kept {
            known.add(&source.name, &exploration);
        }
        match Verbosity::of(arguments.output.quiet) {
            Verbosity::Quiet => output::print_outcome_quietly(&outcome, arguments.output.format, is_kept),
            Verbosity::Normal => output::print_outcome(&outcome, arguments.output.format),
        }
        exits.push(exit);
        outcomes.push(outcome);
        if interrupted.load(Ordering::Relaxed) {
            exits.push(Exit::Interrupted);
            break;
        }
    }
    lines.map_or(Ok(()), SeedLines::finish)?;
    let exit = Exit::worst(exits);
    output::write_side_by_side(&sources, &outcomes, exit, &arguments.output)?;
    output::conclude("Simulated", outcomes, exit, &arguments.output)
}

/// What is to be played, kept failures first. All files are read before any is played: a fault in the last one is told at
/// once.
fn scenarios(arguments: &Simulate, asked: &Asked, engine: EngineKind) -> Result<Vec<(Source, Scenario)>, Failure> {
    let mut sources = source::find_all(&arguments.files.files, &arguments.settings)?;
    for kept in &asked.kept {
        sources.extend(source::find_kept(kept)?);
    }
    let mut scenarios = Vec::new();
    for source in sources {
        let scenario = source.scenario(arguments.expect)?;
        simulated::refuse_unplayable(&source, &scenario, asked.seeds.first(), engine)?;
        scenarios.push((source, scenario));
    }
    scenarios.sort_by_key(|(_, scenario)| scenario.pinned_seed().is_none());
    Ok(scenarios)
}

fn exploring<'a>(
    arguments: &Simulate,
    asked: &Asked,
    (scenario, engine): (&Scenario, EngineKind),
    share: std::time::Duration,
    (known, runs, interrupted): (&'a Known, &'a Path, &'a AtomicBool),
) -> Exploring<'a> {
    let defaults = ExploreOptions::default();
    let (seeds, time, goes_beyond) = match (scenario.pinned_seed(), asked.seeds) {
        // A plan that was kept has its own seed and no other.
        (Some(seed), _) => (SeedRange::Count { first: seed, count: 1 }, None, false),
        (None, Seeds::Fixed { first, count }) => (SeedRange::Count { first, count }, None, false),
        (None, Seeds::For { first, .. }) => (TimeBox::seeds(share, first), Some(TimeBox::begin(share)), false),
        (None, Seeds::FixedThenFor { first, count, .. }) => {
            (SeedRange::Count { first, count }, Some(TimeBox::begin(share)), true)
        }
    };
    let options = ExploreOptions {
        seeds,
        jobs: arguments.jobs.map_or(defaults.jobs, |jobs| jobs as usize),
        tick: arguments.tick,
        engine,
        stop_at_first: arguments.stop_at_first,
        keep_per_check: arguments.records,
        plays: if arguments.twice { Plays::Twice } else { Plays::Once },
    };
    Exploring {
        options,
        time,
        goes_beyond: goes_beyond && !arguments.stop_at_first,
        shrinking: Shrinking::of(asked.shrink),
        unmet: asked.unmet,
        known,
        runs,
        verbosity: Verbosity::of(arguments.output.quiet),
        interrupted,
    }
}
