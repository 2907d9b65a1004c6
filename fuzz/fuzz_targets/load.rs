//! Any bytes are a scenario or are refused with a fault that has a place, and what is a scenario is planned in both worlds.
//! Start it with the library as corpus: cargo +nightly fuzz run load scenarios/files -- -max_total_time=600

#![no_main]

use libfuzzer_sys::fuzz_target;
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, load_all, timeline, with_rows};

fuzz_target!(|bytes: &[u8]| {
    let mut overrides = Overrides::default();
    let (bytes, unreadable) = with_rows(bytes, &overrides, |file| Ok(format!("name\n{file}\n")));
    overrides.unreadable_rows = unreadable;
    match load_all("fuzzed", &bytes, &overrides) {
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
