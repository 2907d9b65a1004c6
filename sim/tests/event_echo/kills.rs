//! A killed host is dead at that instant, and a task that nobody owns is named.

use crate::world::{MS, play};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::FaultAction;
use rehearsal_sim::engine::EngineError;
use std::time::Duration;

const LATENCY: Distribution = Distribution::Fixed(MS);

/// Writes down when it is dropped.
struct LastWords(crate::world::Trace, &'static str);

impl Drop for LastWords {
    fn drop(&mut self) {
        self.0.write(format!("{} is dropped at {}", self.1, crate::world::now_ms()));
    }
}

#[test]
fn no_task_of_a_killed_host_runs_again() {
    for fault in [FaultAction::Kill { hosts: vec!["a".into()] }, FaultAction::Lose { hosts: vec!["a".into()] }] {
        let trace = play(1, LATENCY, 3_000, |world| {
            world.add("a", |host, trace| {
                Box::pin(async move {
                    let spawner = host.surroundings("sleeper").spawner;
                    let (inner, told) = (spawner.clone(), trace.clone());
                    let sleeper = Box::pin(async move {
                        let _words = LastWords(told.clone(), "sleeper");
                        // A task of a task is the host's too.
                        let deeper = told.clone();
                        let child = Box::pin(async move {
                            tokio::time::sleep(Duration::from_millis(1_500)).await;
                            deeper.write("the sleeper's child ran on".to_owned());
                        });
                        inner.spawn("child", child).detach();
                        tokio::time::sleep(Duration::from_millis(1_000)).await;
                        told.write(format!("incarnation {} wrote at {}", host.incarnation, crate::world::now_ms()));
                    });
                    spawner.spawn("sleeper", sleeper).detach();
                    std::future::pending().await
                })
            });
            world.fault(1_000, 1_700, fault);
        });
        // The kill comes in the very moment in which the sleeper would wake up.
        let lines = trace.unwrap().lines();
        let expected = ["sleeper is dropped at 1000", "incarnation 1 wrote at 2700", "sleeper is dropped at 2700"];
        assert_eq!(lines, expected);
    }
}

#[test]
fn a_task_past_the_spawner_breaks_the_run_with_its_host_and_place() {
    let played = play(1, LATENCY, 1_000, |world| {
        world.add("quiet", |_, _| Box::pin(std::future::pending()));
        world.add("rogue", |_, _| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                #[allow(clippy::disallowed_methods, reason = "a library that spawns by itself is what is tested")]
                tokio::spawn(std::future::pending::<()>());
                std::future::pending().await
            })
        });
    });
    let Err(EngineError::Failed(reason)) = played.map(|_| ()) else { panic!("the run was not broken") };
    assert!(reason.contains("a task on rogue came past its host's spawner"), "{reason}");
    assert!(reason.contains("kills.rs"), "{reason}");
}

#[test]
fn a_panic_while_a_host_is_killed_breaks_the_run() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(crate::world::now_ms() < 500, "dropped too late");
        }
    }
    let played = play(1, LATENCY, 1_000, |world| {
        world.add("a", |_, _| {
            Box::pin(async {
                let _bomb = Bomb;
                std::future::pending().await
            })
        });
        world.fault(600, 900, FaultAction::Kill { hosts: vec!["a".into()] });
    });
    let Err(EngineError::Failed(reason)) = played.map(|_| ()) else { panic!("the run was not broken") };
    assert!(reason.contains("a panicked while it was killed after 0.600 s: dropped too late"), "{reason}");
}
