//! The search inside a host: tokio's queue is first in, first out, so that two tasks which one moment wakes always run in
//! the same order, whatever the seed; here the order is tried.

use rehearsal_scenarios::distribution::Distribution;
use rehearsal_sim::engine::{Engine, EngineKind};
use rehearsal_sim::event_engine::{EventEngine, Manner};
use rehearsal_sim::host::Host;
use rehearsal_sim::turmoil_engine::TurmoilEngine;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// One signal wakes two tasks of a host. The second relies on what the first does.
fn is_found(kind: EngineKind, manner: Manner, seed: u64) -> bool {
    let played = || {
        let network = crate::world::network(Distribution::Fixed(crate::world::MS));
        let step = Duration::from_millis(5);
        let mut engine: Box<dyn Engine> = match kind {
            EngineKind::Turmoil => Box::new(TurmoilEngine::new(seed, step, network).unwrap()),
            EngineKind::Event => Box::new(EventEngine::new(seed, step, network).unwrap().with_manner(manner)),
        };
        let outcome = Arc::new(Mutex::new(None));
        let told = outcome.clone();
        engine.add_host("a", Box::new(move |host| Box::pin(race(host, told.clone()))));
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

#[test]
fn a_race_between_two_tasks_of_a_host_is_found_here_and_never_on_plain_turmoil() {
    let on_turmoil = (1..=2_000).filter(|seed| is_found(EngineKind::Turmoil, Manner::Plain, *seed)).count();
    assert_eq!(on_turmoil, 0);
    let unsearched = (1..=200).filter(|seed| is_found(EngineKind::Event, Manner::Plain, *seed)).count();
    assert_eq!(unsearched, 0);
    let found: Vec<u64> = (1..=2_000).filter(|seed| is_found(EngineKind::Event, Manner::Searching, *seed)).collect();
    let mut tries: Vec<u64> =
        std::iter::once(0).chain(found.iter().copied()).zip(&found).map(|(one, next)| next - one).collect();
    tries.sort_unstable();
    assert!(tries.len() >= 10 && tries[tries.len() / 2] <= 200, "{tries:?}");
}
