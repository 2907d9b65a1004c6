//! Standstills of the generator: windows in which it noticed nothing, not even its own clock. What a check with a time bound
//! found wrong in one of them may be the generator's doing, and is unknown; order, identity and content stand.
//!
//! Neighbours: `judge`, which asks; live runs write the events. Left out: how long a standstill must be to be worth a word.

use super::{departed_peers_disappear, flows_come_to_their_end, reservation_always_ends};
use crate::event::{Body, Event, Kind};
use crate::verdict::{CheckVerdict, Evidence, Verdict};
use rehearsal_scenarios::plan::{ChecksPlan, DeclaredCheck, Rule};
use std::ops::RangeInclusive;

/// The name of the fault in events: planned is when the generator should have noticed something, the event when it did.
pub const STANDSTILL: &str = "generator stood still";

/// Built-in checks that say how soon something must happen.
const TIME_BOUND: [&str; 3] =
    [reservation_always_ends::NAME, departed_peers_disappear::NAME, flows_come_to_their_end::NAME];

/// The windows, in order, and the checks that they may excuse.
pub struct Standstills {
    windows: Vec<RangeInclusive<i64>>,
    time_bound: Vec<String>,
}

impl Standstills {
    /// None yet. Of the plan's own checks those are excused that say how soon an answer must come.
    pub fn new(checks: &ChecksPlan) -> Standstills {
        let is_bound = |check: &&DeclaredCheck| matches!(check.rule, Rule::Answered { within_ns: Some(_), .. });
        let declared = checks.declared.iter().filter(is_bound).map(|check| check.name.clone());
        let time_bound = TIME_BOUND.into_iter().map(str::to_owned).chain(declared).collect();
        Standstills { windows: Vec::new(), time_bound }
    }

    /// Takes the next event into account.
    pub fn observe(&mut self, event: &Event) {
        let (Kind::Fault, Body::Fault { name, .. }, Some(from_ns)) = (event.kind, &event.body, event.planned_ns) else {
            return;
        };
        if &**name == STANDSTILL {
            self.windows.push(from_ns..=event.t_ns);
        }
    }

    /// The verdict, without the evidence that a standstill explains; unknown if nothing else is left.
    pub fn excuse(&self, mut verdict: CheckVerdict) -> CheckVerdict {
        let Verdict::Broken { evidence } = &mut verdict.verdict else { return verdict };
        if self.windows.is_empty() || !self.time_bound.contains(&verdict.name) {
            return verdict;
        }
        // Evidence that was not kept cannot be excused either.
        let unseen = verdict.violations.saturating_sub(evidence.len() as u64);
        let excused = evidence.extract_if(.., |evidence| self.lay_over(evidence)).collect::<Vec<_>>();
        let Some(first) = excused.first().filter(|_| evidence.is_empty()) else {
            verdict.violations -= excused.len() as u64;
            return verdict;
        };
        if unseen > 0 {
            *evidence = excused;
            return verdict;
        }
        let reason =
            format!("the generator stood still meanwhile, so that it may be its own doing: {}", first.sentence);
        verdict.verdict = Verdict::Unknown { reason };
        verdict.violations = 0;
        verdict
    }

    fn lay_over(&self, evidence: &Evidence) -> bool {
        self.windows.iter().any(|window| *window.start() <= evidence.until_ns && evidence.from_ns <= *window.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standstill(from_ns: i64, until_ns: i64) -> Event {
        let (name, what) = (STANDSTILL.into(), "for a while".into());
        let body = Body::Fault { name, what, hosts: Vec::new(), users: Vec::new() };
        let (n, t_ns, user) = (0, until_ns, "run".into());
        let (kind, op, op_id, planned_ns) = (Kind::Fault, "".into(), None, Some(from_ns));
        let (said, content) = Default::default();
        Event { n, t_ns, process: 0, user, conn: 0, kind, op, op_id, planned_ns, said, content, body }
    }

    fn broken(name: &str, spans: &[(i64, i64)], violations: u64) -> CheckVerdict {
        let of_span = |(from_ns, until_ns): &(i64, i64)| Evidence {
            sentence: format!("too late at {until_ns}"),
            from_ns: *from_ns,
            until_ns: *until_ns,
            users: Vec::new(),
            events: vec![1],
        };
        CheckVerdict {
            name: name.into(),
            property: "it is in time".into(),
            verdict: Verdict::Broken { evidence: spans.iter().map(of_span).collect() },
            judged: 9,
            judged_what: "things".into(),
            violations,
        }
    }

    fn after(verdict: CheckVerdict) -> CheckVerdict {
        let mut standstills = Standstills::new(&ChecksPlan::default());
        standstills.observe(&standstill(100, 200));
        standstills.excuse(verdict)
    }

    #[test]
    fn a_bound_that_was_missed_while_the_generator_stood_still_is_unknown() {
        let excused = after(broken(TIME_BOUND[0], &[(50, 110), (190, 300)], 2));
        assert_eq!((excused.verdict.word(), excused.violations), ("unknown", 0));
    }

    #[test]
    fn one_that_was_missed_at_another_time_stays_broken() {
        let half = after(broken(TIME_BOUND[1], &[(50, 110), (201, 300)], 2));
        let Verdict::Broken { evidence } = &half.verdict else { panic!("{half:?}") };
        assert_eq!((evidence.len(), half.violations, evidence[0].until_ns), (1, 1, 300));
    }

    #[test]
    fn order_stands_and_so_does_what_was_not_kept_as_evidence() {
        let order = broken("worker_runs_one_job_at_a_time", &[(110, 120)], 1);
        assert_eq!(after(order.clone()), order);
        let many = broken(TIME_BOUND[2], &[(110, 120)], 50);
        assert_eq!(after(many.clone()), many);
    }
}
