//! What a worker tells about itself while it works: its status, and the job that it runs. Source: the operational
//! document. Neighbours: `core` decides it.

use crate::protocol::Object;
use serde_json::json;

/// What others can see of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub(super) status: WorkerStatus,
    pub(super) job: Option<String>,
}

/// The status property of a worker (operational document).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerStatus {
    /// Takes requests.
    Available,
    /// Has accepted and waits for the assignment.
    Reserved,
    /// Runs a job.
    Busy,
    /// Is about to leave.
    Maintenance,
}

impl WorkerStatus {
    /// As it stands in the metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkerStatus::Available => "available",
            WorkerStatus::Reserved => "reserved",
            WorkerStatus::Busy => "busy",
            WorkerStatus::Maintenance => "maintenance",
        }
    }
}

impl Announcement {
    /// As properties of the metadata.
    pub(super) fn properties(&self) -> Object {
        let properties = [("status", json!(self.status.as_str())), ("current_job_id", json!(self.job))];
        properties.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
    }
}
