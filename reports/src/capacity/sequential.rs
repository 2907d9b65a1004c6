//! A sequential binomial test (Wald): of the answers that a step gives, one after the other, how many are beyond a limit, and is
//! that clearly a smaller or clearly a larger share than is allowed? It stops early on both sides.
//!
//! Clearly smaller is half of the allowed odds, clearly larger twice of them: with such a share it errs in at most one of a
//! hundred tests. In between it may not come to a decision, which is an answer too. Neighbours: `binomial`, `step`.

use super::binomial::samples_needed;

/// How often a clear share may be taken for its opposite.
pub const DOUBT: f64 = 0.01;
/// From the allowed odds to those that are clearly smaller or larger.
const CLEAR: f64 = 2.0;

/// What a test says so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The share is clearly smaller than is allowed.
    Passes,
    /// It is clearly larger.
    Fails,
    /// It may be either.
    Open,
}

/// How many there were, and how many of them beyond the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub samples: u64,
    /// Those beyond.
    pub beyond: u64,
}

impl Count {
    /// The share beyond the limit; none without samples.
    pub fn share(self) -> Option<f64> {
        (self.samples > 0).then(|| self.beyond as f64 / self.samples as f64)
    }
}

/// The test of one allowed share.
#[derive(Clone, Debug)]
pub struct Sequential {
    allowed: f64,
    total: Count,
    /// Counts of each second, for how much their shares differ.
    seconds: Vec<Count>,
}

impl Sequential {
    /// A test whether less than this share (0–1) is beyond the limit.
    pub fn new(allowed: f64) -> Sequential {
        Sequential { allowed: allowed.clamp(0.0, 1.0), total: Count::default(), seconds: Vec::new() }
    }

    /// Takes a second's count.
    pub fn add(&mut self, second: Count) {
        self.total.samples += second.samples;
        self.total.beyond += second.beyond;
        if second.samples > 0 {
            self.seconds.push(second);
        }
    }

    /// The share that may be beyond the limit.
    pub fn allowed(&self) -> f64 {
        self.allowed
    }

    /// All that was counted.
    pub fn total(&self) -> Count {
        self.total
    }

    /// The fewest samples that can pass: with none beyond the limit.
    pub fn samples_needed(&self) -> u64 {
        samples_needed(self.allowed.max(ALLOWED_MIN), DOUBT)
    }

    /// What can be said now.
    pub fn decision(&self) -> Decision {
        let Some(share) = self.total.share() else { return Decision::Open };
        let is_enough = self.total.samples >= self.samples_needed();
        if self.allowed < ALLOWED_MIN {
            return match self.total.beyond {
                0 if is_enough => Decision::Passes,
                0 => Decision::Open,
                _ => Decision::Fails,
            };
        }
        let odds = self.allowed / (1.0 - self.allowed);
        let [small, large] = [odds / CLEAR, odds * CLEAR].map(|odds| odds / (1.0 + odds));
        // Answers of a busy second resemble each other: so many of them count for one.
        let resembling = dispersion(&self.seconds);
        let beyond = self.total.beyond as f64 / resembling;
        let within = (self.total.samples - self.total.beyond) as f64 / resembling;
        let ratio = beyond * libm::log(large / small) + within * libm::log((1.0 - large) / (1.0 - small));
        let boundary = libm::log((1.0 - DOUBT) / DOUBT);
        if ratio <= -boundary && is_enough && share < self.allowed {
            Decision::Passes
        } else if ratio >= boundary && share > self.allowed {
            Decision::Fails
        } else {
            Decision::Open
        }
    }
}

/// Less than this is nothing at all: one in a million.
const ALLOWED_MIN: f64 = 1e-6;

/// How much more the shares of seconds differ than independent answers would (chi-square by its degrees of freedom); 1 if
/// they do not.
pub fn dispersion(seconds: &[Count]) -> f64 {
    let samples: u64 = seconds.iter().map(|second| second.samples).sum();
    let beyond: u64 = seconds.iter().map(|second| second.beyond).sum();
    let share = beyond as f64 / samples.max(1) as f64;
    if seconds.len() < 2 || share <= 0.0 || share >= 1.0 {
        return 1.0;
    }
    let square = |second: &Count| {
        let expected = second.samples as f64 * share;
        let apart = second.beyond as f64 - expected;
        apart * apart / (expected * (1.0 - share))
    };
    let sum: f64 = seconds.iter().map(square).sum();
    (sum / (seconds.len() - 1) as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How likely it is that a test of independent answers has passed, failed, or is open after so many: exactly, over all
    /// counts that can come, in batches (a second's answers) of which none is looked into.
    fn exact(allowed: f64, chance: f64, batch: u64, batches: u64) -> (f64, f64, f64) {
        let step: Vec<f64> = (0..=batch).map(|count| one(count, batch, chance)).collect();
        let mut open = vec![1.0];
        let (mut passed, mut failed) = (0.0, 0.0);
        for nth in 1..=batches {
            let mut next = vec![0.0; (nth * batch + 1) as usize];
            for (before, chance_before) in open.iter().enumerate().filter(|(_, chance)| **chance > 0.0) {
                for (more, chance_more) in step.iter().enumerate() {
                    next[before + more] += chance_before * chance_more;
                }
            }
            for (beyond, chance) in next.iter_mut().enumerate() {
                let mut test = Sequential::new(allowed);
                test.total = Count { samples: nth * batch, beyond: beyond as u64 };
                match test.decision() {
                    Decision::Passes => passed += std::mem::take(chance),
                    Decision::Fails => failed += std::mem::take(chance),
                    Decision::Open => {}
                }
            }
            open = next;
        }
        (passed, failed, open.iter().sum())
    }

    fn one(count: u64, samples: u64, chance: f64) -> f64 {
        use crate::capacity::binomial::at_most;
        at_most(count, samples, chance) - if count == 0 { 0.0 } else { at_most(count - 1, samples, chance) }
    }

    fn clear(allowed: f64) -> (f64, f64) {
        let odds = allowed / (1.0 - allowed);
        let of = |odds: f64| odds / (1.0 + odds);
        (of(odds / CLEAR), of(odds * CLEAR))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn a_clear_share_is_taken_for_its_opposite_at_most_once_in_a_hundred(
            percent in prop_oneof![Just(0.5), Just(0.1), Just(0.05), Just(0.01)],
            batch in 20_u64..60,
        ) {
            let (small, large) = clear(percent);
            let (_, wrong, _) = exact(percent, small, batch, 20);
            prop_assert!(wrong <= DOUBT * 1.02, "{wrong} of the good ones fail");
            let (wrong, _, _) = exact(percent, large, batch, 20);
            prop_assert!(wrong <= DOUBT * 1.02, "{wrong} of the bad ones pass");
        }
    }

    #[test]
    fn both_sides_stop_early() {
        let (passed, _, _) = exact(0.01, 0.0005, 50, 12);
        assert!(passed > 0.9, "{passed} of very good ones have passed after 600 answers");
        let (_, failed, _) = exact(0.01, 0.2, 50, 2);
        assert!(failed > 0.99, "{failed} of very bad ones have failed after 100 answers");
    }

    #[test]
    fn nothing_passes_before_459_answers_of_a_99th_percentile() {
        let mut test = Sequential::new(0.01);
        test.add(Count { samples: 458, beyond: 0 });
        assert_eq!(test.decision(), Decision::Open);
        test.add(Count { samples: 1, beyond: 0 });
        assert_eq!(test.decision(), Decision::Passes);
    }

    #[test]
    fn one_bad_second_is_no_proof_of_a_bad_minute() {
        let mut test = Sequential::new(0.01);
        (0..9).for_each(|_| test.add(Count { samples: 100, beyond: 0 }));
        test.add(Count { samples: 100, beyond: 30 });
        assert_eq!(test.decision(), Decision::Open, "30 of 1,000, but all in one second");
        let mut spread = Sequential::new(0.01);
        (0..10).for_each(|_| spread.add(Count { samples: 100, beyond: 3 }));
        assert_eq!(spread.decision(), Decision::Fails, "as many, in every second");
    }

    #[test]
    fn where_nothing_is_allowed_one_is_too_many() {
        let mut test = Sequential::new(0.0);
        test.add(Count { samples: 1_000, beyond: 0 });
        assert_eq!(test.decision(), Decision::Open);
        test.add(Count { samples: 1, beyond: 1 });
        assert_eq!(test.decision(), Decision::Fails);
    }
}
