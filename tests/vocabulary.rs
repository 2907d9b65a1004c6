//! Words that two crates must both know, where no arrow lets one import them from the other: a defect or a check that only
//! one side knows would silently do nothing.

use rehearsal_reference::defects::Defect;
use rehearsal_reports::checks;
use std::collections::BTreeSet;

#[test]
fn every_defect_of_a_scenario_is_one_of_the_reference_system_and_the_other_way_round() {
    let known: BTreeSet<&str> = Defect::ALL.into_iter().map(Defect::name).collect();
    assert_eq!(rehearsal_scenarios::defect_names().collect::<BTreeSet<_>>(), known);
}

#[test]
fn every_check_of_a_scenario_is_one_that_is_judged_and_the_other_way_round() {
    let known: BTreeSet<&str> = checks::NAMES.into_iter().collect();
    assert_eq!(rehearsal_scenarios::check_names().collect::<BTreeSet<_>>(), known);
}
