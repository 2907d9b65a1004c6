//! The circuit breaker: a target that fails most operations at its doors is left alone, before more load makes it worse.
//! Neighbours: `pulse` counts, `driver` asks once a second. Left out: targets on which nothing ever succeeded, which the
//! driver tells apart, and slow or refusing ones, which checks and thresholds judge.

use super::pulse::Pulse;
use std::collections::VecDeque;

/// How many seconds are looked at.
const WINDOW_S: usize = 10;
/// Fewer ended operations are no evidence.
const OPERATIONS_MIN: u64 = 20;

/// Looks at the last seconds of a run.
#[derive(Default)]
pub struct Breaker {
    seconds: VecDeque<Pulse>,
}

impl Breaker {
    /// Takes the pulse, once a second; true when the load must end: more than half of the operations of the last 10 s
    /// failed to reach the target or lost it, and at least 20 ended.
    pub fn is_open(&mut self, now: Pulse) -> bool {
        if self.seconds.len() > WINDOW_S {
            self.seconds.pop_front();
        }
        let before = self.seconds.front().copied().unwrap_or_default();
        self.seconds.push_back(now);
        let ended = now.operations() - before.operations();
        let unreached = now.unreached - before.unreached;
        ended >= OPERATIONS_MIN && unreached * 2 > ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(succeeded: u64, errors: u64, unreached: u64) -> Pulse {
        Pulse { succeeded, errors, unreached }
    }

    #[test]
    fn it_opens_past_one_half_of_enough_operations() {
        assert!(!Breaker::default().is_open(pulse(0, 19, 19)), "too few");
        assert!(!Breaker::default().is_open(pulse(10, 10, 10)), "one half");
        assert!(!Breaker::default().is_open(pulse(5, 50, 5)), "refused by the target, which is there");
        assert!(Breaker::default().is_open(pulse(9, 11, 11)));
    }

    #[test]
    fn a_long_good_run_does_not_hide_ten_bad_seconds() {
        let mut breaker = Breaker::default();
        assert!(!breaker.is_open(pulse(1_000_000, 0, 0)));
        let opened = (1..=20).find(|second| breaker.is_open(pulse(1_000_000, second * 3, second * 3)));
        assert_eq!(opened, Some(7), "21 of 21");
    }

    #[test]
    fn what_went_wrong_long_ago_is_forgiven() {
        let mut breaker = Breaker::default();
        let bad = pulse(0, 15, 15);
        assert!(!breaker.is_open(bad));
        for second in 1..=20 {
            assert!(!breaker.is_open(pulse(second * 2, 15, 15)), "second {second}");
        }
    }
}
