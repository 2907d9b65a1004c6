//! Flows come to their end: a user of a flow gets to its last step, or stops at one whose `otherwise` says so. A flow that
//! ended at a step that failed breaks it. What the run's end or a fault over the user or a server cut short is not judged,
//! and a step whose outcome nobody knows makes it unknown.
//!
//! The player of flows writes `began` and `ended` with op `flow`; the end of one that failed is an error with the step's
//! name and why. Neighbour: `reservation_always_ends` and others judge what the built-in worker and client do.

use super::cast::Cast;
use super::findings::{Findings, Profile, seconds, users};
use super::moment::Moment;
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::{Body, CUT_SHORT, Kind};
use crate::verdict::{CheckVerdict, Evidence};
use std::collections::BTreeMap;

pub(super) const NAME: &str = "flows_come_to_their_end";

/// What the player calls the span.
const OP: &str = "flow";

#[derive(Default)]
pub(super) struct FlowsEnd {
    begun: BTreeMap<Id, Begun>,
    findings: Findings,
}

/// A flow that is being played.
struct Begun {
    n: u64,
    t_ns: i64,
    /// The newest operation that ended: its event, and whether nobody knows how.
    last: Option<(u64, Outcome)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Known,
    Unknown,
}

impl Check for FlowsEnd {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let event = moment.event;
        match event.kind {
            Kind::Began if &*event.op == OP => {
                self.begun.insert(moment.user, Begun { n: event.n, t_ns: event.t_ns, last: None });
            }
            Kind::Ended if &*event.op == OP => {
                if let Some(begun) = self.begun.remove(&moment.user) {
                    self.ended(moment, cast, &begun);
                }
            }
            Kind::Ok | Kind::Failed | Kind::Unknown => {
                if let Some(begun) = self.begun.get_mut(&moment.user) {
                    let is_unknown = event.kind == Kind::Unknown;
                    begun.last = Some((event.n, if is_unknown { Outcome::Unknown } else { Outcome::Known }));
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.findings.verdict(Profile {
            name: NAME,
            property: "flows come to their end",
            judged_what: "flows",
            idle: "no user came to the end of a flow, or failed before it",
        })
    }
}

impl FlowsEnd {
    fn ended(&mut self, moment: &Moment<'_>, cast: &Cast, begun: &Begun) {
        let event = moment.event;
        let message = match &event.body {
            Body::Error { message, .. } => message,
            Body::Text { text } if text.starts_with(CUT_SHORT) => return,
            _ => return self.findings.judge(),
        };
        if cast.is_troubled(moment.user, begun.t_ns, event.t_ns) {
            return;
        }
        let user = cast.name(moment.user);
        let what = format!("the flow of {user} ended at {} at {message}", seconds(event.t_ns));
        if let Some((_, Outcome::Unknown)) = begun.last {
            return self.findings.doubt(|| format!("{what}, and nobody knows how that operation ended"));
        }
        self.findings.judge();
        self.findings.broken(Evidence {
            sentence: what,
            from_ns: begun.t_ns,
            until_ns: event.t_ns,
            users: users([user]),
            events: [Some(begun.n), begun.last.map(|(n, _)| n), Some(event.n)].into_iter().flatten().collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::History;
    use super::*;

    fn begins(history: &mut History, user: &str) {
        history.put(user, 0, Kind::Began, OP, None, Body::Empty);
    }

    fn finishes(history: &mut History, user: &str) {
        history.put(user, 0, Kind::Ended, OP, None, Body::Text { text: "finished".into() });
    }

    fn is_cut_short(history: &mut History, user: &str, by: &str) {
        let text = format!("{CUT_SHORT}{by}").into();
        history.put(user, 0, Kind::Ended, OP, None, Body::Text { text });
    }

    fn fails(history: &mut History, user: &str) {
        let message = "step `expect`: timed_out: no such message within 1s";
        let body = Body::Error { code: "step_failed".into(), message: message.into(), to: None };
        history.put(user, 0, Kind::Ended, OP, None, body);
    }

    fn operation(history: &mut History, end: Kind) {
        let error = Body::Error { code: "timed_out".into(), message: "no answer in time".into(), to: None };
        history.does("a", 1, "expect", Body::Empty, end, error);
    }

    #[test]
    fn a_flow_that_ends_at_a_failed_step_breaks_it() {
        let mut history = History::new();
        begins(history.at(1.0), "a");
        operation(history.at(2.0), Kind::Failed);
        fails(history.at(3.0), "a");
        let evidence = history.broken_under(NAME);
        let sentence = "the flow of a ended at 3.000 s at step `expect`: timed_out: no such message within 1s";
        assert_eq!((evidence[0].sentence.as_str(), evidence[0].events.len()), (sentence, 3));
    }

    #[test]
    fn a_flow_that_goes_on_after_a_failed_operation_is_fine() {
        let mut history = History::new();
        begins(history.at(1.0), "a");
        operation(history.at(2.0), Kind::Failed);
        finishes(history.at(3.0), "a");
        assert_eq!(history.holds_under(NAME), 1);
    }

    #[test]
    fn a_flow_that_the_end_of_the_run_or_a_fault_cut_short_is_not_judged() {
        let mut history = History::new();
        begins(history.at(1.0), "without an end");
        begins(history.at(1.0), "a");
        begins(history.at(1.0), "b");
        begins(history.at(1.0), "c");
        history.at(2.0).fault("cut", "partition begins", &["a", "server-0"]);
        history.at(4.0).fault("cut", "partition ends", &["a", "server-0"]);
        fails(history.at(5.0), "a");
        is_cut_short(history.at(9.0), "b", "");
        is_cut_short(history.at(9.0), "c", ": step `expect`: closed");
        assert_eq!(history.at(9.0).verdict_under(NAME).verdict.word(), "not_judged");
        begins(history.at(10.0), "a");
        fails(history.at(11.0), "a");
        assert_eq!(history.broken_under(NAME).len(), 1);
    }

    #[test]
    fn a_flow_that_ends_at_an_operation_with_an_unknown_outcome_is_unknown() {
        let mut history = History::new();
        begins(history.at(1.0), "a");
        operation(history.at(2.0), Kind::Unknown);
        fails(history.at(3.0), "a");
        assert_eq!(history.verdict_under(NAME).verdict.word(), "unknown");
    }

    #[test]
    fn nothing_is_said_without_a_flow() {
        let mut history = History::new();
        history.at(0.0).joins("a", 1, "room");
        assert_eq!(history.verdict_under(NAME).verdict.word(), "not_judged");
    }
}
