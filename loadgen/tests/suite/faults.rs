//! Faults on a live run's own users: told in the same words as in the simulated world, and real to the server.

use crate::live_runs::{options, run_quietly};
use crate::support::Served;
use rehearsal_loadgen::live::files::read_events;
use rehearsal_loadgen::live::options::LiveRun;
use rehearsal_reference::server::ServerOptions;
use rehearsal_reports::event::{Body, Event, Kind};
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, load};

/// One worker and one client with two jobs.
fn scenario(fault: &str) -> String {
    format!(
        "format = 1\n[time]\nmeasure = '30s'\n[users.workers]\njob = '300ms'\n[users.clients]\njobs = 2\n\
         start = '100ms'\nthink = '2500ms'\n[faults.it]\n{fault}"
    )
}

async fn play(text: &str) -> (LiveRun, Vec<Event>) {
    let served = Served::start(ServerOptions::default()).await;
    let out = tempfile::tempdir().unwrap();
    let plan = load("faulty", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
    let run = run_quietly(plan.plan(1, World::Live), options(served.target(), &out)).await.unwrap();
    let events = read_events(&run.record, 1_000_000);
    assert!(run.left_behind.is_nothing(), "{:?}", run.left_behind);
    assert!(run.outcome.expected, "{:?} {:?}", run.outcome.notes, run.outcome.checks);
    (run, events)
}

/// What the record says of the fault `it`, and whom it concerns.
fn told(events: &[Event]) -> Vec<(String, Vec<String>)> {
    let of = |event: &Event| match &event.body {
        // A machine that is busy makes the generator stand still, which is told as well.
        Body::Fault { name, what, users, .. } if &**name == "it" => {
            Some((what.to_string(), users.iter().map(ToString::to_string).collect()))
        }
        _ => None,
    };
    events.iter().filter(|event| event.kind == Kind::Fault).filter_map(of).collect()
}

fn words(events: &[Event]) -> Vec<String> {
    told(events).into_iter().map(|(word, _)| word).collect()
}

/// Where the record tells that `it` begins and ends.
fn span(events: &[Event]) -> (usize, usize) {
    let is_it = |event: &Event| matches!(&event.body, Body::Fault { name, .. } if &**name == "it");
    (events.iter().position(is_it).unwrap(), events.iter().rposition(is_it).unwrap())
}

fn registrations(events: &[Event], user: &str) -> usize {
    events.iter().filter(|it| it.kind == Kind::Ok && &*it.op == "register" && &*it.user == user).count()
}

fn jobs(events: &[Event]) -> usize {
    events.iter().filter(|event| event.kind == Kind::Ended && &*event.op == "job").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_killed_lost_or_stopped_comes_back_and_goes_on() {
    let cases = [
        ("kill", &["killed", "restarted"][..]),
        ("lose", &["machine lost", "restarted"]),
        ("stop", &["told to stop", "exited", "restarted"]),
    ];
    let runs = cases.map(|(doing, expected)| async move {
        let fault = format!("do = '{doing}'\nwho = 'workers'\nat = '1s'\nback = '500ms'\n");
        let (_, events) = play(&scenario(&fault)).await;
        assert_eq!(words(&events), expected, "{doing}");
        assert!(told(&events).iter().all(|(_, users)| users == &["workers-0"]), "{:?}", told(&events));
        assert_eq!(registrations(&events, "workers-0"), 2, "{doing}");
        assert_eq!(jobs(&events), 2, "{doing}");
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_user_that_is_killed_for_good() {
    let (_, events) = play(&scenario("do = 'kill'\nwho = 'clients'\nat = '1s'\n")).await;
    assert_eq!(words(&events), ["killed"]);
    assert_eq!(jobs(&events), 1, "the second one is not asked for any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_follows_a_message_has_begun_before_its_user_hears_more() {
    let held = "do = 'pause'\nwho = 'workers'\nwhen = { sends = { app_message_type = 'job_response' } }\nfor = '1s'\n";
    let (_, events) = play(&scenario(held)).await;
    assert_eq!(words(&events), ["pause begins", "pause ends"]);
    let (begins, ends) = span(&events);
    let heard = |event: &&Event| event.kind == Kind::Received && &*event.user == "workers-0";
    assert_eq!(events[begins..ends].iter().filter(heard).count(), 0, "it is held before the assignment comes");
    assert_eq!(jobs(&events), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_keeps_messages_and_its_connection_lives_on() {
    let cut = "do = 'partition'\nbetween = ['workers', 'server']\nat = '1s'\nfor = '2s'\n";
    let (run, events) = play(&scenario(cut)).await;
    assert_eq!(words(&events), ["partition begins", "partition ends"]);
    let (begins, ends) = span(&events);
    let hears = |event: &&Event| event.kind == Kind::Received && &*event.user == "workers-0";
    assert_eq!(events[begins..ends].iter().filter(hears).count(), 0);
    assert_eq!((registrations(&events, "workers-0"), jobs(&events)), (1, 2));
    let notes = run.outcome.notes.join("\n");
    assert!(notes.contains("played inside the generator, the target was not touched: `it`."), "{notes}");
}
