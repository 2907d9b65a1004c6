//! `samples.jsonl`: once a second, what the generator used, what the target's `/metrics` says, and what is observed besides.
//! Neighbours: `recorder` writes the lines, `probes` fetches.

use super::generator::GeneratorSample;
use rehearsal_reports::abort::Metrics;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One line.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// Plan time, in nanoseconds.
    pub t_ns: i64,
    /// The generator.
    pub generator: GeneratorSample,
    /// The target's metrics, fetched since the last sample; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Value>,
    /// Metrics of what is observed, fetched since the last sample.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub observed: Metrics,
    /// How often what is observed did not answer, since the run began.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unanswered: BTreeMap<String, u64>,
}
