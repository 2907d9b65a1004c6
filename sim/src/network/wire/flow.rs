//! One direction of a wire: chunks under way, oldest first, each with the time at which it is due, and their bytes.
//!
//! Invariants: a chunk never arrives before one that was sent earlier; what a writer has under way, what its reader has not
//! taken, and what was taken but not yet acknowledged fits into the window. An acknowledgement is no packet: when one would
//! arrive is known once the reader takes something. Neighbours: `mod` puts two of them together with two ends.

use super::moment::{Manner, Moment, Side};
use crate::netlog;
use rehearsal_loadgen::faults::link::Crossing;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::collections::VecDeque;
use tokio::io::ReadBuf;

/// Bytes in one direction that are under way, unread or unacknowledged before their writer must wait: a receive buffer of
/// Linux' default order.
pub const WINDOW_BYTES: usize = 256 << 10;

/// Share of writes that go out in two chunks, of reads that hand out only a part, and of arrivals that let others run
/// first. tokio's own order of tasks never changes; this is what tries others, and what cuts frames in the middle.
const UNEVEN_SHARE: f64 = 0.125;

/// A buffer that was larger than this is not kept: most messages are small, and there may be thousands of connections.
const KEPT_BYTES: usize = 4 << 10;

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

impl What {
    /// Its word in the network log.
    fn word(self) -> &'static str {
        match self {
            What::Data(_) => "data",
            What::Fin => "fin",
            What::Reset => "reset",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) what: What,
    pub(super) sent_ns: Nanos,
    pub(super) due_ns: Nanos,
    number: u64,
}

/// Bytes that were taken, and when their writer hears of it.
#[derive(Clone, Copy, Debug)]
struct Acknowledgement {
    bytes: usize,
    due_ns: Nanos,
}

/// One direction: what its writer has sent and its reader has not taken.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) chunks: VecDeque<Chunk>,
    /// The bytes of these chunks.
    bytes: VecDeque<u8>,
    /// The writer writes no more.
    pub(super) finished: bool,
    unacknowledged: VecDeque<Acknowledgement>,
    unacknowledged_bytes: usize,
    from: Side,
    draw: Draw,
    manner: Manner,
    sent: u64,
    taken: u64,
    last_due_ns: Nanos,
    /// The newest chunk whose reader has let others run first.
    gave_way: Option<u64>,
}

impl Flow {
    pub(super) fn new(from: Side, draw: Draw, manner: Manner) -> Flow {
        Flow {
            chunks: VecDeque::new(),
            bytes: VecDeque::new(),
            finished: false,
            unacknowledged: VecDeque::new(),
            unacknowledged_bytes: 0,
            from,
            draw,
            manner,
            sent: 0,
            taken: 0,
            last_due_ns: 0,
            gave_way: None,
        }
    }

    /// Sends as much of these bytes as there is room for, or less; none without room. What was sent, and how it crosses.
    pub(super) fn send(&mut self, bytes: &[u8], at: &Moment<'_>) -> Option<(usize, Crossing)> {
        self.hear_acknowledgements(at);
        let room = WINDOW_BYTES.saturating_sub(self.bytes.len() + self.unacknowledged_bytes);
        if room == 0 {
            return None;
        }
        let portion = self.portion(self.draw.named("write").at(self.sent), bytes.len().min(room));
        self.bytes.extend(&bytes[..portion]);
        Some((portion, self.push(What::Data(portion), at)))
    }

    /// Sends a chunk now. It never arrives before one that was sent earlier. Says whether it arrives at all.
    pub(super) fn push(&mut self, what: What, at: &Moment<'_>) -> Crossing {
        let (number, link) = (self.sent, at.link_from(self.from));
        let bytes = if let What::Data(bytes) = what { bytes } else { 0 };
        let crossing = link.crossing(at.now, bytes, at.tcp_timeout_ns, self.draw.at(number));
        self.sent += 1;
        self.last_due_ns = match crossing {
            Crossing::After(delay) => self.last_due_ns.max(at.now.saturating_add(delay)),
            Crossing::Never => Nanos::MAX,
        };
        let arrives_ns = (self.last_due_ns < Nanos::MAX).then_some(self.last_due_ns);
        netlog::packet(at.host(self.from), at.host(self.from.other()), what.word(), bytes, arrives_ns);
        self.chunks.push_back(Chunk { what, sent_ns: at.now, due_ns: self.last_due_ns, number });
        crossing
    }

    /// The link has just healed. What it held back since then arrives after a latency of its own, in order.
    pub(super) fn release(&mut self, cut_since: Nanos, at: &Moment<'_>) {
        let place = self.draw.named("released").at(at.now);
        let mut earliest = at.now;
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.due_ns > cut_since && chunk.due_ns < Nanos::MAX) {
            let crossing = at.link_from(self.from).crossing(at.now, 0, at.tcp_timeout_ns, place.at(chunk.number));
            if let Crossing::After(delay) = crossing {
                earliest = earliest.max(at.now.saturating_add(delay));
            }
            chunk.due_ns = chunk.due_ns.max(earliest);
            earliest = chunk.due_ns;
            self.last_due_ns = self.last_due_ns.max(chunk.due_ns);
        }
    }

    /// The link of the way back has just healed: acknowledgements that it held back arrive.
    pub(super) fn release_acknowledgements(&mut self, cut_since: Nanos, at: &Moment<'_>) {
        let delay = self.delay_of_acknowledgement(self.draw.named("released acknowledgements").at(at.now), at);
        for held in self.unacknowledged.iter_mut().filter(|held| held.due_ns > cut_since) {
            held.due_ns = held.due_ns.max(at.now.saturating_add(delay));
        }
    }

    /// The oldest chunk, if it has arrived: it is due, and was so before a cut that still lasts.
    pub(super) fn arrived(&self, at: &Moment<'_>) -> Option<Chunk> {
        self.chunks.front().copied().filter(|chunk| self.has_arrived(chunk.due_ns, self.from, at))
    }

    /// Whether a reset has arrived, perhaps behind something unread.
    pub(super) fn has_brought_a_reset(&self, at: &Moment<'_>) -> bool {
        let newest = self.chunks.back().filter(|chunk| chunk.what == What::Reset);
        newest.is_some_and(|chunk| self.has_arrived(chunk.due_ns, self.from, at))
    }

    /// Whether its end has arrived, perhaps behind something unread.
    pub(super) fn has_ended(&self, at: &Moment<'_>) -> bool {
        let newest = self.chunks.back().filter(|chunk| chunk.what == What::Fin);
        newest.is_some_and(|chunk| self.has_arrived(chunk.due_ns, self.from, at))
    }

    /// When the oldest chunk arrives, if no cut holds it.
    pub(super) fn next_due_ns(&self, at: &Moment<'_>) -> Option<Nanos> {
        let is_cut = at.link_from(self.from).cut_since().is_some();
        self.chunks.front().filter(|_| !is_cut).map(|chunk| chunk.due_ns)
    }

    /// When there is room again, as far as that is known.
    pub(super) fn next_room_ns(&self, at: &Moment<'_>) -> Option<Nanos> {
        let is_cut = at.link_from(self.from.other()).cut_since().is_some();
        self.unacknowledged.front().filter(|_| !is_cut).map(|heard| heard.due_ns)
    }

    /// Forgets what has not arrived and never will.
    pub(super) fn drop_unsent(&mut self, at: &Moment<'_>) {
        let arrived = self.chunks.iter().take_while(|chunk| self.has_arrived(chunk.due_ns, self.from, at)).count();
        self.chunks.truncate(arrived);
        let data = |chunk: &Chunk| if let What::Data(bytes) = chunk.what { bytes } else { 0 };
        self.bytes.truncate(self.chunks.iter().map(data).sum());
    }

    /// The reader takes what fits of the oldest chunk, or a part of that.
    pub(super) fn take(&mut self, chunk: &Chunk, left: usize, buffer: &mut ReadBuf<'_>, at: &Moment<'_>) {
        let place = self.draw.named("read").at(chunk.number).at(left as u64);
        let portion = self.portion(place, left).min(buffer.remaining());
        let (one, other) = self.bytes.as_slices();
        let first = portion.min(one.len());
        buffer.put_slice(&one[..first]);
        buffer.put_slice(&other[..portion - first]);
        self.bytes.drain(..portion);
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT_BYTES {
            self.bytes = VecDeque::new();
        }
        if portion == left {
            self.chunks.pop_front();
        } else if let Some(Chunk { what: What::Data(left), .. }) = self.chunks.front_mut() {
            *left -= portion;
        }
        self.acknowledge(portion, at);
    }

    /// Whether the reader of a chunk that has just arrived lets other tasks run first; asked again, it does not.
    pub(super) fn gives_way(&mut self, chunk: &Chunk) -> bool {
        if self.manner == Manner::Plain {
            return false;
        }
        let is_new = self.gave_way.is_none_or(|number| number < chunk.number);
        let gives_way = is_new && self.draw.named("yield").at(chunk.number).unit() < UNEVEN_SHARE;
        self.gave_way = Some(chunk.number);
        gives_way
    }

    fn acknowledge(&mut self, bytes: usize, at: &Moment<'_>) {
        self.hear_acknowledgements(at);
        let delay = self.delay_of_acknowledgement(self.draw.named("acknowledgement").at(self.taken), at);
        self.taken += 1;
        let earlier = self.unacknowledged.back().map_or(0, |earlier| earlier.due_ns);
        let due_ns = at.now.saturating_add(delay).max(earlier);
        self.unacknowledged.push_back(Acknowledgement { bytes, due_ns });
        self.unacknowledged_bytes += bytes;
    }

    /// One that is lost is made good by the next, or by a question of the writer; both within the time-out.
    fn delay_of_acknowledgement(&self, place: Draw, at: &Moment<'_>) -> Nanos {
        match at.link_from(self.from.other()).crossing(at.now, 0, at.tcp_timeout_ns, place) {
            Crossing::After(delay) => delay,
            Crossing::Never => at.tcp_timeout_ns,
        }
    }

    fn hear_acknowledgements(&mut self, at: &Moment<'_>) {
        while let Some(heard) = self.unacknowledged.front().copied()
            && self.has_arrived(heard.due_ns, self.from.other(), at)
        {
            self.unacknowledged.pop_front();
            self.unacknowledged_bytes -= heard.bytes;
        }
    }

    fn has_arrived(&self, due_ns: Nanos, from: Side, at: &Moment<'_>) -> bool {
        let cut_since = at.link_from(from).cut_since();
        due_ns <= at.now && cut_since.is_none_or(|since| due_ns <= since)
    }

    /// All of it mostly, else a part: never nothing.
    fn portion(&self, place: Draw, bytes: usize) -> usize {
        let is_whole = self.manner == Manner::Plain || bytes <= 1 || place.unit() >= UNEVEN_SHARE;
        if is_whole { bytes } else { 1 + place.at(0).below(bytes as u64 - 1) as usize }
    }
}
