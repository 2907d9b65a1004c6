//! Faults that stop a program politely, and faults that follow a message: what happens, and near misses.

use crate::ENGINE;
use crate::scenes::{broken, faults, played, race_with, word};
use rehearsal_reports::event::{Body, Closer, Event, Kind};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::seed::SeedRun;

fn fault(what: &str) -> String {
    race_with(&format!("[faults.first]\n{what}"))
}

fn told(run: &SeedRun) -> Vec<String> {
    faults(run).into_iter().map(|(word, _)| word).collect()
}

/// Close codes that users saw while the fault was on.
fn close_codes(run: &SeedRun) -> Vec<Option<u16>> {
    let code = |event: &Event| match &event.body {
        Body::Closed { by: Closer::Peer, code, .. } => Some(*code),
        _ => None,
    };
    run.events.iter().filter_map(code).collect()
}

fn says_yes(event: &Event) -> bool {
    matches!(&event.body, Body::Message { job: Some(job), .. } if &*job.says == "job_response" && job.accepted == Some(true))
}

#[test]
fn a_server_that_is_stopped_says_goodbye_to_everybody_exits_and_serves_again() {
    for seed in 1..=3 {
        let run = played(&fault("do = \"stop\"\nwho = \"server\"\nat = \"1s\"\nback = \"2s\""), seed);
        assert_eq!(run.failure, None);
        assert_eq!(told(&run), ["told to stop", "exited", "restarted"]);
        let [stop, exit, back] = faults(&run).try_into().unwrap();
        assert!(exit.1 - stop.1 < 5.1, "it exits within the grace that it gives its connections: {exit:?}");
        assert!((1.99..2.01).contains(&(back.1 - exit.1)), "it stays away for as long as the fault says: {back:?}");
        let codes = close_codes(&run);
        assert!(codes.iter().filter(|code| **code == Some(1001)).count() >= 3, "1001 to all three: {codes:?}");
        assert!(broken(&run).is_empty(), "{:?}", broken(&run));
    }
}

#[test]
fn a_server_that_is_killed_says_no_goodbye() {
    let run = played(&fault("do = \"kill\"\nwho = \"server\"\nat = \"1s\"\nback = \"2s\""), 1);
    assert_eq!(told(&run), ["killed", "restarted"]);
    assert!(!close_codes(&run).contains(&Some(1001)));
}

#[test]
fn a_worker_that_is_stopped_leaves_cleanly_and_a_client_that_is_stopped_goes_on_when_it_is_back() {
    let run = played(&fault("do = \"stop\"\nwho = \"workers\"\nat = \"1s\"\nback = \"3s\""), 1);
    assert_eq!(run.failure, None);
    assert_eq!(told(&run), ["told to stop", "exited", "restarted"]);
    let by_itself =
        |event: &Event| &*event.user == "workers-0" && matches!(event.body, Body::Closed { by: Closer::Us, .. });
    assert!(run.events.iter().any(by_itself), "it closes its connection itself");
    assert!(broken(&run).is_empty(), "{:?}", broken(&run));

    let clients = "do = \"stop\"\nwho = { users = \"clients\", share = 0.5 }\nat = \"600ms\"\nback = \"4s\"";
    let run = played(&fault(clients), 1);
    assert_eq!(run.failure, None);
    assert_eq!(told(&run), ["told to stop", "exited", "restarted"]);
    let done = run.events.iter().filter(|event| &*event.op == "request_job" && event.kind == Kind::Ok).count();
    assert!(done >= 2, "both clients get their job done: {done}");
}

#[test]
fn a_server_that_has_no_time_to_say_goodbye_is_killed() {
    // Nobody reads the goodbye: the link is cut before.
    let cut = "do = \"partition\"\nbetween = [\"clients\", \"server\"]\nat = \"900ms\"\nfor = \"10s\"";
    let stop = "do = \"stop\"\nwho = \"server\"\nat = \"1s\"\ngrace = \"500ms\"\nback = \"1s\"";
    let run = played(&format!("{}\n[faults.second]\n{stop}", fault(cut)), 1);
    assert_eq!(run.failure, None);
    assert_eq!(told(&run), ["partition begins", "told to stop", "killed", "restarted", "partition ends"]);
    let times = faults(&run);
    assert!((1.5..1.6).contains(&times[2].1), "{times:?}");
}

/// A worker dies between acceptance and assignment.
const DEATH: &str = "do = \"kill\"\nwho = \"workers\"\nback = \"1s\"";

#[test]
fn a_fault_that_follows_a_message_hits_whoever_sent_it_right_then() {
    for seed in 1..=5 {
        let when = "when = { sends = { app_message_type = \"job_response\", accepted = true } }";
        let run = played(&fault(&format!("{DEATH}\n{when}")).replace("strategy", "count = 3\nstrategy"), seed);
        assert_eq!(run.failure, None);
        let fault = run.events.iter().find(|event| event.kind == Kind::Fault).expect("the worker dies");
        let Body::Fault { users, .. } = &fault.body else { panic!("{fault:?}") };
        let [victim] = users.as_slice() else { panic!("one of three workers: {users:?}") };
        let said_yes =
            run.events.iter().rev().find(|event| {
                event.n < fault.n && event.user == *victim && event.kind == Kind::Sent && says_yes(event)
            });
        let waited_ns = fault.t_ns - said_yes.expect("it said yes").t_ns;
        // turmoil goes on to the end of its tick.
        let at_most_ns = if ENGINE == EngineKind::Event { 0 } else { 5_000_000 };
        assert!((0..=at_most_ns).contains(&waited_ns), "{waited_ns}");
        let begins = run.events.iter().find(|event| event.kind == Kind::Began && &*event.op == "job");
        assert!(begins.is_none_or(|began| began.n > fault.n), "no job had been assigned");
        assert_eq!(word(&run, "worker_runs_one_job_at_a_time"), "holds", "others still did their work");
    }
}

#[test]
fn a_fault_whose_message_never_comes_never_happens() {
    for when in [
        "when = { sends = { app_message_type = \"job_response\", accepted = \"yes\" } }",
        "when = { receives = { app_message_type = \"job_response\" } }",
        "when = { sends = { app_message_type = \"job_response\" }, by = \"clients\" }",
        "when = { sends = { app_message_type = \"job_response\" }, nth = 100 }",
    ] {
        let run = played(&fault(&format!("{DEATH}\n{when}")), 1);
        assert_eq!(run.failure, None, "{when}");
        assert_eq!(told(&run), Vec::<String>::new(), "{when}");
    }
}

#[test]
fn the_message_may_be_another_group_s_and_the_fault_may_wait_after_it() {
    let when = "when = { receives = { app_message_type = \"job_response\", accepted = true }, by = \"clients\", after = \"700ms\" }";
    let run = played(&fault(&format!("do = \"kill\"\nwho = \"server\"\nback = \"1s\"\n{when}")), 2);
    assert_eq!(run.failure, None);
    assert_eq!(told(&run), ["killed", "restarted"]);
    let heard = run
        .events
        .iter()
        .find(|event| event.user.starts_with("clients") && event.kind == Kind::Received && says_yes(event));
    let heard_s = heard.expect("a client hears yes").t_ns as f64 / 1e9;
    let killed_s = faults(&run)[0].1;
    assert!((0.699..0.711).contains(&(killed_s - heard_s)), "{heard_s} {killed_s}");
}
