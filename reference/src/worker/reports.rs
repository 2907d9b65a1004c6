//! Ends of jobs, until their clients can be taken to know them. Relays have no acknowledgement, so that a report is sent
//! again when the server says that somebody could not be reached, and after a lost connection. A client that hears the
//! same end twice ignores the second. Neighbours: `core` sends what is due here.

use crate::protocol::job::JobMessage;
use std::time::Duration;

/// How long a report may still turn out not to have arrived: longer than a silent connection lives.
const DOUBT_FOR: Duration = Duration::from_secs(60);
/// An error does not say which message it answers; it comes at once, so that only fresh reports are meant.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// How long a client that is not there is given to come back, a try at a time.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const TRIES_MAX: u32 = 10;

/// Reports that wait to be sent, and those that may have to be sent again.
#[derive(Default)]
pub(super) struct Reports {
    waiting: Vec<Report>,
    sent: Vec<Report>,
}

struct Report {
    client: String,
    message: JobMessage,
    // When it is due while it waits, when it left once it was sent.
    at: Duration,
    tries: u32,
}

impl Reports {
    /// Adds the end of a job, due at once.
    pub(super) fn add(&mut self, client: String, message: JobMessage, now: Duration) {
        self.waiting.push(Report { client, message, at: now, tries: 0 });
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the next one is due.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.waiting.iter().map(|report| report.at).min()
    }

    /// Takes what is due, to be sent now: receiver and message.
    pub(super) fn take_due(&mut self, now: Duration) -> Vec<(String, JobMessage)> {
        self.sent.retain(|report| report.at + DOUBT_FOR > now);
        let due = self.waiting.extract_if(.., |report| report.at <= now);
        let due: Vec<Report> = due.map(|report| Report { at: now, tries: report.tries + 1, ..report }).collect();
        let messages = due.iter().map(|report| (report.client.clone(), report.message.clone())).collect();
        self.sent.extend(due);
        messages
    }

    /// Somebody could not be reached: a fresh report may have been for them.
    pub(super) fn unreachable(&mut self, now: Duration) {
        let missed = self.sent.extract_if(.., |report| report.at + FRESH_FOR > now);
        let again = missed.filter(|report| report.tries < TRIES_MAX);
        self.waiting.extend(again.map(|report| Report { at: now + AGAIN_AFTER, ..report }));
    }

    /// The connection is lost, and what was on it may be lost too.
    pub(super) fn lost(&mut self, now: Duration) {
        let doubtful = self.sent.drain(..).filter(|report| report.at + DOUBT_FOR > now);
        self.waiting.extend(doubtful.map(|report| Report { at: now, ..report }));
    }
}
