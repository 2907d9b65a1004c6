//! What a worker is, and what it says about itself unless it is told otherwise. Property names and tags are the application
//! protocol document's. Neighbours: `core` lives by it, `status` adds what changes while it works.

use super::Strategy;
use crate::defects::Defects;
use crate::protocol::Object;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long the nth job of this worker takes, counted from 0.
pub type JobDuration = Arc<dyn Fn(u64) -> Duration + Send + Sync>;

/// What a worker is.
#[derive(Clone)]
pub struct WorkerProfile {
    /// How it protects itself from two jobs at once.
    pub strategy: Strategy,
    /// Its flaws.
    pub defects: Defects,
    /// Tags in its metadata.
    pub tags: Vec<String>,
    /// Properties in its metadata, without the status.
    pub properties: Object,
    /// How long its jobs take.
    pub job_duration: JobDuration,
}

/// The tags of a worker that does everything.
pub fn default_tags() -> Vec<String> {
    ["sleap-rtc", "training-worker", "inference-worker"].map(str::to_string).to_vec()
}

/// The properties of a worker with a GPU of a usual size, for whoever runs one without having one.
pub fn default_properties() -> Object {
    let properties: [(&str, Value); 7] = [
        ("gpu_memory_mb", json!(16_384)),
        ("gpu_model", json!("NVIDIA RTX 4000")),
        ("cuda_version", json!("12.4")),
        ("sleap_version", json!("1.3.0")),
        ("max_concurrent_jobs", json!(1)),
        ("supported_models", json!(["base", "centroid", "topdown"])),
        ("supported_job_types", json!(["training", "inference"])),
    ];
    properties.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}
