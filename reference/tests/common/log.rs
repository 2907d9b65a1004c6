//! An observer that keeps what it is told, in a few words a line.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

use rehearsal_reference::observer::{Observed, Observer};
use std::sync::Mutex;

/// What was observed, in order.
#[derive(Default)]
pub struct Log(Mutex<Vec<String>>);

impl Log {
    /// Takes the lines.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Log {
    fn observe(&self, observed: Observed<'_>) {
        let line = match observed {
            Observed::Connecting { conn } => format!("{conn} connecting"),
            Observed::Opened { conn, .. } => format!("{conn} opened"),
            Observed::ConnectFailed { conn, class, .. } => format!("{conn} failed {class}"),
            Observed::Closed { conn, end } => format!("{conn} closed by {:?} {:?}", end.by, end.code),
            Observed::Sent { conn, message, .. } => format!("{conn} sent {}", kind(message)),
            Observed::Received { conn, message } => format!("{conn} received {}", kind(message)),
            Observed::Garbage { conn, .. } => format!("{conn} garbage"),
            Observed::Dropped { conn, message } => format!("{conn} dropped {}", kind(message)),
            Observed::JobBegan { job, client } => format!("began {job} for {client}"),
            Observed::JobEnded { job, outcome, .. } => format!("ended {job} {outcome}"),
            Observed::AttemptBegan { job, .. } => format!("attempt {job}"),
            Observed::AttemptEnded { job, outcome, .. } => format!("attempt {job} {outcome}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

fn kind(message: &serde_json::Value) -> String {
    let inner = message.pointer("/payload/app_message_type").or_else(|| message.get("type"));
    inner.and_then(|kind| kind.as_str()).unwrap_or("?").to_string()
}
