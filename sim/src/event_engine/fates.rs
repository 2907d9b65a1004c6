//! What becomes of packets: when each arrives, what a cut holds back, who waits too long, who answers for the dead.
//!
//! Invariants: nothing here draws from a shared generator; packets of a connection keep their order in each direction
//! and connections overtake each other freely; TCP loses nothing, it only delays or times out; a machine that is lost
//! neither sends nor answers; an acknowledgement that nobody can wait for stops no leap. Neighbours: `pump` asks what
//! is due and hands it to turmoil-net, `connection` and `flow` keep what is under way, `hosts` says who is up,
//! `network::link` what a link does. Left out: tasks and sockets.

use super::connection::{Connection, Presence, Side};
use super::flow::{Conditions, Flow, Haste};
use super::hosts::{Condition, Hosts};
use super::segment;
use crate::network::link::{FaultId, Link};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::NetworkPlan;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::SocketAddr;
use turmoil_net::Packet;

/// A connection, by the order in which connections were opened.
type ConnectionId = usize;

/// What is to be looked at, at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The oldest segment that this end has sent.
    Segment(ConnectionId, Side),
    /// Whether this end has waited too long for an acknowledgement.
    Patience(ConnectionId, Side),
}

/// All packets of a world.
pub(super) struct Fates {
    pub(super) hosts: Hosts,
    plan: NetworkPlan,
    draw: Draw,
    links: BTreeMap<(usize, usize), Link>,
    untouched: Link,
    connections: Vec<Connection>,
    by_addresses: BTreeMap<(SocketAddr, SocketAddr), (ConnectionId, Side)>,
    opened: BTreeMap<(usize, usize), u64>,
    /// Time, a draw that orders what is due in the same moment, and what it is. A segment is here only while it is the
    /// oldest of its flow; entries that no longer fit are passed over.
    agenda: BinaryHeap<Reverse<(Nanos, u64, Due)>>,
    /// The same, for which the world does not stop: acknowledgements that nobody waits for.
    idle: BinaryHeap<Reverse<(Nanos, u64, Due)>>,
}

impl Fates {
    pub(super) fn new(seed: u64, plan: NetworkPlan) -> Fates {
        Fates {
            hosts: Hosts::default(),
            plan,
            draw: Draw::of_seed(seed).named("network"),
            links: BTreeMap::new(),
            untouched: Link::default(),
            connections: Vec::new(),
            by_addresses: BTreeMap::new(),
            opened: BTreeMap::new(),
            agenda: BinaryHeap::new(),
            idle: BinaryHeap::new(),
        }
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Nanos> {
        self.agenda.peek().map(|Reverse((due, ..))| *due)
    }

    /// A kernel sends a packet now. Datagrams go nowhere: no program of ours can send one.
    pub(super) fn send(&mut self, packet: Packet, now: Nanos) {
        let is_up = |machine: Option<usize>| {
            machine.is_some_and(|machine| {
                machine < self.hosts.machine_count()
                    && !matches!(self.hosts.condition(machine), Condition::Lost | Condition::Replaced)
            })
        };
        if !is_up(segment::machine_at(packet.src)) {
            return;
        }
        if let Some((id, side)) = self.connection_of(&packet) {
            if let Some(sent) = segment::of(&packet) {
                self.connections[id].end(side).sent(sent, now);
            }
            self.put_under_way(id, side, packet, now);
        }
    }

    /// What arrives next, if it is due: to be delivered to its machine.
    pub(super) fn arrive(&mut self, now: Nanos) -> Option<Packet> {
        while let Some(what) = pop_due(&mut self.idle, now).or_else(|| pop_due(&mut self.agenda, now)) {
            let arrived = match what {
                Due::Segment(id, side) => self.segment_is_due(id, side, now),
                Due::Patience(id, side) => self.patience_is_over(id, side, now),
            };
            if arrived.is_some() {
                return arrived;
            }
        }
        None
    }

    /// Why the end at `local` is gone, if the network knows.
    pub(super) fn reason(&self, local: SocketAddr, peer: SocketAddr) -> Option<io::ErrorKind> {
        let (id, side) = *self.by_addresses.get(&(local, peer))?;
        match self.connections[id].ends[side as usize].presence {
            Presence::Gone(reason) => Some(reason),
            Presence::Open | Presence::Closed => None,
        }
    }

    /// A place for draws of this end of a connection.
    pub(super) fn draw_of(&self, local: SocketAddr, peer: SocketAddr) -> Draw {
        match self.by_addresses.get(&(local, peer)) {
            Some((id, side)) => self.connections[*id].draw.named("end").at(*side as u64),
            None => self.draw,
        }
    }

    /// The program at `local` lets go politely: its kernel sends what was written, then FIN.
    pub(super) fn closed(&mut self, local: SocketAddr, peer: SocketAddr) {
        if let Some((id, side)) = self.by_addresses.get(&(local, peer)).copied() {
            let end = self.connections[id].end(side);
            if end.presence == Presence::Open {
                end.presence = Presence::Closed;
            }
        }
    }

    /// The end at `local` is over at once, and says so. What its own kernel has to hear.
    pub(super) fn abort(&mut self, local: SocketAddr, peer: SocketAddr, now: Nanos) -> Packet {
        if let Some((id, side)) = self.by_addresses.get(&(local, peer)).copied() {
            self.connections[id].end(side).is_gone_for(io::ErrorKind::ConnectionAborted);
            self.send(segment::reset(local, peer), now);
        }
        segment::reset(peer, local)
    }

    /// Changes how the link from one host to another treats what is sent from now on.
    pub(super) fn link(&mut self, from: usize, to: usize, change: impl FnOnce(&mut Link)) {
        change(self.links.entry((from, to)).or_default());
    }

    /// A fault on the link from one host to another is over.
    pub(super) fn end_fault(&mut self, fault: FaultId, from: usize, to: usize, now: Nanos) {
        if self.links.entry((from, to)).or_default().end(fault).is_some() {
            self.release(now, |connection, side| connection.link_from(side) == (from, to));
        }
    }

    /// A lost machine has been replaced: whoever still speaks to it hears so.
    pub(super) fn machine_replaced(&mut self, machine: usize, now: Nanos) {
        let gone = segment::address_of(machine);
        self.release(now, |connection, side| connection.address(side.other()).ip() == gone);
    }

    fn release(&mut self, now: Nanos, concerns: impl Fn(&Connection, Side) -> bool) {
        for id in 0..self.connections.len() {
            for side in Side::BOTH {
                if concerns(&self.connections[id], side) {
                    let (flow, at) = self.flow(id, side, now);
                    flow.release(at);
                    self.schedule(id, side);
                }
            }
        }
    }

    /// The connection and end that a packet comes from; an opening one makes a new connection.
    fn connection_of(&mut self, packet: &Packet) -> Option<(ConnectionId, Side)> {
        let sent = segment::of(packet)?;
        let (from, to) = segment::addresses(packet, sent);
        let known = self.by_addresses.get(&(from, to)).copied();
        if known.is_some() && !segment::is_opening(sent) {
            return known;
        }
        let host = |address: SocketAddr| self.hosts.host_of(segment::machine_at(address.ip())?);
        let hosts = (host(from)?, host(to)?);
        let ordinal = self.opened.entry(hosts).or_default();
        // Named by hosts and number, not by order: another host's connections shift nothing here.
        let names = (self.hosts.name(hosts.0), self.hosts.name(hosts.1));
        let place = self.draw.named("connection").named(names.0).named(names.1).at(*ordinal);
        *ordinal += 1;
        let id = self.connections.len();
        self.connections.push(Connection::new(place, [hosts.0, hosts.1], [from, to]));
        self.by_addresses.insert((from, to), (id, Side::Client));
        self.by_addresses.insert((to, from), (id, Side::Server));
        Some((id, Side::Client))
    }

    fn put_under_way(&mut self, id: ConnectionId, side: Side, packet: Packet, now: Nanos) {
        let outstanding = self.connections[id].end(side.other()).outstanding();
        let (flow, at) = self.flow(id, side, now);
        let oldest_due = flow.head().map(|head| head.due_ns);
        flow.push(packet, outstanding, at);
        if flow.newest_counts() {
            self.schedule(id, side);
        }
        // Perhaps held back, behind something that is: whoever waits for this may wait too long.
        if oldest_due.is_some_and(|due| due < now || due == Nanos::MAX) {
            self.watch(id);
        }
    }

    fn flow(&mut self, id: ConnectionId, side: Side, now: Nanos) -> (&mut Flow, Conditions<'_>) {
        let Fates { connections, links, untouched, plan, .. } = self;
        let connection = &mut connections[id];
        let link = links.get(&connection.link_from(side)).unwrap_or(untouched);
        let at = Conditions { now, link, latency: &plan.latency, tcp_timeout_ns: plan.tcp_timeout_ns };
        (&mut connection.flows[side as usize], at)
    }

    fn schedule(&mut self, id: ConnectionId, side: Side) {
        match self.connections[id].flows[side as usize].next_due() {
            Some((haste, due, tie)) => {
                let agenda = if haste == Haste::Prompt { &mut self.agenda } else { &mut self.idle };
                agenda.push(Reverse((due, tie, Due::Segment(id, side))));
            }
            // The oldest one is lost for good: everything behind it waits with it.
            None if self.connections[id].flows[side as usize].head().is_some() => self.watch(id),
            None => {}
        }
    }

    fn segment_is_due(&mut self, id: ConnectionId, side: Side, now: Nanos) -> Option<Packet> {
        let connection = &self.connections[id];
        let head = connection.flows[side as usize].head().filter(|head| head.due_ns <= now)?;
        let (from, to) = connection.link_from(side);
        let is_cut = self.links.get(&(from, to)).is_some_and(|link| link.cut_since().is_some());
        let arrived = segment::of(&head.packet)?;
        let must_be_acknowledged = segment::length(arrived) > 0;
        let target = segment::machine_at(head.packet.dst)?;
        let condition = self.hosts.condition(target);
        if is_cut || condition == Condition::Lost {
            self.watch(id);
            return None;
        }
        let presence = connection.ends[side.other() as usize].presence;
        let has_data = !arrived.payload.is_empty();
        let connection = &mut self.connections[id];
        let packet = connection.flows[side as usize].pop()?;
        self.schedule(id, side);
        let nobody_there = match presence {
            Presence::Gone(_) => true,
            Presence::Open => condition == Condition::Replaced,
            Presence::Closed => condition == Condition::Replaced || has_data,
        };
        if nobody_there {
            return self.speaks_to_nobody(id, side, must_be_acknowledged, now);
        }
        let receiver = self.connections[id].end(side.other());
        match segment::of(&packet) {
            Some(arrived) if arrived.flags.rst => receiver.is_gone_for(io::ErrorKind::ConnectionReset),
            Some(arrived) => receiver.acknowledged(arrived),
            None => {}
        }
        Some(packet)
    }

    /// What `side` sent finds no program: its machine answers with a reset, and forgets what it still wanted to send.
    fn speaks_to_nobody(&mut self, id: ConnectionId, side: Side, is_answered: bool, now: Nanos) -> Option<Packet> {
        if !is_answered {
            return None;
        }
        let connection = &mut self.connections[id];
        let (from, to) = (connection.address(side), connection.address(side.other()));
        let orphan = connection.end(side.other());
        let was_closed = orphan.presence == Presence::Closed;
        orphan.is_gone_for(io::ErrorKind::ConnectionReset);
        self.put_under_way(id, side.other(), segment::reset(to, from), now);
        was_closed.then(|| segment::reset(from, to))
    }

    /// Something of this connection does not arrive: both ends may wait too long from here on.
    fn watch(&mut self, id: ConnectionId) {
        for side in Side::BOTH {
            let end = self.connections[id].end(side);
            if let (Some(since), false) = (end.waits_since(), end.alarmed) {
                end.alarmed = true;
                let due = since.saturating_add(self.plan.tcp_timeout_ns);
                self.agenda.push(Reverse((due, 0, Due::Patience(id, side))));
            }
        }
    }

    /// An end that has waited too long is over; what it could not send never arrives. What its kernel has to hear.
    fn patience_is_over(&mut self, id: ConnectionId, side: Side, now: Nanos) -> Option<Packet> {
        let timeout_ns = self.plan.tcp_timeout_ns;
        let connection = &mut self.connections[id];
        let end = connection.end(side);
        end.alarmed = false;
        if end.waits_since()?.saturating_add(timeout_ns) > now {
            self.watch(id);
            return None;
        }
        end.is_gone_for(io::ErrorKind::TimedOut);
        connection.flows[side as usize].clear();
        Some(segment::reset(connection.address(side.other()), connection.address(side)))
    }
}

/// The next entry of an agenda, if it is due.
fn pop_due(agenda: &mut BinaryHeap<Reverse<(Nanos, u64, Due)>>, now: Nanos) -> Option<Due> {
    let Reverse((due, _, what)) = agenda.peek().copied()?;
    (due <= now).then(|| {
        agenda.pop();
        what
    })
}
