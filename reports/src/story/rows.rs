//! What one event says in a story, in few words. Neighbours: `directory` (names), `arrivals` (which message arrived when).

use super::directory::Directory;
use crate::event::{Body, Closer, Event, JobOutcome, Kind, Name, Seen};
use crate::outcome::StoryRow;
use serde_json::Value;

/// How much a row matters, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// The check names it.
    Evidence,
    /// Work begins or ends, is asked for, promised or refused; a connection ends.
    Turn,
    /// What somebody saw or announced.
    Sight,
    /// The rest.
    Detail,
}

/// A row that may be told.
pub(crate) struct Candidate {
    /// Number of its event.
    pub(crate) n: u64,
    /// How much it matters.
    pub(crate) weight: Weight,
    /// The job it is about.
    pub(crate) job: Option<Name>,
    /// The row.
    pub(crate) row: StoryRow,
}

/// The row of an event; none for what tells a reader nothing, such as an operation that merely starts.
pub(crate) fn row(event: &Event, directory: &Directory) -> Option<Candidate> {
    let (weight, text) = match (&event.body, event.kind) {
        (Body::Message { .. }, Kind::Sent | Kind::Received) => return message_row(event, directory),
        (Body::Job { job, client, .. }, Kind::Began) => {
            (Weight::Turn, format!("begins job: {}", short(&directory.job(job, client))))
        }
        (Body::Job { job, client, outcome }, Kind::Ended) => {
            let job = directory.job(job, client);
            (Weight::Turn, format!("ends job: {} {}", short(&job), outcome_word(*outcome)))
        }
        (Body::Discovered { peers }, _) => (Weight::Sight, format!("discover: {}", sees(peers, directory))),
        (Body::Updated { metadata }, _) => (Weight::Sight, format!("announces: {}", announced(metadata))),
        (Body::Registered { .. }, _) => (Weight::Detail, "registers".to_owned()),
        (Body::Reserve { worker, .. }, Kind::Invoked) => {
            (Weight::Detail, format!("asks to reserve: {}", directory.user(worker)))
        }
        (Body::Reserved { worker, .. }, _) => (Weight::Turn, format!("reserves: {}", directory.user(worker))),
        (Body::Closed { by, reason, .. }, _) => (Weight::Turn, closed(*by, reason)),
        (Body::Connection { .. }, Kind::Opened) => (Weight::Detail, "connects".to_owned()),
        (Body::Error { code, message, .. }, _) => {
            let what = if event.op.is_empty() { "is refused" } else { &*event.op };
            (Weight::Turn, format!("{what}: {code} {}", directory.named(message)))
        }
        (Body::Resource { what, id }, Kind::Ok) => (Weight::Detail, format!("{}: {what} {}", event.op, short(id))),
        (Body::Http { request, status }, _) => (Weight::Detail, format!("http: {request} {status}")),
        (Body::Text { text }, _) if event.op.is_empty() => (Weight::Detail, text.to_string()),
        (Body::Text { text }, _) => (Weight::Detail, format!("{}: {text}", event.op)),
        (_, Kind::Unknown) => (Weight::Turn, format!("{}: no answer", event.op)),
        (_, Kind::Failed) => (Weight::Turn, format!("{}: failed", event.op)),
        _ => return None,
    };
    Some(Candidate {
        n: event.n,
        weight,
        job: super::job_of(event).cloned(),
        row: StoryRow {
            n: event.n,
            t_ns: event.t_ns,
            from: event.user.clone(),
            to: None,
            arrived_ns: None,
            text: text.trim_end().to_owned(),
            mark: String::new(),
        },
    })
}

/// A message that was sent, or one that arrived without having been seen to leave.
fn message_row(event: &Event, directory: &Directory) -> Option<Candidate> {
    let Body::Message { kind, from, to, job, .. } = &event.body else { return None };
    let said = job.as_ref().map_or(&**kind, |it| &*it.says);
    let answer = match job.as_ref().and_then(|it| it.accepted) {
        Some(true) => " accepted",
        Some(false) => " refused",
        None => "",
    };
    let weight = match said {
        "job_request" | "job_response" | "job_assignment" | "job_cancel" => Weight::Turn,
        _ => Weight::Detail,
    };
    let is_received = event.kind == Kind::Received;
    let text = match is_received {
        true => format!("receives: {said}{answer} from {}", directory.user(from)),
        false => format!("{said}{answer}"),
    };
    Some(Candidate {
        n: event.n,
        weight,
        job: super::job_of(event).cloned(),
        row: StoryRow {
            n: event.n,
            t_ns: event.t_ns,
            from: event.user.clone(),
            to: (!is_received).then(|| directory.user(to)),
            arrived_ns: None,
            text,
            mark: String::new(),
        },
    })
}

/// What a discovery showed; many peers are counted.
pub(crate) fn sees(peers: &[Seen], directory: &Directory) -> String {
    const NAMED_MAX: usize = 3;
    let name = |seen: &Seen| match &seen.status {
        Some(status) => format!("{} {status}", directory.user(&seen.peer)),
        None => directory.user(&seen.peer).to_string(),
    };
    let mut named: Vec<String> = peers.iter().take(NAMED_MAX).map(name).collect();
    match peers.len() {
        0 => return "sees nobody".to_owned(),
        count if count > NAMED_MAX => named.push(format!("{} more", count - NAMED_MAX)),
        _ => {}
    }
    format!("sees {}", named.join(", "))
}

fn announced(metadata: &Value) -> String {
    match metadata.pointer("/properties/status").and_then(Value::as_str) {
        Some(status) => format!("status {status}"),
        None => "metadata".to_owned(),
    }
}

fn closed(by: Closer, reason: &str) -> String {
    let what = match by {
        Closer::Us => "disconnects",
        Closer::Peer => "connection closed by the server",
        Closer::Network => "connection lost",
        Closer::Fault => "is cut down",
    };
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}

fn outcome_word(outcome: Option<JobOutcome>) -> &'static str {
    match outcome {
        Some(JobOutcome::Completed) => "completed",
        Some(JobOutcome::Failed) => "failed",
        Some(JobOutcome::Cancelled) => "cancelled",
        Some(JobOutcome::Lost) => "lost",
        None => "",
    }
}

/// Ids that nobody can read, such as UUIDs, by their beginning.
fn short(id: &str) -> String {
    const READABLE_MAX: usize = 28;
    match id.char_indices().nth(READABLE_MAX) {
        Some(_) => format!("{}…", id.chars().take(8).collect::<String>()),
        None => id.to_owned(),
    }
}
