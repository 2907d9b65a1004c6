//! All known defects, each found and shrunk.

use rehearsal_reference::defects::Defect;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, library, load};
use rehearsal_sim::explore::Fingerprint;
use rehearsal_sim::seed::{SeedOptions, play};
use rehearsal_sim::shrink::{PlanSize, ShrinkOptions, Shrunk, shrink};
use std::sync::Arc;

/// The lowest seed of a library file that breaks a check.
pub fn broken(name: &str) -> (Arc<Plan>, Fingerprint) {
    let text = library::get(name).unwrap();
    let scenario = load(name, text.as_bytes(), &Overrides::default()).unwrap();
    let broken = (1..=100).find_map(|seed| {
        let run = play(Arc::new(scenario.plan(seed, World::Simulated)), SeedOptions::default());
        Some((run.plan.clone(), Fingerprint::all_of(&run).pop_first()?))
    });
    broken.unwrap_or_else(|| panic!("{name} is not broken in 100 seeds"))
}

pub fn shrunk(name: &str, trials_max: u64) -> Shrunk {
    let (plan, fingerprint) = broken(name);
    shrink(&plan, &fingerprint, ShrinkOptions { trials_max, ..ShrinkOptions::default() }).unwrap()
}

#[test]
fn defects_shrink_to_three_faults_and_ten_operations_in_the_median() {
    let mut sizes: Vec<PlanSize> = Vec::new();
    for defect in Defect::ALL {
        let shrunk = shrunk(&format!("defect_{}", defect.name()), 400);
        assert!(shrunk.after <= shrunk.before);
        assert!(Fingerprint::all_of(&shrunk.run).contains(&shrunk.fingerprint), "{}", defect.name());
        sizes.push(shrunk.after);
    }
    let median = |of: fn(&PlanSize) -> u64| {
        let mut all: Vec<u64> = sizes.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    assert!(median(|size| size.faults) <= 3);
    assert!(median(|size| size.operations) <= 10);
}
