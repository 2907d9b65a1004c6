//! `rehearsal doctor`: what this machine has for live runs, how late it wakes planned sends, and what a scenario needs of it.
//! What cannot work is told with its cure, before any socket. Neighbours: `loadgen::live::startup`, which `load` asks too.

use super::runtime;
use crate::cli::Doctor;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::source;
use rehearsal_loadgen::live::startup::{self, Processes, Route, StartUp, supply::Supply};
use rehearsal_loadgen::live::{lag, machine_facts, url};
use rehearsal_loadgen::target::user_agent;
use rehearsal_reports::render::units::{bytes, span, thousands};
use rehearsal_scenarios::plan::World;
use std::time::Duration;

/// Planned sends that are tried out: one second of them.
const SENDS: u32 = 200;
/// Later than this at p99, numbers of a live run are suspect.
const LATE: Duration = Duration::from_millis(10);

/// Examines the machine, and each variant of a file against it.
pub fn run(arguments: &Doctor) -> Result<Exit, Failure> {
    let plans = match &arguments.file {
        Some(file) => plans(arguments, file)?,
        None => Vec::new(),
    };
    machine()?;
    let mut exit = Exit::Expected;
    for (name, start_up) in plans {
        output::print_to_stdout(&format!("\n{name} needs\n{}", table(&start_up)));
        if let Err(error) = start_up.check() {
            output::print_to_stdout(&format!("{error}\n"));
            exit = Exit::Usage;
        }
    }
    Ok(exit)
}

fn plans(arguments: &Doctor, file: &str) -> Result<Vec<(String, StartUp)>, Failure> {
    let targets = arguments.target.iter().map(|target| {
        url::target(target, None, user_agent("doctor")).map_err(|error| Failure::usage(error.to_string(), ""))
    });
    let targets = targets.collect::<Result<Vec<_>, _>>()?;
    let route = if targets.is_empty() { Route::Loopback4 } else { Route::to_all(&targets) };
    let processes = Processes::AsNeeded(targets.len().max(1) as u32);
    let sources = source::find_all(&[file.to_owned()], &arguments.settings)?;
    let plan = |source: &source::Source| {
        let plan = source.scenario(None)?.plan(arguments.seed, World::Live);
        Ok((plan.scenario.clone(), startup::plan(&plan, route, processes)))
    };
    sources.iter().map(plan).collect()
}

fn machine() -> Result<(), Failure> {
    let (facts, supply) = (machine_facts(), Supply::raised());
    let tried = runtime::for_a_load()?.block_on(lag::try_out(SENDS));
    let tried = tried.map_err(|error| Failure::usage(format!("no thread can be started: {error}"), ""))?;
    let known = |number: Option<u64>| number.map_or("unknown".to_owned(), thousands);
    let is_late = Duration::from_nanos(tried.send_p99_ns) > LATE;
    output::print_to_stdout(&format!(
        "processor      {} cores, {}, load {:.2}\nmemory         {} of {} free\nfiles          {} may be open\n\
         ports          {} for each source address\nplanned sends  late by {} in the median, {} at p99, {} at most{}\n",
        facts.cores,
        facts.cpu,
        facts.load,
        bytes(supply.memory_bytes),
        bytes(facts.memory_bytes),
        known(supply.open_files),
        known(supply.ports),
        span(tried.send_p50_ns),
        span(tried.send_p99_ns),
        span(tried.send_max_ns),
        if is_late { ": too busy now, numbers of a live run would be suspect" } else { "" },
    ));
    Ok(())
}

fn table(start_up: &StartUp) -> String {
    let line = |row: &startup::Row| {
        let verdict = if row.cure.is_some() { "  short" } else { "" };
        match row.has.as_str() {
            "" => format!("  {:16} {:>10}\n", row.what, row.needs),
            has => format!("  {:16} {:>10}  of {has}{verdict}\n", row.what, row.needs),
        }
    };
    start_up.rows.iter().map(line).collect()
}
