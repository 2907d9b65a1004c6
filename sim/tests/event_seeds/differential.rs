//! Every scenario file of the library has the same verdicts on both engines, or the difference is explained here.

use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, library, load};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::seed::{SeedOptions, SeedRun, play};
use std::collections::BTreeMap;
use std::sync::Arc;

const SEEDS: u64 = 5;

fn played(name: &str, engine: EngineKind, seed: u64) -> SeedRun {
    let source = library::get(name).unwrap();
    let scenario = load(name, source.as_bytes(), &Overrides::default()).unwrap();
    play(Arc::new(scenario.plan(seed, World::Simulated)), SeedOptions { engine, ..SeedOptions::default() })
}

/// Each check's verdict over all seeds: broken if it is in any.
fn words(name: &str, engine: EngineKind) -> BTreeMap<String, &'static str> {
    let mut words = BTreeMap::new();
    for seed in 1..=SEEDS {
        let run = played(name, engine, seed);
        assert_eq!(run.failure, None, "{name} on {}, seed {seed}", engine.name());
        // What is to be seen in some seed need not be seen in these few, on either engine.
        let is_sometimes = |name: &str| run.plan.checks.declared.iter().any(|it| it.name == name && it.is_sometimes());
        for check in run.verdicts.iter().filter(|check| !is_sometimes(&check.name)) {
            let word = words.entry(check.name.clone()).or_insert("not_judged");
            if check.verdict.word() == "broken" || *word == "not_judged" {
                *word = check.verdict.word();
            }
        }
    }
    words
}

#[test]
fn every_file_of_the_library_has_the_same_verdicts_on_both_engines() {
    let mut differences = Vec::new();
    for name in library::names() {
        let (turmoil, event) = (words(name, EngineKind::Turmoil), words(name, EngineKind::Event));
        for (check, word) in &turmoil {
            if event.get(check) != Some(word) {
                differences.push(format!("{name}: {check} {word} on turmoil, {:?} on event", event.get(check)));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
