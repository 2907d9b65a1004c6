//! Any valid scenario plans and plays in the simulation without an error of the harness: whatever its checks say, each seed
//! comes to its end.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

#[path = "../../../scenarios/tests/any_scenario/mod.rs"]
mod any_scenario;
mod steps;

use any_scenario::scenario;
use proptest::prelude::*;
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, load, load_all};
use rehearsal_sim::seed::{SeedOptions, play};
use std::sync::Arc;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_valid_scenario_plays_to_its_end(text in scenario(), seed in any::<u64>()) {
        for scenario in load_all("any", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{text}\n{faults}")) {
            let run = play(Arc::new(scenario.plan(seed, World::Simulated)), SeedOptions::default());
            prop_assert!(run.failure.is_none(), "{}\n{}", run.failure.unwrap(), text);
            prop_assert!(!run.verdicts.is_empty());
        }
    }
}

/// Steps that fail in no time once the connection is gone, or wait for nobody else, repeated without an end: the virtual clock
/// goes on all the same.
#[test]
fn repetitions_that_take_no_time_come_to_their_end() {
    let closed = [
        "{ discover = {}, otherwise = 'continue' }",
        "{ raw = { type = 'x' }, otherwise = 'continue' }, { expect = { type = 'x' }, within = '1ms', otherwise = 'continue' }",
        "{ expect_one_of = [{ message = { type = 'x' } }], within = '1ms', otherwise = 'continue' }, \
         { expect_close = {}, within = '1ms', otherwise = 'continue' }",
        "{ expect_close = {}, within = '1ms', otherwise = 'continue' }",
        "{ meet = 'here', within = '1s' }",
    ];
    let discover = "{ discover = {}, otherwise = 'continue' }";
    let open = ["'1us'", "{ uniform = ['0s', '0s'] }"].map(|every| format!("every = {every}, steps = [{discover}]"));
    let spins = closed.map(|steps| format!("steps = [{steps}]")).into_iter().chain(open);
    for repeat in spins {
        let text = format!(
            "format = 1\nexpect = 'either'\n[time]\nmeasure = '5s'\n[users.peers]\nflow = 'f'\n\
             [flow.f]\nsteps = ['join', {{ repeat = {{ {repeat} }} }}]\n\
             [faults.k]\ndo = 'kill'\nwho = 'server'\nat = '2s'\n"
        );
        let scenario = load("spin", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
        let run = play(Arc::new(scenario.plan(1, World::Simulated)), SeedOptions::default());
        assert_eq!(run.failure, None, "{repeat}");
        assert!(run.event_count < 100_000, "{repeat}: {} events", run.event_count);
    }
}
