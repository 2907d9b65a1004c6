//! The circuit breaker over loopback: a target that goes away in the middle of a run is left alone, tried again, and loaded
//! again or given up.

use crate::live_runs::{at_first_beat, events, options};
use crate::support::{MS, Served, network, plan, step, user};
use rehearsal_loadgen::live::breaker::Patience;
use rehearsal_loadgen::live::holding_back::Restraint;
use rehearsal_loadgen::live::options::{Interrupt, LiveOptions};
use rehearsal_loadgen::live::outcome::Ending as RunEnding;
use rehearsal_loadgen::live::policy::Policy;
use rehearsal_loadgen::live::progress::OnProgress;
use rehearsal_loadgen::live::run;
use rehearsal_reference::network::Network;
use rehearsal_reference::server::ServerOptions;
use rehearsal_reports::event::Body;
use rehearsal_reports::record::{EventReader, FileEnd};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{Behaviour, Ending, Otherwise, Plan, Step, Verb};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// One user who knocks a hundred times a second, for this long.
fn knocking(seconds: u64) -> Plan {
    let steps =
        vec![Step { otherwise: Otherwise::Continue, ..step(Verb::Connect) }, step(Verb::Disconnect(Ending::Clean))];
    let every = Some(Distribution::Fixed(10 * MS));
    let flow = vec![step(Verb::Repeat { times: None, first: None, until: None, every, steps })];
    let mut plan = plan(vec![user(0, "knockers", 0, Behaviour::Flow(flow.into()))]);
    plan.phases.measure_ns = seconds * 1_000 * MS;
    plan
}

/// A breaker that backs off for a second, and for how many tries.
fn patient(options: LiveOptions, tries: u32) -> LiveOptions {
    let patience = Patience { back_off: Duration::from_secs(1), tries, tries_per_second: 50 };
    LiveOptions { policy: Policy { patience, ..options.policy }, ..options }
}

/// What the breaker did, as the record tells it.
fn breaker_told(record: &Path) -> Vec<String> {
    let file = File::open(record.join("events.jsonl.zst")).unwrap();
    let events = EventReader::new(file).unwrap().map(Result::unwrap);
    let told = events.filter_map(|event| match event.body {
        Body::Fault { name, what, .. } if &*name == "circuit breaker" => Some(what.to_string()),
        _ => None,
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_comes_back_while_it_is_left_alone_is_loaded_again() {
    let served = Arc::new(Served::start(ServerOptions::default()).await);
    let out = tempfile::tempdir().unwrap();
    let (_never, interrupt) = watch::channel(Interrupt::None);
    let (port, dying, runtime) = (served.port, served.clone(), tokio::runtime::Handle::current());
    let (mut is_killed, mut back) = (false, None);
    let on_progress: OnProgress = Box::new(move |progress| {
        if progress.t_ns > 0 && !is_killed {
            is_killed = true;
            runtime.block_on(dying.kill());
        }
        if progress.restraint == Restraint::BackedOff && back.is_none() {
            back = Some(runtime.block_on(async {
                let listener = network().bind(&format!("127.0.0.1:{port}")).await.unwrap();
                Served::start_on(listener, ServerOptions::default())
            }));
        }
    });
    let run =
        run(Arc::new(knocking(6)), patient(options(served.target(), &out), 3), on_progress, interrupt).await.unwrap();
    assert_eq!((run.ending, &run.outcome.aborted), (RunEnding::Complete, &None));
    assert_eq!(
        breaker_told(&run.record),
        ["holds users back for 1 s", "lets a few users through", "lets all users through, ended"]
    );
    let notes = &run.outcome.notes;
    let told = notes.iter().find(|note| note.starts_with("circuit breaker: ")).unwrap();
    assert!(told.contains("let everybody through; ") && told.contains("planned beginnings were dropped"), "{told}");
    assert!(run.outcome.errors["held_back"] > 20, "{:?}", run.outcome.errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_stays_out_of_reach_is_left_alone_tried_again_and_given_up() {
    let served = Arc::new(Served::start(ServerOptions::default()).await);
    let out = tempfile::tempdir().unwrap();
    let (_never, interrupt) = watch::channel(Interrupt::None);
    let (dying, runtime) = (served.clone(), tokio::runtime::Handle::current());
    let on_progress = at_first_beat(move || runtime.block_on(dying.kill()));
    let options = patient(options(served.target(), &out), 1);
    let run = run(Arc::new(knocking(600)), options, on_progress, interrupt).await.unwrap();
    assert_eq!((&run.ending, run.outcome.aborted.as_deref()), (&RunEnding::BrokenOff, Some("circuit breaker")));
    assert_eq!(
        breaker_told(&run.record),
        ["holds users back for 1 s", "lets a few users through", "gives the target up, ended"]
    );
    assert!(run.unreachable.is_none(), "something had succeeded before");
    assert_eq!(events(&run.record).1, Some(FileEnd::Finished));
}
