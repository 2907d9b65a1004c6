//! How a host stands, apart from its programs: whether they are held, and its clocks.
//!
//! Invariants: faults overlap, and each is ended by its own id; what a pause holds back runs once the last pause is over, in
//! the order of asking; incarnations share it. Neighbours: `host` asks before each poll, `host_clock` tells the time, `engine` lets faults
//! begin and end. Left out: the machine under a paused host, which goes on as under a process that has got SIGSTOP: it
//! acknowledges and keeps what arrives, as much as its buffers hold (`network`).

use crate::clock::Clock;
use crate::host_clock::HostClock;
use crate::network::link::FaultId;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// How a host stands.
pub struct Standing {
    /// Its clocks.
    pub(crate) clock: Arc<HostClock>,
    /// Asked at each poll, so that a host without faults takes no lock.
    is_paused: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pauses: BTreeSet<FaultId>,
    held: Vec<Waker>,
}

impl Standing {
    /// A host that runs, whose clocks are right.
    pub(crate) fn new(world: Arc<Clock>) -> Standing {
        let clock = Arc::new(HostClock::new(world));
        Standing { clock, is_paused: AtomicBool::new(false), state: Mutex::default() }
    }

    /// A fault holds the host's programs.
    pub(crate) fn pause(&self, fault: FaultId) {
        self.lock().pauses.insert(fault);
        self.is_paused.store(true, Ordering::Relaxed);
    }

    /// A fault holds them no longer.
    pub(crate) fn resume(&self, fault: FaultId) {
        let held = {
            let mut state = self.lock();
            state.pauses.remove(&fault);
            if !state.pauses.is_empty() {
                return;
            }
            std::mem::take(&mut state.held)
        };
        self.is_paused.store(false, Ordering::Relaxed);
        held.into_iter().for_each(Waker::wake);
    }

    /// Whether the task that is about to be polled is held; then it is woken when the host goes on.
    pub(crate) fn holds(&self, waker: &Waker) -> bool {
        let is_held = self.is_paused.load(Ordering::Relaxed);
        if is_held {
            self.lock().held.push(waker.clone());
        }
        is_held
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_two_faults_hold_goes_on_after_both() {
        let standing = Standing::new(Arc::default());
        assert!(!standing.holds(Waker::noop()));
        standing.pause(0);
        standing.pause(1);
        standing.resume(0);
        assert!(standing.holds(Waker::noop()));
        standing.resume(1);
        assert!(!standing.holds(Waker::noop()));
    }
}
