//! Each object with a history that has no order and one that nearly has none.

use super::super::history_for_tests::{History, seen};
use super::NAME;
use crate::event::{Body, Closer, JobMessage, Kind, digest};
use serde_json::{Value, json};
use std::sync::Arc;

fn status(status: &str) -> Value {
    json!({ "properties": { "status": status } })
}

fn looks(history: &mut History, second: f64, sees: &[&str]) {
    let listed: Vec<_> = sees.iter().map(|word| seen("workers-0", &status(word))).collect();
    history.at(second).discovers("clients-0", json!({ "role": "worker" }), &listed);
}

fn a_worker_and_a_client() -> History {
    let mut history = History::new();
    history.at(0.0).joins_with("workers-0", 1, "room", "worker", status("available"));
    history.at(0.5).joins("clients-0", 1, "room");
    history
}

#[test]
fn a_status_that_comes_back_without_being_said_again_has_no_order() {
    let mut history = a_worker_and_a_client();
    history.at(1.0).says_status("workers-0", 1, "busy");
    looks(&mut history, 2.0, &["busy"]);
    assert_eq!(history.holds_under(NAME), 4);
    looks(&mut history, 3.0, &["available"]);
    let evidence = history.broken_under(NAME);
    assert_eq!(
        evidence[0].sentence,
        "no order of these explains what was seen of workers-0: clients-0 saw it busy (2.000 s); clients-0 saw it \
         available (3.000 s)"
    );
    assert_eq!(evidence[0].events.last(), Some(&(history.events.len() as u64 - 1)));
}

#[test]
fn while_an_update_is_on_its_way_both_are_seen_but_not_the_old_one_after_the_new_one() {
    let update = Body::Update { metadata: Arc::new(status("busy")) };
    for (order, holds) in [(["available", "busy"], true), (["busy", "available"], false)] {
        let mut history = a_worker_and_a_client();
        history.at(1.0).asks("update", "workers-0", 1, update.clone());
        looks(&mut history, 2.0, &order[..1]);
        looks(&mut history, 3.0, &order[1..]);
        history.at(4.0).answered("update", Kind::Ok, Body::Updated { metadata: Arc::new(status("busy")) });
        assert_eq!(history.verdict_under(NAME).verdict.word() == "holds", holds, "{order:?}");
    }
}

#[test]
fn a_lost_update_may_arrive_late_but_only_once() {
    let mut history = a_worker_and_a_client();
    history.at(1.0).asks("update", "workers-0", 1, Body::Update { metadata: Arc::new(status("busy")) });
    looks(&mut history, 2.0, &["available"]);
    looks(&mut history, 30.0, &["busy"]);
    history.at(31.0).says_status("workers-0", 1, "available");
    looks(&mut history, 32.0, &["available"]);
    assert!(history.holds_under(NAME) > 0);
    looks(&mut history, 33.0, &["busy"]);
    history.broken_under(NAME);
}

#[test]
fn the_end_of_an_old_connection_does_not_remove_the_new_registration() {
    let mut history = a_worker_and_a_client();
    history.at(1.0).joins_with("workers-0", 2, "room", "worker", status("available"));
    history.at(2.0).closes("workers-0", 1, Closer::Network);
    looks(&mut history, 3.0, &["available"]);
    assert!(history.holds_under(NAME) > 0);
    looks(&mut history, 4.0, &[]);
    history.at(5.0).says_status("workers-0", 2, "available");
    let evidence = history.broken_under(NAME);
    assert!(evidence[0].sentence.contains("did not see it"), "{}", evidence[0].sentence);
}

#[test]
fn a_peer_whose_connection_may_have_ended_need_not_be_seen_but_does_not_come_back() {
    let mut history = a_worker_and_a_client();
    looks(&mut history, 4.0, &[]);
    history.at(5.0).closes("workers-0", 1, Closer::Network);
    assert!(history.holds_under(NAME) > 0);
    looks(&mut history, 6.0, &["available"]);
    history.broken_under(NAME);
}

#[test]
fn a_filter_that_asks_for_another_status_need_not_show_it() {
    let mut history = a_worker_and_a_client();
    let busy = json!({ "role": "worker", "properties": { "status": "busy" } });
    history.at(1.0).discovers("clients-0", busy.clone(), &[]);
    assert!(history.holds_under(NAME) > 0);
    history.at(2.0).says_status("workers-0", 1, "busy");
    history.at(3.0).discovers("clients-0", busy, &[]);
    history.at(4.0).says_status("workers-0", 1, "busy");
    history.broken_under(NAME);
}

fn reserves(history: &mut History, second: f64, client: &str, is_given: bool) {
    let asked = Body::Reserve { worker: "workers-0".into(), duration_sec: crate::event::Seconds(30.0) };
    let answer = match is_given {
        true => Body::Reserved { worker: "workers-0".into(), until_ns: 0 },
        false => Body::Error { code: "WORKER_RESERVED".into(), message: "".into(), to: None },
    };
    let end = if is_given { Kind::Ok } else { Kind::Failed };
    history.at(second).does(client, 1, "reserve_worker", asked, end, answer);
}

#[test]
fn a_worker_is_reserved_by_one_client_until_the_lease_ends() {
    let mut history = a_worker_and_a_client();
    history.at(0.6).joins("clients-1", 1, "room");
    reserves(&mut history, 1.0, "clients-0", true);
    reserves(&mut history, 5.0, "clients-1", false);
    reserves(&mut history, 31.5, "clients-1", true);
    assert!(history.holds_under(NAME) > 0);
    reserves(&mut history, 32.5, "clients-0", false);
    assert!(history.holds_under(NAME) > 0);
}

#[test]
fn a_reservation_that_two_have_and_one_that_has_lapsed_and_refuses_have_no_order() {
    for (second, is_given) in [(5.0, true), (40.0, false)] {
        let mut history = a_worker_and_a_client();
        history.at(0.6).joins("clients-1", 1, "room");
        reserves(&mut history, 1.0, "clients-0", true);
        reserves(&mut history, second, "clients-1", is_given);
        // Whoever still is answered has not left.
        reserves(&mut history, 50.0, "clients-0", is_given);
        history.at(51.0).says_status("workers-0", 1, "available");
        assert_eq!(history.verdict_under(NAME).verdict.word(), "broken", "at {second}");
    }
}

fn is_told(history: &mut History, client: &str, worker: &str, job: &str) {
    let message = JobMessage { says: "job_complete".into(), job: Some(job.into()), accepted: None };
    let body = Body::Message {
        kind: "peer_message".into(),
        from: worker.into(),
        to: client.into(),
        digest: digest(&json!(job)),
        bytes: 1,
        job: Some(message),
    };
    history.put(client, 1, Kind::Received, "", None, body);
}

#[test]
fn a_job_is_begun_ended_and_told_by_one_worker() {
    let mut history = a_worker_and_a_client();
    history.at(0.7).joins("workers-1", 1, "room");
    history.at(1.0).begins("workers-0", "j", "clients-0").at(2.0).ends("workers-0", "j", "clients-0");
    is_told(history.at(2.5), "clients-0", "workers-0", "j");
    assert!(history.holds_under(NAME) > 0);
    is_told(history.at(3.0), "clients-0", "workers-1", "j");
    let evidence = history.broken_under(NAME);
    assert!(evidence[0].sentence.contains("was told by workers-1 that it is complete"), "{}", evidence[0].sentence);
}

#[test]
fn a_job_that_is_begun_again_has_no_order() {
    let mut history = a_worker_and_a_client();
    history.at(1.0).begins("workers-0", "j", "clients-0").at(2.0).begins("workers-0", "j", "clients-0");
    history.broken_under(NAME);
}
