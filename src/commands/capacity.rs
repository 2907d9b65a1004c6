//! `rehearsal capacity`: run after run against a deployment, in search of the highest load at which thresholds and checks hold.
//! Neighbours: `loadgen::live::capacity` plays the steps, `reports::capacity` decides which ones, `load` plays a single one.

use crate::cli::{Capacity, Format};
use crate::commands::runtime;
use crate::exit::{Exit, Failure};
use crate::live::{self, Where};
use crate::output;
use crate::progress::{Progress, Verbosity};
use crate::records;
use crate::source::{self, Source};
use rehearsal_loadgen::live::capacity::{Listener, search};
use rehearsal_loadgen::live::options::{Interrupt, LiveOptions};
use rehearsal_loadgen::live::progress::{OnProgress, Progress as LiveProgress};
use rehearsal_reports::capacity::outcome::{CapacityOutcome, PlayedStep};
use rehearsal_reports::capacity::search::Answer;
use rehearsal_reports::capacity::step::StepVerdict;
use rehearsal_reports::render;
use rehearsal_scenarios::plan::{CapacityPlan, Plan, World};
use serde_json::Value;
use std::path::Path;
use tokio::sync::watch;

/// Searches, prints each step as it ends, and leaves a report.
pub fn run(arguments: &Capacity) -> Result<Exit, Failure> {
    let source = source::find(&arguments.file, &arguments.settings)?;
    let wanted = source.scenario(None)?.plan(arguments.seed, World::Live).live.capacity.ok_or_else(|| {
        Failure::usage(
            format!("{} does not say what its load is", source.shown),
            "`[capacity]` with `search = \"PARAMETER\"` and `between = [LEAST, HIGHEST]` does",
        )
    })?;
    // What the least and the highest load make of the file is told before any is played.
    for end in [wanted.low, wanted.high] {
        let plan = plan_at(&source, &wanted, end, arguments.seed)?;
        if plan.thresholds.is_empty() {
            return Err(Failure::usage("nothing says when the target is too slow", "a capacity needs `[thresholds]`"));
        }
    }
    if arguments.deployment.target.len() > 1 {
        return Err(Failure::usage(
            "a capacity is searched on one target",
            "name the address behind which the others are",
        ));
    }
    let options = live::options(&source, &Where::of(&arguments.deployment, 0, arguments.out.as_deref()))?;
    let outcome = play(arguments, &source, &wanted, &options)?;
    conclude(arguments, &outcome)
}

fn plan_at(source: &Source, wanted: &CapacityPlan, load: f64, seed: u64) -> Result<Plan, Failure> {
    let value = if wanted.is_whole { Value::from(load as u64) } else { Value::from(load) };
    let mut settings = source.settings.clone();
    settings.set.retain(|(name, _)| *name != wanted.parameter);
    settings.set.push((wanted.parameter.clone(), value));
    Ok(source.with(settings).scenario(None)?.plan(seed, World::Live))
}

fn play(
    arguments: &Capacity,
    source: &Source,
    wanted: &CapacityPlan,
    options: &LiveOptions,
) -> Result<CapacityOutcome, Failure> {
    let (tell, interrupt) = watch::channel(Interrupt::None);
    let verbosity = Verbosity::of(arguments.quiet);
    let progress = Progress::start("", 0, verbosity);
    let (format, parameter) = (arguments.format, wanted.parameter.clone());
    let mut listener = Shown { format, parameter, progress: progress.clone() };
    let plan_at = |load: f64| match plan_at(source, wanted, load, arguments.seed) {
        Ok(plan) => Ok(options.policy.slowed_down(plan)),
        Err(failure) => Err(failure.to_string()),
    };
    let found = runtime::for_a_load()?.block_on(async {
        tokio::select! {
            found = search(wanted, plan_at, options, &mut listener, interrupt) => found,
            () = live::pass_on_interrupts(tell, |line| progress.say(line)) => unreachable!("passing on interrupts has no end"),
        }
    });
    progress.finish();
    found.map_err(|error| live::failure(&error))
}

/// Prints steps as they end, and how the one of the moment goes.
struct Shown {
    format: Format,
    parameter: String,
    progress: Progress,
}

impl Listener for Shown {
    fn begins(&mut self, nth: usize, load: f64, plan: &Plan) -> OnProgress {
        if nth == 0 && self.format == Format::Text {
            output::print_to_stdout(&render::capacity::text::head(&self.parameter));
        }
        let label = format!("{} {}", self.parameter, render::capacity::load(load));
        let progress = self.progress.of(&label, live::seconds(plan.end_ns()));
        Box::new(move |now: &LiveProgress| live::show(&progress, &label, now))
    }

    fn ended(&mut self, nth: usize, step: &PlayedStep) {
        self.progress.clear();
        if self.format == Format::Text {
            output::print_to_stdout(&render::capacity::text::step(nth, step));
        }
    }
}

fn conclude(arguments: &Capacity, outcome: &CapacityOutcome) -> Result<Exit, Failure> {
    let exit = exit_of(outcome);
    let a_step = outcome.steps.iter().find(|step| !step.record.is_empty()).map(|step| Path::new(&step.record));
    let folder = records::search_folder(arguments.out.as_deref(), a_step)?;
    let report =
        output::report(&format!("Capacity of {}", outcome.scenario), Vec::new(), Some(output::closing(exit)), None);
    let html = folder.join("report.html");
    output::write(&html, &render::html::capacity_page(&report, outcome))?;
    let kept = serde_json::to_string_pretty(outcome).expect("only strings and numbers, with string keys");
    output::write(&folder.join("capacity.json"), &kept)?;
    match arguments.format {
        Format::Text => output::print_to_stdout(&render::capacity::text::answer(outcome)),
        Format::Json => output::print_line(&render::capacity::json::line(outcome)),
    }
    output::print_report_path(&html, arguments.format);
    output::print_closing(exit, arguments.format);
    Ok(exit)
}

fn exit_of(outcome: &CapacityOutcome) -> Exit {
    let broken = || {
        let failed = |step: &&PlayedStep| matches!(step.verdict, StepVerdict::Failed { .. });
        outcome.steps.iter().rfind(failed).is_some_and(|step| step.is_check_broken)
    };
    let found = match &outcome.answer {
        Answer::Between { .. } | Answer::AtLeast { .. } => Exit::Expected,
        Answer::Below { .. } if broken() => Exit::Unexpected,
        Answer::Below { .. } => Exit::ThresholdMissed,
        Answer::Unknown { .. } => Exit::CannotJudge,
    };
    if outcome.interrupted { Exit::worst([found, Exit::Interrupted]) } else { found }
}
