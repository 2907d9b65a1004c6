//! Any bytes are a scenario or are refused with a fault that has a place, and what is a scenario is planned in both worlds.
//! Start it with the library as corpus: cargo +nightly fuzz run load scenarios/files -- -max_total_time=600

#![no_main]

use libfuzzer_sys::fuzz_target;
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, load_all, timeline, with_rows};

fuzz_target!(|bytes: &[u8]| {
    with_rows(bytes, |file| Ok(format!("name\n{file}\n")));
    match load_all("fuzzed", bytes, &Overrides::default()) {
        Ok(scenarios) => {
            for scenario in scenarios {
                for world in [World::Simulated, World::Live] {
                    let plan = scenario.plan(1, world);
                    assert!(!timeline(&plan).is_empty());
                }
            }
        }
        Err(faults) => assert!(!faults.faults.is_empty() && faults.to_string().contains("error: ")),
    }
});
