//! Planned beginnings that follow one another: the repetitions of a flow with a pace, or the jobs of a client that has one. What
//! was planned and never begun, since its user was busy until the run was over, is counted as dropped: a target that stands
//! still to the end would hide behind it otherwise. Neighbours: `interpreter` and `built_in` keep the time.

use super::env::UserEnv;
use super::player::to_plan_time;
use crate::recorder::{Dropped, UserRecorder};
use rehearsal_scenarios::distribution::Nanos;

/// So many are counted at most: a pace of microseconds, or none at all between beginnings, would fill the record.
const LEFT_MAX: usize = 10_000;

/// How far such a series has come.
pub(super) struct Beat {
    /// How many were begun or dropped.
    pub(super) past: u64,
    /// How many there are at most.
    pub(super) times: u64,
    /// When the last of these was planned.
    pub(super) at_ns: i64,
    /// The time before the one with this number.
    pub(super) gap: Box<dyn Fn(u64) -> Nanos + Send + Sync>,
}

impl Beat {
    /// When the next one is planned.
    pub(super) fn next_ns(&self) -> i64 {
        self.at_ns.saturating_add(to_plan_time((self.gap)(self.past)))
    }

    /// The next one, planned then, is begun or dropped.
    pub(super) fn advance(&mut self, next_ns: i64) {
        self.past += 1;
        self.at_ns = next_ns;
    }

    /// Counts what the end of the run left undone.
    pub(super) fn drop_rest<N>(&self, env: &UserEnv<N>, recorder: &UserRecorder) {
        let over_ns = env.commons.over_ns().unwrap_or_else(|| recorder.now_ns());
        let until_ns = over_ns.min(to_plan_time(env.plan.phases.measured().end));
        self.rest(until_ns).for_each(|planned_ns| recorder.dropped(planned_ns, Dropped::CutShort));
    }

    /// When the others were planned that lie before this time.
    fn rest(&self, until_ns: i64) -> impl Iterator<Item = i64> {
        let mut at_ns = self.at_ns;
        let planned = (self.past..self.times).map_while(move |nth| {
            at_ns = at_ns.saturating_add(to_plan_time((self.gap)(nth)));
            (at_ns < until_ns).then_some(at_ns)
        });
        planned.take(LEFT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(past: u64, times: u64, gap_ns: Nanos) -> Beat {
        Beat { past, times, at_ns: 100, gap: Box::new(move |_| gap_ns) }
    }

    #[test]
    fn what_lies_before_the_end_is_left_and_no_more_than_there_is() {
        assert_eq!(beat(3, u64::MAX, 50).rest(251).collect::<Vec<_>>(), [150, 200, 250]);
        assert_eq!(beat(3, u64::MAX, 50).rest(250).collect::<Vec<_>>(), [150, 200]);
        assert_eq!(beat(3, 4, 50).rest(1_000).collect::<Vec<_>>(), [150]);
        assert_eq!(beat(3, u64::MAX, 50).rest(100).count(), 0);
    }

    #[test]
    fn beginnings_that_take_no_time_come_to_their_end() {
        assert_eq!(beat(0, u64::MAX, 0).rest(200).count(), LEFT_MAX);
    }
}
