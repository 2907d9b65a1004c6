//! The scenario files that come with the program come out as they expect to, over a few seeds.

use crate::scenes::{broken, explore_options};
use rehearsal_scenarios::plan::{Expected, World};
use rehearsal_scenarios::{Overrides, library, load};
use rehearsal_sim::explore::{ExploreOptions, explore};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

#[test]
fn every_file_of_the_library_comes_out_as_it_expects() {
    let mut surprises = Vec::new();
    for name in library::names() {
        let source = library::get(name).unwrap();
        let scenario = load(name, source.as_bytes(), &Overrides::default()).unwrap();
        // A defect needs some seeds to show, and the first that shows it is enough.
        let expectation = scenario.expectation(World::Simulated);
        let stop_at_first = expectation.must_break().is_some();
        let options = ExploreOptions { stop_at_first, ..explore_options(if stop_at_first { 20 } else { 3 }) };
        let explored =
            explore(&|seed| scenario.plan(seed, World::Simulated), &options, &mut |_| ControlFlow::Continue(()));
        let found: BTreeSet<&str> = explored.kept.iter().flat_map(broken).collect();
        let has_no_surprise = found.iter().all(|name| expectation.of_check(name) != Expected::Holds);
        let is_expected = has_no_surprise && (!stop_at_first || !found.is_empty());
        if !is_expected || !explored.failures.is_empty() || explored.not_deterministic.is_some() {
            surprises.push(format!("{name}: {found:?} {:?} {:?}", explored.failures, explored.not_deterministic));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
