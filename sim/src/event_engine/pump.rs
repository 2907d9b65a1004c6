//! The heart of the engine: tasks run dry, packets take flight, the clock leaps to what comes next, and it arrives.
//!
//! Invariants: the clock moves only when no task can run; it never leaps past a packet that is due; what is sent leaves
//! at the very moment of sending. tokio's timers know whole milliseconds only, packets keep their nanoseconds: a leap
//! sleeps for whole milliseconds and advances the rest. Neighbours: `fates` (what is due), `tasks` (whether anything
//! ran).

use super::network::Shared;
use super::tasks;
use crate::clock::nanos;
use crate::entropy;
use rehearsal_scenarios::distribution::Nanos;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, advance, sleep_until};
use turmoil_net::{EnterGuard, Packet};

const MS: Nanos = 1_000_000;

/// Runs the world up to its next moment, or to `until` if that comes before it.
pub(super) async fn moment(net: &EnterGuard, shared: &Shared, until: Nanos, sent: &mut Vec<Packet>) {
    run_dry().await;
    take_flight(net, shared, sent);
    let next = shared.fates().next_due().map_or(until, |due| due.min(until));
    leap(next).await;
    arrive(net, shared);
}

/// Lets every task run that can.
async fn run_dry() {
    loop {
        tokio::task::yield_now().await;
        if tasks::have_run_dry() {
            return;
        }
    }
}

/// What the kernels send goes under way; then connections are cut off that their programs aborted, so that what they
/// had written before has left.
fn take_flight(net: &EnterGuard, shared: &Shared, sent: &mut Vec<Packet>) {
    if !tasks::have_used_sockets() {
        return;
    }
    let now = now();
    net.egress_all(sent);
    let mut fates = shared.fates();
    sent.drain(..).for_each(|packet| fates.send(packet, now));
    drop(fates);
    for aborted in shared.take_aborted() {
        let own_reset = shared.fates().abort(aborted.local, aborted.peer, now);
        net.deliver(own_reset);
        drop(aborted);
    }
}

/// Moves the clock towards `next`; stops when a timer of a task comes first.
async fn leap(next: Nanos) {
    let left = next.saturating_sub(now());
    // The runtime moves its clock by whole milliseconds from wherever it stands: the rest goes first, so that the end is
    // exact. A timer that this passes fires before the clock moves on.
    if !left.is_multiple_of(MS) {
        let mut rest = pin!(advance(Duration::from_nanos(left % MS)));
        // Its first poll moves the clock; that it then gives way would only cost another round.
        let _ = rest.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    if left > 0 {
        let tick = Duration::from_millis(now() / MS + left / MS);
        let mut slept = pin!(sleep_until(tasks::began() + tick));
        poll_fn(|context| match slept.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => tasks::poll_have_run(context),
        })
        .await;
    }
    tasks::show_time();
}

/// Everything that is due arrives.
fn arrive(net: &EnterGuard, shared: &Shared) {
    let now = now();
    loop {
        // Delivering wakes tasks, which may look at the fates.
        let arrived = shared.fates().arrive(now);
        match arrived {
            Some(packet) => {
                tasks::sockets_are_used();
                net.deliver(packet);
            }
            None => return,
        }
    }
}

/// Virtual time, by the runtime's clock.
fn now() -> Nanos {
    nanos(Instant::now().saturating_duration_since(tasks::began()))
}

/// Virtual time, as everything on this thread sees it.
pub(super) fn elapsed() -> Nanos {
    nanos(entropy::elapsed())
}
