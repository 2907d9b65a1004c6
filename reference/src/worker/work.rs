//! What a worker has in hand: offers that wait for their assignment, and jobs that run. Neighbours: `core` keeps them.

use crate::protocol::job::{JobError, JobFailed, JobMessage, JobState, JobStatus, WorkerHeartbeat};
use std::time::Duration;

/// How often a client hears from the worker that runs its job.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
/// Progress is reported this often over a job, its end included.
const REPORTS: u32 = 4;

/// A request that is, or is about to be, accepted, and waits for its assignment.
pub(super) struct Offer {
    pub(super) client: String,
    pub(super) until: Duration,
    pub(super) stage: Stage,
}

/// How far an offer is.
pub(super) enum Stage {
    /// The answer waits until this status update is acknowledged.
    Announcing { update: u64 },
    /// The client has its answer, the worker waits for the assignment.
    Accepted,
}

/// A job that runs. It runs on when the connection is lost.
pub(super) struct Job {
    pub(super) client: String,
    began_at: Duration,
    duration: Duration,
    reports_sent: u32,
    heartbeat_at: Duration,
}

impl Job {
    /// A job that begins now.
    pub(super) fn begin(client: &str, now: Duration, duration: Duration) -> Job {
        let heartbeat_at = now + HEARTBEAT_EVERY;
        Job { client: client.to_string(), began_at: now, duration, reports_sent: 0, heartbeat_at }
    }

    /// When it is done.
    pub(super) fn ends_at(&self) -> Duration {
        self.began_at + self.duration
    }

    /// When its client is next owed a word.
    pub(super) fn deadline(&self) -> Duration {
        let next = self.ends_at().min(self.heartbeat_at);
        self.report_at().map_or(next, |report_at| next.min(report_at))
    }

    /// What its client is owed by now, short of the end.
    pub(super) fn reports_due(&mut self, job_id: &str, now: Duration, worker_status: &str) -> Vec<JobMessage> {
        let mut reports = Vec::new();
        while self.report_at().is_some_and(|at| at <= now) {
            self.reports_sent += 1;
            reports.push(status(job_id, JobState::Running, f64::from(self.reports_sent) / f64::from(REPORTS)));
        }
        if self.heartbeat_at <= now {
            self.heartbeat_at = now + HEARTBEAT_EVERY;
            let heartbeat = WorkerHeartbeat { job_id: Some(job_id.to_string()), status: worker_status.to_string() };
            reports.push(JobMessage::WorkerHeartbeat(heartbeat));
        }
        reports
    }

    fn report_at(&self) -> Option<Duration> {
        let share = self.reports_sent + 1;
        (share < REPORTS).then(|| self.began_at + self.duration * share / REPORTS)
    }
}

/// `job_status`.
pub(super) fn status(job_id: &str, status: JobState, progress: f64) -> JobMessage {
    JobMessage::JobStatus(JobStatus { job_id: job_id.to_string(), status, progress, message: None })
}

/// `job_failed`, of a kind that may go better the next time.
pub(super) fn failed(job_id: &str, code: &str, message: &str) -> JobMessage {
    let error = JobError { code: code.to_string(), message: message.to_string(), recoverable: true };
    JobMessage::JobFailed(JobFailed { job_id: job_id.to_string(), error })
}
