//! Tiny histories: stale answers, wrong merges, omissions, and what is none of them.

use super::super::history_for_tests::{History, seen};
use super::*;
use crate::event::{Closer, Kind};
use serde_json::json;

fn status(status: &str) -> Value {
    json!({"tags": ["t"], "properties": {"gpu_memory_mb": 8192, "status": status}})
}

fn change(status: &str) -> Value {
    json!({"properties": {"status": status}})
}

fn available() -> Value {
    json!({"role": "worker", "properties": {"status": "available"}})
}

fn a_worker_and_a_client() -> History {
    let mut history = History::new();
    history.at(0.0).joins_with("workers-0", 1, "room", "worker", status("available"));
    history.at(0.5).joins("clients-0", 1, "room");
    history
}

#[test]
fn a_discovery_after_the_acknowledgement_that_shows_the_old_status_breaks_it() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).updates("workers-0", 1, change("busy"), status("busy"));
    history.at(3.0).discovers("clients-0", json!({}), &[seen("workers-0", &status("available"))]);
    let evidence = history.broken_under(NAME);
    assert_eq!(
        evidence[0].sentence,
        "clients-0 saw workers-0 available at 3.000 s, though its status was busy, acknowledged at 2.000 s"
    );
}

#[test]
fn a_discovery_before_the_acknowledgement_may_show_either() {
    for shown in ["available", "busy"] {
        let mut history = a_worker_and_a_client();
        history.at(2.0).asks("update", "workers-0", 1, Body::Update { metadata: change("busy").into() });
        history.at(2.1).asks("discover", "clients-0", 1, Body::Discover { filters: json!({}).into() });
        history.at(2.2).answered("update", Kind::Ok, Body::Updated { metadata: status("busy").into() });
        let peers = vec![seen("workers-0", &status(shown))];
        history.at(2.3).answered("discover", Kind::Ok, Body::Discovered { peers });
        assert_eq!(history.holds_under(NAME), 2, "{shown}");
    }
}

#[test]
fn the_next_update_makes_the_acknowledged_status_old_news() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).updates("workers-0", 1, change("busy"), status("busy"));
    history.at(3.0).asks("update", "workers-0", 1, Body::Update { metadata: change("available").into() });
    history.at(3.1).discovers("clients-0", json!({}), &[seen("workers-0", &status("available"))]);
    history.at(3.2).discovers("clients-0", json!({}), &[seen("workers-0", &status("busy"))]);
    assert_eq!(history.holds_under(NAME), 3);
}

#[test]
fn a_merge_that_loses_a_key_breaks_it() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).updates("workers-0", 1, change("busy"), change("busy"));
    let evidence = history.broken_under(NAME);
    assert_eq!(
        evidence[0].sentence,
        "an update of workers-0 was acknowledged at 2.000 s with tags missing instead of [\"t\"]"
    );
}

#[test]
fn a_discovery_that_shows_a_lost_key_breaks_it_though_the_status_is_right() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).updates("workers-0", 1, change("busy"), status("busy"));
    history.at(3.0).discovers("clients-0", json!({}), &[seen("workers-0", &change("busy"))]);
    assert!(history.broken_under(NAME)[0].sentence.starts_with("clients-0 saw other metadata of workers-0"));
}

#[test]
fn a_refused_update_changes_nothing() {
    let mut history = a_worker_and_a_client();
    let error = Body::Error { code: "METADATA_TOO_LARGE".into(), message: "".into(), to: None };
    history.at(2.0).does(
        "workers-0",
        1,
        "update",
        Body::Update { metadata: change("busy").into() },
        Kind::Failed,
        error,
    );
    history.at(3.0).discovers("clients-0", json!({}), &[seen("workers-0", &status("available"))]);
    assert_eq!(history.holds_under(NAME), 1);
    history.at(4.0).discovers("clients-0", json!({}), &[seen("workers-0", &status("busy"))]);
    assert_eq!(history.verdict_under(NAME).violations, 1);
}

#[test]
fn a_registered_worker_that_matches_and_is_not_listed_breaks_it() {
    let mut history = a_worker_and_a_client();
    history.at(3.0).discovers("clients-0", available(), &[]);
    let evidence = history.at(5.0).broken_under(NAME);
    assert_eq!(
        evidence[0].sentence,
        "clients-0 was not shown workers-0 at 3.000 s, though it was registered and matches the filters"
    );
}

#[test]
fn a_worker_that_is_listed_and_cannot_match_breaks_it() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).updates("workers-0", 1, change("busy"), status("busy"));
    history.at(3.0).discovers("clients-0", available(), &[seen("workers-0", &status("busy"))]);
    let evidence = history.broken_under(NAME);
    assert_eq!(evidence[0].sentence, "clients-0 was shown workers-0 at 3.000 s, though it does not match the filters");
}

#[test]
fn a_worker_that_matched_until_an_update_that_is_on_its_way_may_be_listed() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).asks("update", "workers-0", 1, Body::Update { metadata: change("busy").into() });
    history.at(2.1).discovers("clients-0", available(), &[seen("workers-0", &status("available"))]);
    assert_eq!(history.holds_under(NAME), 1);
}

#[test]
fn a_worker_that_is_listed_twice_in_one_answer_breaks_it_and_in_two_it_does_not() {
    let mut history = a_worker_and_a_client();
    let worker = seen("workers-0", &status("available"));
    history.at(3.0).discovers("clients-0", json!({}), std::slice::from_ref(&worker));
    history.at(4.0).discovers("clients-0", json!({}), std::slice::from_ref(&worker));
    assert_eq!(history.holds_under(NAME), 2);
    history.at(5.0).discovers("clients-0", json!({}), &[worker.clone(), worker]);
    let evidence = history.broken_under(NAME);
    assert_eq!(evidence.len(), 1);
    assert_eq!(evidence[0].sentence, "clients-0 was shown workers-0 at 5.000 s, a second time in one answer");
}

#[test]
fn a_worker_that_does_not_match_or_whose_connection_is_just_ending_need_not_be_listed() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).updates("workers-0", 1, change("busy"), status("busy"));
    history.at(3.0).discovers("clients-0", available(), &[]);
    history.at(4.0).discovers("clients-0", json!({}), &[]);
    history.at(4.3).closes("workers-0", 1, Closer::Network);
    history.at(9.0).discovers("clients-0", json!({}), &[]);
    assert_eq!(history.verdict_under(NAME).violations, 0);
}

#[test]
fn a_cut_worker_need_not_be_listed_until_it_was_heard_of_again() {
    let mut history = a_worker_and_a_client();
    history.at(1.0).fault("cut", "partition begins", &["workers-0", "server-0"]);
    history.at(50.0).fault("cut", "partition ends", &["workers-0", "server-0"]);
    history.at(51.0).discovers("clients-0", available(), &[]);
    assert_eq!(history.at(55.0).verdict_under(NAME).violations, 0);
    history.at(56.0).updates("workers-0", 1, change("available"), status("available"));
    history.at(57.0).discovers("clients-0", available(), &[]);
    assert_eq!(history.at(60.0).verdict_under(NAME).violations, 1);
}

#[test]
fn a_new_registration_that_an_old_connection_takes_along_breaks_it() {
    let mut history = a_worker_and_a_client();
    history.at(2.0).joins_with("workers-0", 2, "room", "worker", status("available"));
    history.at(3.0).closes("workers-0", 1, Closer::Us);
    history.at(4.0).discovers("clients-0", available(), &[]);
    assert_eq!(history.at(6.0).broken_under(NAME).len(), 1);
}

#[test]
fn an_update_whose_connection_was_lost_may_or_may_not_be_seen() {
    for shown in ["available", "busy"] {
        let mut history = a_worker_and_a_client();
        history.at(2.0).asks("update", "workers-0", 1, Body::Update { metadata: change("busy").into() });
        history.at(2.5).closes("workers-0", 1, Closer::Network);
        history.at(3.0).discovers("clients-0", json!({}), &[seen("workers-0", &status(shown))]);
        assert_eq!(history.holds_under(NAME), 1, "{shown}");
    }
}
