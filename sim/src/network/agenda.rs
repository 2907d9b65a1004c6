//! What the event engine leaps to: the times at which somebody who waits on the network is to be woken, in order.
//!
//! Invariants: what is due in the same nanosecond comes in an order that is drawn, not in that of asking; an entry whose
//! reason has gone is passed over, so that the world never stops for it. turmoil's world keeps none: its tasks set an alarm
//! of their own (`alarm`). Neighbours: `fabric` makes and judges entries, `event_engine::pump` leaps.

use super::wire::{Half, Side};
use super::wires::WireId;
use rehearsal_scenarios::distribution::Nanos;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::task::Waker;

/// Names somebody who sleeps.
pub(super) type SleeperId = u64;

/// Who is to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom {
    /// Whoever waits at a half of an end of a wire.
    End(WireId, Side, Half),
    /// A task that sleeps.
    Sleeper(SleeperId),
}

/// Times, a draw that orders what is due in the same moment, and who is to be woken.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<(Nanos, u64, Whom)>>,
    sleepers: BTreeMap<SleeperId, Waker>,
    next_sleeper: SleeperId,
}

impl Agenda {
    pub(super) fn push(&mut self, due_ns: Nanos, tie: u64, whom: Whom) {
        self.entries.push(Reverse((due_ns, tie, whom)));
    }

    /// The next entry, still in its place.
    pub(super) fn peek(&self) -> Option<(Nanos, Whom)> {
        self.entries.peek().map(|Reverse((due_ns, _, whom))| (*due_ns, *whom))
    }

    pub(super) fn pop(&mut self) {
        self.entries.pop();
    }

    /// Somebody sleeps until then.
    pub(super) fn sleep(&mut self, until_ns: Nanos, tie: u64, waker: Waker) -> SleeperId {
        let id = self.next_sleeper;
        self.next_sleeper += 1;
        self.sleepers.insert(id, waker);
        self.push(until_ns, tie, Whom::Sleeper(id));
        id
    }

    pub(super) fn is_asleep(&self, id: SleeperId) -> bool {
        self.sleepers.contains_key(&id)
    }

    /// It sleeps no longer. Whom to wake, if it still did.
    pub(super) fn rouse(&mut self, id: SleeperId) -> Option<Waker> {
        self.sleepers.remove(&id)
    }
}
