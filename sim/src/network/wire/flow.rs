//! One direction of a wire: chunks under way, oldest first, each with the time at which it is due. Neighbours: `mod` puts
//! two of them together with two ends.

use super::moment::{Moment, Side};
use crate::network::link::Crossing;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::collections::VecDeque;

/// Share of writes that go out in two chunks, of reads that hand out only a part, and of arrivals that let others run
/// first. tokio's own order of tasks never changes; this is what tries others, and what cuts frames in the middle.
const UNEVEN_SHARE: f64 = 0.125;

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// So many bytes.
    Data(usize),
    /// The other side writes no more.
    Fin,
    /// The other side has ended the connection without a word.
    Reset,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) what: What,
    pub(super) sent_ns: Nanos,
    pub(super) due_ns: Nanos,
    number: u64,
}

/// One direction: what its writer has sent and its reader has not taken.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) chunks: VecDeque<Chunk>,
    /// Bytes of these chunks.
    pub(super) bytes: usize,
    /// The writer writes no more.
    pub(super) finished: bool,
    from: Side,
    draw: Draw,
    sent: u64,
    last_due_ns: Nanos,
    /// The newest chunk whose reader has let others run first.
    gave_way: Option<u64>,
}

impl Flow {
    pub(super) fn new(from: Side, draw: Draw) -> Flow {
        let chunks = VecDeque::new();
        Flow { chunks, bytes: 0, finished: false, from, draw, sent: 0, last_due_ns: 0, gave_way: None }
    }

    /// Sends a chunk now. It never arrives before one that was sent earlier. Says whether it arrives at all.
    pub(super) fn push(&mut self, what: What, at: &Moment<'_>) -> Crossing {
        let (number, link) = (self.sent, at.link_from(self.from));
        let crossing = link.crossing(at.latency, at.tcp_timeout_ns, self.draw.at(number));
        self.sent += 1;
        self.last_due_ns = match crossing {
            Crossing::After(delay) => self.last_due_ns.max(at.now.saturating_add(delay)),
            Crossing::Never => Nanos::MAX,
        };
        self.chunks.push_back(Chunk { what, sent_ns: at.now, due_ns: self.last_due_ns, number });
        crossing
    }

    /// What a link held back since then arrives after a latency of its own, in order.
    pub(super) fn release(&mut self, cut_since: Nanos, at: &Moment<'_>) {
        let place = self.draw.named("released").at(at.now);
        let mut earliest = at.now;
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.due_ns > cut_since && chunk.due_ns < Nanos::MAX) {
            let crossing = at.link_from(self.from).crossing(at.latency, at.tcp_timeout_ns, place.at(chunk.number));
            if let Crossing::After(delay) = crossing {
                earliest = earliest.max(at.now.saturating_add(delay));
            }
            chunk.due_ns = chunk.due_ns.max(earliest);
            earliest = chunk.due_ns;
            self.last_due_ns = self.last_due_ns.max(chunk.due_ns);
        }
    }

    /// The oldest chunk, if it has arrived: it is due, and was so before a cut that still lasts.
    pub(super) fn arrived(&self, at: &Moment<'_>) -> Option<Chunk> {
        self.chunks.front().copied().filter(|chunk| self.has_arrived(chunk, at))
    }

    /// When the oldest chunk arrives, if no cut holds it.
    pub(super) fn next_due_ns(&self, at: &Moment<'_>) -> Option<Nanos> {
        let is_cut = at.link_from(self.from).cut_since().is_some();
        self.chunks.front().filter(|_| !is_cut).map(|chunk| chunk.due_ns)
    }

    /// Forgets what has not arrived and never will.
    pub(super) fn drop_unsent(&mut self, at: &Moment<'_>) {
        let arrived = self.chunks.iter().take_while(|chunk| self.has_arrived(chunk, at)).count();
        self.chunks.truncate(arrived);
    }

    /// The reader has taken so many bytes of the oldest chunk.
    pub(super) fn taken(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        if let Some(Chunk { what: What::Data(left), .. }) = self.chunks.front_mut() {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                self.chunks.pop_front();
            }
        }
    }

    /// How much of a write goes out in the next chunk.
    pub(super) fn portion_to_send(&self, bytes: usize) -> usize {
        portion(self.draw.named("write").at(self.sent), bytes)
    }

    /// How much of an arrived chunk a reader gets now.
    pub(super) fn portion_to_read(&self, chunk: &Chunk, left: usize) -> usize {
        portion(self.draw.named("read").at(chunk.number).at(left as u64), left)
    }

    /// Whether the reader of a chunk that has just arrived lets other tasks run first; asked again, it does not.
    pub(super) fn gives_way(&mut self, chunk: &Chunk) -> bool {
        let is_new = self.gave_way.is_none_or(|number| number < chunk.number);
        let gives_way = is_new && self.draw.named("yield").at(chunk.number).unit() < UNEVEN_SHARE;
        self.gave_way = Some(chunk.number);
        gives_way
    }

    fn has_arrived(&self, chunk: &Chunk, at: &Moment<'_>) -> bool {
        let cut_since = at.link_from(self.from).cut_since();
        chunk.due_ns <= at.now && cut_since.is_none_or(|since| chunk.due_ns <= since)
    }
}

/// All of it mostly, else a part: never nothing.
fn portion(place: Draw, bytes: usize) -> usize {
    if bytes > 1 && place.unit() < UNEVEN_SHARE { 1 + place.at(0).below(bytes as u64 - 1) as usize } else { bytes }
}
