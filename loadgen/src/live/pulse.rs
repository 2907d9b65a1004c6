//! The pulse of a live run: how many operations of users ended, and how. The report has its numbers by operation from
//! `reports::numbers`; these tell whether a target serves at all, and what a progress line shows.

use super::transport::failure_in;
use crate::steward::RUN;
use rehearsal_reference::failure::FailureClass;
use rehearsal_reports::event::{DROPPED, Event, Kind};
use rehearsal_reports::outcome::{Second, SecondOfOperation};

/// Operations of users since time 0. Preparing and cleaning up are the run's own business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// That succeeded.
    pub succeeded: u64,
    /// That failed or stayed unknown.
    pub errors: u64,
    /// Those errors that failed to reach the target, or lost it.
    pub unreached: u64,
    /// Those errors that are work which was not begun at all.
    pub dropped: u64,
}

impl Pulse {
    /// Takes an event into account. What a user does not reach whom a fault of the plan has hit says nothing about the target.
    pub fn observe(&mut self, event: &Event, was_hit: bool) {
        if event.t_ns < 0 || !matches!(event.kind, Kind::Ok | Kind::Failed | Kind::Unknown) || &*event.user == RUN {
            return;
        }
        if event.kind == Kind::Ok {
            self.succeeded += 1;
            return;
        }
        self.errors += 1;
        self.dropped += u64::from(&*event.op == DROPPED);
        match failure_in(event.kind, event.conn, &event.body) {
            None | Some((FailureClass::Status(_) | FailureClass::Garbage, _)) => {}
            Some(_) => self.unreached += u64::from(!was_hit),
        }
    }

    /// All of them.
    pub fn operations(self) -> u64 {
        self.succeeded + self.errors
    }

    /// Those that were begun, so that they show something about the target.
    pub fn tried(self) -> u64 {
        self.operations() - self.dropped
    }
}

/// What ended in a second, over all operations, and the latency of the one that ended most often.
pub fn in_second(second: &Second) -> (u64, Option<SecondOfOperation>) {
    let ended = second.operations.values().map(|operation| operation.count).sum();
    let busiest = second.operations.values().max_by_key(|operation| operation.count);
    (ended, busiest.copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_reports::event::{Body, Content, Said};

    fn ended(user: &str, kind: Kind, t_ns: i64) -> Event {
        let (user, op) = (user.into(), "discover".into());
        let (op_id, planned_ns, said, body) = (Some(1), None, Said::new(), Body::Empty);
        let content = Content::default();
        Event { n: 0, t_ns, process: 0, user, conn: 1, kind, op, op_id, planned_ns, said, content, body }
    }

    #[test]
    fn what_the_run_itself_does_is_no_success_of_a_user() {
        let mut pulse = Pulse::default();
        for event in [ended(RUN, Kind::Ok, 5), ended("a-0", Kind::Ok, -5), ended("a-0", Kind::Unknown, 5)] {
            pulse.observe(&event, false);
        }
        assert_eq!((pulse.succeeded, pulse.errors, pulse.operations()), (0, 1, 1));
    }

    #[test]
    fn dropped_work_is_an_error_that_shows_nothing_about_the_target() {
        let mut pulse = Pulse::default();
        pulse.observe(&Event { op: DROPPED.into(), ..ended("a-0", Kind::Failed, 5) }, false);
        pulse.observe(&ended("a-0", Kind::Failed, 5), false);
        assert_eq!((pulse.errors, pulse.dropped, pulse.tried()), (2, 1, 1));
    }

    #[test]
    fn a_refusal_or_a_wait_in_vain_does_not_mean_that_the_target_is_out_of_reach() {
        let (mut pulse, mut hit) = (Pulse::default(), Pulse::default());
        for (conn, kind, code) in [
            (1, Kind::Failed, "ROOM_FULL"),
            (0, Kind::Failed, "timed_out"),
            (0, Kind::Failed, "http_500"),
            (1, Kind::Failed, "refused"),
            (0, Kind::Unknown, "timed_out"),
        ] {
            let body = crate::recorder::error(code, "");
            let event = Event { conn, body, ..ended("a-0", kind, 5) };
            pulse.observe(&event, false);
            hit.observe(&event, true);
        }
        assert_eq!((pulse.errors, pulse.unreached), (5, 2));
        assert_eq!((hit.errors, hit.unreached), (5, 0), "a fault of the plan kept them away");
    }
}
