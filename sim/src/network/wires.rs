//! Every wire of a world, the links between hosts, and when whoever waits at an end is woken.
//!
//! Invariants: whatever happens on a wire, whoever waits at its ends learns of it in time: the event engine's agenda holds
//! the moment, on turmoil the task is woken at once and sets an alarm of its own. Nothing is woken here: wakers are handed
//! out, to be called when nobody holds the fabric. Neighbours: `wire` (one connection), `fabric` (holds this behind its
//! lock), `agenda`.

use super::agenda::{Agenda, Whom};
use super::hosts::HostId;
use super::wire::{Half, Manner, Moment, Side, Wire};
use rehearsal_loadgen::faults::link::Link;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::task::Waker;

/// A wire, by the order in which connections were made.
pub type WireId = usize;

/// A half of an end of a wire.
pub(super) type Place = (WireId, Side, Half);

/// Who wakes tasks that wait on the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wakes {
    /// The event engine, by its agenda.
    ByAgenda,
    /// A timer of their own runtime.
    ByThemselves,
}

/// A wire between two hosts, client first.
#[derive(Debug)]
struct Entry {
    wire: Wire,
    hosts: [HostId; 2],
    addresses: [SocketAddr; 2],
    released: [bool; 2],
    /// When whoever waits at each half of each end is woken.
    armed_ns: [[Nanos; 2]; 2],
    tie: Draw,
}

/// All wires and links of a world.
pub(super) struct Wires {
    pub(super) agenda: Agenda,
    pub(super) manner: Manner,
    wakes: Wakes,
    tcp_timeout_ns: Nanos,
    links: BTreeMap<(HostId, HostId), Link>,
    untouched: Link,
    /// By their ids; none once a wire is over.
    entries: Vec<Option<Box<Entry>>>,
}

impl Wires {
    /// No wires; links that nothing is known of are like this one.
    pub(super) fn new(untouched: Link, tcp_timeout_ns: Nanos, wakes: Wakes) -> Wires {
        let (agenda, manner) = (Agenda::default(), Manner::default());
        Wires { agenda, manner, wakes, tcp_timeout_ns, links: BTreeMap::new(), untouched, entries: Vec::new() }
    }

    /// A further wire, whose delays are drawn below this place.
    pub(super) fn add(&mut self, place: Draw, hosts: [HostId; 2], addresses: [SocketAddr; 2]) -> WireId {
        let (wire, tie) = (Wire::new(place, self.manner), place.named("tie"));
        let entry = Entry { wire, hosts, addresses, released: [false; 2], armed_ns: [[Nanos::MAX; 2]; 2], tie };
        self.entries.push(Some(Box::new(entry)));
        self.entries.len() - 1
    }

    /// The addresses of a wire's ends, client first; none once it is over.
    pub(super) fn addresses(&self, id: WireId) -> Option<[SocketAddr; 2]> {
        self.entries.get(id)?.as_ref().map(|entry| entry.addresses)
    }

    /// The link from one host to another.
    pub(super) fn link(&self, from: HostId, to: HostId) -> &Link {
        self.links.get(&(from, to)).unwrap_or(&self.untouched)
    }

    /// The same, to be changed; `make` makes it when it is touched for the first time.
    pub(super) fn link_mut(&mut self, from: HostId, to: HostId, make: impl FnOnce() -> Link) -> &mut Link {
        self.links.entry((from, to)).or_insert_with(make)
    }

    /// Lets something happen on a wire. None once it is over.
    pub(super) fn act<R>(
        &mut self,
        id: WireId,
        now: Nanos,
        wake: &mut Vec<Waker>,
        work: impl FnOnce(&mut Wire, &Moment<'_>) -> R,
    ) -> Option<R> {
        let Wires { links, untouched, entries, agenda, .. } = self;
        let entry = entries.get_mut(id)?.as_mut()?;
        let at = moment(now, entry.hosts, links, untouched, self.tcp_timeout_ns);
        let result = work(&mut entry.wire, &at);
        arm(entry, id, &at, self.wakes, agenda, wake);
        Some(result)
    }

    /// Something happens at every end that is concerned, given by its own host and its peer's.
    pub(super) fn act_on_ends(
        &mut self,
        now: Nanos,
        wake: &mut Vec<Waker>,
        concerns: impl Fn(HostId, HostId) -> bool,
        mut work: impl FnMut(&mut Wire, Side, &Moment<'_>),
    ) {
        let Wires { links, untouched, entries, agenda, .. } = self;
        for (id, entry) in entries.iter_mut().enumerate() {
            let Some(entry) = entry else { continue };
            let at = moment(now, entry.hosts, links, untouched, self.tcp_timeout_ns);
            for side in Side::BOTH {
                if concerns(entry.hosts[side as usize], entry.hosts[side.other() as usize]) {
                    work(&mut entry.wire, side, &at);
                }
            }
            arm(entry, id, &at, self.wakes, agenda, wake);
        }
    }

    /// A task tries something at a half of an end. If that `waits`, so does the task, and looks again by itself at the time
    /// that comes along, if any. None once the wire is over.
    pub(super) fn attempt<R>(
        &mut self,
        (id, side, half): Place,
        now: Nanos,
        wake: &mut Vec<Waker>,
        waker: &Waker,
        work: impl FnOnce(&mut Wire, &Moment<'_>) -> R,
        waits: impl FnOnce(&R) -> bool,
    ) -> Option<(R, Option<Nanos>)> {
        let Wires { links, untouched, entries, agenda, .. } = self;
        let entry = entries.get_mut(id)?.as_mut()?;
        let at = moment(now, entry.hosts, links, untouched, self.tcp_timeout_ns);
        let result = work(&mut entry.wire, &at);
        let mut looks_ns = None;
        if waits(&result) {
            entry.wire.wait(side, half, waker);
            if self.wakes == Wakes::ByThemselves {
                looks_ns = entry.wire.next_look_ns(side, half, &at);
                entry.armed_ns[side as usize][half as usize] = looks_ns.unwrap_or(Nanos::MAX);
            }
        }
        arm(entry, id, &at, self.wakes, agenda, wake);
        Some((result, looks_ns))
    }

    /// The program at `side` lets go of its end: politely, unless its machine is gone.
    pub(super) fn release(&mut self, id: WireId, side: Side, now: Nanos, wake: &mut Vec<Waker>) {
        self.act(id, now, wake, |wire, at| wire.close(side, at));
        let Some(slot) = self.entries.get_mut(id) else { return };
        if let Some(entry) = slot {
            entry.released[side as usize] = true;
            if entry.released == [true, true] {
                *slot = None;
            }
        }
    }

    /// When somebody is to be woken next.
    pub(super) fn next_due_ns(&mut self) -> Option<Nanos> {
        while let Some((due_ns, whom)) = self.agenda.peek() {
            let still_waits = match whom {
                Whom::Sleeper(id) => self.agenda.is_asleep(id),
                Whom::End(id, side, half) => self.is_armed(id, side, half, due_ns),
            };
            if still_waits {
                return Some(due_ns);
            }
            self.agenda.pop();
        }
        None
    }

    /// Everybody whose time has come is to be woken.
    pub(super) fn wake_due(&mut self, now: Nanos, wake: &mut Vec<Waker>) {
        while let Some((due_ns, whom)) = self.agenda.peek().filter(|(due_ns, _)| *due_ns <= now) {
            self.agenda.pop();
            match whom {
                Whom::Sleeper(id) => wake.extend(self.agenda.rouse(id)),
                Whom::End(id, side, half) if self.is_armed(id, side, half, due_ns) => {
                    let Wires { links, untouched, entries, agenda, .. } = self;
                    let Some(entry) = entries[id].as_mut() else { continue };
                    entry.armed_ns[side as usize][half as usize] = Nanos::MAX;
                    let at = moment(now, entry.hosts, links, untouched, self.tcp_timeout_ns);
                    // A cut may have put it off.
                    if entry.wire.next_look_ns(side, half, &at).is_some_and(|due_ns| due_ns <= now) {
                        wake.extend(entry.wire.take_waiting(side, half));
                    } else {
                        arm(entry, id, &at, self.wakes, agenda, wake);
                    }
                }
                Whom::End(..) => {}
            }
        }
    }

    fn is_armed(&self, id: WireId, side: Side, half: Half, due_ns: Nanos) -> bool {
        let entry = self.entries.get(id).and_then(Option::as_ref);
        entry.is_some_and(|entry| entry.armed_ns[side as usize][half as usize] == due_ns)
    }
}

/// Both halves of both ends.
const PLACES: [(Side, Half); 4] = [
    (Side::Client, Half::Reading),
    (Side::Client, Half::Writing),
    (Side::Server, Half::Reading),
    (Side::Server, Half::Writing),
];

/// Sees to it that whoever waits at either end is woken in time.
fn arm(entry: &mut Entry, id: WireId, at: &Moment<'_>, wakes: Wakes, agenda: &mut Agenda, wake: &mut Vec<Waker>) {
    if !entry.wire.is_waited_at() {
        return;
    }
    for (side, half) in PLACES {
        let Some(due_ns) = entry.wire.next_look_ns(side, half, at) else { continue };
        let armed_ns = &mut entry.armed_ns[side as usize][half as usize];
        if due_ns >= *armed_ns {
            continue;
        }
        match wakes {
            Wakes::ByAgenda => {
                *armed_ns = due_ns;
                let tie = entry.tie.at(side as u64).at(due_ns).bits();
                agenda.push(due_ns, tie, Whom::End(id, side, half));
            }
            Wakes::ByThemselves => {
                *armed_ns = Nanos::MAX;
                wake.extend(entry.wire.take_waiting(side, half));
            }
        }
    }
}

fn moment<'a>(
    now: Nanos,
    [client, server]: [HostId; 2],
    links: &'a BTreeMap<(HostId, HostId), Link>,
    untouched: &'a Link,
    tcp_timeout_ns: Nanos,
) -> Moment<'a> {
    let link = |from, to| links.get(&(from, to)).unwrap_or(untouched);
    let links = [link(client, server), link(server, client)];
    Moment { now, hosts: [client, server], links, tcp_timeout_ns }
}
