//! The heart of the engine: tasks run dry, then the clock leaps to what comes next, and whoever waits for it is woken.
//!
//! Invariants: the clock moves only when no task can run, and never past a moment at which something is due; what is sent
//! leaves at the very moment of sending. tokio's timers know whole milliseconds only, the network keeps its nanoseconds: a
//! leap sleeps for whole milliseconds and advances the rest. Neighbours: `network::fabric` (what is due), `turns` (whether
//! anything ran).

use super::{holding, turns};
use crate::clock::nanos;
use crate::entropy;
use crate::network::fabric::Fabric;
use rehearsal_scenarios::distribution::Nanos;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, Sleep, advance, sleep_until};

const MS: Nanos = 1_000_000;

/// Runs the world up to the first moment that is not before `enough`, or to `until`, and leaves to the next step what
/// happens then. Once something has happened it stops rather than leap past `enough`: whoever steps the world may want to
/// change something first. So it does when somebody has asked to stop in this very moment.
pub(super) async fn step(fabric: &Fabric, enough: Nanos, until: Nanos) {
    let (mut has_happened, mut due) = (false, Vec::new());
    let mut alarm = pin!(sleep_until(turns::began()));
    loop {
        has_happened |= run_dry().await;
        if fabric.clock.is_to_stop() {
            return;
        }
        let next = fabric.next_due_ns().map_or(until, |due| due.min(until));
        if has_happened && next > enough {
            return;
        }
        leap(next, alarm.as_mut()).await;
        fabric.wake_due(&mut due);
        if elapsed() >= enough {
            return;
        }
    }
}

/// Lets every task run that can. Whether any did.
async fn run_dry() -> bool {
    let mut has_run = false;
    loop {
        tokio::task::yield_now().await;
        let ran = turns::take_ran();
        has_run |= ran != turns::Ran::Nobody;
        if ran != turns::Ran::PerhapsNotAll && !holding::release_those_behind() {
            return has_run;
        }
    }
}

/// Moves the clock towards `next`, for which the alarm is set; stops when a timer of a task comes first.
async fn leap(next: Nanos, mut alarm: Pin<&mut Sleep>) {
    let from = now();
    let left = next.saturating_sub(from);
    // The runtime moves its clock by whole milliseconds from wherever it stands: the rest goes first, so that the end is
    // exact. A timer that this passes fires before the clock moves on.
    let rest = left % MS;
    if rest > 0 {
        let mut passing = pin!(advance(Duration::from_nanos(rest)));
        // Its first poll moves the clock; that it then gives way would only cost another round.
        let _ = passing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    if left >= MS {
        let tick = Duration::from_millis((from + rest) / MS + left / MS);
        alarm.as_mut().reset(turns::began() + tick);
        poll_fn(|context| match alarm.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => turns::poll_have_run(context),
        })
        .await;
    }
    turns::show_time();
}

/// Virtual time, by the runtime's clock.
fn now() -> Nanos {
    nanos(Instant::now().saturating_duration_since(turns::began()))
}

/// Virtual time, as everything on this thread sees it.
pub(super) fn elapsed() -> Nanos {
    nanos(entropy::elapsed())
}
