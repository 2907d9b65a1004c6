//! The search inside a host: tokio's queue is first in, first out, so that two tasks which one moment wakes always run in
//! the same order, whatever the seed; here the order is tried.

use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{DelayPoint, Hold, World};
use rehearsal_scenarios::{Overrides, load};
use rehearsal_sim::engine::Engine;
use rehearsal_sim::event_engine::{EventEngine, Manner};
use rehearsal_sim::host::Host;
use rehearsal_sim::turmoil_engine::TurmoilEngine;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// What tries other orders.
#[derive(Clone, Copy)]
enum Search {
    /// Nothing: turmoil as it is.
    OnTurmoil,
    /// Nothing.
    None,
    /// Seeded yields and splits.
    Yields,
    /// A few places that the plan has drawn.
    DelayPoints,
    /// One place.
    At(u64, u64),
}

/// A plan whose only host of interest is the worker's.
const PLANNED: &str = "format = 1\n[search]\ndelay_points = 3\n[users.workers]\nrole = \"worker\"\n";
const HOST: &str = "workers-host0";

fn points(search: Search, seed: u64) -> Vec<DelayPoint> {
    match search {
        Search::DelayPoints => {
            let scenario = load("planned", PLANNED.as_bytes(), &Overrides::default()).unwrap();
            scenario.plan(seed, World::Simulated).delay_points
        }
        Search::At(task, poll) => vec![DelayPoint { host: HOST.into(), task, poll, hold: Hold::BehindOthers }],
        Search::OnTurmoil | Search::None | Search::Yields => Vec::new(),
    }
}

/// One signal wakes two tasks of a host. The second relies on what the first does.
fn is_found(search: Search, seed: u64) -> bool {
    let played = || {
        let network = crate::world::network(Distribution::Fixed(crate::world::MS));
        let step = Duration::from_millis(5);
        let event = |manner| EventEngine::new(seed, step, network.clone()).unwrap().with_manner(manner);
        let mut engine: Box<dyn Engine> = match search {
            Search::OnTurmoil => Box::new(TurmoilEngine::new(seed, step, network.clone()).unwrap()),
            Search::Yields => Box::new(event(Manner::Searching)),
            _ => Box::new(event(Manner::Plain).with_delay_points(points(search, seed))),
        };
        let outcome = Arc::new(Mutex::new(None));
        let told = outcome.clone();
        engine.add_host(HOST, Box::new(move |host| Box::pin(race(host, told.clone()))));
        while outcome.lock().unwrap().is_none() {
            engine.step(1_000 * crate::world::MS).unwrap();
        }
        outcome.lock().unwrap().unwrap()
    };
    std::thread::scope(|scope| scope.spawn(played).join().unwrap())
}

async fn race(host: Host, told: Arc<Mutex<Option<bool>>>) {
    let spawner = host.surroundings("race").spawner;
    // It wakes whom it finds in the order of waiting; a watch channel would draw the order from the runtime's seed.
    let signal = Arc::new(Notify::new());
    let written = Arc::new(AtomicBool::new(false));
    let (by_writer, by_reader, seen) = (signal.clone(), signal.clone(), written.clone());
    let writer = Box::pin(async move {
        by_writer.notified().await;
        written.store(true, Ordering::Relaxed);
    });
    let reader = Box::pin(async move {
        by_reader.notified().await;
        *told.lock().unwrap() = Some(!seen.load(Ordering::Relaxed));
    });
    spawner.spawn("writer", writer).detach();
    spawner.spawn("reader", reader).detach();
    tokio::time::sleep(Duration::from_millis(10)).await;
    signal.notify_waiters();
    std::future::pending().await
}

/// How many seeds it takes from each of these on, at most 200.
fn tries(search: Search) -> Vec<u64> {
    let starts = (0..9).map(|start| 1 + start * 1_000);
    let mut tries: Vec<u64> = starts
        .map(|start| (0..200).find(|tried| is_found(search, start + tried)).map_or(200, |tried| tried + 1))
        .collect();
    tries.sort_unstable();
    tries
}

#[test]
fn a_race_between_two_tasks_of_a_host_is_found_here_and_never_on_plain_turmoil() {
    assert_eq!((1..=2_000).find(|seed| is_found(Search::OnTurmoil, *seed)), None);
    assert_eq!((1..=200).find(|seed| is_found(Search::None, *seed)), None);
    for search in [Search::Yields, Search::DelayPoints] {
        let tries = tries(search);
        assert!(tries[tries.len() / 2] < 200, "{tries:?}");
    }
}

#[test]
fn a_delay_point_holds_back_the_poll_that_it_names_and_no_other() {
    // Task 0 is the program, 1 the writer, 2 the reader; each of these is polled when it starts and when it is woken.
    let is_found_at = |task, poll| is_found(Search::At(task, poll), 1);
    assert!(is_found_at(1, 1));
    for (task, poll) in [(0, 1), (1, 2), (2, 1), (7, 1)] {
        assert!(!is_found_at(task, poll), "{task} {poll}");
    }
}
