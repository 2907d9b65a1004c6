//! Plays a scenario live and shows how it goes: options from arguments, progress on stderr, Ctrl-C, exit codes. Used by
//! `load` and the main job. Neighbours: `loadgen::live` runs it.

use crate::cli::Deployment;
use crate::commands::runtime;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::panel::Panel;
use crate::progress::{Progress, Verbosity};
use crate::project;
use crate::records;
use crate::source::Source;
use rehearsal_loadgen::live::options::{Interrupt, LiveError, LiveOptions, LiveRun};
use rehearsal_loadgen::live::policy::Policy;
use rehearsal_loadgen::live::preflight::Preflight;
use rehearsal_loadgen::live::progress::{Progress as LiveProgress, RunStage};
use rehearsal_loadgen::live::startup::{self, Processes, Route};
use rehearsal_loadgen::live::telemetry::{Outlets, Telemetry};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::url;
use rehearsal_loadgen::live::{self as live_run, heap, machine};
use rehearsal_loadgen::prepare::sign_ins;
use rehearsal_loadgen::target::user_agent;
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::record::SharedClock;
use rehearsal_reports::render::{units, words};
use rehearsal_scenarios::plan::{Identities, Plan};
use std::cmp::Reverse;
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

impl<'a> Where<'a> {
    /// What the arguments say of a process that plays against the nth target.
    pub fn of(deployment: &'a Deployment, nth: usize, out: Option<&'a Path>) -> Where<'a> {
        let (target, http) = deployment.target_of(nth);
        Where { target, http, allowed_hosts: &deployment.yes_i_may_load, ca: deployment.ca.as_deref(), out }
    }
}

/// The options of a live run of this scenario.
pub fn options(source: &Source, place: &Where<'_>) -> Result<LiveOptions, Failure> {
    let (surroundings, _) = machine::surroundings();
    let run_id = surroundings.random_hex(8);
    let mut target = url::target(place.target, place.http, user_agent(&run_id))
        .map_err(|error| Failure::usage(error.to_string(), ""))?;
    let project = project::load()?;
    target.headers = project.headers;
    Ok(LiveOptions {
        allowed_hosts: place.allowed_hosts.to_vec(),
        trust: place.ca.map_or(Trust::Machine, |path| Trust::Private(path.to_owned())),
        out: place.out.map(Path::to_owned),
        scenario_text: String::from_utf8_lossy(&source.bytes).into_owned(),
        versions: records::versions(),
        lock_hash: env!("REHEARSAL_LOCK_HASH").to_owned(),
        policy: project.policy,
        arguments: records::arguments(),
        ..LiveOptions::new(target, run_id)
    })
}

/// The clock of this machine, since it was started: processes on it share it.
pub fn clock_of_this_machine() -> Option<SharedClock> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(SharedClock { name: format!("clock of machine {}", boot.trim()), bound_ns: 0 })
}

/// Plays the plan to its end, or until Ctrl-C.
pub fn play(plan: Plan, mut options: LiveOptions, outlets: &Outlets, verbosity: Verbosity) -> Result<LiveRun, Failure> {
    let plan = options.policy.slowed_down(plan);
    options.parameters = plan.parameters.clone();
    let (tell, interrupt) = watch::channel(Interrupt::None);
    heap::share();
    let runtime = runtime::for_a_load()?;
    if verbosity == Verbosity::Normal {
        eprintln!("start-up   {}", startup::plan(&plan, Route::to(&options.target), Processes::One));
        eprintln!("identities {}", identities(&plan, &options.policy));
    }
    let progress = Progress::start(&plan.scenario, seconds(plan.end_ns()), verbosity);
    let (shown, scenario) = (progress.clone(), plan.scenario.clone());
    let heard = progress.clone();
    let (newest, latest) = watch::channel(None);
    let on_progress = Box::new(move |now: &LiveProgress| {
        show(&shown, &scenario, now);
        newest.send_replace(Some(now.clone()));
    });
    let run = runtime.block_on(async {
        let opened = Telemetry::open(outlets, &options.trust, &options.run_id, latest).await;
        let telemetry = opened.map_err(|error| Failure::usage(error.to_string(), ""))?;
        if let Some(address) = telemetry.listens_on() {
            eprintln!("metrics    http://{address}/metrics");
        }
        let run = tokio::select! {
            run = live_run::run(Arc::new(plan), options, on_progress, interrupt) => run,
            () = telemetry.run() => unreachable!("sending numbers out has no end"),
            () = pass_on_interrupts(tell, |line| heard.say(line)) => {
                unreachable!("passing on interrupts has no end")
            }
        };
        telemetry.flush().await;
        run.map_err(|error| failure(&error))
    });
    progress.finish();
    run
}

/// How many sign-ins a run begins with, before any of them.
fn identities(plan: &Plan, policy: &Policy) -> String {
    let (count, rate) = (sign_ins(plan), units::trimmed(plan.prepare.sign_in_rate, 2));
    let whose = match plan.prepare.identities {
        Identities::PerUser => "one for each user",
        Identities::PerRoom => "one for the users of each room",
        Identities::Shared => "one for all users",
    };
    match &policy.token {
        _ if count == 0 => "none: users only connect".to_owned(),
        Some(place) => format!("no sign-ins: the token comes from {place}"),
        None => format!("{} ({whose}), at most {rate} a second", units::counted(count as u64, "sign-ins")),
    }
}

/// The first contact only, until Ctrl-C.
pub fn preflight(plan: Plan, options: &LiveOptions) -> Result<Preflight, Failure> {
    let (tell, interrupt) = watch::channel(Interrupt::None);
    let found = runtime::for_a_load()?.block_on(async {
        tokio::select! {
            found = live_run::preflight_only(Arc::new(plan), options, interrupt) => found,
            () = pass_on_interrupts(tell, |line| eprintln!("{line}")) => unreachable!("passing on interrupts has no end"),
        }
    });
    found.map_err(|error| failure(&error))
}

/// Whole seconds, for progress.
pub fn seconds(nanos: u64) -> u64 {
    nanos / 1_000_000_000
}

/// The first Ctrl-C ends politely, the second at once; a third is the shell's business.
pub async fn pass_on_interrupts(tell: watch::Sender<Interrupt>, say: impl Fn(&str)) {
    for asked in [Interrupt::Polite, Interrupt::Now] {
        runtime::told_to_leave().await;
        if asked == Interrupt::Polite {
            say("ending politely; once more to end at once");
        }
        tell.send_replace(asked);
    }
    std::future::pending::<()>().await;
}

/// Shows how a run does: a panel on a terminal, a line elsewhere.
pub fn show(progress: &Progress, scenario: &str, now: &LiveProgress) {
    progress.show(seconds(now.t_ns.max(0) as u64), &line(now), || Panel::new(scenario, now));
}

/// One line of progress: stage, users, the rate that is reached and the one that is planned, latency, errors by class, and how the
/// generator does.
pub fn line(now: &LiveProgress) -> String {
    if let RunStage::Prepare { made, of } = now.stage {
        return format!("prepare    rooms and identities {made}/{of}");
    }
    let stage = now.stage.word();
    let planned = now.rate_planned.map(|rate| format!(" ({} planned)", units::rate(rate))).unwrap_or_default();
    let mut classes: Vec<_> = now.error_classes.iter().collect();
    classes.sort_by_key(|(_, count)| Reverse(**count));
    let classes: Vec<String> = classes.iter().take(3).map(|(class, count)| format!("{class} {count}")).collect();
    let classes = if classes.is_empty() { String::new() } else { format!(" ({})", classes.join(", ")) };
    let restraint = now.restraint.words().map(|words| format!("  {words}")).unwrap_or_default();
    format!(
        "{stage:10} users {}/{}  {}{planned}  p50 {}  p99 {}  errors {}{classes}  generator {}{restraint}",
        now.users,
        now.users_planned,
        units::rate(now.rate as f64),
        units::span_or_none(now.p50_ns),
        units::span_or_none(now.p99_ns),
        now.errors,
        words::validity_word(now.generator)
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
    if run.outcome.aborted.is_some() {
        exits.push(Exit::ThresholdMissed);
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
