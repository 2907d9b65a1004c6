//! The state of the simulated network: hosts, the links between them, and every wire. One per world, behind one lock.
//!
//! Faults act here and nowhere else: a cut, a heal, a killed or lost host. Neighbours: `wire` (one connection), `link`
//! (one direction between hosts), `stream` and `connecting` (what programs hold). Left out: bytes, and who runs on a host.

use super::link::{FaultId, Link};
use super::wire::{Moment, Side, Wire};
use crate::clock::Clock;
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::NetworkPlan;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use tokio::sync::Notify;

/// A host, by the order in which hosts were added.
pub type HostId = usize;

/// A wire, by the order in which connections were made.
pub type WireId = u64;

/// What runs on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its programs.
    Running,
    /// Nothing: its machine refuses connections.
    Killed,
    /// The machine is gone: silence.
    Lost,
}

#[derive(Debug)]
struct Host {
    name: String,
    address: IpAddr,
    condition: Condition,
    listening: BTreeSet<u16>,
}

#[derive(Debug)]
struct Entry {
    wire: Wire,
    hosts: [HostId; 2],
    attached: [bool; 2],
    released: [bool; 2],
}

/// The simulated network of one world.
pub struct Fabric {
    /// Time, for everything that arrives.
    pub clock: Arc<Clock>,
    plan: NetworkPlan,
    draw: Draw,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    hosts: Vec<Host>,
    links: BTreeMap<(HostId, HostId), Link>,
    wires: BTreeMap<WireId, Entry>,
    by_addresses: BTreeMap<(SocketAddr, SocketAddr), WireId>,
    next_wire: WireId,
}

impl Fabric {
    /// A network without hosts, whose delays come from this seed.
    pub fn new(seed: u64, plan: NetworkPlan, clock: Arc<Clock>) -> Fabric {
        let draw = Draw::of_seed(seed).named("network");
        Fabric { clock, plan, draw, state: Mutex::default(), changed: Notify::new() }
    }

    /// How long a connect waits for an answer and data for its acknowledgement, in nanoseconds.
    pub fn tcp_timeout_ns(&self) -> Nanos {
        self.plan.tcp_timeout_ns
    }

    /// A further host. It runs.
    pub fn add_host(&self, name: &str, address: IpAddr) -> HostId {
        let mut state = self.lock();
        let host = Host { name: name.to_owned(), address, condition: Condition::Running, listening: BTreeSet::new() };
        state.hosts.push(host);
        state.hosts.len() - 1
    }

    /// The host of this name or address.
    pub fn resolve(&self, name: &str) -> io::Result<HostId> {
        let found = self.lock().hosts.iter().position(|host| host.name == name || host.address.to_string() == name);
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no host is called {name}")))
    }

    /// The address of a host.
    pub fn address(&self, host: HostId) -> IpAddr {
        self.lock().hosts[host].address
    }

    /// What runs on a host.
    pub fn condition(&self, host: HostId) -> Condition {
        self.lock().hosts[host].condition
    }

    /// Whether a program on the host accepts at this port.
    pub fn is_listening(&self, host: HostId, port: u16) -> bool {
        let state = self.lock();
        state.hosts[host].condition == Condition::Running && state.hosts[host].listening.contains(&port)
    }

    /// A program starts or stops to accept.
    pub fn set_listening(&self, host: HostId, port: u16, on: bool) {
        let listening = &mut self.lock().hosts[host].listening;
        if on {
            listening.insert(port)
        } else {
            listening.remove(&port)
        };
    }

    /// Looks at the link from one host to another as it is now, or changes how it treats what is sent from now on.
    pub fn link<R>(&self, from: HostId, to: HostId, work: impl FnOnce(&mut Link) -> R) -> R {
        work(self.lock().links.entry((from, to)).or_default())
    }

    /// The latency between faults.
    pub fn latency(&self) -> &Distribution {
        &self.plan.latency
    }

    /// A place for draws that belong to no wire, such as those of the connect with this number on a host.
    pub fn draw_of(&self, host: HostId, number: u64) -> Draw {
        self.draw.named(&self.lock().hosts[host].name).at(number)
    }

    /// Completes when a link or a host has changed since the call.
    pub fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    /// Takes hold of one end of the wire between these addresses; whoever comes first makes the wire.
    pub fn attach(&self, side: Side, client: SocketAddr, server: SocketAddr) -> io::Result<WireId> {
        let mut state = self.lock();
        let id = match state.by_addresses.get(&(client, server)) {
            Some(id) => *id,
            None => self.make_wire(&mut state, client, server)?,
        };
        if let Some(entry) = state.wires.get_mut(&id) {
            entry.attached[side as usize] = true;
            if entry.attached == [true, true] {
                state.by_addresses.remove(&(client, server));
            }
        }
        Ok(id)
    }

    fn make_wire(&self, state: &mut State, client: SocketAddr, server: SocketAddr) -> io::Result<WireId> {
        let host_at = |address: SocketAddr| {
            let found = state.hosts.iter().position(|host| host.address == address.ip());
            found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no host has {address}")))
        };
        let hosts = [host_at(client)?, host_at(server)?];
        // Named by hosts and port, not by order: another host's connections shift nothing here.
        let names = hosts.map(|host| state.hosts[host].name.as_str());
        let place = self.draw.named("wire").named(names[0]).named(names[1]).at(client.port().into());
        let id = state.next_wire;
        state.next_wire += 1;
        let entry = Entry { wire: Wire::new(place), hosts, attached: [false; 2], released: [false; 2] };
        state.wires.insert(id, entry);
        state.by_addresses.insert((client, server), id);
        Ok(id)
    }

    /// Lets something happen on a wire, then wakes whom it concerns. None once the wire is over.
    pub fn on_wire<R>(&self, id: WireId, work: impl FnOnce(&mut Wire, &Moment<'_>, &mut Vec<Waker>) -> R) -> Option<R> {
        let (mut wake, now) = (Vec::new(), self.clock.now_ns());
        let mut state = self.lock();
        let State { wires, links, .. } = &mut *state;
        let result = wires.get_mut(&id).map(|entry| {
            let ends = entry.hosts;
            self.at(now, ends, links, |at| work(&mut entry.wire, at, &mut wake))
        });
        drop(state);
        wake.into_iter().for_each(Waker::wake);
        result
    }

    /// The program at `side` lets go of its end: politely, unless its machine is gone.
    pub fn release(&self, id: WireId, side: Side) {
        self.on_wire(id, |wire, at, wake| wire.close(side, at, wake));
        let mut state = self.lock();
        if let Some(entry) = state.wires.get_mut(&id) {
            entry.released[side as usize] = true;
            if entry.released == [true, true] {
                state.wires.remove(&id);
            }
        }
    }

    /// A fault cuts the link from one host to another.
    pub fn cut(&self, fault: FaultId, from: HostId, to: HostId) {
        let now = self.clock.now_ns();
        let was_cut = self.link(from, to, |link| {
            let was_cut = link.cut_since().is_some();
            link.cut(fault, now);
            was_cut
        });
        if !was_cut {
            self.on_wires_between(from, to, |wire, side, at, wake| wire.link_cut(side, at, wake));
        }
    }

    /// A fault on the link from one host to another is over.
    pub fn end_fault(&self, fault: FaultId, from: HostId, to: HostId) {
        let healed = self.link(from, to, |link| link.end(fault));
        if let Some(since) = healed {
            self.on_wires_between(from, to, |wire, side, at, wake| wire.link_healed(side, since, at, wake));
        }
    }

    /// The host's programs are about to end, or a new start is about to run them.
    pub fn set_condition(&self, host: HostId, condition: Condition) {
        let before = std::mem::replace(&mut self.lock().hosts[host].condition, condition);
        match (before, condition) {
            (_, Condition::Lost) => self.on_ends_of(host, |wire, side, at, wake| wire.silence(side, at, wake)),
            (Condition::Lost, _) => self.on_ends_of(host, |wire, side, at, wake| wire.replaced(side, at, wake)),
            _ => {}
        }
        self.changed.notify_waiters();
    }

    /// The host's programs have ended: connections that they were about to take hold of end too.
    pub fn programs_ended(&self, host: HostId) {
        let orphans: Vec<_> = {
            let mut state = self.lock();
            state.hosts[host].listening.clear();
            let orphan = |(id, entry): (&WireId, &Entry)| {
                let side = [Side::Client, Side::Server]
                    .into_iter()
                    .find(|side| entry.hosts[*side as usize] == host && !entry.attached[*side as usize])?;
                Some((*id, side))
            };
            state.wires.iter().filter_map(orphan).collect()
        };
        for (id, side) in orphans {
            self.release(id, side);
            self.lock().by_addresses.retain(|_, other| *other != id);
        }
    }

    /// Every wire on the link from one host to another, at its sending end.
    fn on_wires_between(
        &self,
        from: HostId,
        to: HostId,
        work: impl FnMut(&mut Wire, Side, &Moment<'_>, &mut Vec<Waker>),
    ) {
        self.on_ends(|host, peer| host == from && peer == to, work);
        self.changed.notify_waiters();
    }

    fn on_ends_of(&self, host: HostId, work: impl FnMut(&mut Wire, Side, &Moment<'_>, &mut Vec<Waker>)) {
        self.on_ends(|end, _| end == host, work);
    }

    fn on_ends(
        &self,
        concerns: impl Fn(HostId, HostId) -> bool,
        mut work: impl FnMut(&mut Wire, Side, &Moment<'_>, &mut Vec<Waker>),
    ) {
        let (mut wake, now) = (Vec::new(), self.clock.now_ns());
        let mut state = self.lock();
        let State { wires, links, .. } = &mut *state;
        for entry in wires.values_mut() {
            for side in [Side::Client, Side::Server] {
                if concerns(entry.hosts[side as usize], entry.hosts[side.other() as usize]) {
                    self.at(now, entry.hosts, links, |at| work(&mut entry.wire, side, at, &mut wake));
                }
            }
        }
        drop(state);
        wake.into_iter().for_each(Waker::wake);
    }

    fn at<R>(
        &self,
        now: Nanos,
        [client, server]: [HostId; 2],
        links: &BTreeMap<(HostId, HostId), Link>,
        work: impl FnOnce(&Moment<'_>) -> R,
    ) -> R {
        let untouched = Link::default();
        let link = |from, to| links.get(&(from, to)).unwrap_or(&untouched);
        let links = [link(client, server), link(server, client)];
        work(&Moment { now, links, latency: &self.plan.latency, tcp_timeout_ns: self.plan.tcp_timeout_ns })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic breaks the run anyway; its streams are still dropped in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
