//! The verdicts of many seeds as one: counts, sums, and the lowest broken seed of each check. Seeds may be added in any order,
//! from any number of workers: the result is the same. Neighbours: `judge` (one seed), `outcome` (what comes out).

use crate::outcome::{CheckSummary, Seeds};
use crate::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Expectation, Expected};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::Xxh3;

/// Adds up the verdicts of seeds.
#[derive(Default)]
pub struct SeedTally {
    hashes: BTreeMap<u64, u64>,
    broken: u64,
    first_broken: Option<u64>,
    checks: Vec<CheckTally>,
}

struct CheckTally {
    broken_seeds: u64,
    lowest_broken: Option<(u64, CheckVerdict)>,
    lowest_unknown: Option<(u64, CheckVerdict)>,
    /// The verdict of some seed that holds, or else of some seed that was not judged.
    other: CheckVerdict,
    judged: u64,
}

impl SeedTally {
    /// No seed was played yet.
    pub fn new() -> Self {
        SeedTally::default()
    }

    /// Adds a seed: its verdicts, in the same order for all seeds, and the hash of its events.
    pub fn add(&mut self, seed: u64, verdicts: &[CheckVerdict], hash: u64) {
        self.hashes.insert(seed, hash);
        if verdicts.iter().any(is_broken) {
            self.broken += 1;
            self.first_broken = Some(self.first_broken.map_or(seed, |first| first.min(seed)));
        }
        for verdict in verdicts {
            match self.checks.iter_mut().find(|tally| tally.other.name == verdict.name) {
                Some(tally) => tally.add(seed, verdict),
                None => {
                    let mut tally = CheckTally::new(verdict);
                    tally.add(seed, verdict);
                    self.checks.push(tally);
                }
            }
        }
    }

    /// How many seeds were added.
    pub fn count(&self) -> u64 {
        self.hashes.len() as u64
    }

    /// The lowest broken seed so far.
    pub fn first_broken(&self) -> Option<u64> {
        self.first_broken
    }

    /// The lowest broken seed of each check so far, by the check's name: their records are worth keeping.
    pub fn lowest_broken_by_check(&self) -> BTreeMap<&str, u64> {
        let lowest = |tally: &CheckTally| tally.lowest_broken.as_ref().map(|(seed, _)| *seed);
        self.checks.iter().filter_map(|tally| Some((tally.other.name.as_str(), lowest(tally)?))).collect()
    }

    /// All seeds as one. The hash folds the seeds' hashes in the order of the seeds.
    pub fn finish(self, expectation: &Expectation) -> (Seeds, Vec<CheckSummary>) {
        let mut hasher = Xxh3::new();
        for (seed, hash) in &self.hashes {
            hasher.update(&seed.to_le_bytes());
            hasher.update(&hash.to_le_bytes());
        }
        let seeds = Seeds {
            first: self.hashes.keys().next().copied().unwrap_or(0),
            count: self.hashes.len() as u64,
            broken: self.broken,
            first_broken: self.first_broken,
            hash: hasher.digest(),
        };
        let summary = |tally: CheckTally| {
            let expected_broken = expectation.of_check(&tally.other.name) == Expected::Broken;
            tally.finish(expected_broken)
        };
        (seeds, self.checks.into_iter().map(summary).collect())
    }
}

impl CheckTally {
    fn new(verdict: &CheckVerdict) -> Self {
        let reason = "no seed judged it".to_owned();
        let other = CheckVerdict { verdict: Verdict::NotJudged { reason }, ..verdict.clone() };
        CheckTally { broken_seeds: 0, lowest_broken: None, lowest_unknown: None, other, judged: 0 }
    }

    fn add(&mut self, seed: u64, verdict: &CheckVerdict) {
        self.judged += verdict.judged;
        match &verdict.verdict {
            Verdict::Broken { .. } => {
                self.broken_seeds += 1;
                keep_lowest(&mut self.lowest_broken, seed, verdict);
            }
            Verdict::Unknown { .. } => keep_lowest(&mut self.lowest_unknown, seed, verdict),
            Verdict::Holds => self.other.verdict = Verdict::Holds,
            // Why nothing exercised it is the same sentence in every seed.
            Verdict::NotJudged { .. } if self.other.verdict != Verdict::Holds => {
                self.other.verdict = verdict.verdict.clone();
            }
            Verdict::NotJudged { .. } => {}
        }
    }

    fn finish(self, expected_broken: bool) -> CheckSummary {
        let lowest_broken_seed = self.lowest_broken.as_ref().map(|(seed, _)| *seed);
        let unknown = self.lowest_unknown.map(|(seed, mut verdict)| {
            if let Verdict::Unknown { reason } = &mut verdict.verdict {
                *reason = format!("seed {seed}: {reason}");
            }
            verdict
        });
        let mut check = self.lowest_broken.map(|(_, verdict)| verdict).or(unknown).unwrap_or(self.other);
        check.judged = self.judged;
        CheckSummary { check, broken_seeds: self.broken_seeds, lowest_broken_seed, expected_broken }
    }
}

fn keep_lowest(kept: &mut Option<(u64, CheckVerdict)>, seed: u64, verdict: &CheckVerdict) {
    if kept.as_ref().is_none_or(|(lowest, _)| seed < *lowest) {
        *kept = Some((seed, verdict.clone()));
    }
}

fn is_broken(verdict: &CheckVerdict) -> bool {
    matches!(verdict.verdict, Verdict::Broken { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Evidence;

    fn verdict(name: &str, judged: u64, verdict: Verdict) -> CheckVerdict {
        CheckVerdict {
            name: name.into(),
            property: name.into(),
            verdict,
            judged,
            judged_what: "jobs".into(),
            violations: 0,
        }
    }

    fn broken(sentence: &str) -> Verdict {
        let sentence = sentence.to_owned();
        Verdict::Broken {
            evidence: vec![Evidence { sentence, from_ns: 0, until_ns: 1, users: Vec::new(), events: vec![0] }],
        }
    }

    fn seed(number: u64) -> Vec<CheckVerdict> {
        let one = if number % 3 == 1 { broken(&format!("seed {number}")) } else { Verdict::Holds };
        let two = match number {
            5 | 8 => Verdict::Unknown { reason: "cut off".into() },
            9 => Verdict::Holds,
            _ => Verdict::NotJudged { reason: "no job".into() },
        };
        vec![verdict("one", number, one), verdict("two", 1, two)]
    }

    fn tally(seeds: impl Iterator<Item = u64>) -> (Seeds, Vec<CheckSummary>) {
        let mut tally = SeedTally::new();
        seeds.for_each(|number| tally.add(number, &seed(number), number * 17));
        tally.finish(&Expectation::Broken(vec!["one".into()]))
    }

    #[test]
    fn the_order_in_which_seeds_come_makes_no_difference() {
        assert_eq!(tally(2..12), tally((2..12).rev()));
        assert_eq!(tally(2..12), tally([7, 3, 11, 2, 10, 4, 9, 5, 8, 6].into_iter()));
    }

    #[test]
    fn the_lowest_broken_seed_speaks_for_its_check_and_counts_are_sums() {
        let (seeds, checks) = tally(2..12);
        assert_eq!((seeds.first, seeds.count, seeds.broken, seeds.first_broken), (2, 10, 3, Some(4)));
        let one = &checks[0];
        assert_eq!((one.broken_seeds, one.lowest_broken_seed, one.expected_broken), (3, Some(4), true));
        assert_eq!(one.check.judged, (2..12).sum::<u64>());
        assert_eq!(one.check.verdict, broken("seed 4"));
    }

    #[test]
    fn an_unknown_seed_makes_all_unknown_and_is_named() {
        let (_, checks) = tally(2..12);
        assert_eq!(checks[1].check.verdict, Verdict::Unknown { reason: "seed 5: cut off".into() });
    }

    #[test]
    fn one_seed_that_judges_is_enough_to_hold() {
        let mut tally = SeedTally::new();
        [2, 9, 11].into_iter().for_each(|number| tally.add(number, &seed(number), 0));
        let (_, checks) = tally.finish(&Expectation::Holds);
        assert_eq!(checks[1].check.verdict, Verdict::Holds);
        let mut tally = SeedTally::new();
        tally.add(2, &seed(2), 0);
        assert_eq!(
            tally.finish(&Expectation::Holds).1[1].check.verdict,
            Verdict::NotJudged { reason: "no job".into() }
        );
    }

    #[test]
    fn another_run_has_another_hash() {
        let mut tally = SeedTally::new();
        tally.add(2, &seed(2), 1);
        let mut other = SeedTally::new();
        other.add(2, &seed(2), 2);
        assert_ne!(tally.finish(&Expectation::Holds).0.hash, other.finish(&Expectation::Holds).0.hash);
    }
}
