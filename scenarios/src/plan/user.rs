//! The users of a plan: who, where, when, and what each does. Neighbours: `step` (what a flow is made of).

use super::step::{Ending, Step, Verb};
use crate::distribution::{Distribution, Nanos};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One user: who, where, when, and what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserPlan {
    /// Its number in the plan, from 0: draws are indexed by it.
    pub number: u32,
    /// Its name: group and number within the group, such as `workers-0`.
    pub name: String,
    /// The group it belongs to.
    pub group: String,
    /// Index into [`Plan::rooms`](super::Plan::rooms).
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
    /// Planned work that could not begin within this time is dropped, and counted.
    #[serde(default)]
    pub drop_when_late_ns: Option<Nanos>,
    /// How it leaves and comes back.
    #[serde(default)]
    pub churn: Option<Box<ChurnPlan>>,
    /// Which rows of its group's table it takes.
    #[serde(default)]
    pub rows: Option<RowsPlan>,
}

/// How a user leaves and comes back, again and again until the measure phase ends. Drawn at (user, life).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChurnPlan {
    /// How long it stays.
    pub stay: Distribution,
    /// How it leaves: one of these, by weight.
    pub leave: Vec<(Ending, f64)>,
    /// How long it stays away; for good if absent.
    pub back: Option<Distribution>,
}

/// Which rows of [`Plan::tables`](super::Plan::tables) a user takes: this one in its first repetition, and so many further
/// on in each later one, from the start again after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowsPlan {
    /// The first one, from 0.
    pub first: u64,
    /// How many further on.
    pub step: u64,
}

/// When planned work begins: an open model, whatever came of the work before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PacePlan {
    /// From the user's start to the first.
    pub first: Distribution,
    /// From each to the next.
    pub every: Distribution,
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
    Worker(Box<WorkerPlan>),
    /// The reference client: gets `jobs` jobs done.
    Client(Box<ClientPlan>),
    /// Steps of the scenario's own. Users of a group share them, since fifty thousand copies would be most of a plan.
    Flow(Arc<Vec<Step>>),
}

impl Behaviour {
    /// The latest time of the plan that a flow waits for.
    pub fn latest_ns(&self) -> Option<Nanos> {
        match self {
            Behaviour::Flow(steps) => latest_ns(steps),
            Behaviour::Worker(_) | Behaviour::Client(_) => None,
        }
    }
}

fn latest_ns(steps: &[Step]) -> Option<Nanos> {
    let of_step = |step: &Step| match &step.verb {
        Verb::At(at_ns) => Some(*at_ns),
        verb => verb.inside().into_iter().filter_map(latest_ns).max(),
    };
    steps.iter().filter_map(of_step).max()
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
    /// When each job was planned to begin, in place of `think`.
    #[serde(default)]
    pub pace: Option<PacePlan>,
    /// Properties a worker must have besides `status = available`, in filter form.
    pub choose: BTreeMap<String, Value>,
    /// How many workers it asks at once.
    pub ask: u32,
    /// Cancels each job this long after it began to run; never if absent.
    pub cancel_after: Option<Distribution>,
}
