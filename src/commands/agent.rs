//! `rehearsal agent`: plays one segment of somebody's load and ends. The leader speaks through Redis, or, for processes that
//! `load` starts itself, through the standard streams. Neighbours: `crew` (the leader), `loadgen::live::crew::member`.

use super::runtime;
use crate::cli::Agent;
use crate::exit::{Exit, Failure};
use crate::live;
use crate::project;
use crate::records;
use crate::source::Source;
use rehearsal_loadgen::live::crew::children::STANDARD_STREAMS;
use rehearsal_loadgen::live::crew::member::{self, ToLeader};
use rehearsal_loadgen::live::crew::store::{Member, StoreError};
use rehearsal_loadgen::live::crew::words::{FromMember, Work};
use rehearsal_loadgen::live::options::{LiveOptions, LiveRun};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::{heap, machine, url};
use rehearsal_loadgen::target::user_agent;
use rehearsal_reports::record::SharedClock;
use rehearsal_scenarios::plan::{Plan, World};
use std::path::Path;

/// Waits for work and plays it.
pub fn run(arguments: &Agent) -> Result<Exit, Failure> {
    heap::share();
    let runtime = runtime::for_a_load()?;
    if arguments.via == STANDARD_STREAMS {
        return runtime.block_on(as_child(arguments));
    }
    runtime.block_on(async {
        tokio::select! {
            biased;
            ended = as_member(arguments) => ended,
            () = runtime::told_to_leave() => Ok(Exit::Interrupted),
        }
    })
}

/// Signals of the leader's terminal do not reach this process: the leader passes them on.
async fn as_child(arguments: &Agent) -> Result<Exit, Failure> {
    let leader = member::through_standard_streams();
    let mut leader = leader.map_err(|error| Failure::usage(format!("no thread can be started: {error}"), ""))?;
    let Some(work) = member::work(&mut leader).await else { return Ok(Exit::Interrupted) };
    let say = leader.say.clone();
    let clock = SharedClock { name: format!("clock of {}", work.run_id), bound_ns: 0 };
    let (last, exit) = match play(arguments, work, leader, clock).await {
        Ok(run) => (FromMember::Ended(Box::new(member::ended(&run))), live::exit_of(&run)),
        Err(failure) => (member::failed(failure.exit.code(), failure.to_string()), failure.exit),
    };
    say(last);
    Ok(exit)
}

async fn as_member(arguments: &Agent) -> Result<Exit, Failure> {
    let id = machine::surroundings().0.random_hex(8);
    let mut joined = Member::join(&arguments.via, &id).await.map_err(|error| unusable(&error))?;
    let Some(mut leader) = joined.leader.take() else { return Ok(Exit::Expected) };
    eprintln!("agent      {id} waits for work");
    let waiting = member::work(&mut leader);
    let work = match arguments.patience {
        None => waiting.await,
        Some(patience) => tokio::time::timeout(patience, waiting).await.unwrap_or(None),
    };
    let Some(work) = work else {
        return Err(Failure::new(
            Exit::CannotJudge,
            "no work came",
            "`rehearsal load … --agents N --via …` hands it out",
        ));
    };
    eprintln!("agent      {id} plays segment {} of {}", work.segment, work.scenario);
    let clock = joined.clock(&work.run_id);
    let played = play(arguments, work, leader, clock).await;
    let (last, record, exit) = match played {
        Ok(run) => {
            let exit = live::exit_of(&run);
            (FromMember::Ended(Box::new(member::ended(&run))), Some(run.record), exit)
        }
        Err(failure) => {
            eprintln!("{failure}");
            (member::failed(failure.exit.code(), failure.to_string()), None, failure.exit)
        }
    };
    joined.conclude(last, record.as_deref()).await.map_err(|error| unusable(&error))?;
    Ok(exit)
}

fn unusable(error: &StoreError) -> Failure {
    Failure::usage(error.to_string(), "")
}

async fn play(arguments: &Agent, work: Work, leader: ToLeader, clock: SharedClock) -> Result<LiveRun, Failure> {
    if work.lock_hash != env!("REHEARSAL_LOCK_HASH") {
        return Err(Failure::usage(
            "the load is asked for by another build of rehearsal",
            "use the same build everywhere",
        ));
    }
    let plan = plan(&work)?;
    let options = options(arguments, work, clock)?;
    member::play(leader, plan, options).await.map_err(|error| live::failure(&error))
}

fn plan(work: &Work) -> Result<Plan, Failure> {
    let set = work.parameters.clone().into_iter().collect();
    let source = Source::of_text(&work.scenario, &work.text, set, work.scenario.clone());
    let plan = source.scenario(None)?.plan(work.seed, World::Live);
    plan.segment(work.segment).map_err(|error| Failure::usage(error.to_string(), ""))
}

fn options(arguments: &Agent, work: Work, clock: SharedClock) -> Result<LiveOptions, Failure> {
    let mut target = url::target(&work.target, work.http.as_deref(), user_agent(&work.run_id))
        .map_err(|error| Failure::usage(error.to_string(), ""))?;
    // Caps and secrets are those of the project that the agent was started in: they travel nowhere.
    let project = project::load()?;
    target.headers = project.headers;
    Ok(LiveOptions {
        target,
        policy: project.policy,
        step: None,
        allowed_hosts: arguments.yes_i_may_load.clone(),
        trust: arguments.ca.as_deref().map_or(Trust::Machine, |path: &Path| Trust::Private(path.to_owned())),
        out: arguments.out.clone(),
        folder: work.folder,
        segment: Some(work.segment),
        start: Default::default(),
        clock: Some(clock),
        run_id: work.run_id,
        scenario_text: work.text,
        parameters: work.parameters,
        versions: records::versions(),
        lock_hash: work.lock_hash,
        arguments: work.arguments,
    })
}
