//! What holds for worker and client whatever happens to them, in whatever order.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use rehearsal_reference::client::{ClientCore, ClientProfile};
use rehearsal_reference::defects::{Defect, Defects};
use rehearsal_reference::program::{Input, Output, Program};
use rehearsal_reference::protocol::Object;
use rehearsal_reference::protocol::job::Requirements;
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::surroundings::Random;
use rehearsal_reference::worker::{Strategy as WorkerStrategy, WorkerCore, WorkerProfile};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

struct Zeros;
impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Something that happens to a program.
#[derive(Clone, Debug)]
enum Happens {
    Joined,
    Lost,
    Hears(Value),
    Passes(Duration),
    Shutdown(Shutdown),
}

/// Stands for the job id of the client's newest attempt, which no script can know before it is played.
const NEWEST: &str = "newest";

/// Plays what happens; every output on the way.
fn play(core: &mut impl Program, script: Vec<Happens>) -> Vec<Output> {
    let mut now = Duration::ZERO;
    let mut outputs = Vec::new();
    for happens in script {
        match happens {
            Happens::Joined => {
                core.metadata();
                core.handle(Input::Joined, now);
            }
            Happens::Lost => core.handle(Input::Lost, now),
            Happens::Hears(mut message) => {
                if let Some(job) = message.pointer_mut("/payload/job_id").filter(|job| *job == NEWEST) {
                    *job = json!(newest(&outputs));
                }
                core.handle(Input::Message(&message), now);
            }
            Happens::Shutdown(asked) => core.handle(Input::Shutdown(asked), now),
            Happens::Passes(time) => {
                let until = now + time;
                while let Some(due) = core.deadline().filter(|due| *due <= until) {
                    now = now.max(due);
                    core.handle_deadline(now);
                    assert!(core.is_done() || core.deadline().is_none_or(|next| next > now), "it would spin");
                }
                now = until;
            }
        }
        outputs.extend(std::iter::from_fn(|| core.poll_output()));
    }
    outputs
}

fn newest(outputs: &[Output]) -> Option<&str> {
    outputs.iter().rev().find_map(|output| match output {
        Output::AttemptBegan { job, .. } => Some(job.as_str()),
        _ => None,
    })
}

fn strategies() -> impl Strategy<Value = WorkerStrategy> {
    let all = [WorkerStrategy::RejectWhenBusy, WorkerStrategy::MetadataFirst, WorkerStrategy::Reservation];
    proptest::sample::select(all.to_vec())
}

fn around(messages: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Vec<Happens>> {
    let error = |code: &str| json!({ "type": "error", "code": code, "message": "" });
    let errors = ["PEER_NOT_FOUND", "UNKNOWN_MESSAGE_TYPE", "WORKER_RESERVED", "NOT_RESERVED"].map(error);
    let happens = prop_oneof![
        1 => Just(Happens::Joined),
        1 => Just(Happens::Lost),
        20 => messages.prop_map(Happens::Hears),
        1 => proptest::sample::select(errors.to_vec()).prop_map(Happens::Hears),
        4 => (0u64..8_000).prop_map(|ms| Happens::Passes(Duration::from_millis(ms))),
    ];
    let ending = proptest::option::of(proptest::sample::select(vec![Shutdown::Drain, Shutdown::Now]));
    (proptest::collection::vec(happens, 1..80), ending).prop_map(|(happens, ending)| {
        let mut script = vec![Happens::Joined];
        script.extend(happens);
        script.extend(ending.map(Happens::Shutdown));
        script
    })
}

/// Each job belongs to a client; now and then a stranger speaks about it.
fn from_client() -> impl Strategy<Value = Value> {
    let says =
        proptest::sample::select(vec!["job_request", "job_request", "job_assignment", "job_assignment", "job_cancel"]);
    let relayed = (says, 0..3u8, proptest::bool::weighted(0.1)).prop_map(|(says, job, is_stranger)| {
        let payload = json!({ "app_message_type": says, "job_id": format!("j{job}") });
        let client = if is_stranger { "stranger".to_string() } else { format!("c{job}") };
        json!({ "type": "peer_message", "from_peer_id": client, "to_peer_id": "w", "payload": payload })
    });
    prop_oneof![4 => relayed, 2 => Just(json!({ "type": "metadata_updated", "peer_id": "w", "metadata": {} }))]
}

fn from_worker() -> impl Strategy<Value = Value> {
    let says = prop_oneof![
        4 => Just("job_response"),
        2 => Just("job_complete"),
        1 => proptest::sample::select(vec!["job_status", "job_failed", "job_cancelled"]),
    ];
    let worker = proptest::sample::select(vec!["w0", "w0", "w0", "w1", "w2"]);
    let job = proptest::sample::select(vec![NEWEST, NEWEST, NEWEST, "c-j0-a0", "c-j1-a0"]);
    let relayed = (says, worker, job, proptest::bool::weighted(0.8)).prop_map(|(says, worker, job, yes)| {
        let payload = json!({ "app_message_type": says, "job_id": job, "accepted": yes, "status": "running",
                              "error": { "code": "X", "message": "", "recoverable": yes } });
        json!({ "type": "peer_message", "from_peer_id": worker, "to_peer_id": "c", "payload": payload })
    });
    let list = (0..3u8).prop_map(|count| {
        let peers: Vec<Value> = (0..count).map(|n| json!({ "peer_id": format!("w{n}"), "role": "worker" })).collect();
        json!({ "type": "peer_list", "to_peer_id": "c", "peers": peers, "count": count })
    });
    let reserved = (0..2u8).prop_map(|worker| json!({ "type": "worker_reserved", "worker_id": format!("w{worker}") }));
    prop_oneof![6 => relayed, 3 => list, 1 => reserved]
}

/// Whether the worker runs one job at a time and ends only what it began.
fn runs_one_job_at_a_time(strategy: WorkerStrategy, defects: &[Defect], script: Vec<Happens>) -> bool {
    let profile = WorkerProfile {
        strategy,
        defects: Defects::from_iter(defects.iter().copied()),
        tags: Vec::new(),
        properties: Object::new(),
        job_duration: Arc::new(|nth| Duration::from_secs(5 + nth)),
    };
    let mut running = BTreeSet::new();
    play(&mut WorkerCore::new("w", profile), script).into_iter().all(|output| match output {
        Output::JobBegan { job, .. } => running.is_empty() && running.insert(job),
        Output::JobEnded { job, .. } => running.remove(&job),
        _ => true,
    })
}

#[test]
fn the_same_events_find_each_defect_that_lets_two_jobs_run() {
    for defect in [Defect::StatusAfterAccept, Defect::NoBusyRejection] {
        let mut runner = TestRunner::deterministic();
        let found = runner.run(&(strategies(), around(from_client())), |(strategy, script)| {
            prop_assert!(runs_one_job_at_a_time(strategy, &[defect], script));
            Ok(())
        });
        assert!(matches!(found, Err(TestError::Fail(..))), "{defect}");
    }
}

/// The jobs that a client assigned, if it made one attempt at a time and assigned each of them to one worker.
fn assignments(strategy: WorkerStrategy, script: Vec<Happens>) -> Result<usize, String> {
    let profile = ClientProfile {
        strategy,
        tags: Vec::new(),
        properties: Object::new(),
        jobs: 3,
        job_type: "training".to_string(),
        requirements: Requirements::default(),
        choose: Object::new(),
        ask: 2,
        think: Arc::new(|job| Duration::from_secs(job.min(1))),
        cancel_after: Arc::new(|nth| (nth == 1).then_some(Duration::from_secs(2))),
        job_prefix: None,
        knows: None,
    };
    let mut client = ClientCore::new("c", profile, Arc::new(Zeros));
    let (mut open, mut seen, mut assigned) = (None, BTreeSet::new(), BTreeSet::new());
    for output in play(&mut client, script) {
        let is_kept = match &output {
            Output::AttemptBegan { job, .. } => open.replace(job.clone()).is_none() && seen.insert(job.clone()),
            Output::AttemptEnded { job, .. } => open.take().as_ref() == Some(job),
            Output::Send(message) if message["payload"]["app_message_type"] == "job_assignment" => {
                let job = message["payload"]["job_id"].as_str().unwrap();
                open.as_deref() == Some(job) && assigned.insert(job.to_string())
            }
            _ => true,
        };
        if !is_kept {
            return Err(format!("{output:?}"));
        }
    }
    Ok(assigned.len())
}

#[test]
fn the_events_around_a_client_lead_to_assignments() {
    let mut runner = TestRunner::deterministic();
    let found = runner.run(&(strategies(), around(from_worker())), |(strategy, script)| {
        prop_assert!(assignments(strategy, script).unwrap() < 2);
        Ok(())
    });
    assert!(matches!(found, Err(TestError::Fail(..))), "no script assigns two jobs");
}

proptest! {
    #[test]
    fn a_hardened_worker_runs_one_job_at_a_time_and_ends_what_it_began(
        strategy in strategies(),
        script in around(from_client()),
    ) {
        prop_assert!(runs_one_job_at_a_time(strategy, &[], script));
    }

    #[test]
    fn a_client_makes_one_attempt_at_a_time_and_assigns_each_to_one_worker(
        strategy in strategies(),
        script in around(from_worker()),
    ) {
        prop_assert_eq!(assignments(strategy, script).err(), None);
    }
}
