//! A load that several processes play: starts them here or finds them in a store, leads them, and merges what they leave into one
//! record. A part that is lost makes the outcome invalid. Neighbours: `loadgen::live::crew` leads, `merging` merges, `live`
//! plays a load of one process.

use crate::cli::Load;
use crate::commands::runtime;
use crate::exit::{Exit, Failure};
use crate::itself;
use crate::live;
use crate::merging::{self, Part};
use crate::progress::{Progress, Verbosity};
use crate::project;
use crate::records;
use crate::source::Source;
use rehearsal_loadgen::cleanup::LeftBehind;
use rehearsal_loadgen::live::crew::store::{self, Store, StoreError};
use rehearsal_loadgen::live::crew::words::{Ended, Work};
use rehearsal_loadgen::live::crew::{Crew, End, children, lead};
use rehearsal_loadgen::live::options::{Interrupt, LiveRun};
use rehearsal_loadgen::live::outcome::Ending;
use rehearsal_loadgen::live::progress::Progress as LiveProgress;
use rehearsal_loadgen::live::record_dir::{PARTS, RecordDir};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::{INTERRUPTED, finish, guard, machine, url, utc};
use rehearsal_loadgen::target::user_agent;
use rehearsal_scenarios::plan::{Plan, Segment};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch;

/// How long agents are waited for.
const AGENTS_WITHIN: Duration = Duration::from_secs(60);

/// Where the members are.
pub enum Members<'a> {
    /// Processes of this machine.
    Here(u32),
    /// Agents that wait in this store.
    Elsewhere(u32, &'a str),
}

/// Plays the plan to its end, or until Ctrl-C.
pub fn play(plan: &Plan, source: &Source, arguments: &Load, members: &Members<'_>) -> Result<LiveRun, Failure> {
    let work = work(plan, source, arguments, members)?;
    let surroundings = machine::surroundings().0;
    let runs = records::runs(arguments.output.out.as_deref());
    let dir = RecordDir::create(&runs, &plan.scenario, &utc(surroundings.clock.now())).map_err(|error| {
        Failure::usage(
            format!("the record cannot be written below {}: {error}", runs.display()),
            "--out DIR names another folder",
        )
    })?;
    let folder = dir.path().to_owned();
    let runtime = runtime::multi_thread()?;
    let verbosity = Verbosity::of(arguments.output.quiet);
    let crew = match runtime.block_on(start(work, &folder, arguments, members, verbosity)) {
        Ok(crew) => crew,
        Err(failure) => return give_back(dir, failure),
    };
    let (ends, interrupted) = runtime.block_on(lead_to_the_end(crew, plan, verbosity));
    let cleaned = clean_up_behind(&runtime, &ends, &folder, arguments);
    match nothing_was_played(&ends) {
        Some(failure) => give_back(dir, failure),
        None => conclude(ends, &folder, interrupted, cleaned),
    }
}

/// The work of each member: a segment and its target.
fn work(plan: &Plan, source: &Source, arguments: &Load, members: &Members<'_>) -> Result<Vec<Work>, Failure> {
    let (Members::Here(of) | Members::Elsewhere(of, _)) = *members;
    let targets = arguments.deployment.target.len() as u32;
    if !of.is_multiple_of(targets) {
        return Err(Failure::usage(
            format!("{of} processes cannot be spread evenly over {targets} targets"),
            "each process plays against one target: a multiple of their number is needed",
        ));
    }
    // What is refused is refused before any process begins.
    plan.segment(Segment { nth: 1, of }).map_err(|error| Failure::usage(error.to_string(), ""))?;
    let run_id = machine::surroundings().0.random_hex(8);
    let policy = project::load()?.policy;
    for nth in 0..arguments.deployment.target.len() {
        let (ws, http) = arguments.deployment.target_of(nth);
        let target =
            url::target(ws, http, user_agent(&run_id)).map_err(|error| Failure::usage(error.to_string(), ""))?;
        guard::check(plan, &target, &arguments.deployment.yes_i_may_load, &policy)
            .map_err(|error| Failure::usage(error.to_string(), ""))?;
    }
    let of_segment = |segment: Segment| {
        let (ws, http) = arguments.deployment.target_of((segment.nth - 1) as usize);
        Work {
            scenario: plan.scenario.clone(),
            text: String::from_utf8_lossy(&source.bytes).into_owned(),
            parameters: plan.parameters.clone(),
            seed: plan.seed,
            segment,
            target: ws.to_owned(),
            http: http.map(str::to_owned),
            run_id: run_id.clone(),
            lock_hash: env!("REHEARSAL_LOCK_HASH").to_owned(),
            arguments: records::arguments(),
            folder: None,
        }
    };
    Ok(Segment::all(of).map(of_segment).collect())
}

fn folder_of(folder: &Path, segment: Segment) -> PathBuf {
    folder.join(PARTS).join(segment.nth.to_string())
}

async fn start(
    mut work: Vec<Work>,
    folder: &Path,
    arguments: &Load,
    members: &Members<'_>,
    verbosity: Verbosity,
) -> Result<Crew, Failure> {
    match members {
        Members::Here(_) => {
            work.iter_mut().for_each(|work| work.folder = Some(folder_of(folder, work.segment)));
            let program = itself::program();
            let started = program.and_then(|program| children::start(&program, &for_children(arguments), work));
            started.map_err(|error| Failure::usage(format!("processes cannot be started: {error}"), ""))
        }
        Members::Elsewhere(wanted, via) => {
            let store = Store::open(via).await.map_err(|error| unusable(&error))?;
            let came = |count| {
                if verbosity == Verbosity::Normal {
                    eprintln!("agents     {count} of {wanted}");
                }
            };
            let folder = folder.to_owned();
            let gathered = store::gather(store, work, AGENTS_WITHIN, move |segment| folder_of(&folder, segment), came);
            tokio::select! {
                crew = gathered => crew.map_err(|error| unusable(&error)),
                () = runtime::told_to_leave() => Err(Failure::new(Exit::Interrupted, "interrupted before anything was played", "")),
            }
        }
    }
}

/// What each process is told besides its work.
fn for_children(arguments: &Load) -> Vec<String> {
    let mut told = Vec::new();
    for host in &arguments.deployment.yes_i_may_load {
        told.extend(["--yes-i-may-load".to_owned(), host.clone()]);
    }
    if let Some(ca) = &arguments.deployment.ca {
        told.extend(["--ca".to_owned(), ca.display().to_string()]);
    }
    told
}

fn unusable(error: &StoreError) -> Failure {
    Failure::usage(error.to_string(), "")
}

async fn lead_to_the_end(crew: Crew, plan: &Plan, verbosity: Verbosity) -> (BTreeMap<Segment, End>, Interrupt) {
    let (tell, interrupt) = watch::channel(Interrupt::None);
    let progress = Progress::start(&plan.scenario, live::seconds(plan.end_ns()), verbosity);
    let (shown, scenario) = (progress.clone(), plan.scenario.clone());
    let on_progress = Box::new(move |now: &LiveProgress| live::show(&shown, &scenario, now));
    let asked = interrupt.clone();
    let ends = tokio::select! {
        ends = lead(crew, on_progress, interrupt) => ends,
        () = live::pass_on_interrupts(tell, |line| progress.say(line)) => unreachable!("passing on interrupts has no end"),
    };
    progress.finish();
    let asked = *asked.borrow();
    (ends, asked)
}

/// Why nobody played, if that is so: the first reason that is not the leader's own doing.
fn nothing_was_played(ends: &BTreeMap<Segment, End>) -> Option<Failure> {
    if ends.values().any(|end| matches!(end, End::Ended(_))) {
        return None;
    }
    let own_doing = Exit::Interrupted.code();
    let failed = ends.values().filter_map(|end| match end {
        End::Failed(failed) => {
            Some((Exit::of_code(failed.exit), failed.message.trim_start_matches("error: ").to_owned()))
        }
        End::Gone(why) => Some((Exit::CannotJudge, format!("a process was lost before anything was played: {why}"))),
        End::Ended(_) => None,
    });
    let (mut told, others): (Vec<_>, Vec<_>) = failed.partition(|(exit, _)| exit.code() != own_doing);
    told.extend(others);
    told.into_iter().next().map(|(exit, message)| Failure::new(exit, message, ""))
}

/// What a process that was lost here has left on its target, by its journal.
fn clean_up_behind(
    runtime: &tokio::runtime::Runtime,
    ends: &BTreeMap<Segment, End>,
    folder: &Path,
    arguments: &Load,
) -> Vec<String> {
    let trust = arguments.deployment.ca.clone().map_or(Trust::Machine, Trust::Private);
    // The run that is over could read them.
    let headers = project::load().map(|project| project.headers).unwrap_or_default();
    let lost = ends.iter().filter(|(_, end)| matches!(end, End::Gone(_))).map(|(segment, _)| *segment);
    let mut told = Vec::new();
    for segment in lost {
        let folder = folder_of(folder, segment);
        // An agent elsewhere keeps its journal.
        if !folder.join("journal.jsonl").exists() {
            continue;
        }
        let allowed_hosts = &arguments.deployment.yes_i_may_load;
        match runtime.block_on(finish::finish(&folder, &trust, allowed_hosts, headers.clone())) {
            Ok(finished) if finished.left.is_nothing() => {
                told.push(format!("removed {} rooms and identities that segment {segment} had left", finished.removed));
            }
            Ok(_) | Err(_) => told.push(format!(
                "segment {segment} left rooms or identities; `rehearsal cleanup {}` removes them",
                folder.display()
            )),
        }
    }
    told
}

fn give_back<T>(dir: RecordDir, failure: Failure) -> Result<T, Failure> {
    // Journals that are still needed stay.
    let journals =
        Segment::all(u32::MAX).map(|segment| folder_of(dir.path(), segment)).take_while(|folder| folder.exists());
    let is_needed = |folder: PathBuf| {
        rehearsal_loadgen::live::journal_file::left_in(&folder).is_ok_and(|left| !left.resources.is_empty())
    };
    if !journals.into_iter().any(is_needed)
        && let Err(error) = dir.take_back()
    {
        tracing::warn!("an empty record stays: {error}");
    }
    Err(failure)
}

fn conclude(
    ends: BTreeMap<Segment, End>,
    folder: &Path,
    interrupted: Interrupt,
    cleaned: Vec<String>,
) -> Result<LiveRun, Failure> {
    let (mut parts, mut lost, mut left_behind, mut unreachable) = (Vec::new(), Vec::new(), LeftBehind::default(), None);
    for (segment, end) in ends {
        let own = folder_of(folder, segment);
        match end {
            End::Ended(ended) => {
                let Ended { unreachable: reason, rooms_left, identities_left, clock, clock_offset_ns } = ended;
                parts.push(Part::read(&own)?.on(clock, clock_offset_ns));
                unreachable = unreachable.or(reason);
                left_behind.rooms.extend(rooms_left);
                left_behind.identities.extend(identities_left);
            }
            End::Failed(failed) => {
                let why = failed.message.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                lost.push(format!("segment {segment} was not played: {why}"));
            }
            End::Gone(why) => {
                lost.push(format!("segment {segment} was lost: {why}"));
                // What it had written before counts, and says by itself that it has no end.
                parts.extend(Part::read(&own));
            }
        }
    }
    let mut outcome = merging::merge(&parts, folder, records::arguments(), lost)?;
    outcome.notes.extend(cleaned);
    // Members that are told to end because another is lost were interrupted by nobody.
    outcome.interrupted = interrupted != Interrupt::None;
    outcome.notes.retain(|note| outcome.interrupted || note != INTERRUPTED);
    let ending = if outcome.interrupted { Ending::Interrupted } else { Ending::Complete };
    Ok(LiveRun { outcome, record: folder.to_owned(), left_behind, ending, interrupted, unreachable })
}
