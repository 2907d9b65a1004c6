//! Steps of a flow: what a user does that plays no built-in behaviour. Neighbours: `user` holds them, `loadgen` plays
//! them.

use crate::distribution::{Distribution, Nanos};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One step of a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name in tables and events; the verb if the scenario gives none.
    pub name: String,
    /// What to do.
    pub verb: Verb,
    /// Values to keep from the answer: variable name -> JSON pointer into it.
    pub save: BTreeMap<String, String>,
    /// What to do when the step fails or times out.
    pub otherwise: Otherwise,
    /// The span that it belongs to: one operation from the begin of the first such step to the end of the last.
    #[serde(default)]
    pub span: Option<String>,
}

/// What a user does after a step that failed or timed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// The operation counts as failed and the flow ends.
    #[default]
    Fail,
    /// The flow ends without a failure.
    Stop,
    /// The flow goes on with the next step.
    Continue,
}

/// What a step does. Strings inside JSON values may hold templates: `${user.id}`, `${user.name}`, `${user.peer_id}`,
/// `${room.id}`, `${room.token}`, `${run.id}`, `${repetition}`, `${row.COLUMN}`, `${filler.BYTES}` and saved variables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Connect and register: all of joining.
    Join,
    /// Open the WebSocket only.
    Connect,
    /// Register on the open connection.
    Register,
    /// `discover_peers` with these filters; `retry` asks again until one matches.
    Discover {
        /// The filters as sent: role, tags, properties.
        filters: Value,
        /// Ask again until at least one peer matches.
        retry: Option<Retry>,
    },
    /// `update_metadata` with this metadata.
    UpdateMetadata {
        /// The metadata as sent: tags, properties.
        metadata: Value,
    },
    /// `peer_message` to a peer.
    Send {
        /// Template for the receiver's peer id.
        to: String,
        /// The payload, a JSON object.
        payload: Value,
    },
    /// Anything on the WebSocket.
    Raw {
        /// An object is sent as JSON; a string is sent as it is, JSON or not, as one text frame.
        message: Value,
    },
    /// Wait for a message that contains this pattern; others are kept for a later expect.
    Expect {
        /// Every key must be present and equal; objects match partially; strings may hold templates.
        pattern: Value,
        /// How long to wait.
        within_ns: Nanos,
    },
    /// Wait for the first message that contains one of several patterns, and go on with what follows that one.
    ExpectOneOf {
        /// The alternatives; of two that match the same message the first counts.
        branches: Vec<Branch>,
        /// How long to wait.
        within_ns: Nanos,
    },
    /// Wait all this time, and fail if a message that contains this pattern comes, or has come and was not expected.
    ExpectNone {
        /// As for `expect`.
        pattern: Value,
        /// How long.
        for_ns: Nanos,
    },
    /// Wait until the other side ends the connection.
    ExpectClose {
        /// The code that its close frame must have; any end will do if absent.
        code: Option<u16>,
        /// How long to wait.
        within_ns: Nanos,
    },
    /// Send bytes that no client of a WebSocket may send.
    Malformed(Malformed),
    /// An HTTP request.
    Http {
        /// Method, upper case.
        method: String,
        /// Path with a leading slash; may hold templates.
        path: String,
        /// JSON body.
        body: Option<Value>,
        /// Send the identity token as bearer.
        bearer: bool,
        /// Statuses that count as success.
        status: Vec<u16>,
    },
    /// Do nothing for a while, drawn at (user, repetition, step).
    Think(Distribution),
    /// Read nothing for a while, drawn at (user, repetition, step): what comes meanwhile fills the buffers on its way.
    StopReading(Distribution),
    /// Wait until this time of the plan; what comes next was planned for it.
    At(Nanos),
    /// End the flow here, without a failure.
    Stop,
    /// Do steps again.
    Repeat {
        /// How often; forever (until the measure phase ends) if absent.
        times: Option<u64>,
        /// Wait this long before the first time.
        #[serde(default)]
        first: Option<Distribution>,
        /// End once the saved variables contain this; the step fails if they never do.
        #[serde(default)]
        until: Option<Value>,
        /// Planned distance between starts; back to back if absent.
        every: Option<Distribution>,
        /// What to repeat.
        steps: Vec<Step>,
    },
    /// Wait until all users of these groups that play this flow have come here.
    Meet {
        /// Name of the meeting point.
        point: String,
        /// How many users must come.
        count: u32,
        /// How long to wait.
        within_ns: Nanos,
    },
    /// End the connection.
    Disconnect(Ending),
    /// End the connection, wait, and join again as the same peer.
    Reconnect {
        /// How the old connection ends.
        ending: Ending,
        /// How long to stay away, drawn at (user, repetition, step).
        after: Distribution,
    },
}

impl Verb {
    /// The word that names it in a scenario, and in events unless the step has a name of its own.
    pub fn word(&self) -> &'static str {
        match self {
            Verb::Join => "join",
            Verb::Connect => "connect",
            Verb::Register => "register",
            Verb::Discover { .. } => "discover",
            Verb::UpdateMetadata { .. } => "update_metadata",
            Verb::Send { .. } => "send",
            Verb::Raw { .. } => "raw",
            Verb::Expect { .. } => "expect",
            Verb::ExpectOneOf { .. } => "expect_one_of",
            Verb::ExpectNone { .. } => "expect_none",
            Verb::ExpectClose { .. } => "expect_close",
            Verb::Malformed(_) => "malformed",
            Verb::Http { .. } => "http",
            Verb::At(_) => "at",
            Verb::Stop => "stop",
            Verb::Think(_) => "think",
            Verb::StopReading(_) => "stop_reading",
            Verb::Repeat { .. } => "repeat",
            Verb::Meet { .. } => "meet",
            Verb::Disconnect(_) => "disconnect",
            Verb::Reconnect { .. } => "reconnect",
        }
    }
}

impl Verb {
    /// The steps inside: of a repetition, or of each branch.
    pub fn inside(&self) -> Vec<&[Step]> {
        match self {
            Verb::Repeat { steps, .. } => vec![steps],
            Verb::ExpectOneOf { branches, .. } => branches.iter().map(|branch| branch.steps.as_slice()).collect(),
            _ => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub fn inside_mut(&mut self) -> Vec<&mut [Step]> {
        match self {
            Verb::Repeat { steps, .. } => vec![steps],
            Verb::ExpectOneOf { branches, .. } => {
                branches.iter_mut().map(|branch| branch.steps.as_mut_slice()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What breaks the WebSocket protocol (RFC 6455, in the order of its sections 5.1 to 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Malformed {
    /// A frame that is not masked, as those of a client must be.
    Unmasked,
    /// A frame with a reserved bit that no extension has given a meaning.
    ReservedBit,
    /// A frame of a kind that does not exist.
    ReservedOpcode,
    /// The head of a frame of a tebibyte, of which nothing follows.
    Endless,
    /// The continuation of a message that never began.
    StrayContinuation,
    /// A ping that is longer than a control frame may be.
    LongPing,
    /// A text that is not UTF-8.
    NotUtf8,
}

impl Malformed {
    /// All of them with the words that name them in a scenario.
    pub const ALL: [(&'static str, Malformed); 7] = [
        ("unmasked", Malformed::Unmasked),
        ("reserved_bit", Malformed::ReservedBit),
        ("reserved_opcode", Malformed::ReservedOpcode),
        ("endless", Malformed::Endless),
        ("stray_continuation", Malformed::StrayContinuation),
        ("long_ping", Malformed::LongPing),
        ("not_utf8", Malformed::NotUtf8),
    ];

    /// The words alone.
    pub const WORDS: [&'static str; 7] = {
        let mut words = [""; 7];
        let mut at = 0;
        while at < words.len() {
            words[at] = Malformed::ALL[at].0;
            at += 1;
        }
        words
    };

    /// The word that names it in a scenario.
    pub fn word(self) -> &'static str {
        Malformed::ALL.iter().find(|(_, malformed)| *malformed == self).map_or("", |(word, _)| word)
    }
}

/// One of several things that may come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// What the message contains.
    pub pattern: Value,
    /// Values to keep from the message, as in [`Step::save`].
    pub save: BTreeMap<String, String>,
    /// What to do then, before the flow goes on.
    pub steps: Vec<Step>,
}

/// Asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Pause between attempts.
    pub every_ns: Nanos,
    /// When to give up, counted from the first attempt.
    pub for_ns: Nanos,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// A WebSocket close, answered.
    Clean,
    /// The TCP connection is reset without a word.
    Abrupt,
    /// The old connection stays open and is simply not used any more (a new one takes over).
    Silent,
}
