//! Every scenario of the library has a linearizable history, but for the defects that break just that; and those are told
//! by few operations.

use super::played;
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, library, load};

const CHECK: &str = "history_is_linearizable";
const SEEDS: u64 = 5;
/// Defects that leave answers which no order explains.
const BREAKING: [&str; 3] = [
    "defect_late_close_removes_new_registration",
    "defect_metadata_replaces_instead_of_merges",
    "defect_reservation_never_expires",
];
/// What a person still reads.
const OPERATIONS_MAX: usize = 10;

#[test]
fn only_defects_have_histories_without_an_order_and_ten_operations_tell_them() {
    // A load for a live target judges half a million operations here, and says no more than a small one.
    for name in library::names().filter(|name| *name != "ramp_until_slow") {
        let source = library::get(name).unwrap();
        let scenario = load(name, source.as_bytes(), &Overrides::default()).unwrap();
        for seed in 1..=SEEDS {
            let mut plan = scenario.plan(seed, World::Simulated);
            plan.checks.named.push(CHECK.into());
            let run = played(plan);
            let verdict = run.verdicts.iter().find(|verdict| verdict.name == CHECK).unwrap();
            let expected = if BREAKING.contains(&name) { "broken" } else { "holds" };
            assert_eq!(verdict.verdict.word(), expected, "{name}, seed {seed}: {verdict:#?}");
            if let Verdict::Broken { evidence } = &verdict.verdict {
                let operations = evidence[0].sentence.split("; ").count();
                assert!((2..=OPERATIONS_MAX).contains(&operations), "{name}: {}", evidence[0].sentence);
            }
        }
    }
}
