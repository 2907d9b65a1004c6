//! What an outcome says in numbers: operations with their latencies, thresholds, seconds of the run, and whether the generator
//! can be trusted. Neighbours: `numbers` fills it. Data only.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A service-level objective and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdVerdict {
    /// `discover p99 < 100ms`.
    pub name: String,
    /// The limit: nanoseconds, a share 0–1 or operations a second.
    pub limit: f64,
    /// What was measured, in the same unit; absent with too few samples.
    pub measured: Option<f64>,
    /// What is measured, for the unit.
    pub measure: rehearsal_scenarios::plan::Measure,
    /// `met`, `missed` or `unknown`.
    pub verdict: Met,
    /// How many samples it rests on.
    pub samples: u64,
    /// Why it is unknown, or how it was marked.
    pub remark: Option<String>,
}

/// Whether an objective was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// It was.
    Met,
    /// It was not.
    Missed,
    /// Too few samples, or an invalid generator.
    Unknown,
}

/// Numbers of one operation. Latencies are in nanoseconds; a percentile without enough samples is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationNumbers {
    /// Its name.
    pub name: String,
    /// Whether its times were planned or each one followed another.
    pub model: Model,
    /// Which phase the row is about: the measure phase, or all others if nothing was planned in it (sign-ins).
    #[serde(default)]
    pub period: Period,
    /// How many ended that were planned in this period.
    pub count: u64,
    /// How many of them failed or stayed unknown.
    pub errors: u64,
    /// Errors by class, over all phases: more than `errors`, if some lie outside of the row's period.
    #[serde(default)]
    pub error_classes: BTreeMap<String, u64>,
    /// From the planned time to the answer.
    pub response: Latency,
    /// From sending to the answer.
    pub service: Latency,
    /// Points of the percentile curve of the response time: (percentile 0–100, nanoseconds).
    pub curve: Vec<(f64, u64)>,
}

/// When the operations of a table's row were planned (or, following another, invoked).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Within the measure phase: what thresholds judge.
    #[default]
    Measure,
    /// All of them before the measure phase.
    Before,
    /// All of them after it.
    After,
    /// Some before and some after it, none within.
    Outside,
    /// At any time, since the plan measures nothing apart.
    Whole,
}

/// Whether an operation's times were planned (open) or each one followed another (closed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// It had a planned time.
    Planned,
    /// It started when the one before had ended.
    Closed,
}

/// A latency distribution in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Smallest.
    pub min_ns: Option<u64>,
    /// Mean.
    pub mean_ns: Option<u64>,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90 %.
    pub p90_ns: Option<u64>,
    /// 99 %; needs 100 samples.
    pub p99_ns: Option<u64>,
    /// 99.9 %; needs 1,000 samples.
    pub p999_ns: Option<u64>,
    /// Largest.
    pub max_ns: Option<u64>,
}

/// One second of a live run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Which one, from time 0 of the plan; negative while preparing.
    pub second: i64,
    /// Connected users at its end.
    pub users: u64,
    /// By operation: what ended in it.
    pub operations: BTreeMap<String, SecondOfOperation>,
    /// Lag of the generator: the largest distance between planned and sent, in nanoseconds.
    pub lag_max_ns: u64,
}

/// A metric of the target, or of something that is observed, over a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedSeries {
    /// Whose: `target`, or a name under `[observe]`.
    pub of: String,
    /// The metric.
    pub metric: String,
    /// When, in nanoseconds of plan time, and its value.
    pub points: Vec<(i64, f64)>,
}

/// What ended in one second, of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondOfOperation {
    /// How many.
    pub count: u64,
    /// How many failed.
    pub errors: u64,
    /// Median response time, in nanoseconds; needs 2 samples.
    pub p50_ns: Option<u64>,
    /// 99th percentile of the response time, in nanoseconds; needs 100 samples.
    pub p99_ns: Option<u64>,
    /// Largest response time, in nanoseconds; absent if nothing succeeded.
    #[serde(default)]
    pub max_ns: Option<u64>,
}

/// How the generator itself did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Whether its numbers can be trusted.
    pub validity: Validity,
    /// Why not, as sentences.
    pub reasons: Vec<String>,
    /// Share of one core that it used, at most, in one second: 1.0 is one core.
    pub cpu_cores_max: f64,
    /// Largest memory, in bytes.
    pub rss_bytes_max: u64,
    /// 99th percentile of the distance between planned and sent, in nanoseconds.
    pub lag_p99_ns: u64,
    /// Largest distance between planned and sent, in nanoseconds.
    pub lag_max_ns: u64,
    /// Load of the whole machine when the run began (one minute average).
    pub machine_load: f64,
}

/// Whether the generator's numbers can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// They can.
    Valid,
    /// With care: the reasons say why. Keeps the exit code.
    Suspect,
    /// They cannot.
    Invalid,
}
