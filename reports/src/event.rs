//! Events: what users and the run write down, one object a line, the same in both worlds. The contract between doing
//! (`loadgen`, `sim`) and judging, counting and showing (everything else in this crate).
//!
//! Servers never write events. An operation is `invoked`, then `ok`, `failed` or `unknown` under one `op_id`; an answer
//! that never came is unknown, not failed. Neighbours: `history` folds events into operations, `record` keeps them.
//! Left out: packets and draws of the simulation, which no check may see.

mod content;
pub(crate) mod json;

pub use content::{CONTENT_BYTES_MAX, Content};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// A cheap, shared name.
pub type Name = Arc<str>;

/// What a message says at some places (JSON pointers). Only strings, numbers, flags and null; a string that is longer than
/// [`SAID_BYTES_MAX`] stands as `xxh3:` and its hash.
pub type Said = BTreeMap<Name, Value>;

/// The longest string that is kept of a message.
pub const SAID_BYTES_MAX: usize = 256;

/// The name of the run itself among the users of a record.
pub const RUN: &str = "run";

/// The operation that stands for planned work that was not begun.
pub const DROPPED: &str = "dropped";

/// How the end of a flow, or of a user, begins that had more to do when the run was over.
pub const CUT_SHORT: &str = "cut short by the end of the run";

/// One line of `events.jsonl`. Its hash covers all that the line tells, without writing it: runs are compared by it.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Event {
    /// Number of the event in its record, from 0, in the order in which they were written.
    pub n: u64,
    /// When, in nanoseconds from time 0 of the plan; negative while preparing.
    pub t_ns: i64,
    /// Number of the process that wrote it: 0 for a single generator.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub process: u32,
    /// Name of the user, or `run` for the run itself.
    pub user: Name,
    /// Number of the user's connection, from 1; 0 when none is concerned.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub conn: u32,
    /// What kind of thing happened.
    pub kind: Kind,
    /// The operation: `connect`, `register`, `discover`, `update_metadata`, `job`, … or a step's own name.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub op: Name,
    /// Ties `invoked` to its end; unique within the user. For `began` and `ended` of a job: the job id is in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op_id: Option<u64>,
    /// When the operation was planned to start, if it had a planned time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_ns: Option<i64>,
    /// What the message behind the event says, where the scenario's own checks look.
    #[serde(default, skip_serializing_if = "Said::is_empty")]
    pub said: Said,
    /// What the message behind the event carries, where the run was played to be shown.
    #[serde(default, skip_serializing_if = "Content::is_empty")]
    pub content: Content,
    /// What the event tells.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub body: Body,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An operation starts.
    Invoked,
    /// It succeeded.
    Ok,
    /// It certainly had no effect.
    Failed,
    /// Nobody can say.
    Unknown,
    /// A message left for the network.
    Sent,
    /// A message arrived.
    Received,
    /// A connection was opened.
    Opened,
    /// A connection ended.
    Closed,
    /// A job, or another span of a user's work, began.
    Began,
    /// It ended.
    Ended,
    /// A fault began or ended.
    Fault,
}

impl Kind {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Invoked => "invoked",
            Kind::Ok => "ok",
            Kind::Failed => "failed",
            Kind::Unknown => "unknown",
            Kind::Sent => "sent",
            Kind::Received => "received",
            Kind::Opened => "opened",
            Kind::Closed => "closed",
            Kind::Began => "began",
            Kind::Ended => "ended",
            Kind::Fault => "fault",
        }
    }
}

/// What an event tells, by kind and operation.
#[derive(Clone, Debug, Default, PartialEq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Body {
    /// Nothing more.
    #[default]
    Empty,
    /// `invoked register`: who joins where.
    Register {
        /// The peer id asked for.
        peer: Name,
        /// The room.
        room: Name,
        /// The role; `peer` in version 1.
        role: Name,
        /// Metadata sent along.
        metadata: Arc<Value>,
    },
    /// `ok register`: who else is there.
    Registered {
        /// The others' ids.
        peers: Vec<Name>,
        /// The room's admin, if the server tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        admin: Option<Name>,
    },
    /// `invoked discover`: the filters.
    Discover {
        /// As sent.
        filters: Arc<Value>,
    },
    /// `ok discover`: who was listed.
    Discovered {
        /// The listed peers.
        peers: Vec<Seen>,
    },
    /// `invoked update_metadata`: the change.
    Update {
        /// As sent: tags, properties.
        metadata: Arc<Value>,
    },
    /// `ok update_metadata`: the merged result.
    Updated {
        /// As acknowledged.
        metadata: Arc<Value>,
    },
    /// `invoked reserve_worker`.
    Reserve {
        /// The worker's peer id.
        worker: Name,
        /// For how long, in seconds.
        duration_sec: Seconds,
    },
    /// `ok reserve_worker`.
    Reserved {
        /// The worker's peer id.
        worker: Name,
        /// When it lapses, in nanoseconds from time 0 of the plan.
        until_ns: i64,
    },
    /// `sent` or `received`: a message on the WebSocket that is relayed between peers.
    Message {
        /// The wire `type`, such as `peer_message` or `offer`.
        #[serde(rename = "type")]
        kind: Name,
        /// The sender as the message names it.
        from: Name,
        /// The receiver as the message names it, or the peer that received it where the wire form names none.
        to: Name,
        /// Hash of the relayed content (canonical JSON), to tell whether it arrived unchanged.
        digest: u64,
        /// The size of the content as canonical JSON.
        bytes: u32,
        /// What the job protocol says inside it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<JobMessage>,
    },
    /// `sent` or `received`: a message between user and server that is no relay and belongs to no known operation.
    Other {
        /// The wire `type`; empty if it has none.
        #[serde(rename = "type")]
        kind: Name,
    },
    /// `received` or the end of an operation: the server or the network said no.
    Error {
        /// The wire code, such as `PEER_NOT_FOUND`, or a class such as `timed_out`, `refused`, `closed`, `garbage`.
        code: Name,
        /// In words.
        message: Name,
        /// The peer the refused message was for, where the server tells.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Name>,
    },
    /// `opened`.
    Connection {
        /// The peer address or URL without secrets.
        target: Name,
    },
    /// `closed`.
    Closed {
        /// Who ended it.
        by: Closer,
        /// WebSocket close code, if one was received.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        /// In words.
        reason: Name,
    },
    /// `began` or `ended` with op `job`, written by the worker that runs it.
    Job {
        /// The job.
        job: Name,
        /// Who asked for it (peer id).
        client: Name,
        /// How it ended; absent when it began.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<JobOutcome>,
    },
    /// `invoked`/`ok`/`failed` with op `request_job`, written by the client: one attempt to get a job done.
    Attempt {
        /// The job id of this attempt.
        job: Name,
        /// The job id of the first attempt at the same work, if this is another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt_of: Option<Name>,
        /// The worker that took it, when known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker: Option<Name>,
    },
    /// `invoked`/`ok` of `sign_in`, `create_room`, `delete_identity`, `delete_room`: something on the target that must be removed.
    Resource {
        /// `identity` or `room`.
        what: Name,
        /// Its id, never its secret.
        id: Name,
    },
    /// `fault`: what went wrong.
    Fault {
        /// Its name in the scenario.
        name: Name,
        /// In words, which checks rely on: `partition begins` and `partition ends` (likewise `latency`, `loss`,
        /// `pause`, `clock skew`), `told to stop`, `exited`, `killed`, `lost`, `restarted`. What ends a fault has the name
        /// of what began it.
        what: Name,
        /// The hosts concerned.
        hosts: Vec<Name>,
        /// Users that run on these hosts.
        users: Vec<Name>,
    },
    /// `ok`/`failed` of `http`.
    Http {
        /// The request line without the host.
        request: Name,
        /// The status.
        status: u16,
    },
    /// Free words for the reader of a story.
    Text {
        /// The words.
        text: Name,
    },
}

/// A number of seconds as a message says it. The same if every bit is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl PartialEq for Seconds {
    fn eq(&self, other: &Seconds) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Hash for Seconds {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Seconds {
    /// In whole nanoseconds.
    pub fn nanos(self) -> i64 {
        (self.0 * 1e9) as i64
    }
}

impl Body {
    fn is_empty(&self) -> bool {
        matches!(self, Body::Empty)
    }
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closer {
    /// This side, on purpose.
    Us,
    /// The other side, with or without a close frame.
    Peer,
    /// The network: reset, time-out.
    Network,
    /// The user's own host was killed or lost.
    Fault,
}

/// One peer in a discovery's answer.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Seen {
    /// Its id.
    pub peer: Name,
    /// `properties.status`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Name>,
    /// Hash of its metadata (canonical JSON, see [`digest`]).
    pub metadata: u64,
}

/// What the job protocol says inside a peer message.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct JobMessage {
    /// `app_message_type`.
    pub says: Name,
    /// `job_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Name>,
    /// `accepted`, in a `job_response`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
}

/// How a job ended at its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobOutcome {
    /// It ran to its end.
    Completed,
    /// It failed.
    Failed,
    /// The client cancelled it.
    Cancelled,
    /// The worker's process ended.
    Lost,
}

/// Hash of a JSON value, the same however a server wrote it: keys sorted, no white space, numbers as `serde_json` prints
/// them. `serde_json::Value` without `preserve_order` sorts by itself.
pub fn digest(value: &Value) -> u64 {
    digest_and_bytes(value).0
}

/// The [`digest`] of a value that `serde_json` has written.
pub fn digest_of_written(json: &str) -> u64 {
    xxh3_64(json.as_bytes())
}

/// The [`digest`] of a value, and how many bytes it has as canonical JSON.
pub fn digest_and_bytes(value: &Value) -> (u64, u32) {
    // Written as a whole before it is hashed: a value is many small pieces.
    let mut json = Vec::with_capacity(512);
    json::write_value(&mut json, value);
    (xxh3_64(&json), u32::try_from(json.len()).unwrap_or(u32::MAX))
}
