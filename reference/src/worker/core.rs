//! The worker without IO: status, offers, jobs. An offer is an accepted request that waits for its assignment; a job runs
//! for its duration, connected or not. Sources: the operational document (status) and the application protocol document.
//!
//! The hardened worker has at most one offer or job, since it refuses whoever comes while its status is not `available`.
//! Each defect is asked at the one place where the flaw is. Neighbours: `offers` and `leaving` are parts of this core,
//! `program` drives it.

use super::profile::WorkerProfile;
use super::reports::Reports;
use super::status::{Announcement, WorkerStatus};
use super::work::{Job, Offer, Stage, status};
use crate::defects::Defect;
use crate::program::{Input, Output, Program};
use crate::protocol::job::{AppError, JobCancelled, JobComplete, JobMessage, JobState};
use crate::protocol::{Metadata, Object, ServerMessage, compose};
use crate::shutdown::Shutdown;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// A worker's state.
pub struct WorkerCore {
    peer_id: String,
    pub(super) profile: WorkerProfile,
    pub(super) is_joined: bool,
    pub(super) shutdown: Shutdown,
    /// Until when it waits for the answer to its last update, once it is told to leave.
    pub(super) farewell_until: Option<Duration>,
    pub(super) offers: BTreeMap<String, Offer>,
    pub(super) jobs: BTreeMap<String, Job>,
    pub(super) jobs_begun: u64,
    announced: Announcement,
    pub(super) updates_sent: u64,
    pub(super) updates_acknowledged: u64,
    pub(super) reports: Reports,
    pub(super) outputs: VecDeque<Output>,
}

impl Program for WorkerCore {
    fn handle(&mut self, input: Input<'_>, now: Duration) {
        match input {
            Input::Joined => self.joined(now),
            Input::Lost => self.lost(now),
            Input::Message(message) => self.receive(message, now),
            Input::Shutdown(asked) => self.shut_down(asked, now),
        }
    }

    fn deadline(&self) -> Option<Duration> {
        let offers = self.offers.values().filter(|offer| self.lapses(offer)).map(|offer| offer.until);
        let reports = self.reports.deadline().filter(|_| self.is_joined);
        offers.chain(self.jobs.values().map(Job::deadline)).chain(reports).chain(self.farewell_until).min()
    }

    fn handle_deadline(&mut self, now: Duration) {
        let had_jobs = !self.jobs.is_empty();
        self.drop_lapsed_offers(now);
        self.report_progress(now);
        self.complete_jobs(now);
        self.announce();
        self.take_leave(had_jobs, now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn metadata(&mut self) -> Metadata {
        self.announced = self.announcement();
        let mut properties = self.profile.properties.clone();
        properties.extend(self.announced.properties());
        Metadata::new(self.profile.tags.iter().map(String::as_str), properties)
    }

    fn is_done(&self) -> bool {
        self.may_leave()
    }
}

impl WorkerCore {
    /// A worker that has not joined yet.
    pub fn new(peer_id: &str, profile: WorkerProfile) -> WorkerCore {
        WorkerCore {
            peer_id: peer_id.to_string(),
            profile,
            is_joined: false,
            shutdown: Shutdown::Run,
            offers: BTreeMap::new(),
            jobs: BTreeMap::new(),
            jobs_begun: 0,
            announced: Announcement { status: WorkerStatus::Available, job: None },
            updates_sent: 0,
            updates_acknowledged: 0,
            reports: Reports::default(),
            farewell_until: None,
            outputs: VecDeque::new(),
        }
    }

    /// What it is doing, as it tells it and as it judges requests by it.
    pub fn status(&self) -> WorkerStatus {
        let reserves = !self.offers.is_empty() && !self.has(Defect::StatusAfterAccept);
        match self.shutdown {
            _ if !self.jobs.is_empty() => WorkerStatus::Busy,
            _ if reserves => WorkerStatus::Reserved,
            Shutdown::Run => WorkerStatus::Available,
            Shutdown::Drain | Shutdown::Now => WorkerStatus::Maintenance,
        }
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.profile.defects.has(defect)
    }

    fn joined(&mut self, now: Duration) {
        self.is_joined = true;
        self.send_reports(now);
        // The registration carried the status of the moment when it was sent.
        self.announce();
    }

    fn lost(&mut self, now: Duration) {
        self.is_joined = false;
        self.reports.lost(now);
        self.updates_acknowledged = self.updates_sent;
        // Nobody has been told yet about an offer whose update is not acknowledged.
        self.offers.retain(|_, offer| matches!(offer.stage, Stage::Accepted));
    }

    fn receive(&mut self, message: &Value, now: Duration) {
        match ServerMessage::of(message) {
            ServerMessage::MetadataUpdated { .. } => {
                self.updates_acknowledged = (self.updates_acknowledged + 1).min(self.updates_sent);
                self.answer_announced_offers(now);
            }
            ServerMessage::PeerMessage { from_peer_id, payload, .. } => self.receive_from(from_peer_id, payload, now),
            ServerMessage::Error(error) if error.is_about_a_peer() => self.reports.unreachable(now),
            _ => {}
        }
    }

    fn receive_from(&mut self, client: &str, payload: &Value, now: Duration) {
        match JobMessage::parse(payload) {
            Some(JobMessage::JobRequest(request)) => self.consider(client, &request, now),
            Some(JobMessage::JobAssignment(assignment)) => self.take_assignment(client, &assignment.job_id, now),
            Some(JobMessage::JobCancel(cancel)) => self.cancel(client, &cancel.job_id),
            Some(_) => {}
            None => self.refuse_unreadable(client, payload),
        }
    }

    pub(super) fn begin(&mut self, client: &str, job_id: &str, now: Duration) {
        let duration = (self.profile.job_duration)(self.jobs_begun);
        self.jobs_begun += 1;
        let (job, client) = (job_id.to_string(), client.to_string());
        self.outputs.push_back(Output::JobBegan { job: job.clone(), client: client.clone() });
        self.jobs.insert(job, Job::begin(&client, now, duration));
        self.announce();
        self.tell(&client, &status(job_id, JobState::Starting, 0.0));
        self.tell(&client, &status(job_id, JobState::Running, 0.0));
    }

    fn cancel(&mut self, client: &str, job_id: &str) {
        let is_theirs = |owner: Option<&String>| owner.is_some_and(|owner| owner == client);
        if is_theirs(self.jobs.get(job_id).map(|job| &job.client)) {
            self.jobs.remove(job_id);
            let (job, client) = (job_id.to_string(), client.to_string());
            self.outputs.push_back(Output::JobEnded { job, client, outcome: "cancelled" });
        } else if is_theirs(self.offers.get(job_id).map(|offer| &offer.client)) {
            self.offers.remove(job_id);
        } else {
            // A job that ended while the cancellation was on its way, or one that was refused: nothing to undo.
            return;
        }
        self.tell(client, &JobMessage::JobCancelled(JobCancelled { job_id: job_id.to_string() }));
        self.announce();
    }

    fn refuse_unreadable(&mut self, client: &str, payload: &Value) {
        let kind = payload.get("app_message_type").and_then(Value::as_str);
        if matches!(kind, Some("job_request" | "job_assignment" | "job_cancel")) {
            let error = AppError {
                job_id: payload.get("job_id").and_then(Value::as_str).map(str::to_string),
                error_code: "INVALID_MESSAGE".to_string(),
                message: "a field is missing or has the wrong type".to_string(),
                recoverable: false,
            };
            self.tell(client, &JobMessage::AppError(error));
        }
    }

    fn report_progress(&mut self, now: Duration) {
        let worker_status = self.status().as_str();
        let mut reports = Vec::new();
        for (job_id, job) in &mut self.jobs {
            let due = job.reports_due(job_id, now, worker_status);
            reports.extend(due.into_iter().map(|report| (job.client.clone(), report)));
        }
        for (client, report) in reports {
            self.tell(&client, &report);
        }
    }

    fn complete_jobs(&mut self, now: Duration) {
        while let Some(job) = self.jobs.iter().find(|(_, job)| job.ends_at() <= now).map(|(id, _)| id.clone()) {
            let Some(Job { client, .. }) = self.jobs.remove(&job) else { return };
            let complete = JobMessage::JobComplete(JobComplete { job_id: job.clone(), result: Object::new() });
            self.outputs.push_back(Output::JobEnded { job, client: client.clone(), outcome: "completed" });
            self.reports.add(client, complete, now);
        }
        self.send_reports(now);
    }

    fn send_reports(&mut self, now: Duration) {
        if self.is_joined {
            for (client, report) in self.reports.take_due(now) {
                self.tell(&client, &report);
            }
        }
    }

    /// Tells the server what changed, if anything did.
    pub(super) fn announce(&mut self) {
        let current = self.announcement();
        if self.is_joined && current != self.announced {
            let metadata = Metadata::of_properties(current.properties());
            self.outputs.push_back(Output::Send(compose::update_metadata(&self.peer_id, &metadata)));
            self.updates_sent += 1;
            self.announced = current;
        }
    }

    fn announcement(&self) -> Announcement {
        Announcement { status: self.status(), job: self.jobs.keys().next().cloned() }
    }

    pub(super) fn tell(&mut self, client: &str, message: &JobMessage) {
        if self.is_joined {
            self.outputs.push_back(Output::Send(compose::peer_message(&self.peer_id, client, message.to_value())));
        }
    }
}
