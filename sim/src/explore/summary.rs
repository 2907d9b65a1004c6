//! One result of many seeds: the same whatever order they were played in, since seeds are folded by number.

use super::Summary;
use rehearsal_reports::outcome::{CheckSummary, Seeds};
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::Expectation;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::Xxh3;

pub(super) fn seeds(first: u64, played: &BTreeMap<u64, Summary>) -> Seeds {
    let mut hash = Xxh3::new();
    played.values().for_each(|summary| hash.update(&summary.hash.to_le_bytes()));
    let mut broken = played.iter().filter(|(_, summary)| summary.is_broken).map(|(seed, _)| *seed);
    let first_broken = broken.next();
    Seeds {
        first,
        count: played.len() as u64,
        broken: broken.count() as u64 + u64::from(first_broken.is_some()),
        first_broken,
        hash: hash.digest(),
    }
}

/// Each check over all seeds, in the order of the first seed's verdicts.
pub(super) fn checks(expect: &Expectation, played: &BTreeMap<u64, Summary>) -> Vec<CheckSummary> {
    let mut checks = Vec::<CheckSummary>::new();
    for (seed, summary) in played {
        for verdict in &summary.verdicts {
            match checks.iter_mut().find(|check| check.check.name == verdict.name) {
                Some(check) => fold(check, *seed, verdict),
                None => checks.push(begin(expect, *seed, verdict)),
            }
        }
    }
    checks
}

fn begin(expect: &Expectation, seed: u64, verdict: &CheckVerdict) -> CheckSummary {
    let is_broken = matches!(verdict.verdict, Verdict::Broken { .. });
    CheckSummary {
        broken_seeds: u64::from(is_broken),
        lowest_broken_seed: is_broken.then_some(seed),
        expected_broken: matches!(expect, Expectation::Broken(names) if names.is_empty() || names.contains(&verdict.name)),
        check: verdict.clone(),
    }
}

/// Seeds come in their order: the first broken one is the lowest.
fn fold(summary: &mut CheckSummary, seed: u64, next: &CheckVerdict) {
    if matches!(next.verdict, Verdict::Broken { .. }) {
        summary.broken_seeds += 1;
        summary.lowest_broken_seed.get_or_insert(seed);
    }
    if weight(&next.verdict) > weight(&summary.check.verdict) {
        summary.check.verdict = next.verdict.clone();
    }
    summary.check.judged += next.judged;
    summary.check.violations += next.violations;
}

/// What counts more over many seeds: a violation, then a doubt, then what was judged at all.
fn weight(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Broken { .. } => 3,
        Verdict::Unknown { .. } => 2,
        Verdict::Holds => 1,
        Verdict::NotJudged { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_reports::verdict::Evidence;

    fn summary(hash: u64, verdict: Verdict) -> Summary {
        let is_broken = matches!(verdict, Verdict::Broken { .. });
        let check = CheckVerdict {
            name: "a".into(),
            property: "a is kept".into(),
            verdict,
            judged: 2,
            judged_what: "jobs".into(),
            violations: u64::from(is_broken),
        };
        Summary { verdicts: vec![check], hash, events: 1, virtual_ns: 1, failure: None, is_broken }
    }

    fn broken(sentence: &str) -> Verdict {
        let sentence = sentence.to_owned();
        Verdict::Broken {
            evidence: vec![Evidence { sentence, from_ns: 0, until_ns: 0, users: vec![], events: vec![] }],
        }
    }

    #[test]
    fn the_lowest_broken_seed_speaks_for_all_and_counts_add_up() {
        let doubt = Verdict::Unknown { reason: "cut off".into() };
        let played = BTreeMap::from([
            (4, summary(1, Verdict::Holds)),
            (5, summary(2, doubt)),
            (6, summary(3, broken("first"))),
            (7, summary(4, broken("second"))),
        ]);
        let checks = checks(&Expectation::Broken(vec!["a".into()]), &played);
        let [check] = checks.as_slice() else { panic!("one check") };
        assert_eq!((check.broken_seeds, check.lowest_broken_seed, check.check.judged), (2, Some(6), 8));
        assert_eq!(check.check.verdict, broken("first"));
        assert!(check.expected_broken);
        let seeds = seeds(4, &played);
        assert_eq!((seeds.count, seeds.broken, seeds.first_broken), (4, 2, Some(6)));
    }

    #[test]
    fn one_unknown_seed_keeps_the_others_from_holding() {
        let doubt = Verdict::Unknown { reason: "cut off".into() };
        let played = BTreeMap::from([(1, summary(1, Verdict::Holds)), (2, summary(2, doubt.clone()))]);
        assert_eq!(checks(&Expectation::Holds, &played)[0].check.verdict, doubt);
    }
}
