//! What holds for worker and client whatever happens to them, in whatever order.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

use proptest::prelude::*;
use rehearsal_reference::client::{ClientCore, ClientProfile};
use rehearsal_reference::defects::Defects;
use rehearsal_reference::program::{Input, Output, Program};
use rehearsal_reference::protocol::Object;
use rehearsal_reference::protocol::job::Requirements;
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::surroundings::Random;
use rehearsal_reference::worker::{Strategy as WorkerStrategy, WorkerCore, WorkerProfile};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
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
            Happens::Hears(message) => core.handle(Input::Message(&message), now),
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
        12 => messages.prop_map(Happens::Hears),
        2 => proptest::sample::select(errors.to_vec()).prop_map(Happens::Hears),
        6 => (0u64..15_000).prop_map(|ms| Happens::Passes(Duration::from_millis(ms))),
    ];
    let ending = proptest::option::of(proptest::sample::select(vec![Shutdown::Drain, Shutdown::Now]));
    (proptest::collection::vec(happens, 1..80), ending).prop_map(|(happens, ending)| {
        let mut script = vec![Happens::Joined];
        script.extend(happens);
        script.extend(ending.map(Happens::Shutdown));
        script
    })
}

fn from_client() -> impl Strategy<Value = Value> {
    let says = proptest::sample::select(vec!["job_request", "job_assignment", "job_assignment", "job_cancel"]);
    let relayed = (says, 0..3u8, 0..4u8).prop_map(|(says, client, job)| {
        let payload = json!({ "app_message_type": says, "job_id": format!("j{job}") });
        json!({ "type": "peer_message", "from_peer_id": format!("c{client}"), "to_peer_id": "w", "payload": payload })
    });
    prop_oneof![3 => relayed, 1 => Just(json!({ "type": "metadata_updated", "peer_id": "w", "metadata": {} }))]
}

fn from_worker() -> impl Strategy<Value = Value> {
    let says = ["job_response", "job_response", "job_status", "job_complete", "job_failed", "job_cancelled"];
    let says = proptest::sample::select(says.to_vec());
    let relayed = (says, 0..3u8, 0..3u8, 0..3u8, any::<bool>()).prop_map(|(says, worker, job, attempt, accepted)| {
        let payload = json!({ "app_message_type": says, "job_id": format!("c-j{job}-a{attempt}"), "accepted": accepted,
                              "status": "running", "error": { "code": "X", "message": "", "recoverable": accepted } });
        json!({ "type": "peer_message", "from_peer_id": format!("w{worker}"), "to_peer_id": "c", "payload": payload })
    });
    let list = (0..4u8).prop_map(|count| {
        let peers: Vec<Value> = (0..count).map(|n| json!({ "peer_id": format!("w{n}"), "role": "worker" })).collect();
        json!({ "type": "peer_list", "to_peer_id": "c", "peers": peers, "count": count })
    });
    let reserved = (0..3u8).prop_map(|worker| json!({ "type": "worker_reserved", "worker_id": format!("w{worker}") }));
    prop_oneof![6 => relayed, 3 => list, 1 => reserved]
}

fn payload(output: &Output) -> Option<(&str, &Value)> {
    let Output::Send(message) = output else { return None };
    Some((message.get("to_peer_id")?.as_str()?, message.get("payload")?))
}

proptest! {
    #[test]
    fn a_hardened_worker_runs_one_job_at_a_time_and_ends_what_it_began(strategy in strategies(), script in around(from_client())) {
        let profile = WorkerProfile {
            strategy,
            defects: Defects::none(),
            tags: Vec::new(),
            properties: Object::new(),
            job_duration: Arc::new(|nth| Duration::from_secs(5 + nth)),
        };
        let mut worker = WorkerCore::new("w", profile);
        let mut running = BTreeSet::new();
        for output in play(&mut worker, script) {
            match output {
                Output::JobBegan { job, .. } => prop_assert!(running.is_empty() && running.insert(job)),
                Output::JobEnded { job, .. } => prop_assert!(running.remove(&job)),
                _ => {}
            }
        }
    }

    #[test]
    fn a_client_makes_one_attempt_at_a_time_and_assigns_each_to_one_worker(
        strategy in strategies(),
        script in around(from_worker()),
    ) {
        let profile = ClientProfile {
            strategy,
            tags: Vec::new(),
            properties: Object::new(),
            jobs: 3,
            job_type: "training".to_string(),
            requirements: Requirements::default(),
            choose: Object::new(),
            ask: 2,
            think: Arc::new(|_| Duration::from_secs(1)),
            cancel_after: Arc::new(|nth| (nth == 1).then_some(Duration::from_secs(2))),
            job_prefix: None,
        };
        let mut client = ClientCore::new("c", profile, Arc::new(Zeros));
        let (mut open, mut seen, mut assigned) = (None, BTreeSet::new(), BTreeMap::new());
        for output in play(&mut client, script) {
            if let Some((worker, said)) = payload(&output)
                && said["app_message_type"] == "job_assignment"
            {
                prop_assert_eq!(Some(said["job_id"].as_str().unwrap()), open.as_deref());
                let before = assigned.insert(said["job_id"].to_string(), worker.to_string());
                prop_assert_eq!(before, None, "assigned twice");
            }
            match output {
                Output::AttemptBegan { job, .. } => {
                    prop_assert!(open.is_none() && seen.insert(job.clone()));
                    open = Some(job);
                }
                Output::AttemptEnded { job, .. } => prop_assert_eq!(open.take(), Some(job)),
                _ => {}
            }
        }
    }
}
