//! One attempt to get a job done, and how far it is. Neighbours: `core` moves it from stage to stage.

use super::choice::Asked;
use std::collections::VecDeque;
use std::time::Duration;

/// One attempt to get the current job done.
pub(super) struct Attempt {
    pub(super) job_id: String,
    /// The worker that the server keeps for this client.
    pub(super) reserved: Option<String>,
    pub(super) stage: Stage,
    /// When it runs out of time.
    pub(super) until: Duration,
}

/// How far an attempt is.
pub(super) enum Stage {
    /// Waits for the list of free workers.
    Discovering,
    /// Waits for the reservation of the first candidate.
    Reserving { candidates: VecDeque<String> },
    /// Waits for answers.
    Asking { asked: Vec<Asked> },
    /// Waits for the job's end.
    Following { worker: String, progress: Progress, cancel_at: Option<Duration> },
}

/// How far a job is, as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was heard since the assignment.
    Assigned,
    /// The worker has begun.
    Running,
    /// The client does not want it any more.
    Cancelling,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another attempt at the same job.
    Again,
    /// The next job.
    Onward,
}

impl Attempt {
    /// When its core must look at it again.
    pub(super) fn deadline(&self) -> Duration {
        match self.stage {
            Stage::Following { cancel_at: Some(at), .. } => self.until.min(at),
            _ => self.until,
        }
    }

    /// Whether it is time for the client to change its mind.
    pub(super) fn is_to_be_cancelled(&self, now: Duration) -> bool {
        matches!(self.stage, Stage::Following { cancel_at: Some(at), .. } if at <= now)
    }
}
