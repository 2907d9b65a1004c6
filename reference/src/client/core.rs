//! The client without IO: gets jobs done, one after the other. An attempt discovers free workers, asks some, assigns the
//! best that accepts and follows the job; when it fails, or nobody is free, another attempt follows under a new job id.
//! Sources: the application protocol document, and the operational document for `reserve_worker`.
//!
//! Neighbours: `hiring` (finding a worker), `attempt` (its stages), `program` (who drives it). Left out: what a job is about.

use super::JobsDone;
use super::attempt::{Attempt, Next, Progress, Stage};
use super::choice::best_first;
use super::hiring::{ANSWER_WITHIN, Reservations, START_WITHIN};
use super::profile::ClientProfile;
use crate::backoff::BackOff;
use crate::program::{Input, Output, Program};
use crate::protocol::job::{JobCancel, JobMessage, JobState};
use crate::protocol::{Metadata, ServerMessage, compose};
use crate::shutdown::Shutdown;
use crate::surroundings::Random;
use crate::worker::Strategy;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Silence of a worker after which its job is taken for lost: three heartbeats were missed.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const BACK_OFF_FIRST: Duration = Duration::from_millis(500);
const BACK_OFF_LONGEST: Duration = Duration::from_secs(10);

/// A client's state.
pub struct ClientCore {
    pub(super) peer_id: String,
    pub(super) profile: ClientProfile,
    job_prefix: String,
    random: Arc<dyn Random>,
    back_off: BackOff,
    is_joined: bool,
    shutdown: Shutdown,
    pub(super) reservations: Reservations,
    job: u64,
    completed: u64,
    attempts: u64,
    pub(super) first_attempt: Option<String>,
    pub(super) attempt: Option<Attempt>,
    rest_until: Duration,
    pub(super) outputs: VecDeque<Output>,
}

impl Program for ClientCore {
    fn handle(&mut self, input: Input<'_>, now: Duration) {
        match input {
            Input::Joined => self.joined(now),
            Input::Lost => self.lost(now),
            Input::Message(message) => self.receive(message, now),
            Input::Shutdown(asked) => self.shut_down(asked, now),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        match &self.attempt {
            Some(attempt) => Some(attempt.deadline()),
            None if self.is_joined => Some(self.rest_until),
            None => None,
        }
    }

    fn handle_deadline(&mut self, now: Duration) {
        match &self.attempt {
            None if self.is_joined && self.rest_until <= now && !self.is_done() => self.begin_attempt(now),
            None => {}
            Some(attempt) if attempt.is_to_be_cancelled(now) => self.cancel(now),
            Some(attempt) if attempt.until <= now => self.run_out_of_time(now),
            Some(_) => {}
        }
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn metadata(&mut self) -> Metadata {
        Metadata::new(self.profile.tags.iter().map(String::as_str), self.profile.properties.clone())
    }

    fn is_done(&self) -> bool {
        self.attempt.is_none() && (self.job >= self.profile.jobs || self.shutdown > Shutdown::Run)
    }
}

impl ClientCore {
    /// A client that has not joined yet.
    pub fn new(peer_id: &str, profile: ClientProfile, random: Arc<dyn Random>) -> ClientCore {
        ClientCore {
            peer_id: peer_id.to_string(),
            reservations: match profile.strategy {
                Strategy::Reservation => Reservations::Tried,
                Strategy::RejectWhenBusy | Strategy::MetadataFirst => Reservations::Unused,
            },
            job_prefix: profile.job_prefix.clone().unwrap_or_else(|| peer_id.to_string()),
            profile,
            random,
            back_off: BackOff::new(BACK_OFF_FIRST, BACK_OFF_LONGEST),
            is_joined: false,
            shutdown: Shutdown::Run,
            job: 0,
            completed: 0,
            attempts: 0,
            first_attempt: None,
            attempt: None,
            rest_until: Duration::ZERO,
            outputs: VecDeque::new(),
        }
    }

    /// What came of its jobs so far.
    pub fn jobs_done(&self) -> JobsDone {
        JobsDone { wanted: self.profile.jobs, completed: self.completed }
    }

    fn joined(&mut self, now: Duration) {
        self.is_joined = true;
        if self.job == 0 && self.attempts == 0 {
            self.rest_until = now + (self.profile.think)(0);
        }
    }

    fn begin_attempt(&mut self, now: Duration) {
        let job_id = format!("{}-j{}-a{}", self.job_prefix, self.job, self.attempts);
        self.attempts += 1;
        let attempt_of = self.first_attempt.clone();
        self.first_attempt.get_or_insert_with(|| job_id.clone());
        self.outputs.push_back(Output::AttemptBegan { job: job_id.clone(), attempt_of });
        let mut properties = self.profile.choose.clone();
        properties.insert("status".to_string(), json!("available"));
        let filters = compose::filters(Some("worker"), properties);
        self.outputs.push_back(Output::Send(compose::discover_peers(&self.peer_id, &filters)));
        self.attempt = Some(Attempt { job_id, reserved: None, stage: Stage::Discovering, until: now + ANSWER_WITHIN });
    }

    fn receive(&mut self, message: &Value, now: Duration) {
        match ServerMessage::of(message) {
            ServerMessage::PeerList { peers } => {
                let mut workers = best_first(&peers);
                // Strangers are somebody else's.
                workers.retain(|worker| self.profile.knows.as_ref().is_none_or(|knows| knows(worker)));
                self.discovered(workers, now);
            }
            ServerMessage::WorkerReserved { worker_id, .. } => self.reserved(worker_id, now),
            ServerMessage::PeerMessage { from_peer_id, payload, .. } => {
                if let Some(message) = JobMessage::parse(payload) {
                    self.receive_from(from_peer_id, message, now);
                }
            }
            ServerMessage::Error(error) => self.refused(&error, now),
            _ => {}
        }
    }

    fn receive_from(&mut self, worker: &str, message: JobMessage, now: Duration) {
        let is_current = self.attempt.as_ref().is_some_and(|attempt| message.job_id() == Some(&attempt.job_id));
        match message {
            JobMessage::JobResponse(response) if is_current => self.answered(worker, response.accepted, now),
            // An acceptance that came too late would keep its worker reserved.
            JobMessage::JobResponse(response) if response.accepted => self.decline(worker, &response.job_id),
            message if is_current && self.follows(worker) => self.follow(worker, message, now),
            _ => {}
        }
    }

    fn follows(&self, from: &str) -> bool {
        let stage = self.attempt.as_ref().map(|attempt| &attempt.stage);
        matches!(stage, Some(Stage::Following { worker, .. }) if worker == from)
    }

    fn follow(&mut self, worker: &str, message: JobMessage, now: Duration) {
        match message {
            JobMessage::JobStatus(status) => match status.status {
                JobState::Starting | JobState::Running => self.heard_of_job(now),
                // The messages that say more follow.
                JobState::Completed | JobState::Failed => {}
            },
            JobMessage::WorkerHeartbeat(_) => self.heard_of_job(now),
            JobMessage::JobComplete(_) => {
                self.completed += 1;
                self.end_attempt("completed", Next::Onward, now);
            }
            JobMessage::JobCancelled(_) => self.end_attempt("cancelled", Next::Onward, now),
            JobMessage::JobFailed(failed) => {
                let next = if failed.error.recoverable { Next::Again } else { Next::Onward };
                self.end_attempt("failed", next, now);
            }
            JobMessage::AppError(error) if !error.recoverable => {
                tracing::debug!(worker, code = error.error_code, "a worker could not handle a message");
                self.end_attempt("failed", Next::Onward, now);
            }
            _ => {}
        }
    }

    fn heard_of_job(&mut self, now: Duration) {
        let cancel_after = (self.profile.cancel_after)(self.job);
        let Some(attempt) = &mut self.attempt else { return };
        let Stage::Following { progress, cancel_at, .. } = &mut attempt.stage else { return };
        if *progress == Progress::Cancelling {
            return;
        }
        attempt.until = now + SILENCE_MAX;
        if *progress == Progress::Assigned {
            *progress = Progress::Running;
            *cancel_at = cancel_after.map(|after| now + after);
            // The worker has told the server that it is busy: the reservation has done its work.
            self.release();
        }
    }

    fn cancel(&mut self, now: Duration) {
        let Some(attempt) = &mut self.attempt else { return };
        let Stage::Following { worker, progress, cancel_at } = &mut attempt.stage else { return };
        *progress = Progress::Cancelling;
        *cancel_at = None;
        attempt.until = now + START_WITHIN;
        let (worker, job_id) = (worker.clone(), attempt.job_id.clone());
        self.decline(&worker, &job_id);
    }

    fn run_out_of_time(&mut self, now: Duration) {
        let Some(attempt) = &mut self.attempt else { return };
        match &attempt.stage {
            Stage::Discovering => self.end_attempt("lost", Next::Again, now),
            Stage::Reserving { .. } if self.reservations == Reservations::Known => {
                self.end_attempt("lost", Next::Again, now);
            }
            Stage::Reserving { candidates } => {
                // A server that does not know the word may say nothing at all.
                let candidates = candidates.clone();
                self.go_on_without_reservations(candidates, now);
            }
            Stage::Asking { .. } => self.decide(now),
            Stage::Following { worker, progress, .. } => {
                let (worker, job_id, progress) = (worker.clone(), attempt.job_id.clone(), *progress);
                let next = if progress == Progress::Cancelling { Next::Onward } else { Next::Again };
                // If it still runs somewhere, its result is not wanted any more: it comes under a new id.
                self.decline(&worker, &job_id);
                self.end_attempt("lost", next, now);
            }
        }
    }

    fn lost(&mut self, now: Duration) {
        self.is_joined = false;
        let Some(attempt) = &mut self.attempt else { return };
        // The server ends the reservations of a peer that leaves.
        attempt.reserved = None;
        if !matches!(attempt.stage, Stage::Following { .. }) {
            self.end_attempt("lost", Next::Again, now);
        }
    }

    fn shut_down(&mut self, asked: Shutdown, now: Duration) {
        self.shutdown = self.shutdown.max(asked);
        let Some(Attempt { stage, job_id, .. }) = &self.attempt else { return };
        match stage {
            Stage::Following { worker, .. } if self.shutdown == Shutdown::Now => {
                let (worker, job_id) = (worker.clone(), job_id.clone());
                self.decline(&worker, &job_id);
            }
            Stage::Following { .. } => return,
            Stage::Asking { asked } => {
                let asked = asked.clone();
                self.decline_all(&asked, None);
            }
            Stage::Discovering | Stage::Reserving { .. } => {}
        }
        self.end_attempt("cancelled", Next::Again, now);
    }

    pub(super) fn end_attempt(&mut self, outcome: &'static str, next: Next, now: Duration) {
        self.release();
        let Some(Attempt { job_id, stage, .. }) = self.attempt.take() else { return };
        let worker = match stage {
            Stage::Following { worker, .. } => Some(worker),
            _ => None,
        };
        self.outputs.push_back(Output::AttemptEnded { job: job_id, worker, outcome });
        match next {
            Next::Again => self.rest_until = now + self.back_off.pause(&*self.random),
            Next::Onward => {
                self.back_off.reset();
                self.job += 1;
                self.attempts = 0;
                self.first_attempt = None;
                self.rest_until = now + (self.profile.think)(self.job);
            }
        }
    }

    fn release(&mut self) {
        if let Some(worker) = self.attempt.as_mut().and_then(|attempt| attempt.reserved.take()) {
            self.send(compose::release_worker(&worker));
        }
    }

    pub(super) fn decline(&mut self, worker: &str, job_id: &str) {
        self.tell(worker, &JobMessage::JobCancel(JobCancel { job_id: job_id.to_string(), reason: None }));
    }

    pub(super) fn tell(&mut self, worker: &str, message: &JobMessage) {
        self.send(compose::peer_message(&self.peer_id, worker, message.to_value()));
    }

    pub(super) fn send(&mut self, message: Value) {
        if self.is_joined {
            self.outputs.push_back(Output::Send(message));
        }
    }
}
