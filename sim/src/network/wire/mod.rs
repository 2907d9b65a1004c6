//! A connection: two ends, and in each direction the bytes that are under way, with the times at which they are due.
//!
//! Pure: `(moment, what happens) -> what the program sees`, and then for each end when it is to be looked at again. Invariants:
//! an end that is gone never comes back; whoever waits is told when, or something will happen on this wire before.
//! Neighbours: `flow` (one direction), `ending` (how connections die), `fabric` (hosts and all wires), `stream` (polls). Left
//! out: the clock, and the tasks behind wakers.

mod ending;
mod flow;
mod moment;
#[cfg(test)]
mod tests;

pub use flow::WINDOW_BYTES;
pub use moment::{Half, Manner, Moment, Side};

use flow::{Flow, What};
use rehearsal_loadgen::faults::link::Crossing;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::io;
use std::task::Waker;
use tokio::io::ReadBuf;

/// What a reader finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Bytes, in its buffer.
    Data,
    /// Something is there, but other tasks run first; look again at once.
    GiveWay,
    /// The other side writes no more.
    End,
    /// The connection is gone.
    Failed(io::ErrorKind),
    /// Nothing yet.
    Wait,
}

/// What comes of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// So many bytes are under way, or lost on the way to somebody who is gone, as on a real network.
    Sent(usize),
    /// The connection is gone, or its writing half is shut down.
    Failed(io::ErrorKind),
    /// The window is full.
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
    /// The reading and the writing half.
    waiting: [Waiting; 2],
}

impl End {
    fn new() -> End {
        End { presence: Presence::Open, fate: None, unacknowledged_since: None, waiting: Default::default() }
    }

    fn sealed(&self, now: Nanos) -> Option<io::ErrorKind> {
        self.fate.filter(|(due, _)| *due <= now).map(|(_, kind)| kind)
    }

    fn stir(&mut self) {
        self.waiting.iter_mut().for_each(Waiting::stir);
    }
}

/// A task that waits at an end, perhaps.
#[derive(Debug, Default)]
struct Waiting {
    waker: Option<Waker>,
    /// Something has changed that it must see at once.
    is_stirred: bool,
}

impl Waiting {
    fn begin(&mut self, waker: &Waker) {
        self.is_stirred = false;
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    fn stir(&mut self) {
        self.is_stirred = self.waker.is_some();
    }

    fn end(&mut self) -> Option<Waker> {
        self.is_stirred = false;
        self.waker.take()
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
    pub fn new(draw: Draw, manner: Manner) -> Wire {
        let flow = |from: Side| Flow::new(from, draw.at(from as u64), manner);
        Wire { draw, ends: [End::new(), End::new()], flows: Side::BOTH.map(flow) }
    }

    /// What the reader at `side` finds now.
    pub fn read(&mut self, side: Side, buffer: &mut ReadBuf<'_>, at: &Moment<'_>) -> Reading {
        self.judge_timeout(side, at);
        let flow = &mut self.flows[side.other() as usize];
        // An end or a reset stays in place: every later read finds the same.
        match flow.arrived(at) {
            Some(chunk) if flow.gives_way(&chunk) => return Reading::GiveWay,
            Some(chunk) => match chunk.what {
                What::Data(left) => {
                    flow.take(&chunk, left, buffer, at);
                    self.ends[side as usize].waiting[Half::Reading as usize].end();
                    return Reading::Data;
                }
                What::Fin => return Reading::End,
                What::Reset => return Reading::Failed(io::ErrorKind::ConnectionReset),
            },
            None => {}
        }
        self.ends[side as usize].sealed(at.now).map_or(Reading::Wait, Reading::Failed)
    }

    /// The writer at `side` writes: as much as fits.
    pub fn write(&mut self, side: Side, bytes: &[u8], at: &Moment<'_>) -> Writing {
        self.judge_timeout(side, at);
        if let Some(kind) = self.ends[side as usize].sealed(at.now) {
            // Linux tells whoever has been told the end before that the pipe is broken.
            let is_told = kind == io::ErrorKind::ConnectionReset && self.flows[side.other() as usize].has_ended(at);
            return Writing::Failed(if is_told { io::ErrorKind::BrokenPipe } else { kind });
        }
        if self.flows[side as usize].finished {
            return Writing::Failed(io::ErrorKind::BrokenPipe);
        }
        if self.flows[side.other() as usize].has_brought_a_reset(at) {
            return Writing::Failed(io::ErrorKind::ConnectionReset);
        }
        if bytes.is_empty() {
            return Writing::Sent(0);
        }
        if self.ends[side.other() as usize].presence != Presence::Open {
            self.speak_to_nobody(side, at);
            return Writing::Sent(bytes.len());
        }
        let Some((sent, crossing)) = self.flows[side as usize].send(bytes, at) else { return Writing::Wait };
        self.judge_crossing(side, crossing, at);
        if !at.both_ways_open() {
            self.ends[side as usize].unacknowledged_since.get_or_insert(at.now);
        }
        Writing::Sent(sent)
    }

    /// Remembers whom to wake when there is something new for a half of the end at `side`.
    pub fn wait(&mut self, side: Side, half: Half, waker: &Waker) {
        self.ends[side as usize].waiting[half as usize].begin(waker);
    }

    /// When whoever waits at a half of an end is to be woken, as far as that is known; none if nobody waits.
    pub fn next_look_ns(&self, side: Side, half: Half, at: &Moment<'_>) -> Option<Nanos> {
        let end = &self.ends[side as usize];
        let Waiting { waker: Some(_), is_stirred } = end.waiting[half as usize] else { return None };
        if is_stirred {
            return Some(at.now);
        }
        let progress = match half {
            Half::Reading => self.flows[side.other() as usize].next_due_ns(at),
            Half::Writing => self.flows[side as usize].next_room_ns(at),
        };
        let fate = end.fate.map_or(Nanos::MAX, |(due, _)| due);
        let timeout = end.unacknowledged_since.map_or(Nanos::MAX, |since| since.saturating_add(at.tcp_timeout_ns));
        let next = progress.unwrap_or(Nanos::MAX).min(fate).min(timeout);
        (next < Nanos::MAX).then_some(next)
    }

    /// Whether anybody waits at all.
    pub fn is_waited_at(&self) -> bool {
        self.ends.iter().any(|end| end.waiting.iter().any(|waiting| waiting.waker.is_some()))
    }

    /// Whoever waits at a half of the end at `side`: to be woken.
    pub fn take_waiting(&mut self, side: Side, half: Half) -> Option<Waker> {
        self.ends[side as usize].waiting[half as usize].end()
    }

    /// The link from `side`'s host has just been cut.
    pub fn link_cut(&mut self, side: Side, at: &Moment<'_>) {
        for sender in [side, side.other()] {
            // The other side's data still arrives; its acknowledgements do not come back.
            self.mark_unacknowledged(sender, at);
        }
        self.stir();
    }

    /// The link from `side`'s host, cut since then, has just healed: what it held arrives after a latency of its own.
    pub fn link_healed(&mut self, side: Side, cut_since: Nanos, at: &Moment<'_>) {
        self.flows[side as usize].release(cut_since, at);
        self.flows[side.other() as usize].release_acknowledgements(cut_since, at);
        if at.both_ways_open() {
            for side in Side::BOTH {
                self.judge_timeout(side, at);
                let waited = self.ends[side as usize].unacknowledged_since.take().is_some();
                if waited && self.ends[side.other() as usize].presence != Presence::Open {
                    self.speak_to_nobody(side, at);
                }
            }
        }
        self.stir();
    }

    fn push(&mut self, side: Side, what: What, at: &Moment<'_>) {
        let crossing = self.flows[side as usize].push(what, at);
        self.judge_crossing(side, crossing, at);
    }

    /// Whose packet never arrives waits for its acknowledgement in vain.
    fn judge_crossing(&mut self, side: Side, crossing: Crossing, at: &Moment<'_>) {
        if crossing == Crossing::Never {
            let gives_up = at.now.saturating_add(at.tcp_timeout_ns);
            self.ends[side as usize].fate.get_or_insert((gives_up, io::ErrorKind::TimedOut));
        }
    }

    fn stir(&mut self) {
        self.ends.iter_mut().for_each(End::stir);
    }
}
