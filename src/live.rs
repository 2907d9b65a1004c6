//! Plays a scenario live and shows how it goes: options from arguments, progress on stderr, Ctrl-C, exit codes. Used by
//! `load` and the main job. Neighbours: `loadgen::live` runs it.

use crate::commands::runtime;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::progress::{Progress, Verbosity};
use crate::records;
use crate::source::Source;
use rehearsal_loadgen::live::options::{Interrupt, LiveError, LiveOptions, LiveRun};
use rehearsal_loadgen::live::preflight::Preflight;
use rehearsal_loadgen::live::progress::{Progress as LiveProgress, RunStage};
use rehearsal_loadgen::live::start::Start;
use rehearsal_loadgen::live::startup::{self, Processes, Route};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::url;
use rehearsal_loadgen::live::{self as live_run, machine};
use rehearsal_loadgen::target::user_agent;
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::record::SharedClock;
use rehearsal_reports::render::units;
use rehearsal_scenarios::plan::Plan;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Where and how a live run is to go.
pub struct Where<'a> {
    /// WebSocket address.
    pub target: &'a str,
    /// HTTP address, if it differs.
    pub http: Option<&'a str>,
    /// Hosts that may be loaded besides this machine.
    pub allowed_hosts: &'a [String],
    /// A private certificate authority.
    pub ca: Option<&'a Path>,
    /// The folder in place of `runs`.
    pub out: Option<&'a Path>,
}

/// The options of a live run of this scenario.
pub fn options(source: &Source, place: &Where<'_>) -> Result<LiveOptions, Failure> {
    let (surroundings, _) = machine::surroundings();
    let run_id = surroundings.random_hex(8);
    let target = url::target(place.target, place.http, user_agent(&run_id))
        .map_err(|error| Failure::usage(error.to_string(), ""))?;
    Ok(LiveOptions {
        target,
        allowed_hosts: place.allowed_hosts.to_vec(),
        trust: place.ca.map_or(Trust::Machine, |path| Trust::Private(path.to_owned())),
        out: place.out.map(Path::to_owned),
        run_id,
        scenario_text: String::from_utf8_lossy(&source.bytes).into_owned(),
        parameters: BTreeMap::new(),
        versions: records::versions(),
        lock_hash: env!("REHEARSAL_LOCK_HASH").to_owned(),
        folder: None,
        segment: None,
        start: Start::WhenReady,
        clock: None,
        arguments: records::arguments(),
    })
}

/// The clock of this machine, since it was started: processes on it share it.
pub fn clock_of_this_machine() -> Option<SharedClock> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(SharedClock { name: format!("clock of machine {}", boot.trim()), bound_ns: 0 })
}

/// Plays the plan to its end, or until Ctrl-C.
pub fn play(plan: Plan, mut options: LiveOptions, verbosity: Verbosity) -> Result<LiveRun, Failure> {
    options.parameters = plan.parameters.clone();
    let (tell, interrupt) = watch::channel(Interrupt::None);
    let runtime = runtime::multi_thread()?;
    if verbosity == Verbosity::Normal {
        eprintln!("start-up   {}", startup::plan(&plan, Route::to(&options.target), Processes::One));
    }
    let progress = Progress::start(&plan.scenario, seconds(plan.end_ns()), verbosity);
    let shown = progress.clone();
    let on_progress = Box::new(move |now: &LiveProgress| shown.at(seconds(now.t_ns.max(0) as u64), &line(now)));
    let run = runtime.block_on(async {
        tokio::select! {
            run = live_run::run(Arc::new(plan), options, on_progress, interrupt) => run,
            () = pass_on_interrupts(tell) => unreachable!("passing on interrupts has no end"),
        }
    });
    progress.finish();
    run.map_err(|error| failure(&error))
}

/// The first contact only, until Ctrl-C.
pub fn preflight(plan: Plan, options: &LiveOptions) -> Result<Preflight, Failure> {
    let (tell, interrupt) = watch::channel(Interrupt::None);
    let found = runtime::multi_thread()?.block_on(async {
        tokio::select! {
            found = live_run::preflight_only(Arc::new(plan), options, interrupt) => found,
            () = pass_on_interrupts(tell) => unreachable!("passing on interrupts has no end"),
        }
    });
    found.map_err(|error| failure(&error))
}

/// Whole seconds, for progress.
pub fn seconds(nanos: u64) -> u64 {
    nanos / 1_000_000_000
}

/// The first Ctrl-C ends politely, the second at once; a third is the shell's business.
pub async fn pass_on_interrupts(tell: watch::Sender<Interrupt>) {
    for asked in [Interrupt::Polite, Interrupt::Now] {
        runtime::told_to_leave().await;
        if asked == Interrupt::Polite {
            // A terminal that is gone does not keep the run from ending politely.
            let _ = writeln!(std::io::stderr(), "ending politely; once more to end at once");
        }
        tell.send_replace(asked);
    }
    std::future::pending::<()>().await;
}

/// One line of progress: stage, users, rate, latency, errors.
pub fn line(now: &LiveProgress) -> String {
    let stage = match now.stage {
        RunStage::Preflight => "preflight".to_owned(),
        RunStage::Prepare { made, of } => return format!("prepare    rooms and identities {made}/{of}"),
        RunStage::Waiting => return "waiting for the planned start".to_owned(),
        RunStage::Ramp => "ramp".to_owned(),
        RunStage::WarmUp => "warm-up".to_owned(),
        RunStage::Measure => "measure".to_owned(),
        RunStage::Settle => "settle".to_owned(),
        RunStage::CleanUp => "clean up".to_owned(),
    };
    format!(
        "{stage:10} users {}/{}  {} op/s  p50 {}  p99 {}  errors {}",
        now.users,
        now.users_planned,
        now.rate,
        units::span_or_none(now.p50_ns),
        units::span_or_none(now.p99_ns),
        now.errors
    )
}

/// A run that did not begin, with its exit code. These errors bring their hints.
pub fn failure(error: &LiveError) -> Failure {
    let exit = match error {
        LiveError::Unreachable { .. } => Exit::Unreachable,
        LiveError::Interrupted => Exit::Interrupted,
        _ => Exit::Usage,
    };
    Failure::new(exit, error.to_string(), "")
}

/// The exit code of a live run.
pub fn exit_of(run: &LiveRun) -> Exit {
    let mut exits = vec![output::exit_of(&run.outcome)];
    if run.interrupted != Interrupt::None {
        // Also one that came too late to change the outcome.
        exits.push(Exit::Interrupted);
    }
    if run.unreachable.is_some() {
        exits.push(Exit::Unreachable);
    }
    Exit::worst(exits)
}

/// The outcome, with the reason why nothing was played if that is so.
pub fn outcome_of(run: &LiveRun) -> Outcome {
    let mut outcome = run.outcome.clone();
    outcome.notes.extend(run.unreachable.clone());
    outcome
}
