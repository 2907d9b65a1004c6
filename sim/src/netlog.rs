//! Packets, draws and turns of tasks of the simulation that runs on this thread, for whoever looks into a seed: they go to
//! `network.jsonl.zst` and no check sees them. Off, it costs one look at a flag.
//!
//! The link layer calls `packet` once for each packet that it decides about; the rest is called by `entropy` and the
//! event log. Neighbours: `reports::record::network` is the format, the command line writes the file.

use crate::clock::nanos;
use crate::entropy::elapsed;
use rehearsal_reports::event::Name;
use rehearsal_reports::record::network::{Entry, What};
use rehearsal_scenarios::distribution::Nanos;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// Takes what happens, in order.
pub trait NetworkLog: Send + Sync {
    /// Something happened.
    fn write(&self, entry: Entry);

    /// What it wants to know.
    fn wants(&self) -> Wants {
        Wants::Everything
    }
}

/// What a log wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Packets, draws and turns of tasks.
    Everything,
    /// Draws alone, which are few.
    Draws,
}

thread_local! {
    // Apart from the log, so that whoever has something to tell can look at it cheaply.
    static WANTED: Cell<Option<Wants>> = const { Cell::new(None) };
    static HOSTS: RefCell<Vec<Name>> = const { RefCell::new(Vec::new()) };
    static LOG: RefCell<Option<Arc<dyn NetworkLog>>> = const { RefCell::new(None) };
}

/// Writes what happens on this thread to a log, for as long as it lives.
pub(crate) struct Writing;

impl Writing {
    /// From now on.
    pub(crate) fn begin(log: Option<Arc<dyn NetworkLog>>) -> Writing {
        WANTED.set(log.as_ref().map(|log| log.wants()));
        HOSTS.take();
        LOG.set(log);
        Writing
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WANTED.set(None);
        LOG.set(None);
    }
}

/// Whether anybody wants to know of packets and turns.
pub fn is_on() -> bool {
    WANTED.get() == Some(Wants::Everything)
}

/// A host is added to the network: the next one, by the order in which they are.
pub(crate) fn host(name: &str) {
    if is_on() {
        HOSTS.with_borrow_mut(|hosts| hosts.push(name.into()));
    }
}

/// A packet leaves a host for another; both are named by the order in which hosts were added. `says` is `syn`, `answer`,
/// `data`, `fin`, `reset` or `datagram`, `bytes` what it carries, and `due_ns` when it arrives, in virtual time: never if none.
pub(crate) fn packet(from: usize, to: usize, says: &'static str, bytes: usize, due_ns: Option<Nanos>) {
    if is_on() {
        let name = |host: usize| HOSTS.with_borrow(|hosts| hosts.get(host).cloned()).unwrap_or_else(|| "".into());
        write(name(from), What::Packet { to: name(to), says: says.into(), bytes: bytes as u64, due_ns });
    }
}

/// A host's program, or the engine itself if none is named, has drawn randomness from the machine.
pub(crate) fn draw(host: Option<&Arc<str>>, number: u64, bytes: usize) {
    if WANTED.get().is_some() {
        write(host.cloned().unwrap_or_else(|| "".into()), What::Draw { number, bytes: bytes as u64 });
    }
}

/// A task of a host has its turn.
pub(crate) fn turn(host: &Arc<str>, origin: &'static str, task: u64, poll: u64) {
    if is_on() {
        write(host.clone(), What::Task { origin: origin.into(), task, poll });
    }
}

/// Time 0 of the plan is at this virtual time.
pub(crate) fn time_0(at_ns: Nanos) {
    if is_on() {
        tell(Entry { t_ns: at_ns, host: "".into(), what: What::Time0 });
    }
}

fn write(host: Name, what: What) {
    tell(Entry { t_ns: nanos(elapsed()), host, what });
}

fn tell(entry: Entry) {
    // A call from a thread-local's destructor may find the log gone: the run is over then.
    let _ = LOG.try_with(|log| {
        if let Ok(log) = log.try_borrow()
            && let Some(log) = log.as_ref()
        {
            log.write(entry);
        }
    });
}
