//! The scenario files that come with the program: all are valid, planned for many seeds, and described by the schema.

use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, Scenario, library, load, timeline};

fn embedded() -> impl Iterator<Item = Scenario> {
    library::names().map(|name| {
        let text = library::get(name).expect("a listed name has a text");
        load(name, text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"))
    })
}

#[test]
fn every_embedded_file_is_valid_and_planned_in_both_worlds() {
    for scenario in embedded() {
        for world in [World::Simulated, World::Live] {
            for seed in 0..20 {
                let plan = scenario.plan(seed, world);
                assert!(!plan.users.is_empty(), "{} has users", plan.scenario);
                assert_eq!(plan, scenario.plan(seed, world), "{} is planned the same twice", plan.scenario);
                println!("{}", timeline(&plan));
            }
        }
    }
}
