//! Leave-taking: a worker that drains finishes its job, one that leaves now gives it up and says so; either waits a moment for
//! the answer to its last update, since leaving before it would leave the update's outcome unknown.
//! Neighbours: `core` asks whether it may go.

use super::core::WorkerCore;
use super::work::{Job, failed};
use crate::program::Output;
use crate::shutdown::Shutdown;
use std::time::Duration;

/// How long a worker that leaves waits for the answer to its last update.
const FAREWELL: Duration = Duration::from_secs(1);

impl WorkerCore {
    pub(super) fn shut_down(&mut self, asked: Shutdown, now: Duration) {
        self.shutdown = self.shutdown.max(asked);
        self.farewell_until = Some(now + FAREWELL);
        if self.shutdown == Shutdown::Now {
            self.offers.clear();
            for (job, Job { client, .. }) in std::mem::take(&mut self.jobs) {
                self.tell(&client, &failed(&job, "WORKER_LEAVES", "the worker is shut down"));
                self.outputs.push_back(Output::JobEnded { job, client, outcome: "failed" });
            }
        }
        self.announce();
    }

    /// A moment for the last answer begins when the last job has ended, and is over when its time is.
    pub(super) fn take_leave(&mut self, had_jobs: bool, now: Duration) {
        if self.farewell_until.is_some_and(|until| until <= now) {
            self.farewell_until = None;
        } else if self.shutdown != Shutdown::Run && had_jobs && self.jobs.is_empty() {
            self.farewell_until = Some(now + FAREWELL);
        }
    }

    /// Whether it has nothing to do here any more.
    pub(super) fn may_leave(&self) -> bool {
        let is_idle = self.offers.is_empty() && self.jobs.is_empty() && self.reports.is_empty();
        let may_leave = self.shutdown == Shutdown::Now || self.shutdown == Shutdown::Drain && is_idle;
        may_leave && !self.awaits_acknowledgement()
    }

    /// Whether its last word about itself is still on the way: leaving before the answer would leave its outcome unknown.
    fn awaits_acknowledgement(&self) -> bool {
        self.is_joined && self.updates_acknowledged < self.updates_sent && self.farewell_until.is_some()
    }
}
