//! `rehearsal replay`: plays one seed again, with its full event log and its story. Takes a record, whose scenario and seed
//! it plays, or a scenario and a seed.

use super::runtime;
use crate::cli::{Format, Replay};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::records;
use crate::simulated::{self, How};
use crate::source::{self, Source};
use rehearsal_reports::record::Header;
use rehearsal_reports::{render, story};
use rehearsal_scenarios::plan::World;
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::seed::{SeedOptions, SeedRun, play};
use std::path::Path;
use std::sync::Arc;

/// Plays the seed, keeps its record, and tells its story.
pub fn run(arguments: &Replay) -> Result<Exit, Failure> {
    output::prepare(&arguments.output)?;
    let (source, seed, engine) = what(arguments)?;
    let scenario = source.scenario(None)?;
    let plan = Arc::new(scenario.plan(seed, World::Simulated));
    simulated::refuse_unplayable(&source, &plan, engine)?;
    let _interrupted = runtime::interrupt_flag()?;
    let run = play(plan, SeedOptions { tick: arguments.tick, keep: Keep::Events, ..SeedOptions::default() });
    let runs = records::runs(arguments.output.out.as_deref());
    let outcome = simulated::keep_record(&source, &run, &runs, How { engine, tick: arguments.tick })?;
    if arguments.events {
        print_events(&run);
    } else {
        output::print_outcome(&outcome, arguments.output.format);
        if outcome.story.is_none() && arguments.output.format == Format::Text {
            // Nothing broke: what happened is told all the same, since somebody wanted to see it.
            output::print_to_stdout(&render::text::story_columns(&story::timeline(&run.events, true)));
        }
    }
    let exit = output::exit_of(&outcome);
    if arguments.events {
        return Ok(exit);
    }
    output::conclude(scenario.name(), vec![outcome], exit, &arguments.output)
}

/// The scenario and the seed that the arguments name.
fn what(arguments: &Replay) -> Result<(Source, u64, EngineKind), Failure> {
    let header = Path::new(&arguments.what).join("header.json");
    if !header.is_file() {
        let seed = arguments.seed.ok_or_else(|| {
            Failure::usage("which seed of the scenario?", format!("rehearsal replay {} --seed 4", arguments.what))
        })?;
        let engine = arguments.engine.as_deref().map_or(Ok(EngineKind::default()), simulated::engine)?;
        return Ok((source::find(&arguments.what, &arguments.settings)?, seed, engine));
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
    if header.lock_hash != env!("REHEARSAL_LOCK_HASH") || header.versions != records::versions() {
        eprintln!("note: the record was made by another build; its seed may play differently in this one");
    }
    let seed = arguments.seed.unwrap_or(header.seed);
    // A record is replayed by the engine that made it: another one has other latencies.
    let engine = arguments.engine.as_deref().or(header.engine.as_deref());
    let engine = engine.map_or(Ok(EngineKind::default()), simulated::engine)?;
    let mut source = Source::of_record(&header, String::new());
    source.shown = source.name.clone();
    Ok((source, seed, engine))
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
