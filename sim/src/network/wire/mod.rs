//! A connection as the network sees it: two ends, and in each direction the chunks that are under way.
//!
//! Pure: `(moment, what happens) -> what the program sees`. The bytes themselves ride in turmoil's stream; here is *when*
//! they arrive. Neighbours: `flow` (one direction), `ending` (how connections die), `fabric` (hosts and all wires), `stream`
//! (polls). Left out: bytes, and the tasks behind wakers.

mod ending;
mod flow;
mod moment;
#[cfg(test)]
mod tests;

pub use moment::{Moment, Side};

use flow::{Flow, What};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::io;
use std::task::Waker;

use super::link::Crossing;

/// Bytes under way or unread in one direction before its writer must wait: a receive buffer of Linux' default order.
pub const WINDOW_BYTES: usize = 256 << 10;

/// What a reader finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Up to so many bytes may be taken from the carrier.
    Data(usize),
    /// Something is there, but other tasks run first; look again at once.
    GiveWay,
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

/// How an end stands to its program and its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// The program holds the stream, and it works.
    Open,
    /// There is no socket any more; the machine answers with a reset.
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

    fn sealed(&self, now: Nanos) -> Option<io::ErrorKind> {
        self.fate.filter(|(due, _)| *due <= now).map(|(_, kind)| kind)
    }
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
        let flow = |from: Side| Flow::new(from, draw.at(from as u64));
        Wire { draw, ends: [End::new(), End::new()], flows: [flow(Side::Client), flow(Side::Server)] }
    }

    /// What the reader at `side` finds now.
    pub fn read(&mut self, side: Side, at: &Moment<'_>) -> Reading {
        self.judge_timeout(side, at);
        let flow = &mut self.flows[side.other() as usize];
        // An end or a reset stays in place: every later read finds the same.
        match flow.arrived(at) {
            Some(chunk) if flow.gives_way(&chunk) => return Reading::GiveWay,
            Some(chunk) => match chunk.what {
                What::Data(left) => return Reading::Data(flow.portion_to_read(&chunk, left)),
                What::Fin => return Reading::End,
                What::Reset => return Reading::Failed(io::ErrorKind::ConnectionReset),
            },
            None => {}
        }
        match self.ends[side as usize].sealed(at.now) {
            Some(kind) => Reading::Failed(kind),
            None => Reading::Wait(self.next_look(side, at)),
        }
    }

    /// The reader at `side` has taken so many bytes; wakes a writer that waits for the window.
    pub fn taken(&mut self, side: Side, bytes: usize, wake: &mut Vec<Waker>) {
        self.flows[side.other() as usize].taken(bytes);
        wake.extend(self.ends[side.other() as usize].writer.take());
    }

    /// What the writer at `side` may do with `bytes` bytes now.
    pub fn write(&mut self, side: Side, bytes: usize, at: &Moment<'_>) -> Writing {
        self.judge_timeout(side, at);
        if let Some(kind) = self.ends[side as usize].sealed(at.now) {
            return Writing::Failed(kind);
        }
        if self.flows[side as usize].finished {
            return Writing::Failed(io::ErrorKind::BrokenPipe);
        }
        if self.ends[side.other() as usize].presence != Presence::Open {
            self.speak_to_nobody(side, at);
            return Writing::IntoTheVoid;
        }
        let flow = &self.flows[side as usize];
        match WINDOW_BYTES.saturating_sub(flow.bytes) {
            0 => Writing::Wait,
            room => Writing::Send(flow.portion_to_send(bytes.min(room))),
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

    /// Remembers whom to wake when there is something to read at `side`.
    pub fn wake_reader(&mut self, side: Side, waker: &Waker) {
        self.ends[side as usize].reader = Some(waker.clone());
    }

    /// Remembers whom to wake when there is room to write at `side`.
    pub fn wake_writer(&mut self, side: Side, waker: &Waker) {
        self.ends[side as usize].writer = Some(waker.clone());
    }

    /// The link from `side`'s host has just been cut.
    pub fn link_cut(&mut self, side: Side, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        for sender in [side, side.other()] {
            // The other side's data still arrives; its acknowledgements do not come back.
            self.mark_unacknowledged(sender, at);
        }
        self.wake_all(wake);
    }

    /// The link from `side`'s host, cut since then, has just healed: what it held arrives after a latency of its own.
    pub fn link_healed(&mut self, side: Side, cut_since: Nanos, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        self.flows[side as usize].release(cut_since, at);
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

    fn push(&mut self, side: Side, what: What, at: &Moment<'_>, wake: &mut Vec<Waker>) {
        if self.flows[side as usize].push(what, at) == Crossing::Never {
            let gives_up = at.now.saturating_add(at.tcp_timeout_ns);
            self.ends[side as usize].fate.get_or_insert((gives_up, io::ErrorKind::TimedOut));
        }
        wake.extend(self.ends[side.other() as usize].reader.take());
    }

    /// When the reader at `side` must look again without being woken.
    fn next_look(&self, side: Side, at: &Moment<'_>) -> Option<Nanos> {
        let end = &self.ends[side as usize];
        let arrival = self.flows[side.other() as usize].next_due_ns(at);
        let timeout = end.unacknowledged_since.map(|since| since.saturating_add(at.tcp_timeout_ns));
        [arrival, end.fate.map(|(due, _)| due), timeout].into_iter().flatten().filter(|due| *due < Nanos::MAX).min()
    }

    fn wake_all(&mut self, wake: &mut Vec<Waker>) {
        for end in &mut self.ends {
            wake.extend(end.reader.take());
            wake.extend(end.writer.take());
        }
    }
}
