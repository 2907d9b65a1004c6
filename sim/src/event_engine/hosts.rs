//! Hosts and their incarnations: names, machines, and what runs on them.
//!
//! Invariants: each incarnation has a machine of its own (kernel, address), all of which exist before the world starts,
//! since turmoil-net adds none later; a name resolves to the newest incarnation; a dead incarnation never runs again.
//! Neighbours: `fates` asks for conditions, `network` resolves names, the engine starts and ends incarnations.

use super::segment::address_of;
use crate::engine::EngineError;
use std::net::IpAddr;
use tokio::sync::watch;

/// What runs on a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Its programs, or nothing yet.
    Up,
    /// Nothing: its processes are killed, its kernel still answers.
    Killed,
    /// The machine is gone: silence.
    Lost,
    /// It was lost, and another machine has its place: who still speaks to the old one is reset.
    Replaced,
}

/// A host, by the order in which hosts were added.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The first of its machines; the others follow.
    first_machine: usize,
    machines: usize,
    /// The newest incarnation's machine.
    newest: watch::Sender<usize>,
}

/// All hosts of a world.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    entries: Vec<Entry>,
    /// Condition and host of every machine.
    machines: Vec<(Condition, usize)>,
}

impl Hosts {
    /// A further host with so many machines.
    pub(super) fn add(&mut self, name: &str, machines: usize) -> usize {
        let (host, first_machine) = (self.entries.len(), self.machines.len());
        self.machines.extend(std::iter::repeat_n((Condition::Up, host), machines));
        let newest = watch::Sender::new(first_machine);
        self.entries.push(Entry { name: name.to_owned(), first_machine, machines, newest });
        host
    }

    pub(super) fn machine_count(&self) -> usize {
        self.machines.len()
    }

    /// The host of this name, or of the machine with this address.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let has_address = |entry: &Entry| {
            name.parse::<IpAddr>().is_ok_and(|address| {
                (entry.first_machine..entry.first_machine + entry.machines)
                    .any(|machine| address_of(machine) == address)
            })
        };
        self.entries.iter().position(|entry| entry.name == name || has_address(entry))
    }

    /// The hosts of these names.
    pub(super) fn all(&self, names: &[String]) -> Result<Vec<usize>, EngineError> {
        names.iter().map(|name| self.find(name).ok_or_else(|| EngineError::UnknownHost(name.clone()))).collect()
    }

    pub(super) fn name(&self, host: usize) -> &str {
        &self.entries[host].name
    }

    /// The newest machine of a host, and news of a newer one.
    pub(super) fn newest(&self, host: usize) -> watch::Receiver<usize> {
        self.entries[host].newest.subscribe()
    }

    pub(super) fn newest_machine(&self, host: usize) -> usize {
        *self.entries[host].newest.borrow()
    }

    /// The host of a machine.
    pub(super) fn host_of(&self, machine: usize) -> Option<usize> {
        self.machines.get(machine).map(|(_, host)| *host)
    }

    pub(super) fn condition(&self, machine: usize) -> Condition {
        self.machines[machine].0
    }

    /// How many incarnations the host has had before this machine's.
    pub(super) fn incarnation(&self, machine: usize) -> u32 {
        let first = self.entries[self.machines[machine].1].first_machine;
        u32::try_from(machine - first).unwrap_or(u32::MAX)
    }

    /// The newest incarnation of a host ends. Its machine, if it was up.
    pub(super) fn take_down(&mut self, host: usize, condition: Condition) -> Option<usize> {
        let machine = self.newest_machine(host);
        if self.condition(machine) != Condition::Up {
            return None;
        }
        self.machines[machine].0 = condition;
        Some(machine)
    }

    /// The next incarnation begins, if the newest one is down. The old and the new machine.
    pub(super) fn start_again(&mut self, host: usize) -> Result<Option<(usize, usize)>, EngineError> {
        let old = self.newest_machine(host);
        match self.condition(old) {
            Condition::Up => return Ok(None),
            Condition::Lost => self.machines[old].0 = Condition::Replaced,
            Condition::Killed | Condition::Replaced => {}
        }
        let entry = &self.entries[host];
        if old + 1 >= entry.first_machine + entry.machines {
            let reason = format!("{} starts again more often than was said before the world began", entry.name);
            return Err(EngineError::Failed(reason));
        }
        entry.newest.send_replace(old + 1);
        Ok(Some((old, old + 1)))
    }
}
