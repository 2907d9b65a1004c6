//! How many answers came later than a limit, for those who decide while a run goes on: steps of a capacity search and rules that
//! end a run. Neighbours: `capacity::step` and `abort` read it. Left out: what the limits mean.

use super::operation::Ended;
use crate::event::Name;
use std::ops::Range;

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The operation; all of them if absent.
    pub operation: Option<Name>,
    /// Answers that took longer than this are beyond the limit, in nanoseconds from the planned time.
    pub limit_ns: u64,
    /// Which of them count.
    pub period: Counted,
}

/// Which operations count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those that were planned within the measure phase.
    Measured,
    /// Those that were planned after time 0.
    Played,
}

/// What ended since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Answers.
    pub answers: u64,
    /// Answers beyond the limit.
    pub beyond: u64,
    /// Operations that failed or stayed unknown.
    pub errors: u64,
    /// Response times of all answers, added up, in nanoseconds.
    pub sum_ns: u64,
}

impl Tally {
    /// All that ended.
    pub fn ended(&self) -> u64 {
        self.answers + self.errors
    }
}

/// Folds what ends.
#[derive(Default)]
pub struct Limits {
    all: Vec<(Limit, Tally)>,
}

impl Limits {
    /// Counts these, from now on.
    pub fn new(limits: Vec<Limit>) -> Limits {
        Limits { all: limits.into_iter().map(|limit| (limit, Tally::default())).collect() }
    }

    /// An operation ended.
    pub fn count(&mut self, name: &Name, ended: &Ended<'_>, measured: &Range<i64>) {
        let start_ns = ended.start_ns();
        for (limit, tally) in &mut self.all {
            let is_counted = match limit.period {
                Counted::Measured => measured.contains(&start_ns),
                Counted::Played => start_ns >= 0,
            };
            if !is_counted || limit.operation.as_ref().is_some_and(|operation| operation != name) {
                continue;
            }
            if ended.error.is_some() {
                tally.errors += 1;
                continue;
            }
            let took_ns = ended.response_ns();
            tally.answers += 1;
            tally.beyond += u64::from(took_ns >= limit.limit_ns);
            tally.sum_ns = tally.sum_ns.saturating_add(took_ns);
        }
    }

    /// What ended since the last call, in the order of the limits.
    pub fn take(&mut self) -> Vec<Tally> {
        self.all.iter_mut().map(|(_, tally)| std::mem::take(tally)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_planned_in_time_counts_and_each_answer_once() {
        let limit =
            |operation: Option<&str>, period| Limit { operation: operation.map(Name::from), limit_ns: 10, period };
        let mut limits = Limits::new(vec![
            limit(Some("discover"), Counted::Measured),
            limit(None, Counted::Played),
            limit(Some("connect"), Counted::Played),
        ]);
        let error = Name::from("timed_out");
        for (name, planned_ns, ended_ns, error) in [
            ("discover", -5, 20, None),
            ("discover", 50, 55, None),
            ("discover", 150, 160, None),
            ("discover", 151, 155, None),
            ("discover", 152, 153, Some(&error)),
        ] {
            let ended = Ended { planned_ns: Some(planned_ns), invoked_ns: planned_ns, ended_ns, error };
            limits.count(&name.into(), &ended, &(100..200));
        }
        let [measured, played, other] = limits.take()[..] else { panic!("three limits") };
        assert_eq!(measured, Tally { answers: 2, beyond: 1, errors: 1, sum_ns: 14 });
        assert_eq!((played.answers, played.beyond, played.ended()), (3, 1, 4));
        assert_eq!(other, Tally::default());
        assert_eq!(limits.take(), vec![Tally::default(); 3], "taken once");
    }
}
