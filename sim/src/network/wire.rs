//! A connection as the network sees it: two ends, and in each direction the chunks that are under way.
//!
//! Pure: `(now, links, what happens) -> what the program sees`. The bytes themselves ride in turmoil's stream; here is
//! *when* they arrive and how a connection dies. What TCP promises is kept: order within a direction, a cut delays and
//! never drops, what cannot be acknowledged for too long is `TimedOut`, who sends to a socket that is gone is reset.
//! Neighbours: `link` (delays and cuts), `fabric` (hosts and all wires), `stream` (polls). Left out: bytes and wakers' tasks.

use super::link::{Crossing, Link};
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::draw::Draw;
use std::collections::VecDeque;
use std::io;
use std::task::Waker;

/// Bytes under way or unread in one direction before its writer must wait: a receive buffer of Linux' default order.
pub const WINDOW_BYTES: usize = 256 << 10;

/// An end of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who accepted.
    Server,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// What a wire has to know of its surroundings at one moment.
pub struct Moment<'a> {
    /// Nanoseconds since the world was built.
    pub now: Nanos,
    /// From the client's host to the server's, and back.
    pub links: [&'a Link; 2],
    /// The latency between faults.
    pub latency: &'a Distribution,
    /// How long data may stay unacknowledged.
    pub tcp_timeout_ns: Nanos,
}

impl Moment<'_> {
    fn link_from(&self, side: Side) -> &Link {
        self.links[side as usize]
    }

    fn both_ways_open(&self) -> bool {
        self.links.iter().all(|link| link.cut_since().is_none())
    }
}

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// So many bytes.
    Data(usize),
    /// The other side writes no more.
    Fin,
    /// The other side has ended the connection without a word.
    Reset,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    what: What,
    sent_ns: Nanos,
    due_ns: Nanos,
}

/// One direction: what its writer has sent and its reader has not taken.
#[derive(Debug, Default)]
struct Flow {
    chunks: VecDeque<Chunk>,
    sent: u64,
    last_due_ns: Nanos,
    bytes: usize,
    finished: bool,
}

/// How an end stands to its program and its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// The program holds the stream.
    Open,
    /// The program has let go; the machine answers with a reset.
    Closed,
    /// The machine is gone: nobody answers until a new one has its place.
    Silent,
}

#[derive(Debug)]
struct End {
    presence: Presence,
    /// What it will see, and from when.
    fate: Option<(Nanos, io::ErrorKind)>,
    /// Since when its oldest unacknowledged data waits for a link or a machine that is gone.
    unacknowledged_since: Option<Nanos>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl End {
    fn new() -> End {
        End { presence: Presence::Open, fate: None, unacknowledged_since: None, reader: None, writer: None }
    }
}

/// What a reader finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Up to so many bytes may be taken from the carrier.
    Data(usize),
    /// The other side writes no more.
    End,
    /// The connection is gone.
    Failed(io::ErrorKind),
    /// Nothing yet; look again at this time, or when woken.
    Wait(Option<Nanos>),
}

/// What a writer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// Give up to so many bytes to the carrier.
    Send(usize),
    /// Nobody will read: the bytes vanish, as on a real network.
    IntoTheVoid,
    /// The connection is gone, or its writing half is shut down.
    Failed(io::ErrorKind),
    /// The window is full; wait to be woken.
    Wait,
}

/// A connection.
#[derive(Debug)]
pub struct Wire {
    draw: Draw,
    ends: [End; 2],
    flows: [Flow; 2],
}

impl Wire {
    /// A wire whose delays are drawn below this place.
    pub fn new(draw: Draw) -> Wire {
        Wire { draw, ends: [End::new(), End::new()], flows: Default::default() }
    }

    /// What the reader at `side` finds now.
    pub fn read(&mut self, side: Side, at: &Moment<'_>) -> Reading {
        self.judge_timeout(side, at);
        let arrived = self.flows[side.other() as usize].chunks.front().filter(|chunk| has_arrived(chunk, side, at));
        match arrived.map(|chunk| chunk.what) {
            Some(What::Data(bytes)) => return Reading::Data(bytes),
            // Both stay in place: every later read finds the same.
            Some(What::Fin) => return Reading::End,
            Some(What::Reset) => return Reading::Failed(io::ErrorKind::ConnectionReset),
            None => {}
        }
        match self.ends[side as usize].fate {
            Some((due, kind)) if due <= at.now => Reading::Failed(kind),
            _ => Reading::Wait(self.next_look(side, at)),
        }
    }

    /// The reader at `side` has taken so many bytes; wakes a writer that waits for the window.
    pub fn taken(&mut self, side: Side, bytes: usize, wake: &mut Vec<Waker>) {
        let flow = &mut self.flows[side.other() as usize];
        flow.bytes = flow.bytes.saturating_sub(bytes);
        if let Some(Chunk { what: What::Data(left), .. }) = flow.chunks.front_mut() {
            *left = left.saturating_sub(bytes);
            if *left == 0 {
                flow.chunks.pop_front();
            }
        }
        wake.extend(self.ends[side.other() as usize].writer.take());
    }

    /// What the writer at `side` may do with `bytes` bytes now.
    pub fn write(&mut self, side: Side, bytes: usize, at: &Moment<'_>) -> Writing {
        self.judge_timeout(side, at);
        if let Some((_, kind)) = self.ends[side as usize].fate.filter(|(due, _)| *due <= at.now) {
            return Writing::Failed(kind);
        }
        let flow = &self.flows[side as usize];
        if flow.finished {
            return Writing::Failed(io::ErrorKind::BrokenPipe);
        }
        if self.ends[side.other() as usize].presence != Presence::Open {
            self.speak_to_nobody(side, at);
            return Writing::IntoTheVoid;
        }
        match WINDOW_BYTES.saturating_sub(flow.bytes) {
            0 => Writing::Wait,
            room => Writing::Send(bytes.min(room)),
        }
    }

    /// The writer at `side` has given so many bytes to the carrier.
    pub fn sent(&mut self, side: Side, bytes: usize, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        self.flows[side as usize].bytes += bytes;
        self.push(side, What::Data(bytes), at, wake);
        if !at.both_ways_open() {
            self.ends[side as usize].unacknowledged_since.get_or_insert(at.now);
        }
    }

    /// The program at `side` writes no more.
    pub fn finish(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        let gone = self.ends[side as usize].fate.is_some_and(|(due, _)| due <= at.now);
        if !gone && !std::mem::replace(&mut self.flows[side as usize].finished, true) {
            self.push(side, What::Fin, at, wake);
        }
    }

    /// The program at `side` lets go. Unread data makes a reset of what would be a close, as on Linux.
    pub fn close(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        if self.ends[side as usize].presence != Presence::Open {
            return;
        }
        let unread = matches!(self.read(side, at), Reading::Data(_));
        if unread {
            self.reset(side, at, wake)
        } else {
            self.finish(side, at, wake)
        }
        self.ends[side as usize].presence = Presence::Closed;
        let on_its_way = self.flows[side.other() as usize].chunks.iter().filter(|chunk| chunk.due_ns > at.now);
        if !unread && on_its_way.clone().any(|chunk| matches!(chunk.what, What::Data(_))) {
            self.speak_to_nobody(side.other(), at);
        }
        wake.extend(self.ends[side.other() as usize].reader.take());
        wake.extend(self.ends[side.other() as usize].writer.take());
    }

    /// The program at `side` ends the connection so that the other sees a reset; what was not sent yet is gone.
    pub fn abort(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        if self.ends[side as usize].presence == Presence::Open {
            self.reset(side, at, wake);
            self.ends[side as usize].presence = Presence::Closed;
            wake.extend(self.ends[side.other() as usize].writer.take());
        }
    }

    /// The machine at `side` is gone: silence. What was under way still arrives.
    pub fn silence(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        self.ends[side as usize].presence = Presence::Silent;
        self.mark_unacknowledged(side.other(), at, |chunk| chunk.due_ns > at.now);
        self.wake_all(wake);
    }

    /// A new machine has the place of the one that is gone at `side`: it answers retransmissions with a reset.
    pub fn replaced(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        if self.ends[side as usize].presence == Presence::Silent {
            self.ends[side as usize].presence = Presence::Closed;
            if self.ends[side.other() as usize].unacknowledged_since.is_some() {
                self.speak_to_nobody(side.other(), at);
            }
            self.wake_all(wake);
        }
    }

    /// The link from `side`'s host has just been cut.
    pub fn link_cut(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        for sender in [side, side.other()] {
            // The other side's data still arrives; its acknowledgements do not come back.
            self.mark_unacknowledged(sender, at, |chunk| chunk.due_ns > at.now);
        }
        self.wake_all(wake);
    }

    /// The link from `side`'s host, cut since then, has just healed: what it held arrives after a latency of its own.
    pub fn link_healed(&mut self, side: Side, cut_since: Nanos, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        let place = self.draw.at(side as u64).named("healed").at(at.now);
        let flow = &mut self.flows[side as usize];
        let mut earliest = at.now;
        for (index, chunk) in flow.chunks.iter_mut().enumerate().filter(|(_, chunk)| chunk.due_ns > cut_since) {
            if let Crossing::After(delay) =
                at.link_from(side).crossing(at.latency, at.tcp_timeout_ns, place.at(index as u64))
            {
                earliest = earliest.max(at.now.saturating_add(delay));
                chunk.due_ns = chunk.due_ns.max(earliest);
                flow.last_due_ns = flow.last_due_ns.max(chunk.due_ns);
            }
        }
        if at.both_ways_open() {
            for side in [Side::Client, Side::Server] {
                self.judge_timeout(side, at);
                let waited = self.ends[side as usize].unacknowledged_since.take().is_some();
                if waited && self.ends[side.other() as usize].presence != Presence::Open {
                    self.speak_to_nobody(side, at);
                }
            }
        }
        self.wake_all(wake);
    }

    /// Remembers whom to wake when there is something to read at `side`.
    pub fn wake_reader(&mut self, side: Side, waker: &Waker) {
        self.ends[side as usize].reader = Some(waker.clone());
    }

    /// Remembers whom to wake when there is room to write at `side`.
    pub fn wake_writer(&mut self, side: Side, waker: &Waker) {
        self.ends[side as usize].writer = Some(waker.clone());
    }

    fn push(&mut self, side: Side, what: What, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        let flow = &mut self.flows[side as usize];
        let place = self.draw.at(side as u64).at(flow.sent);
        flow.sent += 1;
        match at.link_from(side).crossing(at.latency, at.tcp_timeout_ns, place) {
            Crossing::After(delay) => flow.last_due_ns = flow.last_due_ns.max(at.now.saturating_add(delay)),
            Crossing::Never => {
                flow.last_due_ns = Nanos::MAX;
                let gives_up = at.now.saturating_add(at.tcp_timeout_ns);
                self.ends[side as usize].fate.get_or_insert((gives_up, io::ErrorKind::TimedOut));
            }
        }
        flow.chunks.push_back(Chunk { what, sent_ns: at.now, due_ns: flow.last_due_ns });
        wake.extend(self.ends[side.other() as usize].reader.take());
    }

    fn reset(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        self.flows[side as usize].finished = true;
        self.push(side, What::Reset, at, wake);
    }

    /// What `side` sends finds no socket: a reset comes back, or nothing while a link is cut or the machine gone.
    fn speak_to_nobody(&mut self, side: Side, at: &Moment<'_>) {
        let place = self.draw.at(side as u64).named("nobody").at(at.now);
        let there_and_back = [Side::Client, Side::Server].map(|way| {
            let place = place.at(way as u64);
            at.link_from(way).crossing(at.latency, at.tcp_timeout_ns, place)
        });
        let answers = self.ends[side.other() as usize].presence == Presence::Closed && at.both_ways_open();
        let end = &mut self.ends[side as usize];
        match there_and_back {
            [Crossing::After(there), Crossing::After(back)] if answers => {
                end.unacknowledged_since = None;
                let due = at.now.saturating_add(there).saturating_add(back);
                end.fate.get_or_insert((due, io::ErrorKind::ConnectionReset));
            }
            _ => {
                end.unacknowledged_since.get_or_insert(at.now);
            }
        }
    }

    fn mark_unacknowledged(&mut self, side: Side, at: &Moment<'_>, is_stuck: impl Fn(&Chunk) -> bool) {
        let oldest = self.flows[side as usize].chunks.iter().find(|chunk| is_stuck(chunk)).map(|chunk| chunk.sent_ns);
        let end = &mut self.ends[side as usize];
        if let Some(sent) = oldest {
            let since = end.unacknowledged_since.get_or_insert(sent.min(at.now));
            *since = (*since).min(sent);
        }
    }

    /// An end that waited too long for an acknowledgement is over: what it could not send never arrives.
    fn judge_timeout(&mut self, side: Side, at: &Moment<'_>) {
        let end = &mut self.ends[side as usize];
        let Some(since) = end.unacknowledged_since else { return };
        let due = since.saturating_add(at.tcp_timeout_ns);
        if due > at.now || end.fate.is_some() {
            return;
        }
        end.fate = Some((due, io::ErrorKind::TimedOut));
        end.unacknowledged_since = None;
        if end.presence == Presence::Open {
            // Its socket is gone: whoever sends to it later is reset.
            end.presence = Presence::Closed;
        }
        let flow = &mut self.flows[side as usize];
        flow.finished = true;
        let cut_since = at.link_from(side).cut_since();
        flow.chunks.retain(|chunk| chunk.due_ns <= at.now && cut_since.is_none_or(|since| chunk.due_ns <= since));
    }

    /// When the reader at `side` must look again without being woken.
    fn next_look(&self, side: Side, at: &Moment<'_>) -> Option<Nanos> {
        let end = &self.ends[side as usize];
        let is_cut = at.link_from(side.other()).cut_since().is_some();
        let front = self.flows[side.other() as usize].chunks.front().filter(|_| !is_cut).map(|chunk| chunk.due_ns);
        let timeout = end.unacknowledged_since.map(|since| since.saturating_add(at.tcp_timeout_ns));
        [front, end.fate.map(|(due, _)| due), timeout].into_iter().flatten().filter(|due| *due < Nanos::MAX).min()
    }

    fn wake_all(&mut self, wake: &mut Vec<Waker>) {
        for end in &mut self.ends {
            wake.extend(end.reader.take());
            wake.extend(end.writer.take());
        }
    }
}

/// Whether a chunk on its way to `side` has arrived: it is due, and was so before a cut that still lasts.
fn has_arrived(chunk: &Chunk, side: Side, at: &Moment<'_>) -> bool {
    let cut_since = at.link_from(side.other()).cut_since();
    chunk.due_ns <= at.now && cut_since.is_none_or(|since| chunk.due_ns <= since)
}
