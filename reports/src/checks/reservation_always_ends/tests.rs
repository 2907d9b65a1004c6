//! Tiny histories: reservations that last too long or have two holders, and near misses.

use super::super::history_for_tests::History;
use super::*;
use crate::event::{Closer, Seconds};

const SECOND: i64 = 1_000_000_000;

fn a_worker_and_two_clients() -> History {
    let mut history = History::new();
    history.at(0.0).joins("workers-0", 1, "room").joins("clients-0", 1, "room").joins("clients-1", 1, "room");
    history
}

fn reserves(history: &mut History, client: &str, until_s: i64) {
    let asked = Body::Reserve { worker: "workers-0".into(), duration_sec: Seconds(2.0) };
    let answer = Body::Reserved { worker: "workers-0".into(), until_ns: until_s * SECOND };
    history.does(client, 1, "reserve_worker", asked, Kind::Ok, answer);
}

fn is_refused(history: &mut History, client: &str) {
    let asked = Body::Reserve { worker: "workers-0".into(), duration_sec: Seconds(2.0) };
    let answer = Body::Error { code: "WORKER_RESERVED".into(), message: "".into(), to: None };
    history.does(client, 1, "reserve_worker", asked, Kind::Failed, answer);
}

#[test]
fn a_worker_that_waits_for_ever_breaks_it() {
    let mut history = a_worker_and_two_clients();
    history.at(3.0).says_status("workers-0", 1, "reserved");
    let evidence = history.at(30.0).broken_under(NAME);
    assert_eq!(
        evidence[0].sentence,
        "workers-0 was still reserved 27.000 s after it was acknowledged at 3.000 s, without a job"
    );
}

#[test]
fn a_worker_that_gives_up_after_ten_seconds_is_fine() {
    let mut history = a_worker_and_two_clients();
    history.at(3.0).says_status("workers-0", 1, "reserved");
    history.at(13.1).says_status("workers-0", 1, "available");
    history.at(14.0).says_status("workers-0", 1, "reserved");
    history.at(15.0).begins("workers-0", "clients-0-j1", "clients-0");
    history.at(20.0).ends("workers-0", "clients-0-j1", "clients-0");
    history.at(50.0).says_status("workers-0", 1, "reserved");
    history.at(51.0).closes("workers-0", 1, Closer::Network);
    assert_eq!(history.at(99.0).holds_under(NAME), 3);
}

#[test]
fn the_time_for_which_a_worker_is_paused_does_not_count_and_that_of_a_cut_does() {
    for (begins, ends, breaks) in [("pause begins", "pause ends", false), ("partition begins", "partition ends", true)]
    {
        let mut history = a_worker_and_two_clients();
        history.at(3.0).says_status("workers-0", 1, "reserved");
        history.at(4.0).fault("held", begins, &["workers-0"]);
        history.at(40.0).fault("held", ends, &["workers-0"]);
        history.at(41.0).says_status("workers-0", 1, "available");
        assert_eq!(history.verdict_under(NAME).violations > 0, breaks, "{begins}");
    }
    let mut history = a_worker_and_two_clients();
    history.at(3.0).says_status("workers-0", 1, "reserved");
    history.at(4.0).fault("held", "pause begins", &["workers-0"]);
    history.at(10.0).fault("held", "pause ends", &["workers-0"]);
    history.at(24.0).says_status("workers-0", 1, "available");
    assert!(history.verdict_under(NAME).violations > 0, "it had 15 s of its own");
}

#[test]
fn an_assignment_that_comes_before_the_acknowledgement_ends_the_wait() {
    let mut history = a_worker_and_two_clients();
    let reserved = serde_json::json!({"properties": {"status": "reserved"}});
    history.at(3.0).asks("update", "workers-0", 1, Body::Update { metadata: reserved.clone().into() });
    history.at(3.1).begins("workers-0", "clients-0-j1", "clients-0");
    history.answered("update", Kind::Ok, Body::Updated { metadata: reserved.into() });
    history.at(60.0).ends("workers-0", "clients-0-j1", "clients-0");
    assert_eq!(history.verdict_under(NAME).violations, 0);
}

#[test]
fn a_lapsed_reservation_that_still_refuses_breaks_it() {
    let mut history = a_worker_and_two_clients();
    reserves(history.at(1.0), "clients-0", 3);
    is_refused(history.at(5.0), "clients-1");
    let evidence = history.broken_under(NAME);
    assert_eq!(
        evidence[0].sentence,
        "clients-1 was refused workers-0 at 5.000 s for a reservation of clients-0 that lapsed at 3.000 s"
    );
}

#[test]
fn a_reservation_in_force_may_refuse_and_a_lapsed_one_gives_way() {
    let mut history = a_worker_and_two_clients();
    reserves(history.at(1.0), "clients-0", 3);
    is_refused(history.at(2.0), "clients-1");
    reserves(history.at(5.0), "clients-1", 7);
    assert_eq!(history.holds_under(NAME), 1);
}

fn reserves_for_long(history: &mut History, client: &str, until_s: i64) {
    let asked = Body::Reserve { worker: "workers-0".into(), duration_sec: Seconds(30.0) };
    let answer = Body::Reserved { worker: "workers-0".into(), until_ns: until_s * SECOND };
    history.does(client, 1, "reserve_worker", asked, Kind::Ok, answer);
}

#[test]
fn a_worker_that_two_clients_hold_at_once_breaks_it() {
    let mut history = a_worker_and_two_clients();
    reserves_for_long(history.at(1.0), "clients-0", 31);
    reserves_for_long(history.at(5.0), "clients-1", 35);
    let evidence = history.broken_under(NAME);
    assert_eq!(
        evidence[0].sentence,
        "clients-1 was given workers-0 at 5.000 s while clients-0 had reserved it until 31.000 s"
    );
}

#[test]
fn a_reservation_that_was_released_or_whose_holder_or_worker_left_may_be_given_to_another() {
    for end in ["released", "holder left", "worker came back", "server killed", "the same holder"] {
        let mut history = a_worker_and_two_clients();
        reserves_for_long(history.at(1.0), "clients-0", 31);
        history.at(3.0);
        let mut next = "clients-1";
        match end {
            "released" => {
                history.put("clients-0", 1, Kind::Sent, "", None, Body::Other { kind: "release_worker".into() });
            }
            "holder left" => {
                history.closes("clients-0", 1, Closer::Us);
            }
            "worker came back" => {
                history.joins("workers-0", 2, "room");
            }
            "server killed" => {
                history.fault("death", "killed", &["server-0"]);
            }
            _ => next = "clients-0",
        }
        reserves_for_long(history.at(5.0), next, 35);
        assert_eq!(history.verdict_under(NAME).violations, 0, "{end}");
    }
}

#[test]
fn a_reservation_whose_answer_never_came_may_refuse() {
    let mut history = a_worker_and_two_clients();
    reserves(history.at(1.0), "clients-0", 3);
    let asked = Body::Reserve { worker: "workers-0".into(), duration_sec: Seconds(2.0) };
    history.at(4.5).asks("reserve", "clients-0", 1, asked);
    is_refused(history.at(5.0), "clients-1");
    history.at(5.5).closes("clients-0", 1, Closer::Network);
    is_refused(history.at(6.0), "clients-1");
    assert_eq!(history.verdict_under(NAME).violations, 0);
}
