//! A panic breaks the run and is named, wherever it happens.

use crate::world::{MS, play};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_sim::engine::EngineError;
use std::time::Duration;

#[test]
fn a_panic_in_a_spawned_task_breaks_the_run_and_is_named() {
    let played = play(1, Distribution::Fixed(MS), 1_000, |world| {
        world.add("server-0", |host, _| {
            Box::pin(async move {
                let planted = Box::pin(async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    panic!("planted");
                });
                host.surroundings("server").spawner.spawn("gardener", planted).detach();
                std::future::pending().await
            })
        });
    });
    let Err(EngineError::Panicked(panic)) = played.map(|_| ()) else { panic!("the run was not broken") };
    assert_eq!((panic.host.as_str(), panic.origin.as_str(), panic.t_ns), ("server-0", "gardener", 300 * MS));
    assert!(panic.to_string().contains("gardener on server-0 panicked after 0.300 s: planted"), "{panic}");
}

#[test]
fn a_panic_past_the_spawner_breaks_the_run_too() {
    let played = play(1, Distribution::Fixed(MS), 1_000, |world| {
        world.add("server-0", |_, _| {
            Box::pin(async {
                #[allow(clippy::disallowed_methods, reason = "a library that spawns by itself is what is tested")]
                tokio::spawn(async { panic!("planted outside") });
                std::future::pending().await
            })
        });
    });
    let Err(EngineError::Failed(_)) = played.map(|_| ()) else { panic!("the run was not broken") };
}

#[test]
fn a_task_that_never_rests_breaks_the_run_and_is_named() {
    let played = play(1, Distribution::Fixed(MS), 1_000, |world| {
        world.add("server-0", |host, _| {
            Box::pin(async move {
                let restless = Box::pin(async {
                    loop {
                        tokio::task::yield_now().await;
                    }
                });
                host.surroundings("server").spawner.spawn("fidget", restless).detach();
                std::future::pending().await
            })
        });
    });
    let Err(EngineError::Panicked(panic)) = played.map(|_| ()) else { panic!("the run was not broken") };
    assert_eq!((panic.host.as_str(), panic.origin.as_str()), ("server-0", "fidget"));
    assert!(panic.message.contains("never rests"), "{panic}");
}
