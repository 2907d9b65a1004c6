//! How far a clock is off another one that can be asked for its time: it said so at some moment between the question and the
//! answer, so that half of what lay between bounds the error. Neighbours: `store` asks. Left out: drift within a run, for which
//! it is measured again at the end.

/// How far this clock is ahead of the shared one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    /// This clock's time less the shared one's, in nanoseconds.
    pub ahead_ns: i64,
    /// How wrong that may be, in nanoseconds.
    pub bound_ns: u64,
}

/// One question: this clock before and after it, and what the shared one said, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Before.
    pub before_ns: u64,
    /// The answer.
    pub shared_ns: u64,
    /// After.
    pub after_ns: u64,
}

/// The answer is in whole microseconds.
const ANSWER_STEP_NS: u64 = 1_000;

impl Offset {
    /// The best of several questions: the quickest one.
    pub fn of(asked: &[Asked]) -> Option<Offset> {
        let offsets = asked.iter().map(|Asked { before_ns, shared_ns, after_ns }| {
            let took_ns = after_ns.saturating_sub(*before_ns);
            let ahead_ns = before_ns.wrapping_add(took_ns / 2).wrapping_sub(*shared_ns) as i64;
            Offset { ahead_ns, bound_ns: took_ns / 2 + ANSWER_STEP_NS }
        });
        offsets.min_by_key(|offset| offset.bound_ns)
    }

    /// The same offset, with a bound that also covers how it was found later: the clocks may have drifted.
    pub fn covering(self, later: Offset) -> Offset {
        let drift_ns = self.ahead_ns.abs_diff(later.ahead_ns);
        Offset { bound_ns: self.bound_ns.max(drift_ns.saturating_add(later.bound_ns)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_answer_tells_best() {
        let asked = |before_ns, shared_ns, after_ns| Asked { before_ns, shared_ns, after_ns };
        let offset = Offset::of(&[asked(1_000_000, 500_000, 9_000_000), asked(20_000_000, 15_010_000, 20_040_000)]);
        assert_eq!(offset, Some(Offset { ahead_ns: 5_010_000, bound_ns: 21_000 }));
        assert_eq!(Offset::of(&[asked(10, 1_000_000, 10)]).unwrap().ahead_ns, -999_990);
        assert_eq!(Offset::of(&[]), None);
    }

    #[test]
    fn drift_widens_the_bound_and_does_not_move_what_was_used() {
        let (first, later) = (Offset { ahead_ns: 100, bound_ns: 5 }, Offset { ahead_ns: 160, bound_ns: 7 });
        assert_eq!(first.covering(later), Offset { ahead_ns: 100, bound_ns: 67 });
        assert_eq!(first.covering(Offset { ahead_ns: 100, bound_ns: 3 }), first);
    }
}
