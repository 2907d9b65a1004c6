//! The time that is given to a scenario, and where it goes: two thirds at most for exploring once something unexpected was
//! found, the rest for confirming it and making it smaller; while nothing is found, exploring has nearly all of it.

use rehearsal_reports::outcome::TimeSpent;
use rehearsal_sim::explore::SeedRange;
use std::time::Duration;

/// Of the time that is given, exploring has so much at most while nothing is found: a find at the end is confirmed yet.
const EXPLORING_MAX: f64 = 0.95;
/// And so much once something was found.
const EXPLORING_ONCE_FOUND: f64 = 2.0 / 3.0;

/// A stopwatch over the parts of an exploration, perhaps with an end.
#[allow(clippy::disallowed_types, reason = "the command line divides real time; no seed sees it")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeBox {
    given: Option<Duration>,
    began: Option<std::time::Instant>,
    exploring: Duration,
    confirming: Duration,
    shrinking: Duration,
}

impl TimeBox {
    /// So much time from now on.
    pub fn begin(given: Duration) -> TimeBox {
        TimeBox { given: Some(given), began: Some(now()), ..TimeBox::default() }
    }

    /// What is left; none if no time was given.
    pub fn left(&self) -> Option<Duration> {
        let (given, began) = (self.given?, self.began?);
        Some(given.saturating_sub(began.elapsed()))
    }

    /// New seeds from this one on, for the part of this time that is for exploring.
    pub fn seeds(given: Duration, first: u64) -> SeedRange {
        let (duration, once_found) = (given.mul_f64(EXPLORING_MAX), given.mul_f64(EXPLORING_ONCE_FOUND));
        SeedRange::For { first, duration, once_found }
    }

    /// Does some exploring.
    pub fn exploring<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.exploring, work)
    }

    /// Does some confirming.
    pub fn confirming<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.confirming, work)
    }

    /// Does some shrinking.
    pub fn shrinking<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.shrinking, work)
    }

    /// Where it went, if some was given.
    pub fn spent(&self) -> Option<TimeSpent> {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Some(TimeSpent {
            given_ms: ms(self.given?),
            exploring_ms: ms(self.exploring),
            confirming_ms: ms(self.confirming),
            shrinking_ms: ms(self.shrinking),
        })
    }
}

fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let began = now();
    let done = work();
    *spent += began.elapsed();
    done
}

#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "as above")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}
