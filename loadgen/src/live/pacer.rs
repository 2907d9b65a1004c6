//! The pacer: a thread of its own that wakes users at their planned times. tokio's timers count whole milliseconds, so that
//! its sleepers are late by one in the median; this thread sleeps to the moment itself. Neighbours: `recorder` (whose
//! [`super::recorder::Shared`] is the clock of a live plan), `generator` (judges how late planned sends were).
//!
//! Left out: pauses between steps (`think`), which follow an answer and have no planned time.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "live runs have a thread for planned times, and read the machine's clock"
)]

use super::threads;
use crate::commons::lock;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Wakes whoever waits, at the planned moment. Dropping it ends its thread; whoever still waits then waits for ever.
pub struct Pacer {
    alarms: Arc<Alarms>,
}

#[derive(Default)]
struct Alarms {
    queue: Mutex<Queue>,
    /// The earliest alarm is another one, or it is over.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// The earliest first; of equal times the one that was asked for first.
    waiting: BinaryHeap<Reverse<(Instant, u64, Slot)>>,
    asked: u64,
    is_over: bool,
}

/// Where a waiter leaves its waker; empty once it was woken or does not wait any more.
#[derive(Clone, Default)]
struct Slot(Arc<Mutex<Option<Waker>>>);

impl Pacer {
    /// Starts the thread.
    pub fn start() -> io::Result<Pacer> {
        let alarms = Arc::new(Alarms::default());
        let rung = alarms.clone();
        std::thread::Builder::new().name("pacer".into()).spawn(move || rung.ring())?;
        Ok(Pacer { alarms })
    }

    /// Waits until this moment and tells how late the waiter was woken; at once, and nothing, if it has passed.
    pub fn until(&self, at: Instant) -> Until<'_> {
        Until { alarms: &self.alarms, at, slot: None }
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        lock(&self.alarms.queue).is_over = true;
        self.alarms.changed.notify_one();
    }
}

impl Alarms {
    /// The thread: sleeps to the earliest alarm and wakes all that are due.
    fn ring(&self) {
        threads::sleep_finely();
        threads::run_when_woken();
        let mut due = Vec::new();
        let mut queue = lock(&self.queue);
        while !queue.is_over {
            let now = Instant::now();
            while let Some(Reverse((at, ..))) = queue.waiting.peek()
                && *at <= now
                && let Some(Reverse((_, _, slot))) = queue.waiting.pop()
            {
                due.extend(lock(&slot.0).take());
            }
            if !due.is_empty() {
                // Waking schedules tasks, which needs no lock of ours.
                drop(queue);
                due.drain(..).for_each(Waker::wake);
                queue = lock(&self.queue);
                continue;
            }
            let wait = queue.waiting.peek().map(|Reverse((at, ..))| *at - now);
            queue = match wait {
                Some(wait) => self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn add(&self, at: Instant, slot: Slot) {
        let mut queue = lock(&self.queue);
        let nth = queue.asked;
        queue.asked += 1;
        let is_earliest = queue.waiting.peek().is_none_or(|Reverse((earliest, ..))| at < *earliest);
        queue.waiting.push(Reverse((at, nth, slot)));
        drop(queue);
        if is_earliest {
            self.changed.notify_one();
        }
    }
}

/// Waits for a moment; ready with how late that was noticed, if there was anything to wait for.
pub struct Until<'a> {
    alarms: &'a Alarms,
    at: Instant,
    slot: Option<Slot>,
}

impl Future for Until<'_> {
    type Output = Option<Duration>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Duration>> {
        let late = Instant::now().checked_duration_since(self.at);
        match (&self.slot, late) {
            (None, Some(_)) => return Poll::Ready(None),
            (Some(_), Some(late)) => return Poll::Ready(Some(late)),
            (Some(slot), None) => *lock(&slot.0) = Some(context.waker().clone()),
            (None, None) => {
                let slot = Slot(Arc::new(Mutex::new(Some(context.waker().clone()))));
                self.alarms.add(self.at, slot.clone());
                self.slot = Some(slot);
            }
        }
        Poll::Pending
    }
}

impl Drop for Until<'_> {
    fn drop(&mut self) {
        // The alarm itself stays until it is due; what it holds of the waiter does not.
        if let Some(slot) = &self.slot {
            *lock(&slot.0) = None;
        }
    }
}

/// Slots have no order of their own: the number before them decides.
impl Ord for Slot {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl PartialOrd for Slot {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Slot {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiters_wake_in_the_order_of_their_moments_and_never_early() {
        let pacer = Pacer::start().unwrap();
        let start = Instant::now();
        let order = Mutex::new(Vec::new());
        let wait = async |ms: u64| {
            let at = start + Duration::from_millis(ms);
            assert!(pacer.until(at).await.is_some());
            assert!(Instant::now() >= at);
            lock(&order).push(ms);
        };
        tokio::join!(wait(30), wait(10), wait(20));
        assert_eq!(*lock(&order), [10, 20, 30]);
    }

    #[tokio::test]
    async fn a_moment_that_has_passed_is_no_lateness_of_the_pacer() {
        let pacer = Pacer::start().unwrap();
        assert_eq!(pacer.until(Instant::now()).await, None);
    }

    #[tokio::test]
    async fn who_stops_waiting_is_forgotten_and_an_earlier_moment_overtakes() {
        let pacer = Pacer::start().unwrap();
        let start = Instant::now();
        let far = pacer.until(start + Duration::from_secs(3_600));
        let near = pacer.until(start + Duration::from_millis(5));
        tokio::select! { _ = far => panic!("an hour is not over"), late = near => assert!(late.is_some()) }
        let queue = lock(&pacer.alarms.queue);
        let Reverse((_, _, slot)) = queue.waiting.peek().unwrap();
        assert!(lock(&slot.0).is_none(), "its waker is gone");
    }
}
