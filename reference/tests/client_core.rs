//! The client's core against hand-made inputs: choosing, declining, following, cancelling, losing, asking again.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/client_profile.rs"]
mod client_profile;
#[path = "common/transcript.rs"]
mod transcript;

use client_profile::client_profile;
use rehearsal_reference::client::{ClientCore, ClientProfile, JobsDone, Think};
use rehearsal_reference::program::{Input, Program};
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::surroundings::Random;
use rehearsal_reference::worker::Strategy;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use transcript::{drain, from, pass};

struct Zeros;
impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A client at a point in time. It wants two jobs, asks two workers at once and rests 5 s between jobs.
struct Bench {
    core: ClientCore,
    now: Duration,
}

impl Bench {
    fn new(change: impl FnOnce(&mut ClientProfile)) -> Bench {
        let think: Think = Arc::new(|job| Duration::from_secs(job.min(1) * 5));
        let mut profile = ClientProfile { ask: 2, think, ..client_profile(2) };
        change(&mut profile);
        let mut bench = Bench { core: ClientCore::new("c", profile, Arc::new(Zeros)), now: Duration::ZERO };
        bench.core.handle(Input::Joined, bench.now);
        bench
    }

    fn waits_until_ms(&mut self, until_ms: u64) -> Vec<String> {
        let before = std::mem::replace(&mut self.now, Duration::from_millis(until_ms));
        pass(&mut self.core, before, self.now);
        drain(&mut self.core)
    }

    fn hears(&mut self, message: Value) -> Vec<String> {
        self.core.handle(Input::Message(&message), self.now);
        drain(&mut self.core)
    }

    fn sees(&mut self, workers: &[&str]) -> Vec<String> {
        let peers: Vec<Value> = workers.iter().map(|id| json!({ "peer_id": id, "role": "worker" })).collect();
        self.hears(json!({ "type": "peer_list", "to_peer_id": "c", "peers": peers, "count": workers.len() }))
    }

    fn hears_from(&mut self, worker: &str, says: &str, job: &str) -> Vec<String> {
        let status = if says == "job_status" { json!("running") } else { json!("busy") };
        self.hears(from(worker, json!({ "app_message_type": says, "job_id": job, "status": status })))
    }

    fn answers(&mut self, worker: &str, job: &str, accepted: bool) -> Vec<String> {
        self.hears(from(worker, json!({ "app_message_type": "job_response", "job_id": job, "accepted": accepted })))
    }

    /// Discovers worker `a`, asks it and assigns it the job.
    fn assigns(&mut self, job: &str) {
        self.sees(&["a"]);
        assert_eq!(self.answers("a", job, true), [format!("to a: job_assignment {job}")]);
    }
}

#[test]
fn a_client_gets_its_jobs_done_one_after_the_other() {
    let mut client = Bench::new(|_| {});
    let discovers = r#"discover {"properties":{"status":"available"},"role":"worker"}"#;
    assert_eq!(client.waits_until_ms(0), ["attempt c-j0-a0", discovers]);
    client.assigns("c-j0-a0");
    assert!(client.hears_from("a", "job_status", "c-j0-a0").is_empty());
    assert_eq!(client.hears_from("a", "job_complete", "c-j0-a0"), ["attempt c-j0-a0 completed by a"]);
    assert!(client.waits_until_ms(4_999).is_empty());
    assert_eq!(client.waits_until_ms(5_000), ["attempt c-j1-a0", discovers]);
    client.assigns("c-j1-a0");
    client.hears_from("a", "job_complete", "c-j1-a0");
    assert!(client.core.is_done());
    assert!(client.core.jobs_done().is_all());
}

#[test]
fn a_job_that_failed_for_good_is_not_done() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.assigns("c-j0-a0");
    let error = json!({ "code": "OUT_OF_MEMORY", "message": "", "recoverable": false });
    client.hears(from("a", json!({ "app_message_type": "job_failed", "job_id": "c-j0-a0", "error": error })));
    client.waits_until_ms(5_000);
    client.assigns("c-j1-a0");
    client.hears_from("a", "job_complete", "c-j1-a0");
    assert!(client.core.is_done());
    assert_eq!(client.core.jobs_done(), JobsDone { wanted: 2, completed: 1 });
}

#[test]
fn the_best_worker_is_assigned_and_the_other_one_declined() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    let asks = ["to a: job_request c-j0-a0", "to b: job_request c-j0-a0"];
    assert_eq!(client.sees(&["b", "a", "z"]), asks);
    assert!(client.answers("b", "c-j0-a0", true).is_empty(), "the better one may still accept");
    let decides = ["to a: job_assignment c-j0-a0", "to b: job_cancel c-j0-a0"];
    assert_eq!(client.answers("a", "c-j0-a0", true), decides);
}

#[test]
fn silence_is_waited_for_no_longer_than_the_request_allows() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.sees(&["a", "b"]);
    client.answers("b", "c-j0-a0", true);
    assert!(client.waits_until_ms(4_999).is_empty());
    let decides = ["to b: job_assignment c-j0-a0", "to a: job_cancel c-j0-a0"];
    assert_eq!(client.waits_until_ms(5_000), decides);
    assert_eq!(client.answers("a", "c-j0-a0", true), ["to a: job_cancel c-j0-a0"], "too late");
}

#[test]
fn another_attempt_has_another_job_id_and_names_the_first() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    assert_eq!(client.sees(&[]), ["attempt c-j0-a0 nobody_free"]);
    assert!(client.waits_until_ms(249).is_empty());
    assert_eq!(client.waits_until_ms(250)[0], "attempt c-j0-a1 of c-j0-a0");
    client.sees(&["a"]);
    assert_eq!(client.answers("a", "c-j0-a1", false), ["attempt c-j0-a1 nobody_free"]);
    assert!(client.waits_until_ms(749).is_empty(), "the pause doubles");
    assert_eq!(client.waits_until_ms(750)[0], "attempt c-j0-a2 of c-j0-a0");
}

#[test]
fn an_acceptance_for_an_attempt_that_is_over_is_declined() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.sees(&["a"]);
    let gives_up = ["to a: job_cancel c-j0-a0", "attempt c-j0-a0 nobody_free"];
    assert_eq!(client.waits_until_ms(5_000), gives_up);
    assert_eq!(client.answers("a", "c-j0-a0", true), ["to a: job_cancel c-j0-a0"]);
}

#[test]
fn a_worker_that_is_gone_counts_as_refusing() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.sees(&["a"]);
    let error = json!({ "type": "error", "code": "PEER_NOT_FOUND", "message": "nobody" });
    assert_eq!(client.hears(error), ["attempt c-j0-a0 nobody_free"]);
}

#[test]
fn heartbeats_keep_a_job_alive_and_silence_ends_it_as_lost() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.assigns("c-j0-a0");
    client.hears_from("a", "job_status", "c-j0-a0");
    client.waits_until_ms(25_000);
    client.hears_from("a", "worker_heartbeat", "c-j0-a0");
    assert!(client.waits_until_ms(54_999).is_empty());
    let lost = ["to a: job_cancel c-j0-a0", "attempt c-j0-a0 lost by a"];
    assert_eq!(client.waits_until_ms(55_000), lost);
    assert_eq!(client.waits_until_ms(55_250)[0], "attempt c-j0-a1 of c-j0-a0");
}

#[test]
fn an_assignment_that_is_never_taken_up_is_lost_after_ten_seconds() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.assigns("c-j0-a0");
    assert_eq!(client.waits_until_ms(10_000).last().unwrap(), "attempt c-j0-a0 lost by a");
}

#[test]
fn a_recoverable_failure_is_tried_again_and_another_one_is_not() {
    for (recoverable, next) in [(true, "attempt c-j0-a1 of c-j0-a0"), (false, "attempt c-j1-a0")] {
        let mut client = Bench::new(|_| {});
        client.waits_until_ms(0);
        client.assigns("c-j0-a0");
        let error = json!({ "code": "X", "message": "", "recoverable": recoverable });
        let failed = json!({ "app_message_type": "job_failed", "job_id": "c-j0-a0", "error": error });
        assert_eq!(client.hears(from("a", failed)), ["attempt c-j0-a0 failed by a"]);
        assert_eq!(client.waits_until_ms(5_000)[0], next);
    }
}

#[test]
fn a_client_that_changes_its_mind_cancels_when_the_job_has_run_for_a_while() {
    let mut client = Bench::new(|profile| profile.cancel_after = Arc::new(|_| Some(Duration::from_secs(3))));
    client.waits_until_ms(0);
    client.assigns("c-j0-a0");
    client.waits_until_ms(2_000);
    client.hears_from("a", "job_status", "c-j0-a0");
    assert_eq!(client.waits_until_ms(5_000), ["to a: job_cancel c-j0-a0"]);
    assert_eq!(client.hears_from("a", "job_cancelled", "c-j0-a0"), ["attempt c-j0-a0 cancelled by a"]);
    assert_eq!(client.waits_until_ms(10_000)[0], "attempt c-j1-a0");
}

#[test]
fn a_client_with_reservations_asks_only_the_worker_that_it_got() {
    let mut client = Bench::new(|profile| profile.strategy = Strategy::Reservation);
    client.waits_until_ms(0);
    assert_eq!(client.sees(&["a", "b"]), ["reserve_worker a"]);
    let taken = json!({ "type": "error", "code": "WORKER_RESERVED", "message": "" });
    assert_eq!(client.hears(taken), ["reserve_worker b"]);
    let reserved = json!({ "type": "worker_reserved", "worker_id": "b", "reserved_by": "c", "expires_at": 1.0 });
    assert_eq!(client.hears(reserved), ["to b: job_request c-j0-a0"]);
    client.answers("b", "c-j0-a0", true);
    assert_eq!(client.hears_from("b", "job_status", "c-j0-a0"), ["release_worker b"]);
}

#[test]
fn a_refused_client_gives_its_reservation_back() {
    let mut client = Bench::new(|profile| profile.strategy = Strategy::Reservation);
    client.waits_until_ms(0);
    client.sees(&["a"]);
    client.hears(json!({ "type": "worker_reserved", "worker_id": "a", "reserved_by": "c", "expires_at": 1.0 }));
    assert_eq!(client.answers("a", "c-j0-a0", false), ["release_worker a", "attempt c-j0-a0 nobody_free"]);
}

#[test]
fn a_reservation_that_comes_too_late_is_given_back_and_the_next_one_is_asked_for_again() {
    let mut client = Bench::new(|profile| profile.strategy = Strategy::Reservation);
    client.waits_until_ms(0);
    client.sees(&["a"]);
    client.hears(json!({ "type": "error", "code": "WORKER_RESERVED", "message": "" }));
    client.waits_until_ms(300);
    assert_eq!(client.sees(&["a"]), ["reserve_worker a"]);
    assert_eq!(client.waits_until_ms(5_300), ["attempt c-j0-a1 lost"], "this server knows reservations");
    let late = json!({ "type": "worker_reserved", "worker_id": "a", "reserved_by": "c", "expires_at": 1.0 });
    assert_eq!(client.hears(late), ["release_worker a"]);
    client.waits_until_ms(6_500);
    assert_eq!(client.sees(&["a"]), ["reserve_worker a"]);
}

#[test]
fn a_server_without_reservations_is_asked_once() {
    let unknown = json!({ "type": "error", "code": "UNKNOWN_MESSAGE_TYPE", "message": "" });
    for is_silent in [false, true] {
        let mut client = Bench::new(|profile| profile.strategy = Strategy::Reservation);
        client.waits_until_ms(0);
        assert_eq!(client.sees(&["a"]), ["reserve_worker a"]);
        let goes_on = if is_silent { client.waits_until_ms(5_000) } else { client.hears(unknown.clone()) };
        assert_eq!(goes_on, ["to a: job_request c-j0-a0"]);
        client.answers("a", "c-j0-a0", false);
        client.waits_until_ms(if is_silent { 5_500 } else { 500 });
        assert_eq!(client.sees(&["a"]), ["to a: job_request c-j0-a1"]);
    }
}

#[test]
fn a_lost_connection_ends_a_search_but_not_a_running_job() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.core.handle(Input::Lost, client.now);
    assert_eq!(drain(&mut client.core), ["attempt c-j0-a0 lost"]);
    assert!(client.waits_until_ms(20_000).is_empty(), "nothing can be asked without a connection");
    client.core.handle(Input::Joined, client.now);
    assert_eq!(client.waits_until_ms(20_000)[0], "attempt c-j0-a1 of c-j0-a0");
    client.assigns("c-j0-a1");
    client.hears_from("a", "job_status", "c-j0-a1");
    client.core.handle(Input::Lost, client.now);
    client.core.handle(Input::Joined, client.now);
    assert_eq!(client.hears_from("a", "job_complete", "c-j0-a1"), ["attempt c-j0-a1 completed by a"]);
}

#[test]
fn a_drained_client_follows_its_job_to_the_end_and_searches_no_more() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.assigns("c-j0-a0");
    client.core.handle(Input::Shutdown(Shutdown::Drain), client.now);
    assert!(!client.core.is_done());
    client.hears_from("a", "job_complete", "c-j0-a0");
    assert!(client.core.is_done());

    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.sees(&["a"]);
    client.core.handle(Input::Shutdown(Shutdown::Drain), client.now);
    assert_eq!(drain(&mut client.core), ["to a: job_cancel c-j0-a0", "attempt c-j0-a0 cancelled"]);
    assert!(client.core.is_done());
}

#[test]
fn a_client_told_to_leave_now_cancels_its_job() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.assigns("c-j0-a0");
    client.core.handle(Input::Shutdown(Shutdown::Now), client.now);
    assert_eq!(drain(&mut client.core), ["to a: job_cancel c-j0-a0", "attempt c-j0-a0 cancelled by a"]);
    assert!(client.core.is_done());
}

#[test]
fn words_of_strangers_change_nothing() {
    let mut client = Bench::new(|_| {});
    client.waits_until_ms(0);
    client.assigns("c-j0-a0");
    assert!(client.hears_from("z", "job_complete", "c-j0-a0").is_empty(), "not the worker that it was assigned to");
    assert!(client.hears_from("a", "job_complete", "another").is_empty());
    for message in [json!(null), json!({ "type": "peer_message" }), from("a", json!("words")), json!([1])] {
        assert!(client.hears(message).is_empty());
    }
    assert!(!client.core.is_done());
}
