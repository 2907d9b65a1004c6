//! The live event sink: users stamp their events with the machine's time under one short lock, the recorder's thread takes
//! them in batches. Neighbours: `recorder` (the thread). Time 0 of the plan is set when prepare ends.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "live runs read the machine's clock")]

use crate::commons::lock;
use crate::sink::{Draft, EventSink};
use rehearsal_reports::event::Kind;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Events that may wait for the recorder before users wait too: about 1 GiB.
const BACKLOG_MAX: usize = 4_000_000;

/// Not yet set.
const NO_ZERO: i64 = i64::MAX;

/// Stamps events and hands them over.
pub struct LiveSink {
    start: Instant,
    zero_ns: AtomicI64,
    waiting: Mutex<Waiting>,
    changed: Condvar,
    taken: Condvar,
}

#[derive(Default)]
struct Waiting {
    events: Vec<Stamped>,
    /// Operations that have begun and have not ended.
    under_way: usize,
    is_over: bool,
}

/// An event and when it happened, in nanoseconds since the sink was made.
pub struct Stamped {
    /// When.
    pub since_start_ns: i64,
    /// What.
    pub event: Draft,
}

impl Default for LiveSink {
    fn default() -> Self {
        LiveSink {
            start: Instant::now(),
            zero_ns: AtomicI64::new(NO_ZERO),
            waiting: Mutex::default(),
            changed: Condvar::new(),
            taken: Condvar::new(),
        }
    }
}

impl LiveSink {
    /// Time 0 of the plan is now, unless it was before.
    pub fn set_zero(&self) {
        self.set_zero_ns(self.age_ns());
    }

    /// Time 0 of the plan is at this moment, unless it is known already.
    pub fn set_zero_at(&self, moment: Instant) {
        let since_start = moment.saturating_duration_since(self.start);
        self.set_zero_ns(i64::try_from(since_start.as_nanos()).unwrap_or(NO_ZERO - 1));
    }

    fn set_zero_ns(&self, zero_ns: i64) {
        // The first one stays: a run that ends before time 0 sets it at its end.
        let _ = self.zero_ns.compare_exchange(NO_ZERO, zero_ns, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Time 0 of the plan, in nanoseconds since the sink was made, once it is known.
    pub fn zero_ns(&self) -> Option<i64> {
        match self.zero_ns.load(Ordering::Acquire) {
            NO_ZERO => None,
            zero => Some(zero),
        }
    }

    /// The moment of a plan time; none before time 0 is known, and none for one that no clock reaches.
    pub fn moment(&self, plan_ns: i64) -> Option<Instant> {
        let since_start_ns = self.zero_ns()?.saturating_add(plan_ns);
        self.start.checked_add(Duration::from_nanos(u64::try_from(since_start_ns).unwrap_or(0)))
    }

    /// No more events come: the recorder may end.
    pub fn end(&self) {
        self.set_zero();
        lock(&self.waiting).is_over = true;
        self.changed.notify_all();
    }

    /// Takes all waiting events in exchange for an empty batch, after at most `wait`. True once no more will come.
    pub fn take(&self, batch: &mut Vec<Stamped>, wait: Duration) -> bool {
        batch.clear();
        let mut waiting = lock(&self.waiting);
        if !waiting.is_over {
            let waited = self.changed.wait_timeout(waiting, wait);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut waiting.events, batch);
        let is_over = waiting.is_over;
        drop(waiting);
        self.taken.notify_all();
        is_over
    }

    /// Operations of the moment that have begun and have not ended.
    pub fn under_way(&self) -> usize {
        lock(&self.waiting).under_way
    }

    /// Nanoseconds since the sink was made.
    pub fn age_ns(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }
}

impl EventSink for LiveSink {
    fn now_ns(&self) -> i64 {
        // Before time 0 is set nothing is planned, so that any negative time does.
        self.zero_ns().map_or(-1, |zero| self.age_ns() - zero)
    }

    fn record(&self, event: Draft) {
        let mut waiting = lock(&self.waiting);
        while waiting.events.len() >= BACKLOG_MAX {
            waiting = self.taken.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        // Stamped under the lock, so that times rise with numbers.
        let since_start_ns = self.age_ns();
        match event.kind {
            Kind::Invoked => waiting.under_way += 1,
            Kind::Ok | Kind::Failed | Kind::Unknown => waiting.under_way = waiting.under_way.saturating_sub(1),
            _ => {}
        }
        waiting.events.push(Stamped { since_start_ns, event });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_reports::event::Body;

    #[test]
    fn events_before_time_zero_are_negative_and_none_is_lost_at_the_end() {
        let sink = LiveSink::default();
        let draft = || Draft::new("run".into(), Kind::Began, "x".into(), Body::Empty);
        sink.record(draft());
        assert_eq!(sink.now_ns(), -1);
        sink.set_zero();
        sink.record(draft());
        sink.end();
        let mut batch = Vec::new();
        assert!(sink.take(&mut batch, Duration::ZERO));
        let zero = sink.zero_ns().unwrap();
        let signs: Vec<bool> = batch.iter().map(|stamped| stamped.since_start_ns <= zero).collect();
        assert_eq!(signs, [true, false]);
    }
}
