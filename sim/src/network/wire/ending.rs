//! How a connection ends, as TCP on Linux does it: a close is read as an end, unread data or an abort makes it a reset, what
//! cannot be acknowledged for too long is `TimedOut`, and who sends to a socket that is gone is reset. Neighbours: `mod`.

use super::flow::What;
use super::{Moment, Presence, Side, Wire};
use rehearsal_loadgen::faults::link::Crossing;
use std::io;

impl Wire {
    /// The program at `side` writes no more.
    pub fn finish(&mut self, side: Side, at: &Moment<'_>) {
        let is_gone = self.ends[side as usize].sealed(at.now).is_some();
        if !is_gone && !std::mem::replace(&mut self.flows[side as usize].finished, true) {
            self.push(side, What::Fin, at);
        }
    }

    /// The program at `side` lets go. Unread data makes a reset of what would be a close, as on Linux.
    pub fn close(&mut self, side: Side, at: &Moment<'_>) {
        if self.ends[side as usize].presence != Presence::Open {
            return;
        }
        let unread =
            self.flows[side.other() as usize].arrived(at).is_some_and(|chunk| matches!(chunk.what, What::Data(_)));
        if unread {
            self.reset(side, at)
        } else {
            self.finish(side, at)
        }
        self.ends[side as usize].presence = Presence::Closed;
        let mut on_its_way = self.flows[side.other() as usize].chunks.iter().filter(|chunk| chunk.due_ns > at.now);
        if !unread && on_its_way.any(|chunk| matches!(chunk.what, What::Data(_))) {
            self.speak_to_nobody(side.other(), at);
        }
        self.ends[side.other() as usize].stir();
    }

    /// The program at `side` ends the connection so that the other sees a reset.
    pub fn abort(&mut self, side: Side, at: &Moment<'_>) {
        if self.ends[side as usize].presence == Presence::Open {
            self.reset(side, at);
            self.ends[side as usize].presence = Presence::Closed;
            self.ends[side.other() as usize].stir();
        }
    }

    /// The machine at `side` is gone: silence. What was under way still arrives.
    pub fn silence(&mut self, side: Side, at: &Moment<'_>) {
        self.ends[side as usize].presence = Presence::Silent;
        self.mark_unacknowledged(side.other(), at);
        self.stir();
    }

    /// A new machine has the place of the one that is gone at `side`: it answers retransmissions with a reset.
    pub fn replaced(&mut self, side: Side, at: &Moment<'_>) {
        if self.ends[side as usize].presence == Presence::Silent {
            self.ends[side as usize].presence = Presence::Closed;
            if self.ends[side.other() as usize].unacknowledged_since.is_some() {
                self.speak_to_nobody(side.other(), at);
            }
            self.stir();
        }
    }

    fn reset(&mut self, side: Side, at: &Moment<'_>) {
        self.flows[side as usize].finished = true;
        self.push(side, What::Reset, at);
    }

    /// What `side` sends finds no socket: a reset comes back, or nothing while a link is cut or the machine gone.
    pub(super) fn speak_to_nobody(&mut self, side: Side, at: &Moment<'_>) {
        let place = self.draw.at(side as u64).named("nobody").at(at.now);
        let there_and_back = Side::BOTH.map(|way| {
            let place = place.at(way as u64);
            at.link_from(way).crossing(at.now, 0, at.tcp_timeout_ns, place)
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

    /// What `side` has under way will not be acknowledged while a link is cut or a machine gone.
    pub(super) fn mark_unacknowledged(&mut self, side: Side, at: &Moment<'_>) {
        let under_way = self.flows[side as usize].chunks.iter().find(|chunk| chunk.due_ns > at.now);
        if let Some(sent_ns) = under_way.map(|chunk| chunk.sent_ns) {
            let since = self.ends[side as usize].unacknowledged_since.get_or_insert(sent_ns);
            *since = (*since).min(sent_ns);
        }
    }

    /// An end that waited too long for an acknowledgement is over: what it could not send never arrives.
    pub(super) fn judge_timeout(&mut self, side: Side, at: &Moment<'_>) {
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
        self.flows[side as usize].finished = true;
        self.flows[side as usize].drop_unsent(at);
    }
}
