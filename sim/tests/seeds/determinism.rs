//! The same seed plays the same: twice, after others, beside others, and on any number of cores.

use crate::scenes::{RACE, explore_options, naive_race, plan, played, race_with, scenario, seed_options, twice};
use rehearsal_reference::identity::Rs256Identity;
use rehearsal_scenarios::plan::World;
use rehearsal_sim::explore::{Exploration, ExploreOptions, explore};
use rehearsal_sim::seed::{Setup, play_with};
use std::ops::ControlFlow;
use std::sync::Arc;

#[test]
fn the_same_seed_twice_is_the_same_in_every_event() {
    let with_faults = race_with("[faults.death]\ndo = \"kill\"\nwho = \"workers\"\nat = \"1s\"\nback = \"1s\"");
    for source in [RACE, &naive_race(), &with_faults] {
        for seed in 1..=5 {
            let run = twice(&plan(source, seed));
            assert!(run.events.len() > 50);
        }
    }
    assert_ne!(played(RACE, 1).hash, played(RACE, 2).hash);
}

#[test]
fn the_hash_of_a_seed_is_the_same_alone_after_others_and_beside_others() {
    let alone = played(RACE, 7).hash;
    played(&naive_race(), 3);
    assert_eq!(played(RACE, 7).hash, alone);
    let beside: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            [7, 8, 7, 9].into_iter().map(|seed| scope.spawn(move || (seed, played(RACE, seed).hash))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(beside.iter().all(|(seed, hash)| (*seed == 7) == (*hash == alone)), "{beside:?}");
}

#[test]
fn events_are_in_the_order_of_their_times_and_numbers() {
    let run = played(RACE, 1);
    assert!(run.events.iter().enumerate().all(|(n, event)| event.n == n as u64));
    assert!(run.events.is_sorted_by_key(|event| event.t_ns));
    assert!(run.events[0].t_ns < 0, "prepare comes before time 0");
}

fn explored(source: &str, jobs: usize, stop_at_first: bool) -> Exploration {
    let scenario = scenario(source);
    let options = ExploreOptions { jobs, stop_at_first, ..explore_options(12) };
    explore(&|seed| scenario.plan(seed, World::Simulated), &options, &mut |_| ControlFlow::Continue(()))
}

#[test]
fn an_exploration_comes_out_the_same_for_any_number_of_jobs() {
    for stop_at_first in [false, true] {
        let (one, four) = (explored(&naive_race(), 1, stop_at_first), explored(&naive_race(), 4, stop_at_first));
        assert_eq!(one.seeds, four.seeds);
        assert_eq!(one.checks, four.checks);
        let kept = |exploration: &Exploration| exploration.kept.iter().map(|run| run.plan.seed).collect::<Vec<_>>();
        assert_eq!(kept(&one), kept(&four));
        assert_eq!(one.not_deterministic, None);
    }
}

#[test]
fn stopping_at_the_first_broken_seed_plays_none_after_it() {
    let exploration = explored(&naive_race(), 2, true);
    let lowest = exploration.seeds.first_broken.unwrap();
    assert_eq!((exploration.seeds.broken, exploration.seeds.count), (1, lowest));
    let all = explored(&naive_race(), 2, false);
    assert_eq!((all.seeds.first_broken, all.seeds.count), (Some(lowest), 12));
    assert!(all.kept.iter().all(|run| !run.events.is_empty()));
}

#[test]
fn progress_may_stop_an_exploration() {
    let scenario = scenario(RACE);
    let options = ExploreOptions { jobs: 1, ..explore_options(100) };
    let stop_after_two = &mut |progress: rehearsal_sim::explore::ExploreProgress| {
        if progress.done < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let exploration = explore(&|seed| scenario.plan(seed, World::Simulated), &options, stop_after_two);
    assert!(exploration.interrupted);
    assert_eq!(exploration.seeds.count, 2);
}

/// What the next test runs in a process of its own.
#[test]
fn the_hash_of_a_seed_is_printed() {
    println!("hash of seed 7: {:016x}", played(RACE, 7).hash);
}

#[test]
fn the_hash_of_a_seed_is_the_same_in_another_process_with_another_environment() {
    let here = format!("hash of seed 7: {:016x}", played(RACE, 7).hash);
    for padding in ["", &"x".repeat(10_000)] {
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        process.args(["--exact", "determinism::the_hash_of_a_seed_is_printed", "--nocapture"]);
        let output = process.env("REHEARSAL_PADDING", padding).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(printed.contains(&here), "{printed}");
    }
}

#[test]
fn rs256_signatures_are_deterministic_too() {
    let hash = || {
        let identity = Arc::new(Rs256Identity::simulated().unwrap());
        let run =
            play_with(plan(RACE, 7), Setup { identity: Some(identity), options: seed_options(), ..Setup::default() });
        assert_eq!(run.failure, None);
        run.hash
    };
    assert_eq!(hash(), hash());
}
