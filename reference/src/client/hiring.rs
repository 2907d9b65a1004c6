//! How a client finds a worker for its job: from the list of free ones, over the reservation where there is one, to the
//! assignment. Neighbours: `core` calls this with what the server and the workers say, `choice` ranks the workers.

use super::attempt::{Attempt, Next, Progress, Stage};
use super::choice::{Answer, Asked, ask, best, is_settled};
use super::core::ClientCore;
use crate::program::Output;
use crate::protocol::job::{JobAssignment, JobMessage, JobRequest, REQUEST_TIMEOUT_MS};
use crate::protocol::{ErrorCode, Object, ServerError, compose};
use std::collections::VecDeque;
use std::time::Duration;

/// How long the worker may take to say that the job starts, or that it is cancelled: as long as it keeps an offer.
pub(super) const START_WITHIN: Duration = Duration::from_secs(10);
/// How long the server may take to answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// For how long a worker is reserved (operational document), in seconds.
const RESERVE_SEC: u64 = 30;

/// Whether this client reserves workers at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reservations {
    /// It does not, by its strategy or since the server does not know how.
    Unused,
    /// It tries to; the server has not answered one yet.
    Tried,
    /// It does.
    Known,
}

impl ClientCore {
    pub(super) fn discovered(&mut self, mut workers: Vec<String>, now: Duration) {
        let Some(Attempt { stage: Stage::Discovering, .. }) = self.attempt else { return };
        if workers.is_empty() {
            return self.end_attempt("nobody_free", Next::Again, now);
        }
        if self.reservations != Reservations::Unused {
            self.reserve(workers.into(), now);
        } else {
            workers.truncate(self.profile.ask.max(1));
            self.ask(&workers, now);
        }
    }

    fn reserve(&mut self, candidates: VecDeque<String>, now: Duration) {
        let Some(attempt) = &mut self.attempt else { return };
        let Some(worker) = candidates.front() else {
            return self.end_attempt("nobody_free", Next::Again, now);
        };
        self.outputs.push_back(Output::Send(compose::reserve_worker(worker, RESERVE_SEC)));
        attempt.until = now + ANSWER_WITHIN;
        attempt.stage = Stage::Reserving { candidates };
    }

    pub(super) fn reserved(&mut self, worker_id: &str, now: Duration) {
        self.reservations = Reservations::Known;
        match &mut self.attempt {
            Some(Attempt { stage: Stage::Reserving { candidates }, reserved, .. })
                if candidates.front().is_some_and(|worker| worker == worker_id) =>
            {
                *reserved = Some(worker_id.to_string());
                self.ask(&[worker_id.to_string()], now);
            }
            // It comes too late to be used, and others may want the worker.
            _ => self.send(compose::release_worker(worker_id)),
        }
    }

    fn ask(&mut self, workers: &[String], now: Duration) {
        let Some(attempt) = &mut self.attempt else { return };
        let request = JobMessage::JobRequest(JobRequest {
            job_id: attempt.job_id.clone(),
            attempt_of: self.first_attempt.clone().filter(|first| *first != attempt.job_id),
            job_type: self.profile.job_type.clone(),
            dataset_info: Object::new(),
            config: Object::new(),
            requirements: self.profile.requirements.clone(),
            timeout_ms: REQUEST_TIMEOUT_MS,
        });
        attempt.until = now + Duration::from_millis(REQUEST_TIMEOUT_MS);
        attempt.stage = Stage::Asking { asked: ask(workers) };
        for worker in workers {
            self.tell(worker, &request);
        }
    }

    pub(super) fn answered(&mut self, worker: &str, accepted: bool, now: Duration) {
        let Some(attempt) = &mut self.attempt else { return };
        match &mut attempt.stage {
            Stage::Asking { asked } => {
                let answer = if accepted { Answer::Accepted } else { Answer::Refused };
                asked.iter_mut().filter(|asked| asked.worker == worker).for_each(|asked| asked.answer = answer);
                if is_settled(asked) {
                    self.decide(now);
                }
            }
            Stage::Following { worker: chosen, .. } if accepted && chosen != worker => {
                let job_id = attempt.job_id.clone();
                self.decline(worker, &job_id);
            }
            _ => {}
        }
    }

    /// Assigns the best that accepted, and tells the others, also those that may still accept.
    pub(super) fn decide(&mut self, now: Duration) {
        let Some(attempt) = &mut self.attempt else { return };
        let Stage::Asking { asked } = &attempt.stage else { return };
        let asked = asked.clone();
        let Some(chosen) = best(&asked).map(|best| best.worker.clone()) else {
            self.decline_all(&asked, None);
            return self.end_attempt("nobody_free", Next::Again, now);
        };
        let assignment = JobAssignment { job_id: attempt.job_id.clone(), initiate_connection: true };
        attempt.until = now + START_WITHIN;
        attempt.stage = Stage::Following { worker: chosen.clone(), progress: Progress::Assigned, cancel_at: None };
        self.tell(&chosen, &JobMessage::JobAssignment(assignment));
        self.decline_all(&asked, Some(&chosen));
    }

    pub(super) fn decline_all(&mut self, asked: &[Asked], chosen: Option<&str>) {
        let Some(job_id) = self.attempt.as_ref().map(|attempt| attempt.job_id.clone()) else { return };
        for Asked { worker, answer } in asked {
            if *answer != Answer::Refused && Some(worker.as_str()) != chosen {
                self.decline(worker, &job_id);
            }
        }
    }

    pub(super) fn go_on_without_reservations(&mut self, candidates: VecDeque<String>, now: Duration) {
        self.reservations = Reservations::Unused;
        let workers: Vec<String> = candidates.into_iter().take(self.profile.ask.max(1)).collect();
        self.ask(&workers, now);
    }

    pub(super) fn refused(&mut self, error: &ServerError<'_>, now: Duration) {
        let Some(attempt) = &mut self.attempt else { return };
        let code = error.known();
        let is_about_a_peer = error.is_about_a_peer();
        match &mut attempt.stage {
            Stage::Discovering if !is_about_a_peer && code != Some(ErrorCode::NotReserved) => {
                self.end_attempt("lost", Next::Again, now)
            }
            Stage::Reserving { candidates } => {
                let mut candidates = std::mem::take(candidates);
                if code == Some(ErrorCode::UnknownMessageType) {
                    self.go_on_without_reservations(candidates, now);
                } else {
                    self.reservations = Reservations::Known;
                    candidates.pop_front();
                    self.reserve(candidates, now);
                }
            }
            // An error does not say whom it is about; with several it stays open, and the time decides.
            Stage::Asking { asked } if is_about_a_peer && asked.len() == 1 => {
                let worker = asked[0].worker.clone();
                self.answered(&worker, false, now);
            }
            _ => {}
        }
    }
}
