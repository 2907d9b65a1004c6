//! Whose calls they are: the task of a host that is polled now, or nobody's. Neighbours: `host` wraps every task of a host
//! with a [`TaskId`], `ledger` counts by its stream, `callers` names its origin, `netlog` writes down its turns.

use super::{callers, ledger};
use crate::netlog;
use std::cell::Cell;
use std::sync::Arc;

/// The stream of calls that no host's task makes.
pub(super) const STREAM_OF_THREAD: u64 = u64::MAX;

thread_local! {
    static STREAM: Cell<u64> = const { Cell::new(STREAM_OF_THREAD) };
    static ORIGIN: Cell<&'static str> = const { Cell::new("") };
}

/// A task of a host's incarnation.
pub(crate) struct TaskId {
    stream: u64,
    /// By the order in which the incarnation's tasks were spawned, from 0.
    number: u64,
    polls: u64,
    origin: &'static str,
}

impl TaskId {
    /// The next task of the incarnation with this stream. `origin` says who spawned it.
    pub(crate) fn next_of(stream: u64, host: &Arc<str>, origin: &'static str) -> TaskId {
        TaskId { stream, number: ledger::number_of_task(stream, host), polls: 0, origin }
    }

    /// Lets the task have its turn: calls within are its own.
    pub(crate) fn poll<R>(&mut self, host: &Arc<str>, work: impl FnOnce() -> R) -> R {
        /// Puts back whose turn it was, also when `work` panics.
        struct Restore(u64, &'static str);
        impl Drop for Restore {
            fn drop(&mut self) {
                STREAM.set(self.0);
                ORIGIN.set(self.1);
            }
        }
        netlog::turn(host, self.origin, self.number, self.polls);
        self.polls += 1;
        let restore = Restore(STREAM.replace(self.stream), ORIGIN.replace(self.origin));
        let result = work();
        drop(restore);
        callers::turn_is_over();
        result
    }
}

/// The stream of calls that are made now.
pub(super) fn stream() -> u64 {
    STREAM.get()
}

/// Who spawned the task that is polled now; empty if none is.
pub(super) fn origin() -> &'static str {
    ORIGIN.get()
}
