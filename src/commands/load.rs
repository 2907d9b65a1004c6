//! `rehearsal load`: plays a scenario as load against a real deployment.

use crate::cli::Load;
use crate::crew::{self, Members};
use crate::exit::{Exit, Failure};
use crate::live::{self, Where};
use crate::output;
use crate::progress::Verbosity;
use crate::source::{self, Source};
use rehearsal_loadgen::live::options::{LiveOptions, LiveRun};
use rehearsal_loadgen::live::start::Start;
use rehearsal_loadgen::live::startup::{self, Processes, Route};
use rehearsal_loadgen::live::telemetry::Outlets;
use rehearsal_loadgen::live::url;
use rehearsal_loadgen::target::Target;
use rehearsal_reports::outcome::Outcome;
use rehearsal_scenarios::plan::{Plan, Profile, Service, World};
use std::time::Duration;

/// Plays the file against the target, one variant after the other.
pub fn run(arguments: &Load) -> Result<Exit, Failure> {
    output::prepare(&arguments.output)?;
    arguments.deployment.check()?;
    let sources = source::find_all(std::slice::from_ref(&arguments.file), &arguments.settings)?;
    // All variants are read before any is played: a fault in the last one is told at once.
    let plans = sources.iter().map(|source| Ok(source.scenario(arguments.expect)?.plan(arguments.seed, World::Live)));
    let plans = plans.collect::<Result<Vec<_>, Failure>>()?;
    let (mut outcomes, mut exits) = (Vec::new(), Vec::new());
    for (source, plan) in sources.iter().zip(plans) {
        if arguments.preflight_only {
            preflight(arguments, source, plan)?;
            continue;
        }
        let (outcome, exit) = play(arguments, source, plan)?;
        outcomes.push(outcome);
        exits.push(exit);
        if exit == Exit::Interrupted {
            break;
        }
    }
    if arguments.preflight_only {
        return Ok(Exit::Expected);
    }
    let title = sources.first().map_or("", |source| source.name.as_str());
    let exit = Exit::worst(exits);
    output::write_side_by_side(&sources, &outcomes, exit, &arguments.output)?;
    output::conclude(title, outcomes, exit, &arguments.output)
}

/// The options of a process that plays against the nth target.
fn options(arguments: &Load, source: &Source, nth: usize) -> Result<LiveOptions, Failure> {
    live::options(source, &Where::of(&arguments.deployment, nth, arguments.output.out.as_deref()))
}

fn preflight(arguments: &Load, source: &Source, plan: Plan) -> Result<(), Failure> {
    for nth in 0..arguments.deployment.target.len() {
        preflight_of(arguments, source, plan.clone(), nth)?;
    }
    Ok(())
}

fn preflight_of(arguments: &Load, source: &Source, plan: Plan, nth: usize) -> Result<(), Failure> {
    let service = plan.system.service;
    let found = live::preflight(plan, &options(arguments, source, nth)?)?;
    if service == Service::Own {
        output::print_line(&"preflight  one connection: ok");
        return Ok(());
    }
    let profile = match found.profile {
        Some(Profile::Documented) => "documented",
        Some(Profile::Deployed) => "deployed",
        None => "unknown",
    };
    output::print_line(&format_args!(
        "preflight  one user of each group, {} in all: ok; profile {profile}",
        found.joined
    ));
    found.remarks.iter().for_each(|remark| output::print_line(&format_args!("remark     {remark}")));
    Ok(())
}

fn play(arguments: &Load, source: &Source, plan: Plan) -> Result<(Outcome, Exit), Failure> {
    let run = play_run(arguments, source, plan)?;
    let outcome = live::outcome_of(&run);
    let exit = live::exit_of(&run);
    let html = run.record.join("report.html");
    output::write_html(&html, &outcome.scenario, vec![outcome.clone()], Some(output::closing(exit)))?;
    output::print_outcome(&outcome, arguments.output.format);
    output::print_report_path(&html, arguments.output.format);
    Ok((outcome, exit))
}

/// In this process, in several of them, or a segment alone.
fn play_run(arguments: &Load, source: &Source, plan: Plan) -> Result<LiveRun, Failure> {
    let verbosity = Verbosity::of(arguments.output.quiet);
    let outlets = Outlets { listen: arguments.outlets.metrics_listen, otlp: arguments.outlets.otlp.clone() };
    if let Some(segment) = arguments.segment {
        let part = plan.segment(segment).map_err(|error| Failure::usage(error.to_string(), ""))?;
        let mut options = options(arguments, source, (segment.nth - 1) as usize)?;
        options.segment = Some(segment);
        options.start = start(arguments)?;
        options.clock = live::clock_of_this_machine();
        return live::play(part, options, &outlets, verbosity);
    }
    if let (Some(agents), Some(via)) = (arguments.agents, &arguments.via) {
        return crew::play(&plan, source, arguments, &Members::Elsewhere(agents, via));
    }
    let route = Route::to_all(&targets(arguments)?);
    let wanted =
        arguments.processes.map_or(Processes::AsNeeded(arguments.deployment.target.len() as u32), Processes::Asked);
    let start_up = startup::plan(&plan, route, wanted);
    if start_up.processes == 1 {
        let options = LiveOptions { start: start(arguments)?, ..options(arguments, source, 0)? };
        return live::play(plan, options, &outlets, verbosity);
    }
    if verbosity == Verbosity::Normal {
        eprintln!("start-up   {start_up}");
    }
    start_up.check().map_err(|error| Failure::usage(error.to_string(), ""))?;
    crew::play(&plan, source, arguments, &Members::Here(start_up.processes))
}

fn targets(arguments: &Load) -> Result<Vec<Target>, Failure> {
    let of = |nth| {
        let (ws, http) = arguments.deployment.target_of(nth);
        url::target(ws, http, String::new()).map_err(|error| Failure::usage(error.to_string(), ""))
    };
    (0..arguments.deployment.target.len()).map(of).collect()
}

fn start(arguments: &Load) -> Result<Start, Failure> {
    let Some(at) = arguments.start_at else { return Ok(Start::WhenReady) };
    let at = Duration::try_from_secs_f64(at).map_err(|_| {
        Failure::usage(
            format!("`{at}` is no moment"),
            "--start-at takes seconds since 1970: `date +%s` prints those of now",
        )
    })?;
    Ok(Start::At(at))
}
