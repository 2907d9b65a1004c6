//! The plan: a scenario with a seed applied, all choices already made. Data only; both worlds play it.
//!
//! Times are nanoseconds from the start of the plan (time 0 is after prepare: sign-ins and rooms come before it).
//! What repeats without a known end (think time, a worker's job lengths) stays a [`Distribution`] and is sampled at
//! `draw.at(user).at(repetition).at(step)`, so that late answers shift nothing. Neighbours: `expand` makes a plan from a
//! parsed scenario, `timeline` prints one. Left out: sockets, clocks, and any memory of what happened.

pub(crate) mod arrivals;
mod expand;
pub(crate) mod hosts;
pub(crate) mod timeline;

use crate::distribution::{Distribution, Nanos};
use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// The simulated network, in virtual time.
    Simulated,
    /// Real sockets against a deployment.
    Live,
}

/// A scenario with a seed applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name: its file name without ending.
    pub scenario: String,
    /// What the scenario says it is about; may be empty.
    pub about: String,
    /// The seed that was applied.
    pub seed: u64,
    /// Where it is to run.
    pub world: World,
    /// The system under test.
    pub system: SystemPlan,
    /// How the simulated network behaves between faults.
    pub network: NetworkPlan,
    /// Names of the rooms, in order; at least one.
    pub rooms: Vec<String>,
    /// All users, in the order of their numbers.
    pub users: Vec<UserPlan>,
    /// What goes wrong, by time.
    pub faults: Vec<FaultPlan>,
    /// How long each phase takes.
    pub phases: Phases,
    /// How sign-ins are paced before time 0.
    pub prepare: PreparePlan,
    /// Which checks judge the run.
    pub checks: ChecksPlan,
    /// Service-level objectives, judged live only.
    pub thresholds: Vec<Threshold>,
    /// The verdict that the scenario expects in this world.
    pub expect: Expectation,
}

impl Plan {
    /// Where the draws of one user's repetition and step are made.
    pub fn draw(&self, user: u32, repetition: u64, step: u64) -> Draw {
        Draw::of_seed(self.seed).named("user").at(u64::from(user)).at(repetition).at(step)
    }

    /// The last planned time: every phase has ended by then.
    pub fn end_ns(&self) -> Nanos {
        self.phases.ramp_ns + self.phases.warmup_ns + self.phases.measure_ns + self.phases.settle_ns
    }
}

/// The deployment that the scenario asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemPlan {
    /// A way to deploy.
    pub stage: Stage,
    /// How many servers; 1 on the single stage.
    pub servers: u32,
    /// Names of the server's defects.
    pub defects: Vec<String>,
    /// How long a server needs to start again after a stop or kill that names no time of its own.
    pub restart_takes_ns: Nanos,
    /// Which of the two known behaviours the server shows.
    pub profile: Profile,
    /// Bounds that the server enforces.
    pub limits: Limits,
}

/// A way to deploy the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// One server, state in memory.
    Single,
}

/// The two known behaviours of a signaling server (protocol facts: documented and deployed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// What the documents say, hardened.
    Documented,
    /// What a real server does, quirks included.
    Deployed,
}

/// Bounds that the server enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest incoming message, in bytes.
    pub message_bytes_max: u64,
    /// Largest metadata of one peer, in bytes of JSON.
    pub metadata_bytes_max: u64,
    /// Most peers in one room.
    pub room_peers_max: u32,
    /// Messages that wait for one slow receiver before its connection is closed.
    pub outbound_queue_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes_max: 1 << 20,
            metadata_bytes_max: 64 << 10,
            room_peers_max: 2_000,
            outbound_queue_max: 1_024,
        }
    }
}

/// The simulated network between faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkPlan {
    /// One-way latency of each message.
    pub latency: Distribution,
    /// How long a sender waits for an acknowledgement, and a connect for an answer, before it gives up.
    pub tcp_timeout_ns: Nanos,
}

/// Lengths of the phases after prepare. Thresholds judge operations planned within measure, checks see all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Users arrive.
    pub ramp_ns: Nanos,
    /// All are there, nothing is judged yet.
    pub warmup_ns: Nanos,
    /// What thresholds judge.
    pub measure_ns: Nanos,
    /// No new work; everything heals and must come to rest.
    pub settle_ns: Nanos,
}

impl Phases {
    /// When measuring starts and ends.
    pub fn measured(&self) -> std::ops::Range<Nanos> {
        let start = self.ramp_ns + self.warmup_ns;
        start..start + self.measure_ns
    }
}

/// How users get ready before time 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreparePlan {
    /// Most sign-ins per second, live only.
    pub sign_in_rate: f64,
}

/// One user: who, where, when, and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserPlan {
    /// Its number in the plan, from 0: draws are indexed by it.
    pub number: u32,
    /// Its name: group and number within the group, such as `workers-0`.
    pub name: String,
    /// The group it belongs to.
    pub group: String,
    /// Index into [`Plan::rooms`].
    pub room: u32,
    /// The simulated host it runs on. Users that no fault names share hosts.
    pub host: String,
    /// When it begins.
    pub start_ns: Nanos,
    /// Version of the protocol it speaks.
    pub protocol: Protocol,
    /// What it does.
    pub behaviour: Behaviour,
    /// Its role in the room, as registered (`worker`, `client`, `peer`).
    pub role: String,
    /// Tags in its metadata.
    pub tags: Vec<String>,
    /// Properties in its metadata, choices made.
    pub properties: BTreeMap<String, Value>,
}

/// Version of the signaling protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Registers without role and metadata, relays offer, answer and candidate.
    V1,
    /// Roles, metadata, discovery, peer messages.
    V2,
}

/// What a user does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// The reference worker: runs jobs until the plan's settle phase ends.
    Worker(WorkerPlan),
    /// The reference client: gets `jobs` jobs done.
    Client(ClientPlan),
    /// Steps of the scenario's own.
    Flow(Vec<Step>),
}

/// How a worker protects itself from two jobs at once (operational document).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Answers first, refuses whoever comes while it is not available.
    RejectWhenBusy,
    /// Updates its status and waits for the acknowledgement before it answers (recommended).
    MetadataFirst,
    /// Clients reserve the worker at the server before they ask (`reserve_worker`, 30 s).
    Reservation,
}

/// The built-in worker flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkerPlan {
    /// How it protects itself.
    pub strategy: Strategy,
    /// Names of its defects.
    pub defects: Vec<String>,
    /// How long each job takes, drawn at (user, job, 0).
    pub job: Distribution,
}

/// The built-in client flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientPlan {
    /// Whether it reserves before it asks; the same strategy as its workers'.
    pub strategy: Strategy,
    /// Names of its defects.
    pub defects: Vec<String>,
    /// Jobs it wants done, one after the other.
    pub jobs: u32,
    /// Pause before each further job, drawn at (user, job, 0).
    pub think: Distribution,
    /// Properties a worker must have besides `status = available`, in filter form.
    pub choose: BTreeMap<String, Value>,
    /// How many workers it asks at once.
    pub ask: u32,
    /// Cancels each job this long after it began to run; never if absent.
    pub cancel_after: Option<Distribution>,
}

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
/// `${room.id}`, `${room.token}`, `${run.id}`, `${repetition}` and saved variables.
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
    /// Any JSON on the WebSocket.
    Raw {
        /// The message as sent.
        message: Value,
    },
    /// Wait for a message that contains this pattern; others are kept for a later expect.
    Expect {
        /// Every key must be present and equal; objects match partially; strings may hold templates.
        pattern: Value,
        /// How long to wait.
        within_ns: Nanos,
    },
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
    /// Do steps again.
    Repeat {
        /// How often; forever (until the measure phase ends) if absent.
        times: Option<u64>,
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

/// Something that goes wrong, at a chosen time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultPlan {
    /// Its name in the scenario.
    pub name: String,
    /// When it begins.
    pub at_ns: Nanos,
    /// How long it lasts; a kill without one is for good.
    pub for_ns: Option<Nanos>,
    /// What happens.
    pub action: FaultAction,
}

impl FaultPlan {
    /// Whether it needs power over servers or links, which a live run does not have.
    pub fn is_playable_live(&self) -> bool {
        false
    }
}

/// What a fault does. Hosts are names of simulated hosts: `server-0`, or a user's [`UserPlan::host`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// Nothing passes between the two sets of hosts in the given direction; released on healing.
    Partition {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Which way is cut.
        way: Way,
    },
    /// Messages take longer.
    Latency {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Added to each message's own latency.
        added: Distribution,
    },
    /// Packets are lost: TCP sends them again after a while.
    Loss {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Share of packets lost, 0–1.
        share: f64,
    },
    /// The process dies: its sockets close, peers see FIN or RST at once. Starts again after `for_ns`.
    Kill {
        /// Who.
        hosts: Vec<String>,
    },
    /// The machine vanishes: silence. A new one starts after `for_ns`.
    Lose {
        /// Who.
        hosts: Vec<String>,
    },
}

/// Direction of a cut, from the left side to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Both ways.
    Both,
    /// Only from left to right.
    LeftToRight,
    /// Only from right to left.
    RightToLeft,
}

/// Which checks judge the run, and with which bounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChecksPlan {
    /// Checks that the file names (a verdict "not judged" of these becomes unknown); all apply when none is named.
    pub named: Vec<String>,
    /// Checks left out, with the author's reason.
    pub skipped: BTreeMap<String, String>,
    /// Bounds set by the file: check name -> nanoseconds.
    pub within_ns: BTreeMap<String, Nanos>,
}

/// A service-level objective over one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The operation, such as `discover`.
    pub operation: String,
    /// What is measured.
    pub measure: Measure,
    /// The measured value must be below (or, for throughput, above) this: nanoseconds, a share 0–1, or operations a second.
    pub limit: f64,
    /// As the author wrote it, such as `p99 < 100ms`.
    pub text: String,
}

/// What a threshold measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A latency percentile, 0–1, from the planned time.
    Percentile(f64),
    /// Failed operations over all, 0–1.
    Errors,
    /// Completed operations a second; the only one that must be above its limit.
    Rate,
}

/// The verdict that the scenario expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Every check holds.
    Holds,
    /// At least one of these checks is broken in at least one seed, and no other is. Empty: any.
    Broken(Vec<String>),
    /// Broken or not, both are fine.
    Either,
}
