//! What each host is told: which phase it is, and whether it is to stop before the run ends. A host that was told to stop has
//! reached the end for itself, until it starts again. Neighbours: users listen, the driver of a world and `schedule` give orders.

use crate::commons::{RunPhase, lock};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// The orders of all hosts. Shared.
#[derive(Clone)]
pub struct Orders(Arc<Mutex<State>>);

struct State {
    phase: RunPhase,
    hosts: BTreeMap<String, watch::Sender<RunPhase>>,
    stopped: BTreeSet<String>,
}

impl Default for Orders {
    /// Everybody prepares.
    fn default() -> Orders {
        let state = State { phase: RunPhase::Preparing, hosts: BTreeMap::new(), stopped: BTreeSet::new() };
        Orders(Arc::new(Mutex::new(state)))
    }
}

impl Orders {
    /// What this host is told, now and later.
    pub fn of(&self, host: &str) -> watch::Receiver<RunPhase> {
        let mut state = self.state();
        let phase = state.phase_of(host);
        state.hosts.entry(host.to_owned()).or_insert_with(|| watch::Sender::new(phase)).subscribe()
    }

    /// Tells everybody which phase it is.
    pub fn enter(&self, phase: RunPhase) {
        let mut state = self.state();
        state.phase = phase;
        state.tell_all();
    }

    /// Tells a host to stop.
    pub fn stop(&self, host: &str) {
        let mut state = self.state();
        state.stopped.insert(host.to_owned());
        state.tell_all();
    }

    /// The host is about to start again: what it was told before does not count.
    pub fn start(&self, host: &str) {
        let mut state = self.state();
        state.stopped.remove(host);
        state.tell_all();
    }

    /// Whether this host was told to stop and has not started again.
    pub fn is_stopped(&self, host: &str) -> bool {
        self.state().stopped.contains(host)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    fn phase_of(&self, host: &str) -> RunPhase {
        if self.stopped.contains(host) { RunPhase::Ended } else { self.phase }
    }

    fn tell_all(&self) {
        for (host, phase) in &self.hosts {
            let told = self.phase_of(host);
            phase.send_if_modified(|now| std::mem::replace(now, told) != told);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_stopped_has_come_to_the_end_alone_until_it_starts_again() {
        let orders = Orders::default();
        let (one, other) = (orders.of("one"), orders.of("other"));
        orders.enter(RunPhase::Playing);
        orders.stop("one");
        orders.enter(RunPhase::Settling);
        assert_eq!((*one.borrow(), *other.borrow()), (RunPhase::Ended, RunPhase::Settling));
        assert!(orders.is_stopped("one") && !orders.is_stopped("other"));
        orders.start("one");
        assert_eq!(*one.borrow(), RunPhase::Settling);
    }
}
