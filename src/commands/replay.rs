//! `rehearsal replay`: plays one seed again, with its full event log, its story and its entropy ledger. Takes a record, whose
//! scenario, seed and engine it plays, or a scenario and a seed.

use super::runtime;
use crate::cli::{Format, Replay};
use crate::exit::{Exit, Failure};
use crate::ledger;
use crate::output;
use crate::progress::Verbosity;
use crate::records;
use crate::shrinking::{self, Telling};
use crate::simulated::{self, How, Kept};
use crate::source::{self, Source};
use rehearsal_reports::record::Header;
use rehearsal_reports::{render, story};
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::entropy::Ledger;
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::seed::{Callers, SeedOptions, SeedRun, Setup, play_with};
use std::path::Path;
use std::sync::Arc;

/// Plays the seed, keeps its record, and tells its story.
pub fn run(arguments: &Replay) -> Result<Exit, Failure> {
    output::prepare(&arguments.output)?;
    let (source, seed, engine) = what(arguments)?;
    let scenario = source.scenario(None)?;
    let plan = Arc::new(scenario.plan(seed, World::Simulated));
    simulated::refuse_unplayable(&source, &scenario, seed, engine)?;
    let _interrupted = runtime::interrupt_flag()?;
    let runs = records::runs(arguments.output.out.as_deref());
    let how = How { engine, tick: arguments.tick };
    let Kept { run, mut outcome } = simulated::keep(&source, plan.clone(), &runs, how)?;
    if arguments.shrink.shrink {
        let verbosity = Verbosity::of(arguments.output.quiet);
        let telling = Telling { source: &source, told: Some(seed), runs: &runs, verbosity };
        shrinking::shrink_run(&telling, &run, arguments.shrink.time(), &mut outcome)?;
    }
    if arguments.events {
        print_events(&run);
    } else {
        output::print_outcome(&outcome, arguments.output.format);
        if outcome.story.is_none() && arguments.output.format == Format::Text {
            // Nothing broke: what happened is told all the same, since somebody wanted to see it.
            output::print_to_stdout(&render::text::story_columns(&story::timeline(&run.events, true)));
        }
        if arguments.output.format == Format::Text {
            output::print_to_stdout(&ledger::text(&run.ledger, &callers(plan, how)));
        }
    }
    let exit = output::exit_of(&outcome);
    if arguments.events {
        return Ok(exit);
    }
    output::conclude(scenario.name(), vec![outcome], exit, &arguments.output)
}

/// Who asks the machine for time or randomness, in a run of its own: looking at the stack shifts what masks are drawn.
fn callers(plan: Arc<Plan>, How { engine, tick }: How) -> Ledger {
    let options = SeedOptions { engine, tick, keep: Keep::VerdictsOnly };
    play_with(plan, Setup { options, callers: Callers::Named, ..Setup::default() }).ledger
}

/// The scenario and the seed that the arguments name.
fn what(arguments: &Replay) -> Result<(Source, u64, EngineKind), Failure> {
    let header = Path::new(&arguments.what).join("header.json");
    if !header.is_file() {
        let source = source::find(&arguments.what, &arguments.settings)?;
        // A plan that was kept has its own seed.
        let pinned = source.scenario(None)?.pinned_seed();
        let seed = arguments.seed.or(pinned).ok_or_else(|| {
            Failure::usage("which seed of the scenario?", format!("rehearsal replay {} --seed 4", arguments.what))
        })?;
        let engine = arguments.engine.as_deref().map_or(Ok(EngineKind::default()), simulated::engine)?;
        return Ok((source, seed, engine));
    }
    let bytes = std::fs::read(&header)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", header.display()), ""))?;
    let header = Header::from_bytes(&bytes).map_err(|error| Failure::usage(error.to_string(), ""))?;
    if header.world == World::Live {
        return Err(Failure::usage(
            "this record is of a live run, which no seed repeats",
            "`rehearsal check RECORD` judges it again; `rehearsal load` plays its scenario again",
        ));
    }
    for difference in differences(&header) {
        eprintln!("note: the record {difference}; its seed may play differently here");
    }
    let seed = arguments.seed.unwrap_or(header.seed);
    // A record is replayed by the engine that made it: another one has other latencies.
    let engine = arguments.engine.as_deref().or(header.engine.as_deref());
    let engine = engine.map_or(Ok(EngineKind::default()), simulated::engine)?;
    let mut source = Source::of_record(&header, String::new());
    source.shown = source.name.clone();
    Ok((source, seed, engine))
}

/// What of this program is not as it was when the record was made.
fn differences(header: &Header) -> Vec<String> {
    let here = records::versions();
    let mut differences = Vec::new();
    for (name, what) in [("rehearsal", "was made by version"), ("target", "was made on")] {
        let unknown = "an unknown one".to_owned();
        let (was, is) = (header.versions.get(name).unwrap_or(&unknown), here.get(name).unwrap_or(&unknown));
        if was != is {
            differences.push(format!("{what} {was}, this is {is}"));
        }
    }
    let lock_hash = env!("REHEARSAL_LOCK_HASH");
    if header.lock_hash != lock_hash {
        differences.push(format!("was made with other libraries (lock file {}, here {lock_hash})", header.lock_hash));
    }
    differences
}

fn print_events(run: &SeedRun) {
    let mut text = String::new();
    for event in &run.events {
        // Events are plain data with string keys: always JSON.
        text.push_str(&serde_json::to_string(event).unwrap_or_default());
        text.push('\n');
    }
    output::print_to_stdout(&text);
}
