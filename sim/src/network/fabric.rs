//! The simulated network of a world, one for either engine: hosts, wires and links behind one lock.
//!
//! Invariants: wakers are called when nobody holds the lock; every delay is drawn at a place that hosts, connection, direction
//! and number name. Neighbours: `hosts`, `wires`, `datagrams` (what is here), `faults` (what faults do to it), `connecting`, `stream` and
//! `mod` (what programs hold), `event_engine::pump` (asks what is due). Left out: who runs on a host.

use super::datagram::Datagrams;
use super::hosts::{Condition, HostId, Hosts};
use super::wire::{Manner, Moment, Side, Wire};
use super::wires::{Place, Wakes, WireId, Wires};
use crate::clock::Clock;
use crate::netlog;
use rehearsal_loadgen::faults::link::Link;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{DatagramPlan, LinkPlan, NetworkPlan};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use tokio::sync::Notify;

/// The simulated network of one world.
pub struct Fabric {
    /// Time, for everything that arrives.
    pub clock: Arc<Clock>,
    plan: NetworkPlan,
    draw: Draw,
    wakes: Wakes,
    state: Mutex<State>,
    changed: Notify,
}

pub(super) struct State {
    pub(super) hosts: Hosts,
    pub(super) wires: Wires,
    pub(super) datagrams: Datagrams,
    opened: BTreeMap<(HostId, HostId), u64>,
}

impl Fabric {
    /// A network without hosts, whose delays come from this seed.
    pub fn new(seed: u64, plan: NetworkPlan, clock: Arc<Clock>, wakes: Wakes) -> Fabric {
        let untouched = Link::new(plan.latency.clone(), plan.bandwidth_bytes_per_s);
        let wires = Wires::new(untouched, plan.tcp_timeout_ns, wakes);
        let state = State { hosts: Hosts::default(), wires, datagrams: Datagrams::default(), opened: BTreeMap::new() };
        let draw = Draw::of_seed(seed).named("network");
        Fabric { clock, plan, draw, wakes, state: Mutex::new(state), changed: Notify::new() }
    }

    /// How wires that are opened from now on behave.
    pub fn set_manner(&self, manner: Manner) {
        self.with(|state, _, _| state.wires.manner = manner);
    }

    /// How long a connect waits for an answer and data for its acknowledgement, in nanoseconds.
    pub fn tcp_timeout_ns(&self) -> Nanos {
        self.plan.tcp_timeout_ns
    }

    /// A further host. It runs.
    pub fn add_host(&self, name: &str) -> HostId {
        netlog::host(name);
        self.with(|state, _, _| state.hosts.add(name))
    }

    /// The host of this name or address.
    ///
    /// # Errors
    /// If there is none.
    pub fn resolve(&self, name: &str) -> io::Result<HostId> {
        let found = self.with(|state, _, _| state.hosts.find(name));
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no host is called {name}")))
    }

    /// What runs on a host.
    pub fn condition(&self, host: HostId) -> Condition {
        self.with(|state, _, _| state.hosts.get(host).condition)
    }

    /// How often a host has been started again.
    pub fn incarnation(&self, host: HostId) -> u32 {
        self.with(|state, _, _| state.hosts.get(host).incarnation)
    }

    /// When somebody who waits on the network is to be woken next.
    pub(crate) fn next_due_ns(&self) -> Option<Nanos> {
        self.with(|state, _, _| state.wires.next_due_ns())
    }

    /// Wakes everybody whose time has come. They pass through `due`, which is empty before and after, and whose room stays.
    pub(crate) fn wake_due(&self, due: &mut Vec<Waker>) {
        self.with(|state, now, _| state.wires.wake_due(now, due));
        due.drain(..).for_each(Waker::wake);
    }

    /// Whether the event engine wakes who waits here.
    pub(super) fn keeps_agenda(&self) -> bool {
        self.wakes == Wakes::ByAgenda
    }

    /// Completes when a link or a host has changed since the call.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + '_ {
        self.changed.notified()
    }

    /// A link or a host has changed: connects that wait look again.
    pub(super) fn tell_of_change(&self) {
        self.changed.notify_waiters();
    }

    /// The place of all draws for the next connection from one host to another. Named by hosts and number, not by order:
    /// another host's connections shift nothing here.
    pub(super) fn place_of_next_wire(&self, from: HostId, to: HostId) -> Draw {
        self.with(|state, _, _| {
            self.touch_links(state, from, to);
            let ordinal = state.opened.entry((from, to)).or_default();
            *ordinal += 1;
            let place = self.draw.named("wire").named(&state.hosts.get(from).name);
            place.named(&state.hosts.get(to).name).at(*ordinal)
        })
    }

    /// The place of all draws for datagrams from one socket to another.
    pub(super) fn draw_of_datagrams(&self, state: &State, from: (HostId, u16), to: (HostId, u16)) -> Draw {
        let place = self.draw.named("datagrams").named(&state.hosts.get(from.0).name).at(from.1.into());
        place.named(&state.hosts.get(to.0).name).at(to.1.into())
    }

    /// What becomes of datagrams between faults.
    pub(super) fn datagram_plan(&self) -> DatagramPlan {
        self.plan.datagrams
    }

    /// Makes sure that the links between two hosts are their own, if links may differ or be busy.
    pub(super) fn touch_links(&self, state: &mut State, one: HostId, other: HostId) {
        if self.plan.bandwidth_bytes_per_s.is_some() || !self.plan.links.is_empty() {
            self.link_between(state, one, other);
            self.link_between(state, other, one);
        }
    }

    /// The link from one host to another, to be changed; as the plan has it, when it is touched for the first time.
    pub(super) fn link_between<'a>(&self, state: &'a mut State, from: HostId, to: HostId) -> &'a mut Link {
        let State { hosts, wires, .. } = state;
        wires.link_mut(from, to, || {
            let (from, to) = (&*hosts.get(from).name, &*hosts.get(to).name);
            let names = |side: &[String], host: &str| side.iter().any(|name| name == host);
            let joins = |link: &&LinkPlan| {
                (names(&link.left, from) && names(&link.right, to))
                    || (names(&link.left, to) && names(&link.right, from))
            };
            let planned = || self.plan.links.iter().filter(joins).rev();
            let latency = planned().find_map(|link| link.latency.clone()).unwrap_or_else(|| self.plan.latency.clone());
            Link::new(
                latency,
                planned().find_map(|link| link.bandwidth_bytes_per_s).or(self.plan.bandwidth_bytes_per_s),
            )
        })
    }

    /// A SYN has arrived: a wire to whoever listens at the port. Its client's end belongs to the caller.
    pub(super) fn open(&self, place: Draw, from: HostId, to: HostId, port: u16) -> io::Result<WireId> {
        self.with(|state, now, wake| {
            let State { hosts, wires, .. } = state;
            let server = hosts.get(to);
            if server.condition != Condition::Running || !server.listening.contains_key(&port) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let server = server.at(port);
            let client = hosts.get_mut(from);
            let local = client.free_port();
            let id = wires.add(place, [from, to], [client.at(local), server]);
            if let Some(backlog) = hosts.get_mut(to).listening.get_mut(&port) {
                backlog.arrived.push_back((now, id));
                wake.extend(backlog.acceptor.take());
            }
            Ok(id)
        })
    }

    /// A program starts to listen on a host. Where that is.
    pub(super) fn listen(&self, host: HostId, port: u16) -> io::Result<SocketAddr> {
        self.with(|state, _, _| {
            let host = state.hosts.get_mut(host);
            host.listen(port).map(|port| host.at(port))
        })
    }

    /// It listens no longer: connections that nobody has accepted are reset.
    pub(super) fn stop_listening(&self, host: HostId, port: u16) {
        self.with(|state, now, wake| {
            let backlog = state.hosts.get_mut(host).listening.remove(&port);
            for (_, id) in backlog.into_iter().flat_map(|backlog| backlog.arrived) {
                state.wires.act(id, now, wake, |wire, at| wire.abort(Side::Server, at));
                state.wires.release(id, Side::Server, now, wake);
            }
        });
    }

    /// The next connection at a port, with its client's address; or when to look again by oneself, if at all.
    pub(super) fn accept(
        &self,
        host: HostId,
        port: u16,
        context: &mut Context<'_>,
    ) -> Result<(WireId, SocketAddr), Option<Nanos>> {
        self.with(|state, now, _| {
            let State { hosts, wires, .. } = state;
            let backlog = hosts.get_mut(host).listening.get_mut(&port).ok_or(None)?;
            let arrived = backlog.arrived.pop_front_if(|(due_ns, _)| *due_ns <= now);
            // Its server's end is not released, so that the wire is not over.
            if let Some((id, [client, _])) = arrived.and_then(|(_, id)| Some((id, wires.addresses(id)?))) {
                return Ok((id, client));
            }
            backlog.acceptor = Some(context.waker().clone());
            Err(backlog.arrived.front().map(|(due_ns, _)| *due_ns))
        })
    }

    /// Lets something happen on a wire. None once it is over.
    pub(super) fn act<R>(&self, id: WireId, work: impl FnOnce(&mut Wire, &Moment<'_>) -> R) -> Option<R> {
        self.with(|state, now, wake| state.wires.act(id, now, wake, work))
    }

    /// A task tries something at a half of an end. If that `waits`, so does the task, and looks again by itself at the time
    /// that comes along, if any. None once the wire is over.
    pub(super) fn attempt<R>(
        &self,
        place: Place,
        context: &Context<'_>,
        work: impl FnOnce(&mut Wire, &Moment<'_>) -> R,
        waits: impl FnOnce(&R) -> bool,
    ) -> Option<(R, Option<Nanos>)> {
        self.with(|state, now, wake| state.wires.attempt(place, now, wake, context.waker(), work, waits))
    }

    /// The program at `side` lets go of its end: politely, unless its machine is gone.
    pub(super) fn release(&self, id: WireId, side: Side) {
        self.with(|state, now, wake| state.wires.release(id, side, now, wake));
    }

    /// Works on the state as it is now, then wakes whom that concerns.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut State, Nanos, &mut Vec<Waker>) -> R) -> R {
        let (mut wake, now) = (Vec::new(), self.clock.now_ns());
        // A panic breaks the run anyway; its streams are still dropped in order.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut state, now, &mut wake);
        drop(state);
        wake.into_iter().for_each(Waker::wake);
        result
    }
}
