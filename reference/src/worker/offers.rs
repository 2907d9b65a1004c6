//! Offers: accepted requests that wait for their assignment, at most 10 s. A request is refused while the worker is not
//! `available`, or when the job does not suit it; what differs between the strategies is when the answer leaves. Sources: the
//! operational document (strategies, time-out) and the application protocol document (messages).
//! Neighbours: `core` keeps the offers and begins the jobs, `suitability` judges the job.

use super::Strategy;
use super::core::WorkerCore;
use super::status::WorkerStatus;
use super::suitability::unsuitable;
use super::work::{Job, Offer, Stage, failed};
use crate::defects::Defect;
use crate::protocol::job::{ASSIGNMENT_TIMEOUT_SEC, JobMessage, JobRequest, JobResponse};
use crate::shutdown::Shutdown;
use std::time::Duration;

/// How long an offer waits for its assignment (operational document).
const ASSIGNMENT_WITHIN: Duration = Duration::from_secs(ASSIGNMENT_TIMEOUT_SEC);

impl WorkerCore {
    pub(super) fn consider(&mut self, client: &str, request: &JobRequest, now: Duration) {
        let job_id = &request.job_id;
        if self.offers.contains_key(job_id) || self.jobs.contains_key(job_id) {
            // The same question again: the answer is on its way or given.
            return;
        }
        if let Some(reason) = self.objection(request) {
            return self.answer(client, job_id, Err(reason), now);
        }
        let offer = Offer { client: client.to_string(), until: now + ASSIGNMENT_WITHIN, stage: Stage::Accepted };
        self.offers.insert(job_id.clone(), offer);
        if self.profile.strategy == Strategy::MetadataFirst && !self.has(Defect::StatusAfterAccept) {
            self.announce();
            let update = self.updates_sent;
            if let Some(offer) = self.offers.get_mut(job_id) {
                offer.stage = Stage::Announcing { update };
            }
            self.answer_announced_offers(now);
        } else {
            self.answer(client, job_id, Ok(()), now);
            self.announce();
        }
    }

    /// Why this request cannot be accepted now, if so.
    pub(super) fn objection(&self, request: &JobRequest) -> Option<&'static str> {
        let refuses_when_busy = !self.has(Defect::NoBusyRejection) || self.shutdown != Shutdown::Run;
        if self.status() != WorkerStatus::Available && refuses_when_busy {
            return Some("busy");
        }
        unsuitable(&self.profile.properties, request)
    }

    pub(super) fn answer(&mut self, client: &str, job_id: &str, answer: Result<(), &'static str>, now: Duration) {
        let busy_until = self.jobs.values().map(Job::ends_at).min();
        let response = match answer {
            Ok(()) => {
                let minutes = (self.profile.job_duration)(self.jobs_begun).as_secs_f64() / 60.0;
                JobResponse {
                    accepted: true,
                    estimated_start_time_sec: Some(0.0),
                    estimated_duration_minutes: Some(minutes),
                    ..JobResponse::default()
                }
            }
            Err(reason) => JobResponse {
                reason: Some(reason.to_string()),
                retry_after_sec: busy_until.map(|until| until.saturating_sub(now).as_secs_f64()),
                ..JobResponse::default()
            },
        };
        self.tell(client, &JobMessage::JobResponse(JobResponse { job_id: job_id.to_string(), ..response }));
    }

    /// Metadata first: says yes to those whose status update is acknowledged; the time for the assignment counts from now.
    pub(super) fn answer_announced_offers(&mut self, now: Duration) {
        let acknowledged = self.updates_acknowledged;
        let mut answered = Vec::new();
        for (job_id, offer) in &mut self.offers {
            if matches!(offer.stage, Stage::Announcing { update } if update <= acknowledged) {
                offer.stage = Stage::Accepted;
                offer.until = now + ASSIGNMENT_WITHIN;
                answered.push((offer.client.clone(), job_id.clone()));
            }
        }
        for (client, job_id) in answered {
            self.answer(&client, &job_id, Ok(()), now);
        }
    }

    pub(super) fn take_assignment(&mut self, client: &str, job_id: &str, now: Duration) {
        let is_accepted = |offer: &Offer| offer.client == client && matches!(offer.stage, Stage::Accepted);
        if self.offers.get(job_id).is_some_and(is_accepted) {
            self.offers.remove(job_id);
            self.begin(client, job_id, now);
        } else if !self.jobs.contains_key(job_id) {
            self.tell(client, &failed(job_id, "NOT_ACCEPTED", "this job was not accepted, or too long ago"));
        }
    }

    /// Whether an offer ends by itself when its time is over.
    pub(super) fn lapses(&self, offer: &Offer) -> bool {
        !(matches!(offer.stage, Stage::Accepted) && self.has(Defect::AssignmentTimeoutNeverFires))
    }

    pub(super) fn drop_lapsed_offers(&mut self, now: Duration) {
        let is_over = |(_, offer): &(&String, &Offer)| offer.until <= now && self.lapses(offer);
        let lapsed: Vec<String> = self.offers.iter().filter(is_over).map(|(id, _)| id.clone()).collect();
        for job_id in lapsed {
            self.offers.remove(&job_id);
        }
    }
}
