//! One step of a search: a load that is played until each objective clearly holds or one clearly does not. Neighbours:
//! `sequential` (percentiles and errors), `steady` (queues that grow), `search` (what is played next).

use super::sequential::{Count, Decision, Sequential};
use super::steady::{Trend, trend};
use crate::numbers::limits::{Counted, Limit, Tally};
use crate::numbers::planned_work::PLANNED_WORK;
use crate::render::units::span;
use rehearsal_scenarios::plan::{Measure, Plan};
use serde::{Deserialize, Serialize};

/// Fewer seconds decide nothing: what follows a change of load is not yet what the load does.
const SECONDS_MIN_TO_PASS: usize = 5;
const SECONDS_MIN_TO_FAIL: usize = 3;
/// A rise over the whole step of less than this share of the limit matters to nobody.
const RISE_SHARE_MIN: f64 = 0.1;

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum StepVerdict {
    /// Every objective clearly holds, no check is broken, and the step had come to rest.
    Passed,
    /// Something clearly does not hold.
    Failed {
        /// The objective or check, such as `discover p99 < 100ms`.
        binding: String,
        /// What was found.
        why: String,
    },
    /// The step was too short for a decision, or the load lies where there is none.
    Undecided {
        /// The objective or check.
        binding: String,
        /// What was found.
        why: String,
    },
    /// The step says nothing about the target.
    Unusable {
        /// Why not.
        why: String,
    },
}

/// Judges the objectives of a plan over one step.
#[derive(Clone, Debug)]
pub struct StepJudge {
    objectives: Vec<Objective>,
    seconds: usize,
}

/// One objective, and what it has seen.
#[derive(Clone, Debug)]
struct Objective {
    name: String,
    rule: Rule,
    /// Mean response times of the seconds that had answers, in nanoseconds.
    means: Vec<f64>,
}

#[derive(Clone, Debug)]
enum Rule {
    Latency { limit_ns: f64, test: Sequential },
    Errors(Sequential),
    Rate { limit: f64, answers: u64 },
}

/// What an objective saw, for readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The objective.
    pub name: String,
    /// How many ended that it is about.
    pub samples: u64,
    /// How many of them were beyond its limit; none for a rate.
    pub beyond: Option<u64>,
    /// The share beyond the limit that may be, 0–1; none for a rate.
    pub allowed: Option<f64>,
    /// Between which shares the true one lies, with a doubt of 5 %; none for a rate.
    pub between: Option<(f64, f64)>,
}

impl StepJudge {
    /// A judge that has seen nothing.
    pub fn new(plan: &Plan) -> StepJudge {
        let objectives = plan.thresholds.iter().map(|threshold| Objective {
            name: format!("{} {}", threshold.operation, threshold.text),
            rule: match threshold.measure {
                Measure::Percentile(quantile) => {
                    Rule::Latency { limit_ns: threshold.limit, test: Sequential::new(1.0 - quantile) }
                }
                Measure::Errors | Measure::Late => Rule::Errors(Sequential::new(threshold.limit)),
                Measure::Rate => Rule::Rate { limit: threshold.limit, answers: 0 },
            },
            means: Vec::new(),
        });
        StepJudge { objectives: objectives.collect(), seconds: 0 }
    }

    /// What must be counted for it, in the order of the plan's thresholds.
    pub fn limits(plan: &Plan) -> Vec<Limit> {
        let limit = |threshold: &rehearsal_scenarios::plan::Threshold| Limit {
            operation: Some(match threshold.measure {
                Measure::Late => PLANNED_WORK.into(),
                Measure::Percentile(_) | Measure::Errors | Measure::Rate => threshold.operation.as_str().into(),
            }),
            limit_ns: match threshold.measure {
                Measure::Percentile(_) => threshold.limit as u64,
                Measure::Errors | Measure::Late | Measure::Rate => u64::MAX,
            },
            period: Counted::Measured,
        };
        plan.thresholds.iter().map(limit).collect()
    }

    /// Takes a second of the measure phase; tallies are in the order of the limits.
    pub fn second(&mut self, tallies: &[Tally]) -> Decision {
        self.seconds += 1;
        self.objectives.iter_mut().zip(tallies).for_each(|(objective, tally)| objective.add(*tally));
        self.decision()
    }

    /// What can be said now.
    pub fn decision(&self) -> Decision {
        let of_each = || self.objectives.iter().map(|objective| objective.decision(self.seconds));
        if of_each().any(|decision| decision == Decision::Fails) && self.seconds >= SECONDS_MIN_TO_FAIL {
            Decision::Fails
        } else if of_each().all(|decision| decision == Decision::Passes) && self.seconds >= SECONDS_MIN_TO_PASS {
            Decision::Passes
        } else {
            Decision::Open
        }
    }

    /// What the objectives say once the step has ended.
    pub fn verdict(&self) -> StepVerdict {
        let mut open = None;
        for objective in &self.objectives {
            let binding = objective.name.clone();
            match objective.decision(self.seconds) {
                Decision::Fails => return StepVerdict::Failed { binding, why: objective.why() },
                Decision::Open if objective.rise().is_some() => {
                    return StepVerdict::Failed { binding, why: objective.why() };
                }
                Decision::Open => open = open.or(Some((binding, objective.why()))),
                Decision::Passes => {}
            }
        }
        match open {
            Some((binding, why)) => StepVerdict::Undecided { binding, why },
            None => StepVerdict::Passed,
        }
    }

    /// How long it measured, in seconds.
    pub fn seconds(&self) -> usize {
        self.seconds
    }

    /// What each objective saw.
    pub fn seen(&self) -> Vec<Seen> {
        self.objectives.iter().map(Objective::seen).collect()
    }
}

impl Objective {
    fn add(&mut self, tally: Tally) {
        if tally.answers > 0 {
            self.means.push(tally.sum_ns as f64 / tally.answers as f64);
        }
        match &mut self.rule {
            Rule::Latency { test, .. } => test.add(Count { samples: tally.answers, beyond: tally.beyond }),
            Rule::Errors(test) => test.add(Count { samples: tally.ended(), beyond: tally.errors }),
            Rule::Rate { answers, .. } => *answers += tally.answers,
        }
    }

    fn decision(&self, seconds: usize) -> Decision {
        match &self.rule {
            Rule::Latency { test, .. } => match test.decision() {
                Decision::Passes if self.rise().is_some() => Decision::Open,
                // What was slow at first and becomes faster is still warming up.
                Decision::Fails if self.is_falling() => Decision::Open,
                decision => decision,
            },
            Rule::Errors(test) => test.decision(),
            Rule::Rate { limit, answers } if *answers as f64 > limit * seconds as f64 => Decision::Passes,
            Rule::Rate { .. } => Decision::Open,
        }
    }

    /// Whether response times fall; over so few seconds that nothing shows a trend, whether each fell.
    fn is_falling(&self) -> bool {
        match trend(&self.means) {
            Trend::Falling(_) => true,
            Trend::Rising(_) => false,
            Trend::None => {
                let is_short = (2..SECONDS_MIN_TO_PASS).contains(&self.means.len());
                is_short && self.means.windows(2).all(|pair| pair[1] < pair[0])
            }
        }
    }

    /// By how much response times rise each second, in nanoseconds, if that leads anywhere.
    fn rise(&self) -> Option<f64> {
        let Rule::Latency { limit_ns, .. } = &self.rule else { return None };
        match trend(&self.means) {
            Trend::Rising(by_ns) if by_ns * self.means.len() as f64 > RISE_SHARE_MIN * limit_ns => Some(by_ns),
            _ => None,
        }
    }

    fn why(&self) -> String {
        match &self.rule {
            Rule::Rate { limit, answers } => format!("{answers} answers are less than {limit} a second"),
            Rule::Latency { test, .. } | Rule::Errors(test) if test.total().samples == 0 => {
                "no such operation ended".to_owned()
            }
            Rule::Latency { test, .. } if test.decision() != Decision::Fails && self.rise().is_some() => {
                let by_ns = self.rise().unwrap_or_default() as u64;
                format!("it does not come to rest: response times rise by {} each second", span(by_ns))
            }
            Rule::Latency { test, .. } | Rule::Errors(test) => {
                let Count { samples, beyond } = test.total();
                format!("{beyond} of {samples} are beyond the limit")
            }
        }
    }

    fn seen(&self) -> Seen {
        let (test, allowed) = match &self.rule {
            Rule::Latency { test, .. } | Rule::Errors(test) => (test, test.allowed()),
            Rule::Rate { answers, .. } => {
                let name = self.name.clone();
                return Seen { name, samples: *answers, beyond: None, allowed: None, between: None };
            }
        };
        let Count { samples, beyond } = test.total();
        Seen {
            name: self.name.clone(),
            samples,
            beyond: Some(beyond),
            allowed: Some(allowed),
            between: (samples > 0).then(|| super::binomial::interval(beyond, samples, 0.05)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::plan_for_tests::plan;
    use rehearsal_scenarios::plan::{Threshold, World};

    const MS: u64 = 1_000_000;

    fn judge(objectives: &[(Measure, f64)]) -> StepJudge {
        let mut plan = plan(World::Live);
        let threshold = |(measure, limit): &(Measure, f64)| Threshold {
            operation: "discover".into(),
            measure: *measure,
            limit: *limit,
            text: "objective".into(),
        };
        plan.thresholds = objectives.iter().map(threshold).collect();
        StepJudge::new(&plan)
    }

    fn p99() -> StepJudge {
        judge(&[(Measure::Percentile(0.99), 100e6)])
    }

    fn second(answers: u64, beyond: u64, mean_ms: u64) -> [Tally; 1] {
        [Tally { answers, beyond, errors: 0, sum_ns: answers * mean_ms * MS }]
    }

    #[test]
    fn a_good_step_passes_as_soon_as_it_may() {
        let mut step = p99();
        let decisions: Vec<Decision> = (0..5).map(|_| step.second(&second(100, 0, 5))).collect();
        assert_eq!(decisions[3], Decision::Open, "400 answers in four seconds");
        assert_eq!(decisions[4], Decision::Passes);
        assert_eq!(step.verdict(), StepVerdict::Passed);
        assert_eq!(step.seen()[0].between.map(|(low, high)| (low, high < 0.01)), Some((0.0, true)));
    }

    #[test]
    fn a_bad_step_fails_early_and_says_on_what() {
        let mut step = p99();
        let decisions: Vec<Decision> = (0..3).map(|_| step.second(&second(100, 40, 90))).collect();
        assert_eq!(decisions, [Decision::Open, Decision::Open, Decision::Fails]);
        let StepVerdict::Failed { binding, why } = step.verdict() else { panic!("it fails") };
        assert_eq!((binding.as_str(), why.as_str()), ("discover objective", "120 of 300 are beyond the limit"));
    }

    #[test]
    fn a_queue_that_grows_below_its_limit_does_not_pass() {
        let mut step = p99();
        for nth in 0..8 {
            assert_eq!(step.second(&second(200, 0, 5 + 4 * nth)), Decision::Open, "second {nth}");
        }
        let StepVerdict::Failed { why, .. } = step.verdict() else { panic!("it fails") };
        assert!(why.contains("does not come to rest") && why.contains("4.00 ms each second"), "{why}");
    }

    #[test]
    fn what_is_slow_at_first_has_time_to_warm_up() {
        let mut step = p99();
        for (mean_ms, beyond) in [(300, 20), (200, 20), (120, 20), (80, 10), (40, 5), (20, 0)] {
            assert_eq!(step.second(&second(100, beyond, mean_ms)), Decision::Open);
        }
    }

    #[test]
    fn every_objective_has_to_pass_and_one_is_enough_to_fail() {
        let rules = [(Measure::Percentile(0.99), 100e6), (Measure::Errors, 0.01), (Measure::Rate, 50.0)];
        let tally = |answers, errors| [Tally { answers, beyond: 0, errors, sum_ns: answers * MS }; 3];
        let mut good = judge(&rules);
        (0..6).for_each(|_| {
            good.second(&tally(100, 0));
        });
        assert_eq!(good.verdict(), StepVerdict::Passed);
        let mut errors = judge(&rules);
        (0..6).for_each(|_| {
            errors.second(&tally(100, 30));
        });
        assert!(matches!(errors.verdict(), StepVerdict::Failed { .. }));
        let mut slow = judge(&rules);
        (0..30).for_each(|_| {
            slow.second(&tally(40, 0));
        });
        let StepVerdict::Undecided { why, .. } = slow.verdict() else { panic!("40 a second are no 50") };
        assert!(why.contains("less than 50 a second"), "{why}");
    }

    #[test]
    fn a_step_in_which_nothing_ended_is_undecided() {
        let mut step = p99();
        (0..10).for_each(|_| {
            step.second(&[Tally::default()]);
        });
        let StepVerdict::Undecided { why, .. } = step.verdict() else { panic!("nothing is known") };
        assert_eq!(why, "no such operation ended");
    }
}
