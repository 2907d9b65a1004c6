//! The job protocol inside of `peer_message` payloads: a client asks workers, assigns one, and follows the job. The server
//! never looks at it. Source: the application protocol document, as protocol.md sums it up. Fields that a peer does not
//! know are ignored, fields that are optional may be missing. Left out: who sends what when (`worker`, `client`).

use super::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A payload of the job protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "app_message_type", rename_all = "snake_case")]
pub enum JobMessage {
    /// Client to worker: would you do this?
    JobRequest(JobRequest),
    /// Worker to client: yes, or no and why.
    JobResponse(JobResponse),
    /// Client to the worker that it picked: do it.
    JobAssignment(JobAssignment),
    /// Worker to client: how far it is.
    JobStatus(JobStatus),
    /// Worker to client: done.
    JobComplete(JobComplete),
    /// Worker to client: it did not work.
    JobFailed(JobFailed),
    /// Client to worker: no longer wanted.
    JobCancel(JobCancel),
    /// Worker to client: it is cancelled.
    JobCancelled(JobCancelled),
    /// Worker to client: still there.
    WorkerHeartbeat(WorkerHeartbeat),
    /// Either way: a message could not be handled.
    AppError(AppError),
}

impl JobMessage {
    /// Reads a payload; nothing if it is not of this protocol, or lacks what its type needs.
    pub fn parse(payload: &Value) -> Option<JobMessage> {
        JobMessage::deserialize(payload).ok()
    }

    /// As the payload of a `peer_message`.
    pub fn to_value(&self) -> Value {
        // Every field is a JSON type with text keys, so that this cannot fail.
        serde_json::to_value(self).unwrap_or(Value::Null)
    }

    /// The job that it is about.
    pub fn job_id(&self) -> Option<&str> {
        match self {
            JobMessage::JobRequest(it) => Some(&it.job_id),
            JobMessage::JobResponse(it) => Some(&it.job_id),
            JobMessage::JobAssignment(it) => Some(&it.job_id),
            JobMessage::JobStatus(it) => Some(&it.job_id),
            JobMessage::JobComplete(it) => Some(&it.job_id),
            JobMessage::JobFailed(it) => Some(&it.job_id),
            JobMessage::JobCancel(it) => Some(&it.job_id),
            JobMessage::JobCancelled(it) => Some(&it.job_id),
            JobMessage::WorkerHeartbeat(it) => it.job_id.as_deref(),
            JobMessage::AppError(it) => it.job_id.as_deref(),
        }
    }
}

/// How long a client waits for the answer to a request, in milliseconds, if it does not say.
pub const REQUEST_TIMEOUT_MS: u64 = 5_000;

/// How long a worker that has accepted waits for the assignment, in seconds (operational document).
pub const ASSIGNMENT_TIMEOUT_SEC: u64 = 10;

/// Client to worker: would you do this?
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// Chosen by the client, unique.
    pub job_id: String,
    /// The first attempt's job id, if this repeats one under a new id. Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_of: Option<String>,
    /// `training` or `inference`.
    #[serde(default)]
    pub job_type: String,
    /// About the data.
    #[serde(default)]
    pub dataset_info: Object,
    /// About the job.
    #[serde(default)]
    pub config: Object,
    /// What the worker must have.
    #[serde(default)]
    pub requirements: Requirements,
    /// How long the client waits for the answer, in milliseconds.
    #[serde(default = "request_timeout_ms")]
    pub timeout_ms: u64,
}

fn request_timeout_ms() -> u64 {
    REQUEST_TIMEOUT_MS
}

/// What a worker must have to do a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requirements {
    /// Memory of its GPU, in MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_gpu_memory_mb: Option<u64>,
    /// The client's version: same major, and the worker's minor at least this one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sleap_version: Option<String>,
    /// Further wishes that this worker does not know.
    #[serde(flatten)]
    pub other: Object,
}

/// Worker to client: yes, or no and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobResponse {
    /// The job.
    pub job_id: String,
    /// Whether the worker takes it.
    pub accepted: bool,
    /// When it could begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_start_time_sec: Option<f64>,
    /// How long it would take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_duration_minutes: Option<f64>,
    /// Why not: `busy`, `insufficient_memory`, `incompatible_version`, `unsupported_job_type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When to ask again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_sec: Option<f64>,
}

/// Client to the worker that it picked: do it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobAssignment {
    /// The job.
    pub job_id: String,
    /// Whether the worker is to open the data connection.
    #[serde(default)]
    pub initiate_connection: bool,
}

/// Worker to client: how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The job.
    pub job_id: String,
    /// Where it stands.
    pub status: JobState,
    /// From 0 to 1.
    #[serde(default)]
    pub progress: f64,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Assigned, not yet begun.
    Starting,
    /// It runs.
    Running,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
}

/// Worker to client: done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobComplete {
    /// The job.
    pub job_id: String,
    /// What came of it.
    #[serde(default)]
    pub result: Object,
}

/// Worker to client: it did not work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobFailed {
    /// The job.
    pub job_id: String,
    /// What went wrong.
    #[serde(default)]
    pub error: JobError,
}

/// What went wrong with a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobError {
    /// For programs.
    #[serde(default)]
    pub code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// Whether asking again can help.
    #[serde(default)]
    pub recoverable: bool,
}

/// Client to worker: no longer wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobCancel {
    /// The job.
    pub job_id: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Worker to client: it is cancelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobCancelled {
    /// The job.
    pub job_id: String,
}

/// Worker to client: still there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerHeartbeat {
    /// The job, if one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// The worker's status.
    #[serde(default)]
    pub status: String,
}

/// Either way: a message could not be handled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppError {
    /// The job, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// For programs.
    #[serde(default)]
    pub error_code: String,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// Whether trying again can help.
    #[serde(default)]
    pub recoverable: bool,
}
