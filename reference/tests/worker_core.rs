//! The worker's core against hand-made inputs: every strategy, every defect, cancelling, time-outs, losses.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/transcript.rs"]
mod transcript;
#[path = "common/worker_profile.rs"]
mod worker_profile;

use rehearsal_reference::defects::{Defect, Defects};
use rehearsal_reference::program::{Input, Program};
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::worker::{Strategy, WorkerCore, WorkerProfile, WorkerStatus};
use serde_json::{Value, json};
use std::time::Duration;
use transcript::{drain, from, pass};
use worker_profile::worker_profile;

/// A worker at a point in time. Its jobs take 20 s.
struct Bench {
    core: WorkerCore,
    now: Duration,
}

impl Bench {
    fn new(strategy: Strategy, defects: &[Defect]) -> Bench {
        let profile = WorkerProfile {
            strategy,
            defects: Defects::from_iter(defects.iter().copied()),
            tags: vec!["training-worker".to_string()],
            properties: json!({ "gpu_memory_mb": 8192 }).as_object().unwrap().clone(),
            ..worker_profile(Duration::from_secs(20))
        };
        let mut bench = Bench { core: WorkerCore::new("w", profile), now: Duration::ZERO };
        bench.joins();
        bench
    }

    fn joins(&mut self) -> Vec<String> {
        self.core.metadata();
        self.core.handle(Input::Joined, self.now);
        drain(&mut self.core)
    }

    fn hears(&mut self, client: &str, says: &str, job: &str) -> Vec<String> {
        self.hears_payload(client, json!({ "app_message_type": says, "job_id": job }))
    }

    fn hears_payload(&mut self, client: &str, payload: Value) -> Vec<String> {
        self.core.handle(Input::Message(&from(client, payload)), self.now);
        drain(&mut self.core)
    }

    fn acknowledged(&mut self) -> Vec<String> {
        let message = json!({ "type": "metadata_updated", "peer_id": "w", "metadata": {} });
        self.core.handle(Input::Message(&message), self.now);
        drain(&mut self.core)
    }

    fn waits_until(&mut self, second: u64) -> Vec<String> {
        let before = std::mem::replace(&mut self.now, Duration::from_secs(second));
        pass(&mut self.core, before, self.now);
        drain(&mut self.core)
    }

    fn asked(&mut self, asked: Shutdown) -> Vec<String> {
        self.core.handle(Input::Shutdown(asked), self.now);
        drain(&mut self.core)
    }

    /// The job is requested, accepted, assigned and begins.
    fn runs(&mut self, client: &str, job: &str) {
        self.hears(client, "job_request", job);
        self.acknowledged();
        self.hears(client, "job_assignment", job);
        self.acknowledged();
    }

    /// Two clients ask before either assigns; returns how many jobs run afterwards.
    fn jobs_after_a_race(&mut self) -> usize {
        let mut said = self.hears("c1", "job_request", "j1");
        said.extend(self.hears("c2", "job_request", "j2"));
        said.extend(self.acknowledged());
        said.extend(self.hears("c1", "job_assignment", "j1"));
        said.extend(self.hears("c2", "job_assignment", "j2"));
        said.iter().filter(|line| line.starts_with("began")).count()
    }
}

const STRATEGIES: [Strategy; 3] = [Strategy::RejectWhenBusy, Strategy::MetadataFirst, Strategy::Reservation];

#[test]
fn a_worker_that_rejects_when_busy_answers_first_and_updates_its_status_after() {
    let mut worker = Bench::new(Strategy::RejectWhenBusy, &[]);
    assert_eq!(worker.hears("c1", "job_request", "j1"), ["to c1: job_response j1 yes", "status reserved"]);
    assert_eq!(worker.hears("c2", "job_request", "j2"), ["to c2: job_response j2 busy"]);
}

#[test]
fn metadata_first_answers_only_when_the_update_is_acknowledged() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    assert_eq!(worker.hears("c1", "job_request", "j1"), ["status reserved"]);
    assert_eq!(worker.hears("c2", "job_request", "j2"), ["to c2: job_response j2 busy"]);
    assert_eq!(worker.acknowledged(), ["to c1: job_response j1 yes"]);
}

#[test]
fn the_acknowledgement_of_an_older_update_does_not_answer_a_request() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.hears("c1", "job_request", "j1");
    worker.acknowledged();
    assert_eq!(worker.hears("c1", "job_cancel", "j1"), ["to c1: job_cancelled j1", "status available"]);
    assert_eq!(worker.hears("c2", "job_request", "j2"), ["status reserved"]);
    assert!(worker.acknowledged().is_empty(), "this one was for `available`");
    assert_eq!(worker.acknowledged(), ["to c2: job_response j2 yes"]);
}

#[test]
fn a_job_is_reported_from_its_start_to_its_end() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.hears("c1", "job_request", "j1");
    worker.acknowledged();
    let begins = worker.hears("c1", "job_assignment", "j1");
    let expected =
        ["began j1 for c1", "status busy j1", "to c1: job_status j1 starting", "to c1: job_status j1 running"];
    assert_eq!(begins, expected);
    assert_eq!(worker.waits_until(5), ["to c1: job_status j1 running"]);
    assert_eq!(worker.waits_until(10), ["to c1: job_status j1 running", "to c1: worker_heartbeat j1"]);
    let ends = worker.waits_until(20);
    assert_eq!(ends[ends.len() - 3..], ["ended j1 completed", "to c1: job_complete j1", "status available"]);
}

#[test]
fn no_strategy_runs_two_jobs_when_two_clients_race() {
    for strategy in STRATEGIES {
        assert_eq!(Bench::new(strategy, &[]).jobs_after_a_race(), 1, "{strategy:?}");
    }
}

#[test]
fn status_after_accept_runs_two_jobs_when_two_clients_race() {
    for strategy in STRATEGIES {
        let mut worker = Bench::new(strategy, &[Defect::StatusAfterAccept]);
        assert_eq!(worker.hears("c0", "job_request", "j0"), ["to c0: job_response j0 yes"]);
        assert_eq!(worker.core.status(), WorkerStatus::Available, "it has accepted and still says so");
        let mut worker = Bench::new(strategy, &[Defect::StatusAfterAccept]);
        assert_eq!(worker.jobs_after_a_race(), 2, "{strategy:?}");
    }
}

#[test]
fn no_busy_rejection_accepts_while_a_job_runs_and_runs_both() {
    for strategy in STRATEGIES {
        let mut worker = Bench::new(strategy, &[Defect::NoBusyRejection]);
        assert_eq!(worker.jobs_after_a_race(), 2, "{strategy:?}");
        worker.waits_until(1);
        assert_eq!(worker.hears("c3", "job_request", "j3").len(), usize::from(strategy != Strategy::MetadataFirst));
    }
}

#[test]
fn both_defects_together_run_two_jobs_at_once() {
    let both = [Defect::StatusAfterAccept, Defect::NoBusyRejection];
    assert_eq!(Bench::new(Strategy::RejectWhenBusy, &both).jobs_after_a_race(), 2);
}

#[test]
fn an_offer_lapses_after_ten_seconds_and_a_late_assignment_is_refused() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.hears("c1", "job_request", "j1");
    worker.waits_until(2);
    worker.acknowledged();
    assert!(worker.waits_until(11).is_empty(), "the time counts from the answer");
    assert_eq!(worker.waits_until(12), ["status available"]);
    assert_eq!(worker.hears("c1", "job_assignment", "j1"), ["to c1: job_failed j1 NOT_ACCEPTED"]);
}

#[test]
fn an_assignment_timeout_that_never_fires_keeps_the_worker_reserved() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[Defect::AssignmentTimeoutNeverFires]);
    worker.hears("c1", "job_request", "j1");
    worker.acknowledged();
    assert!(worker.waits_until(3_600).is_empty());
    assert_eq!(worker.core.status(), WorkerStatus::Reserved);
}

#[test]
fn only_the_client_that_was_accepted_can_assign_or_cancel() {
    let mut worker = Bench::new(Strategy::RejectWhenBusy, &[]);
    worker.hears("c1", "job_request", "j1");
    assert_eq!(worker.hears("c2", "job_assignment", "j1"), ["to c2: job_failed j1 NOT_ACCEPTED"]);
    assert!(worker.hears("c2", "job_cancel", "j1").is_empty());
    assert_eq!(worker.hears("c1", "job_assignment", "j1")[0], "began j1 for c1");
    assert!(worker.hears("c1", "job_assignment", "j1").is_empty(), "the same assignment twice begins one job");
}

#[test]
fn a_running_job_can_be_cancelled() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.runs("c1", "j1");
    let cancelled = ["ended j1 cancelled", "to c1: job_cancelled j1", "status available"];
    assert_eq!(worker.hears("c1", "job_cancel", "j1"), cancelled);
    assert!(worker.waits_until(60).is_empty());
}

#[test]
fn a_job_outlives_the_connection_and_is_reported_after_the_next_registration() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.runs("c1", "j1");
    worker.core.handle(Input::Lost, worker.now);
    assert_eq!(worker.waits_until(30), ["ended j1 completed"]);
    assert_eq!(worker.joins(), ["to c1: job_complete j1"], "the registration itself says `available`");
}

#[test]
fn a_report_that_finds_nobody_is_sent_again_until_the_client_is_back() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.runs("c1", "j1");
    assert!(worker.waits_until(20).contains(&"to c1: job_complete j1".to_string()));
    let nobody = json!({ "type": "error", "code": "PEER_NOT_FOUND", "message": "" });
    worker.core.handle(Input::Message(&nobody), worker.now);
    assert_eq!(worker.waits_until(21), ["to c1: job_complete j1"]);
    assert!(worker.waits_until(40).is_empty(), "no complaint, no repetition");
    worker.core.handle(Input::Message(&nobody), worker.now);
    assert!(worker.waits_until(60).is_empty(), "this one is about something else");
}

#[test]
fn a_report_that_may_have_died_with_the_connection_is_sent_again() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.runs("c1", "j1");
    worker.waits_until(20);
    worker.core.handle(Input::Lost, worker.now);
    assert_eq!(worker.joins(), ["to c1: job_complete j1"]);
    worker.waits_until(120);
    worker.core.handle(Input::Lost, worker.now);
    assert!(worker.joins().is_empty(), "after so long it has arrived, or nobody waits for it");
}

#[test]
fn a_job_that_ends_while_the_worker_registers_is_announced_afterwards() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.runs("c1", "j1");
    worker.core.handle(Input::Lost, worker.now);
    assert_eq!(worker.core.metadata().status(), Some("busy"));
    worker.waits_until(30);
    worker.core.handle(Input::Joined, worker.now);
    assert_eq!(drain(&mut worker.core), ["to c1: job_complete j1", "status available"]);
}

#[test]
fn an_offer_that_nobody_was_told_about_dies_with_the_connection() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.hears("c1", "job_request", "j1");
    worker.core.handle(Input::Lost, worker.now);
    assert_eq!(worker.core.metadata().status(), Some("available"));
}

#[test]
fn a_drained_worker_finishes_its_job_takes_no_other_and_leaves() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.runs("c1", "j1");
    assert!(worker.asked(Shutdown::Drain).is_empty());
    assert_eq!(worker.hears("c2", "job_request", "j2"), ["to c2: job_response j2 busy"]);
    assert!(!worker.core.is_done());
    assert_eq!(worker.waits_until(20).last().unwrap(), "status maintenance");
    worker.acknowledged();
    assert!(worker.core.is_done());
}

#[test]
fn a_worker_told_to_leave_now_fails_its_job_and_says_so() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    worker.runs("c1", "j1");
    let leaves = ["to c1: job_failed j1 WORKER_LEAVES", "ended j1 failed", "status maintenance"];
    assert_eq!(worker.asked(Shutdown::Now), leaves);
    worker.acknowledged();
    assert!(worker.core.is_done());
}

#[test]
fn a_worker_that_leaves_waits_for_the_answer_to_its_last_update_but_not_for_ever() {
    for is_answered in [true, false] {
        let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
        assert!(!worker.asked(Shutdown::Now).is_empty());
        assert!(!worker.core.is_done(), "its last word is still on the way");
        if is_answered {
            worker.acknowledged();
        } else {
            worker.waits_until(1);
        }
        assert!(worker.core.is_done());
    }
}

#[test]
fn what_the_worker_cannot_do_is_refused_with_the_reason() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    let requirements = json!({ "min_gpu_memory_mb": 16_000 });
    let request = json!({ "app_message_type": "job_request", "job_id": "j", "requirements": requirements });
    assert_eq!(worker.hears_payload("c", request), ["to c: job_response j insufficient_memory"]);
    assert_eq!(worker.core.status(), WorkerStatus::Available);
}

#[test]
fn messages_that_cannot_be_read_are_answered_and_change_nothing() {
    let mut worker = Bench::new(Strategy::MetadataFirst, &[]);
    let answer = worker.hears_payload("c", json!({ "app_message_type": "job_request", "job_id": 7 }));
    assert_eq!(answer, ["to c: app_error  INVALID_MESSAGE"]);
    for payload in [json!(null), json!({}), json!({ "app_message_type": "chat" }), json!({ "app_message_type": 1 })] {
        assert!(worker.hears_payload("c", payload).is_empty());
    }
}
