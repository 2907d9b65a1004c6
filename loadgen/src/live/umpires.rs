//! Who may end a run before its planned end: the scenario's rules, and a step of a capacity search that has seen enough.
//! Neighbours: `recorder` asks once a second, `driver` ends the run; the judging is `reports::abort`'s and `reports::capacity`'s.

use super::progress::RunStage;
use crate::commons::lock;
use rehearsal_reports::abort::{AbortRules, Aborted, Surroundings};
use rehearsal_reports::capacity::sequential::Decision;
use rehearsal_reports::capacity::step::StepJudge;
use rehearsal_reports::numbers::limits::{Counted, Limit, Tally};
use rehearsal_reports::render::units;
use rehearsal_scenarios::plan::Plan;
use std::sync::{Arc, Mutex};

/// Why a run ends before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A step of a search is decided: what it was played for is known.
    Decided,
    /// A rule of the scenario.
    Aborted(Aborted),
}

/// The judge of one step of a search, which its searcher looks into afterwards.
pub type SharedJudge = Arc<Mutex<StepJudge>>;

/// So many seconds in a row above the cap end a run: one may be a burst of answers that had waited.
const OVER_CAP_SECONDS: u32 = 3;

/// All who may end a run.
pub struct Umpires {
    rules: AbortRules,
    rules_count: usize,
    cap: Option<RateCap>,
    step: Option<SharedJudge>,
    measured_from_ns: i64,
    seen_ns: i64,
}

impl Umpires {
    /// Those of the plan, the cap of the project if it has one, and the judge of a step if this is one.
    pub fn new(plan: &Plan, rate_max: Option<f64>, step: Option<SharedJudge>) -> Umpires {
        let cap = rate_max.map(|most| RateCap { most, over: 0 });
        let measured_from_ns = i64::try_from(plan.phases.measured().start).unwrap_or(i64::MAX);
        let rules_count = plan.live.abort.len();
        Umpires { rules: AbortRules::new(plan), rules_count, cap, step, measured_from_ns, seen_ns: 0 }
    }

    /// What must be counted for them.
    pub fn limits(&self, plan: &Plan) -> Vec<Limit> {
        let mut limits = AbortRules::limits(plan);
        // What the cap counts: all operations.
        limits.push(Limit { operation: None, limit_ns: u64::MAX, period: Counted::Played });
        if self.step.is_some() {
            limits.extend(StepJudge::limits(plan));
        }
        limits
    }

    /// Takes what ended since the last call.
    pub fn look(&mut self, stage: RunStage, now_ns: i64, tallies: &[Tally], around: &Surroundings) -> Option<Stop> {
        let from_ns = std::mem::replace(&mut self.seen_ns, now_ns.max(0));
        if !stage.is_playing() || now_ns <= 0 {
            return None;
        }
        let (of_rules, rest) = tallies.split_at(self.rules_count);
        let (of_all, of_step) = rest.split_first()?;
        let over_cap = self.cap.as_mut().and_then(|cap| cap.second(now_ns - from_ns, *of_all));
        if let Some(aborted) = self.rules.second(from_ns, now_ns, of_rules, around).or(over_cap) {
            return Some(Stop::Aborted(aborted));
        }
        // The first second of measuring is whole when the next one begins.
        let step = self.step.as_ref().filter(|_| now_ns > self.measured_from_ns)?;
        (lock(step).second(of_step) != Decision::Open).then_some(Stop::Decided)
    }
}

/// The project's cap on operations a second: users that ask again after each answer have no planned rate that could be refused.
struct RateCap {
    most: f64,
    over: u32,
}

impl RateCap {
    fn second(&mut self, length_ns: i64, all: Tally) -> Option<Aborted> {
        let rate = all.ended() as f64 / (length_ns.max(1) as f64 / 1e9);
        self.over = if rate > self.most { self.over + 1 } else { 0 };
        (self.over >= OVER_CAP_SECONDS).then(|| Aborted {
            rule: format!("rate_max = {}", self.most),
            found: format!("the users did {} of what rehearsal.toml allows so many of a second", units::rate(rate)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_ends_what_lasts_and_forgives_a_burst() {
        let ended = |answers| Tally { answers, ..Tally::default() };
        let over = |rates: &[u64]| {
            let mut cap = RateCap { most: 100.0, over: 0 };
            rates.iter().filter_map(|rate| cap.second(1_000_000_000, ended(*rate))).count()
        };
        assert_eq!(over(&[150, 150, 90, 150, 150]), 0);
        assert_eq!(over(&[90, 150, 150, 101]), 1);
    }
}
