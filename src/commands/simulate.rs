//! `rehearsal simulate`: plays scenarios in the simulated world, over many seeds.

use super::runtime;
use crate::cli::Simulate;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::progress::Verbosity;
use crate::records;
use crate::shrinking::Shrinking;
use crate::simulated;
use crate::source;
use rehearsal_scenarios::Scenario;
use rehearsal_scenarios::plan::World;
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::{ExploreOptions, Plays, SeedRange};
use std::sync::atomic::Ordering;

/// There are no seeds beyond the largest one.
fn refuse_wrapping(arguments: &Simulate) -> Result<(), Failure> {
    match arguments.seed.checked_add(arguments.seeds - 1) {
        Some(_) => Ok(()),
        None => Err(Failure::usage(
            format!("{} seeds from {} go past the largest seed, {}", arguments.seeds, arguments.seed, u64::MAX),
            "lower --seed or --seeds",
        )),
    }
}

/// Plays all files; the exit code is the one that applies over all of them.
pub fn run(arguments: &Simulate) -> Result<Exit, Failure> {
    output::prepare(&arguments.output)?;
    refuse_wrapping(arguments)?;
    let sources = source::find_all(&arguments.files.files, &arguments.settings)?;
    let engine = simulated::engine(&arguments.engine)?;
    // All files are read before any is played: a fault in the last one is told at once.
    let mut scenarios = Vec::new();
    for source in &sources {
        let scenario = source.scenario(arguments.expect)?;
        simulated::refuse_unplayable(source, &scenario.plan(arguments.seed, World::Simulated), engine)?;
        scenarios.push(scenario);
    }
    let interrupted = runtime::interrupt_flag()?;
    let mut exits = Vec::new();
    let mut outcomes = Vec::new();
    for (source, scenario) in sources.iter().zip(&scenarios) {
        let runs = records::runs(arguments.output.out.as_deref());
        let verbosity = Verbosity::of(arguments.output.quiet);
        let options = ExploreOptions { seeds: seeds(arguments, scenario), ..options(arguments, engine) };
        let shrinking = Shrinking::of(arguments.shrink);
        let played = simulated::play(source, scenario, &options, shrinking, &runs, verbosity, &interrupted)?;
        output::print_outcome(&played.outcome, arguments.output.format);
        exits.push(played.exit);
        outcomes.push(played.outcome);
        if interrupted.load(Ordering::Relaxed) {
            exits.push(Exit::Interrupted);
            break;
        }
    }
    let exit = Exit::worst(exits);
    output::write_side_by_side(&sources, &outcomes, exit, &arguments.output)?;
    output::conclude("Simulated", outcomes, exit, &arguments.output)
}

/// A plan that was kept has its own seed and no other.
fn seeds(arguments: &Simulate, scenario: &Scenario) -> SeedRange {
    match (scenario.pinned_seed(), arguments.time) {
        (Some(seed), _) => SeedRange::Count { first: seed, count: 1 },
        (None, Some(duration)) => SeedRange::For { first: arguments.seed, duration },
        (None, None) => SeedRange::Count { first: arguments.seed, count: arguments.seeds },
    }
}

fn options(arguments: &Simulate, engine: EngineKind) -> ExploreOptions {
    let defaults = ExploreOptions::default();
    ExploreOptions {
        jobs: arguments.jobs.map_or(defaults.jobs, |jobs| jobs as usize),
        tick: arguments.tick,
        engine,
        stop_at_first: arguments.stop_at_first,
        keep_per_check: arguments.records,
        plays: if arguments.twice { Plays::Twice } else { Plays::Once },
        ..defaults
    }
}
