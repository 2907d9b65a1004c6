//! What a core wants done, in a few words a line, so that tests read like the exchange that they describe.

use rehearsal_reference::program::{Output, Program};
use serde_json::{Value, json};
use std::time::Duration;

/// All outputs that wait, in words.
pub fn drain(core: &mut impl Program) -> Vec<String> {
    std::iter::from_fn(|| core.poll_output()).map(|output| in_words(&output)).collect()
}

/// Lets time pass: every deadline between the two times is met, one after the other.
pub fn pass(core: &mut impl Program, from: Duration, until: Duration) {
    while let Some(due) = core.deadline().filter(|due| *due <= until) {
        let now = due.max(from);
        core.handle_deadline(now);
        assert!(core.deadline().is_none_or(|next| next > now), "a deadline that was met is due again");
    }
}

/// A `peer_message` as it is delivered.
pub fn from(peer: &str, payload: Value) -> Value {
    json!({ "type": "peer_message", "from_peer_id": peer, "to_peer_id": "me", "payload": payload })
}

fn in_words(output: &Output) -> String {
    match output {
        Output::Send(message) => message_in_words(message),
        Output::JobBegan { job, client } => format!("began {job} for {client}"),
        Output::JobEnded { job, outcome, .. } => format!("ended {job} {outcome}"),
        Output::AttemptBegan { job, attempt_of: None } => format!("attempt {job}"),
        Output::AttemptBegan { job, attempt_of: Some(first) } => format!("attempt {job} of {first}"),
        Output::AttemptEnded { job, worker: Some(worker), outcome } => format!("attempt {job} {outcome} by {worker}"),
        Output::AttemptEnded { job, worker: None, outcome } => format!("attempt {job} {outcome}"),
    }
}

fn message_in_words(message: &Value) -> String {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match text("/type") {
        "update_metadata" => {
            let job = text("/metadata/properties/current_job_id");
            format!("status {} {job}", text("/metadata/properties/status")).trim_end().to_string()
        }
        "peer_message" => {
            let detail = match text("/payload/app_message_type") {
                "job_response" if message["payload"]["accepted"] == true => "yes",
                "job_response" => text("/payload/reason"),
                "job_status" => text("/payload/status"),
                "job_failed" => text("/payload/error/code"),
                "app_error" => text("/payload/error_code"),
                _ => "",
            };
            let said = format!("{} {} {detail}", text("/payload/app_message_type"), text("/payload/job_id"));
            format!("to {}: {}", text("/to_peer_id"), said.trim_end())
        }
        "discover_peers" => format!("discover {}", message["filters"]),
        "reserve_worker" | "release_worker" => format!("{} {}", text("/type"), text("/worker_id")),
        other => other.to_string(),
    }
}
