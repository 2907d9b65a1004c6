//! One direction of a TCP connection: segments under way, oldest first, each with the time at which it is due.
//!
//! Invariants: a segment never arrives before one that was sent earlier in the same direction; every delay is drawn at
//! the segment's own place (connection, direction, number), so that another segment's fate shifts nobody's. Pure: no
//! sockets, no clock. Neighbours: `fates` decides what becomes of the head, `link` (of the network) knows cuts, latency
//! and loss.

use crate::network::link::{Crossing, Link};
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::draw::Draw;
use std::collections::VecDeque;
use turmoil_net::Packet;

/// What a link does to what is sent now.
#[derive(Clone, Copy)]
pub(super) struct Conditions<'a> {
    pub(super) now: Nanos,
    pub(super) link: &'a Link,
    pub(super) latency: &'a Distribution,
    pub(super) tcp_timeout_ns: Nanos,
}

impl Conditions<'_> {
    fn due(&self, place: Draw) -> Nanos {
        match self.link.crossing(self.latency, self.tcp_timeout_ns, place) {
            Crossing::After(delay) => self.now.saturating_add(delay),
            Crossing::Never => Nanos::MAX,
        }
    }
}

/// A segment under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) packet: Packet,
    pub(super) due_ns: Nanos,
    number: u64,
}

/// Segments of one direction.
#[derive(Debug)]
pub(super) struct Flow {
    segments: VecDeque<UnderWay>,
    draw: Draw,
    sent: u64,
    last_due_ns: Nanos,
}

impl Flow {
    pub(super) fn new(draw: Draw) -> Flow {
        Flow { segments: VecDeque::new(), draw, sent: 0, last_due_ns: 0 }
    }

    /// Sends a segment now.
    pub(super) fn push(&mut self, packet: Packet, at: Conditions<'_>) {
        let number = self.sent;
        self.sent += 1;
        self.last_due_ns = self.last_due_ns.max(at.due(self.draw.at(number)));
        self.segments.push_back(UnderWay { packet, due_ns: self.last_due_ns, number });
    }

    /// When the oldest segment is due, and a draw of its own to order it among others that are due in the same moment.
    pub(super) fn next_due(&self) -> Option<(Nanos, u64)> {
        let head = self.segments.front().filter(|head| head.due_ns < Nanos::MAX)?;
        Some((head.due_ns, self.draw.named("tie").at(head.number).bits()))
    }

    pub(super) fn head(&self) -> Option<&UnderWay> {
        self.segments.front()
    }

    pub(super) fn pop(&mut self) -> Option<Packet> {
        self.segments.pop_front().map(|head| head.packet)
    }

    /// What a link or a machine held back arrives after a latency of its own, in order.
    pub(super) fn release(&mut self, at: Conditions<'_>) {
        let place = self.draw.named("released").at(at.now);
        let mut earliest_ns = at.now;
        for segment in self.segments.iter_mut() {
            if segment.due_ns <= at.now {
                segment.due_ns = at.due(place.at(segment.number));
            }
            segment.due_ns = segment.due_ns.max(earliest_ns);
            earliest_ns = segment.due_ns;
        }
        self.last_due_ns = self.last_due_ns.max(earliest_ns);
    }

    /// What has not arrived never will.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
    }
}
