//! How worker, client and peer tell what they do, for whoever wants to know: a log on a terminal, or a record.
//! Neighbours: `peer` reports connections and messages, `worker` and `client` jobs. Observing never changes behaviour.

use serde_json::Value;

/// What can be observed of one user of the system.
#[derive(Clone, Copy, Debug)]
pub enum Observed<'a> {
    /// A WebSocket connection was opened; connections of a user are numbered from 1.
    Opened {
        /// Number of the connection.
        conn: u32,
        /// `host:port`.
        target: &'a str,
    },
    /// A connection attempt failed.
    ConnectFailed {
        /// Number that the connection would have had.
        conn: u32,
        /// A class: `refused`, `timed_out`, `reset`, `dns`, `tls`, `not_websocket`, `other`.
        class: &'a str,
        /// In words.
        reason: &'a str,
    },
    /// A connection attempt starts.
    Connecting {
        /// Number that the connection will have.
        conn: u32,
    },
    /// A connection ended.
    Closed {
        /// Number of the connection.
        conn: u32,
        /// Who ended it and how.
        end: &'a ConnectionEnd,
    },
    /// A JSON message is handed to the connection.
    Sent {
        /// Number of the connection.
        conn: u32,
        /// The message.
        message: &'a Value,
        /// The same as `serde_json` writes it, where it was written so.
        written: Option<&'a str>,
    },
    /// A JSON message arrived.
    Received {
        /// Number of the connection.
        conn: u32,
        /// The message.
        message: &'a Value,
    },
    /// Something that is no JSON arrived.
    Garbage {
        /// Number of the connection.
        conn: u32,
        /// What is wrong with it.
        reason: &'a str,
    },
    /// A message that had arrived, and that nobody looked at, was dropped: too many wait.
    Dropped {
        /// Number of the connection.
        conn: u32,
        /// The message.
        message: &'a Value,
    },
    /// A worker began to run a job.
    JobBegan {
        /// The job.
        job: &'a str,
        /// Peer id of the client that asked for it.
        client: &'a str,
    },
    /// A worker ended a job.
    JobEnded {
        /// The job.
        job: &'a str,
        /// Peer id of the client.
        client: &'a str,
        /// `completed`, `failed` or `cancelled`.
        outcome: &'static str,
    },
    /// A client starts an attempt to get a job done.
    AttemptBegan {
        /// The job id of this attempt.
        job: &'a str,
        /// The first attempt's job id, if this is another.
        attempt_of: Option<&'a str>,
    },
    /// A client's attempt came to an end.
    AttemptEnded {
        /// The job id of this attempt.
        job: &'a str,
        /// The worker that ran it, if one did.
        worker: Option<&'a str>,
        /// `completed`, `failed`, `cancelled`, `nobody_free` or `lost`.
        outcome: &'static str,
    },
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionEnd {
    /// Who ended it.
    pub by: Side,
    /// Close code of a close frame, if one came.
    pub code: Option<u16>,
    /// In words.
    pub reason: String,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// This side.
    Us,
    /// The other side.
    Peer,
    /// Neither: a reset or a time-out.
    Network,
}

/// Receives what is observed. Called from the task that does the work: must not block.
pub trait Observer: Send + Sync {
    /// One observation.
    fn observe(&self, observed: Observed<'_>);
}

/// Observes nothing.
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Observed<'_>) {}
}
