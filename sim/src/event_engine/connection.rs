//! A TCP connection as the network sees it: two flows, and what each end has sent without an acknowledgement.
//!
//! Invariants: an end that is gone (timed out, aborted) never comes back; an acknowledgement counts when it arrives,
//! not when it is sent. Pure. Neighbours: `fates` plays connections, `flow` is one direction, `segment` reads and makes
//! packets.

use super::flow::Flow;
use super::segment;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use turmoil_net::TcpSegment;

/// An end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Who connected.
    Client,
    /// Who accepted.
    Server,
}

impl Side {
    pub(super) const BOTH: [Side; 2] = [Side::Client, Side::Server];

    pub(super) fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// How an end stands to its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// A program holds the stream, or its machine still opens it.
    Open,
    /// The program let go politely; what it wrote is still being sent.
    Closed,
    /// There is no socket any more, for this reason.
    Gone(io::ErrorKind),
}

/// What the network knows of one end.
#[derive(Debug)]
pub(super) struct End {
    pub(super) address: SocketAddr,
    pub(super) presence: Presence,
    /// Whether somebody will look whether it has waited too long.
    pub(super) alarmed: bool,
    /// Data and FIN that it has sent: the sequence numbers before and after, and the time of sending.
    unacknowledged: VecDeque<(u32, u32, Nanos)>,
}

impl End {
    fn new(address: SocketAddr) -> End {
        End { address, presence: Presence::Open, alarmed: false, unacknowledged: VecDeque::new() }
    }

    /// It sends something that must be acknowledged.
    pub(super) fn sent(&mut self, sent: &TcpSegment, now: Nanos) {
        let length = segment::length(sent);
        if length > 0 && !sent.flags.syn {
            self.unacknowledged.push_back((sent.seq, sent.seq.wrapping_add(length), now));
        }
    }

    /// An acknowledgement arrives here.
    pub(super) fn acknowledged(&mut self, arrived: &TcpSegment) {
        let is_covered = |end: u32| arrived.ack.wrapping_sub(end).cast_signed() >= 0;
        while arrived.flags.ack && self.unacknowledged.front().is_some_and(|(_, end, _)| is_covered(*end)) {
            self.unacknowledged.pop_front();
        }
    }

    /// Since when its oldest data waits for an acknowledgement.
    pub(super) fn waits_since(&self) -> Option<Nanos> {
        self.unacknowledged.front().map(|(.., sent_ns)| *sent_ns)
    }

    /// How many bytes it has sent that no acknowledgement has arrived for.
    pub(super) fn outstanding(&self) -> u32 {
        match (self.unacknowledged.front(), self.unacknowledged.back()) {
            (Some((begin, ..)), Some((_, end, _))) => end.wrapping_sub(*begin),
            _ => 0,
        }
    }

    /// It is over for this reason; the first reason stays.
    pub(super) fn is_gone_for(&mut self, reason: io::ErrorKind) {
        self.unacknowledged.clear();
        if !matches!(self.presence, Presence::Gone(_)) {
            self.presence = Presence::Gone(reason);
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) draw: Draw,
    /// By the host's number, not its incarnation's: links are between hosts.
    pub(super) hosts: [usize; 2],
    pub(super) ends: [End; 2],
    pub(super) flows: [Flow; 2],
}

impl Connection {
    /// A connection whose delays are drawn below this place; client first.
    pub(super) fn new(draw: Draw, hosts: [usize; 2], addresses: [SocketAddr; 2]) -> Connection {
        let flow = |side: Side| Flow::new(draw.at(side as u64));
        Connection { draw, hosts, ends: addresses.map(End::new), flows: Side::BOTH.map(flow) }
    }

    pub(super) fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    pub(super) fn address(&self, side: Side) -> SocketAddr {
        self.ends[side as usize].address
    }

    /// The host that `side` sends from, and the one that it sends to.
    pub(super) fn link_from(&self, side: Side) -> (usize, usize) {
        (self.hosts[side as usize], self.hosts[side.other() as usize])
    }
}
