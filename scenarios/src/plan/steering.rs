//! What only a live run knows: rooms that exist, rules that end it, metrics that are watched, the search for a capacity.
//! Neighbours: `judging` (what is judged in the end). Left out: the simulated world, which has no load to steer.

use crate::distribution::Nanos;
use serde::{Deserialize, Serialize};

/// What only a live run knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LivePlan {
    /// Rooms of the target that are joined and never deleted, as the places where their credentials are (`env:NAME`,
    /// `file:PATH`): one for each room of the plan, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub existing_rooms: Vec<String>,
    /// Rules that end the run politely.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abort: Vec<AbortRule>,
    /// Whose metrics are fetched each second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observe: Vec<ObservedPlan>,
    /// The search for a capacity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityPlan>,
}

impl LivePlan {
    /// Whether a live run has nothing of its own: kept plans do not say so then.
    pub fn is_empty(&self) -> bool {
        *self == LivePlan::default()
    }
}

/// The search for the highest load at which thresholds and checks hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityPlan {
    /// The parameter that is the load: a rate, a number of users, the size of a room.
    pub parameter: String,
    /// The least load that is tried.
    pub low: f64,
    /// The highest load that is tried.
    pub high: f64,
    /// Whether only whole numbers make sense.
    pub is_whole: bool,
    /// How near the two ends of the answer must be, as a share of it.
    pub precision: f64,
}

/// A rule that ends a live run politely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbortRule {
    /// As the author wrote it, such as `errors > 5% for 10s`.
    pub text: String,
    /// What is watched.
    pub watched: Watched,
    /// When it is too much, or too little.
    pub beyond: Beyond,
    /// For how long without a break.
    pub for_ns: Nanos,
}

/// What a rule watches, second by second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// The share of operations that failed: of one operation, or of all.
    Errors(Option<String>),
    /// A latency percentile (0–1) of an operation, from the planned time, in nanoseconds.
    Percentile(String, f64),
    /// What the target says at `/health`.
    Health,
    /// A metric of something under `[observe]`: its name there, and the metric's.
    Metric(String, String),
}

/// Past which value a rule ends the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// Above this: nanoseconds, a share 0–1, or a metric's value.
    Above(f64),
    /// Below this: a metric's value.
    Below(f64),
    /// Anything but this word.
    Not(String),
}

/// Something whose metrics are fetched once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedPlan {
    /// Its name in samples and reports.
    pub name: String,
    /// The address of its metrics, `http://…`.
    pub url: String,
}
