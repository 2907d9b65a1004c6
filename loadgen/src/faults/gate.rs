//! A gate before every poll of a host's programs: faults hold them, and let them go on.
//!
//! Invariants: faults overlap, and each is ended by its own id; what is held runs once the last of them is over, in the order
//! of asking. Neighbours: hosts of either world ask. Left out: the network of a host that is held.

use super::FaultId;
use crate::commons::lock;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

/// A gate; open at first.
#[derive(Debug, Default)]
pub struct Gate {
    /// Asked at each poll, so that a host without faults takes no lock.
    is_closed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed_by: BTreeSet<FaultId>,
    held: Vec<Waker>,
}

impl Gate {
    /// A fault holds the programs.
    pub fn close(&self, fault: FaultId) {
        lock(&self.state).closed_by.insert(fault);
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// A fault holds them no longer.
    pub fn open(&self, fault: FaultId) {
        let held = {
            let mut state = lock(&self.state);
            state.closed_by.remove(&fault);
            if !state.closed_by.is_empty() {
                return;
            }
            self.is_closed.store(false, Ordering::Relaxed);
            std::mem::take(&mut state.held)
        };
        held.into_iter().for_each(Waker::wake);
    }

    /// Whether the task that is about to be polled is held; then it is woken when it may go on.
    pub fn holds(&self, waker: &Waker) -> bool {
        if !self.is_closed.load(Ordering::Relaxed) {
            return false;
        }
        let mut state = lock(&self.state);
        // It may have been opened in between: nobody would wake the task then.
        let is_closed = !state.closed_by.is_empty();
        if is_closed {
            state.held.push(waker.clone());
        }
        is_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_two_faults_hold_go_on_after_both() {
        let gate = Gate::default();
        assert!(!gate.holds(Waker::noop()));
        gate.close(0);
        gate.close(1);
        gate.open(0);
        assert!(gate.holds(Waker::noop()));
        gate.open(1);
        assert!(!gate.holds(Waker::noop()));
    }
}
