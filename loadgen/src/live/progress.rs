//! What a live run tells while it goes on, once a second. Neighbours: `recorder` counts, `driver` knows the stage, the
//! command line shows it. Left out: how it looks.

use super::holding_back::Restraint;
use rehearsal_reports::abort::Metrics;
use rehearsal_reports::outcome::{SecondOfOperation, Validity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a live run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RunStage {
    /// The first contact.
    #[default]
    Preflight,
    /// Rooms and identities are made.
    Prepare {
        /// Made so far, rooms and identities together.
        made: usize,
        /// To be made.
        of: usize,
    },
    /// Everything is made; time 0 is a planned moment.
    Waiting,
    /// Users arrive.
    Ramp,
    /// All are there, nothing is judged yet.
    WarmUp,
    /// What thresholds judge.
    Measure,
    /// No new work.
    Settle,
    /// Rooms and identities are removed.
    CleanUp,
}

impl RunStage {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            RunStage::Preflight => "preflight",
            RunStage::Prepare { .. } => "prepare",
            RunStage::Waiting => "waiting",
            RunStage::Ramp => "ramp",
            RunStage::WarmUp => "warm-up",
            RunStage::Measure => "measure",
            RunStage::Settle => "settle",
            RunStage::CleanUp => "clean-up",
        }
    }

    /// Whether users begin something new.
    pub fn is_playing(self) -> bool {
        matches!(self, RunStage::Ramp | RunStage::WarmUp | RunStage::Measure)
    }
}

/// How a live run does, as of the last full second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Where it stands.
    pub stage: RunStage,
    /// How the circuit breaker treats the target.
    pub restraint: Restraint,
    /// Plan time, in nanoseconds; negative before time 0.
    pub t_ns: i64,
    /// The plan's end, in nanoseconds.
    pub end_ns: i64,
    /// Users that are connected.
    pub users: u64,
    /// Users of the plan.
    pub users_planned: usize,
    /// Operations that ended in the last second.
    pub rate: u64,
    /// Planned beginnings a second, as the plan means them while it measures; none if nothing is planned.
    pub rate_planned: Option<f64>,
    /// What ended in the last second, by operation.
    pub operations_now: BTreeMap<String, SecondOfOperation>,
    /// Median response time of the busiest operation in the last second, in nanoseconds; absent without operations.
    pub p50_ns: Option<u64>,
    /// Its 99th percentile (the largest, with fewer than 100), in nanoseconds.
    pub p99_ns: Option<u64>,
    /// Operations that failed or stayed unknown, since time 0.
    pub errors: u64,
    /// Errors by class, since the run began, its preparation included.
    pub error_classes: BTreeMap<String, u64>,
    /// Operations that ended, since time 0.
    pub operations: u64,
    /// Whether the generator keeps up.
    pub generator: Validity,
    /// The latest planned send or tick of the last second, in nanoseconds.
    pub lag_max_ns: u64,
    /// Cores that the generator used in the last second.
    pub cpu_cores: f64,
    /// Its memory, in bytes.
    pub rss_bytes: u64,
    /// The newest metrics of the target and of what is observed.
    pub metrics: Metrics,
}

/// Hears how a run does. Called from the recorder's thread.
pub type OnProgress = Box<dyn FnMut(&Progress) + Send>;
