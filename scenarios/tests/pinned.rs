//! Plans that were kept: a file holds all of it, no seed changes it, one edit changes what is expected.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

use rehearsal_scenarios::plan::{Expectation, Plan, World};
use rehearsal_scenarios::{Overrides, library, load, pinned};

fn plan(name: &str, seed: u64) -> Plan {
    let text = library::get(name).unwrap();
    load(name, text.as_bytes(), &Overrides::default()).unwrap().plan(seed, World::Simulated)
}

fn read(text: &str) -> rehearsal_scenarios::Scenario {
    load("kept", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn every_plan_of_the_library_is_kept_whole_and_every_seed_plays_it() {
    for name in library::names() {
        let plan = plan(name, 7);
        let kept = read(&pinned(&plan, "a story\nin two lines"));
        assert_eq!(kept.pinned_seed(), Some(7));
        let expected = Plan { scenario: "kept".to_owned(), ..plan };
        assert_eq!(kept.plan(1, World::Simulated), expected, "{name}");
        assert_eq!(kept.plan(2, World::Simulated), expected, "{name}");
        assert_eq!(kept.about(), expected.about);
    }
}

#[test]
fn what_is_mended_is_expected_to_hold_by_one_edit() {
    let text = pinned(&plan("two_clients_race_naive_worker", 1), "");
    let expectation = |text: &str| read(text).expectation(World::Simulated).clone();
    assert_eq!(expectation(&text), Expectation::Broken(vec!["worker_runs_one_job_at_a_time".to_owned()]));
    let line = text.lines().find(|line| line.starts_with("expect = ")).unwrap();
    let mended = text.replacen(line, "expect = \"holds\"", 1);
    assert_eq!(expectation(&mended), Expectation::Holds);
    assert_eq!(read(&mended).plan(1, World::Simulated).expect, Expectation::Holds);
}

#[test]
fn quotes_and_control_characters_survive() {
    let mut plan = plan("two_clients_race_naive_worker", 1);
    plan.about = "it's '''quoted''', \"twice\", and \u{7f}\u{1} odd".to_owned();
    assert_eq!(read(&pinned(&plan, "'''")).plan(1, World::Simulated).about, plan.about);
}

#[test]
fn what_is_no_plan_is_one_clear_fault_where_it_stands() {
    for (bad, said) in [
        ("format = 1\n[pinned]\nplan = '{'\n", "this is no plan"),
        ("format = 1\n[pinned]\n", "`plan`"),
        ("format = 1\n[users.a]\n[pinned]\nplan = '{}'\n", "unknown key `users`"),
        ("format = 2\n[pinned]\nplan = '{}'\n", "format 2 is newer"),
    ] {
        let faults = load("kept", bad.as_bytes(), &Overrides::default()).unwrap_err().to_string();
        assert!(faults.contains(said), "{faults}");
    }
}
