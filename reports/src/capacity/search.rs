//! Which load to play next: from the least one up in steps, then between the highest that passed and the lowest that did not,
//! then both of these once more. A pure machine: [`Search::next`] says what to play, [`Search::push`] takes what came of it.
//! Neighbours: `step` (the verdicts), `loadgen::live::capacity` (plays).

use super::step::StepVerdict;
use rehearsal_scenarios::plan::CapacityPlan;
use serde::{Deserialize, Serialize};

/// From one load to the next on the way up.
const STEP_UP: f64 = 2.0;
/// How often a step that says nothing is played again.
const AGAIN_MAX: u32 = 2;
/// A search that has contradicted itself so often that it came this far has no answer.
const STEPS_MAX: usize = 48;

/// What a search says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "found")]
pub enum Answer {
    /// The capacity lies between the highest load that passed and the lowest that did not.
    Between {
        /// The highest load that passed: the capacity.
        passed: f64,
        /// The lowest load that did not.
        failed: f64,
        /// On what it failed.
        binding: String,
        /// Why the two are not as near to each other as was asked for, if they are not.
        given_up: Option<String>,
    },
    /// Every load that was tried passed, up to this one.
    AtLeast {
        /// The highest load that passed.
        passed: f64,
        /// Why nothing higher was tried.
        why: String,
    },
    /// Even the least load did not pass.
    Below {
        /// The least load.
        failed: f64,
        /// On what it failed.
        binding: String,
    },
    /// Nothing can be said.
    Unknown {
        /// Why not.
        why: String,
    },
}

/// A search that goes on.
#[derive(Clone, Debug)]
pub struct Search {
    plan: CapacityPlan,
    played: Vec<(f64, StepVerdict)>,
    /// How often the load of the moment said nothing.
    again: u32,
    /// Why it ended before its answer was as narrow as asked for.
    given_up: Option<String>,
}

impl Search {
    /// A search that has played nothing.
    pub fn new(plan: &CapacityPlan) -> Search {
        Search { plan: plan.clone(), played: Vec::new(), again: 0, given_up: None }
    }

    /// The load to play next; none once the answer is there.
    pub fn next(&self) -> Option<f64> {
        if self.given_up.is_some() {
            return None;
        }
        let (passed, failed) = (self.passed(), self.failed());
        match (passed, failed) {
            (None, None) => Some(self.plan.low),
            (None, Some(failed)) => self.once_more(failed),
            (Some(passed), None) if passed >= self.plan.high => None,
            (Some(passed), None) => Some(self.rounded(passed * STEP_UP).min(self.plan.high)),
            (Some(passed), Some(failed)) if !self.is_narrow(passed, failed) => Some(self.between(passed, failed)),
            (Some(passed), Some(failed)) => self.once_more(passed).or_else(|| self.once_more(failed)),
        }
    }

    /// What came of playing [`Search::next`].
    pub fn push(&mut self, verdict: StepVerdict) {
        let Some(load) = self.next() else { return };
        match &verdict {
            StepVerdict::Unusable { why } if self.again >= AGAIN_MAX => self.given_up = Some(why.clone()),
            StepVerdict::Unusable { .. } => self.again += 1,
            _ => self.again = 0,
        }
        self.played.push((load, verdict));
        if self.played.len() >= STEPS_MAX && self.next().is_some() {
            self.given_up = Some(format!("its answers contradicted each other over {STEPS_MAX} steps"));
        }
    }

    /// Everything that was played, in order.
    pub fn played(&self) -> &[(f64, StepVerdict)] {
        &self.played
    }

    /// What the steps so far say.
    pub fn answer(&self) -> Answer {
        let given_up = self.given_up.clone();
        match (self.passed(), self.failed()) {
            (Some(passed), Some(failed)) => Answer::Between { passed, failed, binding: self.binding(failed), given_up },
            (Some(passed), None) => {
                let why = given_up.unwrap_or_else(|| "the range that the scenario names ends there".to_owned());
                Answer::AtLeast { passed, why }
            }
            (None, Some(failed)) if given_up.is_none() => Answer::Below { failed, binding: self.binding(failed) },
            (None, _) => Answer::Unknown { why: given_up.unwrap_or_else(|| "nothing was played".to_owned()) },
        }
    }

    /// The newest verdict of each load counts: a load that is played again replaces what it was.
    fn newest(&self) -> impl Iterator<Item = (f64, bool)> + '_ {
        let usable = |verdict: &StepVerdict| !matches!(verdict, StepVerdict::Unusable { .. });
        self.played.iter().enumerate().filter_map(move |(nth, (load, verdict))| {
            let is_replaced = self.played[nth + 1..].iter().any(|(other, verdict)| other == load && usable(verdict));
            (usable(verdict) && !is_replaced).then_some((*load, *verdict == StepVerdict::Passed))
        })
    }

    /// The lowest load that did not pass.
    fn failed(&self) -> Option<f64> {
        self.newest().filter(|(_, passed)| !passed).map(|(load, _)| load).min_by(f64::total_cmp)
    }

    /// The highest load that passed below the lowest that did not: what passed above it was luck.
    fn passed(&self) -> Option<f64> {
        let below = self.failed().unwrap_or(f64::INFINITY);
        self.newest().filter(|(load, passed)| *passed && *load < below).map(|(load, _)| load).max_by(f64::total_cmp)
    }

    fn binding(&self, failed: f64) -> String {
        let of = self.played.iter().rev().filter(|(load, _)| *load == failed);
        let binding = |verdict: &StepVerdict| match verdict {
            StepVerdict::Failed { binding, .. } => Some(binding.clone()),
            StepVerdict::Undecided { binding, .. } => Some(format!("{binding} (undecided)")),
            StepVerdict::Passed | StepVerdict::Unusable { .. } => None,
        };
        of.map(|(_, verdict)| verdict).find_map(binding).unwrap_or_default()
    }

    /// This load, if it was played only once: one step may err, two rarely.
    fn once_more(&self, load: f64) -> Option<f64> {
        let usable = self
            .played
            .iter()
            .filter(|(other, verdict)| *other == load && !matches!(verdict, StepVerdict::Unusable { .. }));
        (usable.count() < 2).then_some(load)
    }

    fn is_narrow(&self, passed: f64, failed: f64) -> bool {
        failed <= passed * (1.0 + self.plan.precision) || (self.plan.is_whole && failed - passed <= 1.0)
    }

    fn between(&self, passed: f64, failed: f64) -> f64 {
        let middle = self.rounded(libm::sqrt(passed * failed));
        if self.plan.is_whole { middle.clamp(passed + 1.0, failed - 1.0) } else { middle }
    }

    /// Whole, or with as many digits as the precision asks for, for the reader.
    fn rounded(&self, load: f64) -> f64 {
        if self.plan.is_whole {
            return libm::round(load);
        }
        let unit = libm::pow(10.0, libm::floor(libm::log10(load * self.plan.precision)) - 1.0);
        libm::round(load / unit) * unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::sequential::Decision;
    use crate::capacity::step::StepJudge;
    use crate::checks::plan_for_tests::plan;
    use crate::numbers::limits::Tally;
    use proptest::prelude::*;
    use rehearsal_scenarios::plan::{Measure, Threshold, World};

    fn searched(low: f64, high: f64, is_whole: bool) -> Search {
        let parameter = "rate".to_owned();
        Search::new(&CapacityPlan { parameter, low, high, is_whole, precision: 0.025 })
    }

    fn failed() -> StepVerdict {
        StepVerdict::Failed { binding: "discover p99 < 100ms".into(), why: String::new() }
    }

    fn run(search: &mut Search, mut verdict: impl FnMut(f64) -> StepVerdict) -> Answer {
        while let Some(load) = search.next() {
            let verdict = verdict(load);
            search.push(verdict);
        }
        search.answer()
    }

    /// A queue with one server, a fixed service time and regular arrivals, played second by second until the step decides.
    fn queue(capacity: f64, load: f64) -> StepVerdict {
        let mut plan = plan(World::Live);
        let (measure, limit, text) = (Measure::Percentile(0.99), 100e6, "p99 < 100ms".into());
        plan.thresholds = vec![Threshold { operation: "discover".into(), measure, limit, text }];
        let mut step = StepJudge::new(&plan);
        let (service_s, mut free_s, mut nth) = (1.0 / capacity, 0.0_f64, 0.0);
        for second in 1..=20 {
            let mut tally = Tally::default();
            while free_s < f64::from(second) && nth / load < f64::from(second) {
                let came_s = nth / load;
                free_s = free_s.max(came_s) + service_s;
                let took_ns = ((free_s - came_s) * 1e9) as u64;
                tally.answers += 1;
                tally.beyond += u64::from(took_ns >= 100_000_000);
                tally.sum_ns += took_ns;
                nth += 1.0;
            }
            if step.second(&[tally]) != Decision::Open {
                break;
            }
        }
        step.verdict()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_capacity_of_a_queue_is_found_within_five_per_cent(capacity in 60.0..900.0_f64) {
            let mut search = searched(40.0, 2_000.0, false);
            let answer = run(&mut search, |load| queue(capacity, load));
            let Answer::Between { passed, failed, binding, given_up: None } = answer else { panic!("{answer:?}") };
            // A load that is higher by less than a step can show does not pile up within it.
            prop_assert!(passed <= capacity * 1.01, "{passed} of {capacity}");
            prop_assert!((passed - capacity).abs() <= 0.05 * capacity, "{passed} of {capacity}");
            prop_assert!(failed <= passed * 1.026 && binding == "discover p99 < 100ms", "{failed} {binding}");
            prop_assert!(search.played().len() < 22, "{} steps", search.played().len());
        }

        #[test]
        fn whole_loads_are_found_exactly(capacity in 1_u32..500) {
            let mut search = searched(1.0, 500.0, true);
            search.plan.precision = 0.001;
            let answer = run(&mut search, |load| {
                assert_eq!(load, libm::round(load));
                if load <= f64::from(capacity) { StepVerdict::Passed } else { failed() }
            });
            match answer {
                Answer::Between { passed, failed, .. } => prop_assert_eq!((passed, failed), (capacity.into(), f64::from(capacity) + 1.0)),
                Answer::AtLeast { passed, .. } => prop_assert_eq!((passed, capacity >= 500), (500.0, true)),
                other => panic!("{other:?}"),
            }
        }

        #[test]
        fn it_always_comes_to_an_end(verdicts in prop::collection::vec(0_u8..4, 64)) {
            let mut search = searched(1.0, 1_000.0, false);
            let mut verdicts = verdicts.into_iter();
            run(&mut search, |load| {
                assert!((1.0..=1_000.0).contains(&load), "{load}");
                match verdicts.next().expect("it ends within 64 steps") {
                    0 => StepVerdict::Passed,
                    1 => failed(),
                    2 => StepVerdict::Undecided { binding: "b".into(), why: "w".into() },
                    _ => StepVerdict::Unusable { why: "busy".into() },
                }
            });
        }
    }

    #[test]
    fn one_wrong_answer_on_the_way_is_found_out() {
        for wrong_at in 0..8 {
            let (mut search, mut nth) = (searched(10.0, 1_000.0, false), 0);
            let answer = run(&mut search, |load| {
                nth += 1;
                let passes = (load <= 200.0) != (nth == wrong_at + 1 && load != 10.0);
                if passes { StepVerdict::Passed } else { failed() }
            });
            let Answer::Between { passed, failed, .. } = answer else { panic!("{answer:?}") };
            assert!((190.0..=200.0).contains(&passed) && failed <= 206.0, "wrong at {wrong_at}: {passed} to {failed}");
        }
    }

    #[test]
    fn the_ends_of_the_range_have_answers_of_their_own() {
        let answer = run(&mut searched(10.0, 100.0, false), |_| StepVerdict::Passed);
        assert!(matches!(answer, Answer::AtLeast { passed: 100.0, .. }), "{answer:?}");
        let answer = run(&mut searched(10.0, 100.0, false), |_| failed());
        assert!(matches!(answer, Answer::Below { failed: 10.0, .. }), "{answer:?}");
    }

    #[test]
    fn a_step_that_says_nothing_is_played_again_and_then_given_up() {
        let mut search = searched(10.0, 1_000.0, false);
        let mut busy = 0;
        let answer = run(&mut search, |load| {
            if load < 80.0 {
                return StepVerdict::Passed;
            }
            busy += 1;
            StepVerdict::Unusable { why: "the generator was too slow".into() }
        });
        assert_eq!(busy, 3);
        let Answer::AtLeast { passed, why } = answer else { panic!("{answer:?}") };
        assert_eq!((passed, why.as_str()), (40.0, "the generator was too slow"));
    }
}
