//! One direction of a TCP connection: segments under way, oldest first, each with the time at which it is due.
//!
//! Invariants: a segment never arrives before one that was sent earlier in the same direction; every delay is drawn at
//! the segment's own place (connection, direction, number), so that another segment's fate shifts nobody's. Pure: no
//! sockets, no clock. Neighbours: `fates` decides what becomes of the head, `link` (of the network) knows cuts, latency
//! and loss.

use super::segment;
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
    haste: Haste,
    number: u64,
}

/// Whether anybody can tell when a segment arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Haste {
    /// It carries something, or somebody may wait for it.
    Prompt,
    /// A mere acknowledgement that nobody waits for: it may arrive with whatever comes next.
    Idle,
}

/// A writer may wait for an acknowledgement once so much is unacknowledged or so little may be sent: half a window.
const AMPLE_BYTES: u32 = 32 << 10;

/// Segments of one direction.
#[derive(Debug)]
pub(super) struct Flow {
    segments: VecDeque<UnderWay>,
    draw: Draw,
    sent: u64,
    last_due_ns: Nanos,
    last_window: u16,
}

impl Flow {
    pub(super) fn new(draw: Draw) -> Flow {
        Flow { segments: VecDeque::new(), draw, sent: 0, last_due_ns: 0, last_window: 0 }
    }

    /// Sends a segment now. `outstanding` is what the receiver itself has sent and not heard of.
    pub(super) fn push(&mut self, packet: Packet, outstanding: u32, at: Conditions<'_>) {
        let (number, haste) = (self.sent, self.haste(&packet, outstanding));
        self.sent += 1;
        self.last_due_ns = self.last_due_ns.max(at.due(self.draw.at(number)));
        self.segments.push_back(UnderWay { packet, due_ns: self.last_due_ns, haste, number });
    }

    /// The first two segments of a client open the connection: the second lets the server accept it.
    fn haste(&mut self, packet: &Packet, outstanding: u32) -> Haste {
        let Some(segment) = segment::of(packet) else { return Haste::Prompt };
        let had_room = u32::from(std::mem::replace(&mut self.last_window, segment.window)) > AMPLE_BYTES;
        let is_bare = segment::length(segment) == 0 && !segment.flags.rst;
        if is_bare && had_room && self.sent > 1 && outstanding < AMPLE_BYTES { Haste::Idle } else { Haste::Prompt }
    }

    /// When a segment is due for which the world must stop, or the oldest if there is none; and a draw of its own to order
    /// it among others that are due in the same moment.
    pub(super) fn next_due(&self) -> Option<(Haste, Nanos, u64)> {
        let prompt = self.segments.iter().find(|segment| segment.haste == Haste::Prompt);
        let next = prompt.or(self.segments.front()).filter(|next| next.due_ns < Nanos::MAX)?;
        Some((next.haste, next.due_ns, self.draw.named("tie").at(next.number).bits()))
    }

    /// Whether the newest segment is the only one for which the world must stop, or the only one at all.
    pub(super) fn newest_counts(&self) -> bool {
        let is_prompt = |segment: &&UnderWay| segment.haste == Haste::Prompt;
        let newest_is_prompt = self.segments.back().is_some_and(|newest| is_prompt(&newest));
        self.segments.len() == 1 || (newest_is_prompt && self.segments.iter().filter(is_prompt).nth(1).is_none())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    const MS: Nanos = 1_000_000;

    fn conditions<'a>(now: Nanos, link: &'a Link, latency: &'a Distribution) -> Conditions<'a> {
        Conditions { now, link, latency, tcp_timeout_ns: 1_000 * MS }
    }

    fn packet() -> Packet {
        segment::reset(SocketAddr::from(([10, 0, 0, 1], 1)), SocketAddr::from(([10, 0, 0, 2], 2)))
    }

    #[test]
    fn a_segment_never_arrives_before_one_that_was_sent_earlier() {
        let (link, latency) = (Link::default(), Distribution::Uniform(MS, 20 * MS));
        let mut flow = Flow::new(Draw::of_seed(1));
        (0..100).for_each(|n| flow.push(packet(), 0, conditions(n * MS, &link, &latency)));
        assert!(flow.segments.iter().is_sorted_by_key(|segment| segment.due_ns));
        let delays = flow.segments.iter().zip(0..).map(|(segment, n)| segment.due_ns - n * MS);
        assert!(delays.clone().all(|delay| delay >= MS) && delays.max() <= Some(40 * MS));
    }

    #[test]
    fn what_was_held_back_is_released_in_order_and_after_a_latency_of_its_own() {
        let (link, latency) = (Link::default(), Distribution::Uniform(MS, 20 * MS));
        let mut flow = Flow::new(Draw::of_seed(2));
        (0..10).for_each(|n| flow.push(packet(), 0, conditions(n * MS, &link, &latency)));
        flow.release(conditions(500 * MS, &link, &latency));
        assert!(flow.segments.iter().all(|segment| segment.due_ns >= 501 * MS));
        assert!(flow.segments.iter().is_sorted_by_key(|segment| segment.due_ns));
    }

    #[test]
    fn a_segment_that_is_lost_for_good_holds_back_what_follows() {
        let (mut link, latency) = (Link::default(), Distribution::Fixed(MS));
        link.lose(0, 1.0);
        let mut flow = Flow::new(Draw::of_seed(3));
        flow.push(packet(), 0, conditions(0, &link, &latency));
        link.end(0);
        flow.push(packet(), 0, conditions(MS, &link, &latency));
        assert_eq!(flow.next_due(), None);
        flow.release(conditions(2 * MS, &link, &latency));
        assert_eq!(flow.next_due(), None);
    }
}
