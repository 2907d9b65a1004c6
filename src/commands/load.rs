//! `rehearsal load`: plays a scenario as load against a real deployment.

use crate::cli::Load;
use crate::exit::{Exit, Failure};
use crate::live::{self, Where};
use crate::output;
use crate::progress::Verbosity;
use crate::source::{self, Source};
use rehearsal_loadgen::live::options::LiveOptions;
use rehearsal_loadgen::live::telemetry::Outlets;
use rehearsal_reports::outcome::Outcome;
use rehearsal_scenarios::plan::{Plan, Profile, Service, World};

/// Plays the file against the target, one variant after the other.
pub fn run(arguments: &Load) -> Result<Exit, Failure> {
    output::prepare(&arguments.output)?;
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

fn options(arguments: &Load, source: &Source) -> Result<LiveOptions, Failure> {
    live::options(source, &Where::of(&arguments.deployment, arguments.output.out.as_deref()))
}

fn preflight(arguments: &Load, source: &Source, plan: Plan) -> Result<(), Failure> {
    let service = plan.system.service;
    let found = live::preflight(plan, &options(arguments, source)?)?;
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
    let outlets = Outlets { listen: arguments.outlets.metrics_listen, otlp: arguments.outlets.otlp.clone() };
    let run = live::play(plan, options(arguments, source)?, &outlets, Verbosity::of(arguments.output.quiet))?;
    let outcome = live::outcome_of(&run);
    let exit = live::exit_of(&run);
    let html = run.record.join("report.html");
    output::write_html(&html, &outcome.scenario, vec![outcome.clone()], Some(output::closing(exit)))?;
    output::print_outcome(&outcome, arguments.output.format);
    output::print_report_path(&html, arguments.output.format);
    Ok((outcome, exit))
}
