//! The pulse of a live run: how many operations of users ended, and how. The report has its numbers by operation from
//! `reports::numbers`; these tell whether a target serves at all, and what a progress line shows.

use crate::steward::RUN;
use rehearsal_reports::event::{Event, Kind};
use rehearsal_reports::outcome::{Second, SecondOfOperation};

/// Operations of users since time 0. Preparing and cleaning up are the run's own business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// That succeeded.
    pub succeeded: u64,
    /// That failed or stayed unknown.
    pub errors: u64,
}

impl Pulse {
    /// Takes an event into account.
    pub fn observe(&mut self, event: &Event) {
        let count = match event.kind {
            Kind::Ok => &mut self.succeeded,
            Kind::Failed | Kind::Unknown => &mut self.errors,
            _ => return,
        };
        if event.t_ns >= 0 && &*event.user != RUN {
            *count += 1;
        }
    }

    /// All of them.
    pub fn operations(self) -> u64 {
        self.succeeded + self.errors
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
    use rehearsal_reports::event::Body;

    fn ended(user: &str, kind: Kind, t_ns: i64) -> Event {
        let (user, op) = (user.into(), "discover".into());
        Event { n: 0, t_ns, process: 0, user, conn: 1, kind, op, op_id: Some(1), planned_ns: None, body: Body::Empty }
    }

    #[test]
    fn what_the_run_itself_does_is_no_success_of_a_user() {
        let mut pulse = Pulse::default();
        for event in [ended(RUN, Kind::Ok, 5), ended("a-0", Kind::Ok, -5), ended("a-0", Kind::Unknown, 5)] {
            pulse.observe(&event);
        }
        assert_eq!((pulse.succeeded, pulse.errors, pulse.operations()), (0, 1, 1));
    }
}
