//! Time to the last recipient: one sender sends the same content to several receivers, and what counts is when the last of
//! them has it. Such a fan-out ends when nothing of it was sent or arrived for a second, or when a receiver is sent the same
//! content again. One of which something never arrives has no such time. Neighbours: `deliveries` (each receiver by itself).

use super::deliveries::{Delivery, WAITED_NS};
use crate::checks::names::Id;
use crate::event::{Event, Kind};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::collections::VecDeque;
use xxhash_rust::xxh3::xxh3_64;

/// After this much silence nothing more belongs to a fan-out, in nanoseconds of plan time.
const SILENCE_NS: i64 = 1_000_000_000;

/// Fan-outs that go on.
#[derive(Default)]
pub struct FanOuts {
    open: HashTable<Open>,
    /// When to look at each of them, in order.
    looks: VecDeque<(i64, u64, u64)>,
    ended: Vec<FanOut>,
}

/// A fan-out that reached its last recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FanOut {
    /// Its first message.
    pub first: Delivery,
    /// When the last recipient had it, in nanoseconds of plan time.
    pub last_ns: i64,
}

struct Open {
    key: u64,
    n: u64,
    first: Delivery,
    last_ns: i64,
    touched_ns: i64,
    receivers: Vec<(Id, Arrival)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Awaited,
    Seen,
}

impl FanOuts {
    /// Takes a message that left or arrived into account.
    pub fn observe(&mut self, event: &Event, from: Id, to: Id, digest: u64) {
        let key = key(from, digest);
        match event.kind {
            Kind::Sent => {
                self.look(event.t_ns);
                self.sent(event, to, key);
            }
            _ => self.arrived(event.t_ns, to, key),
        }
    }

    /// Those that ended since the last call.
    pub fn drain(&mut self) -> std::vec::Drain<'_, FanOut> {
        self.ended.drain(..)
    }

    /// The record has ended: so have all that are complete.
    pub fn finish(&mut self) -> std::vec::Drain<'_, FanOut> {
        let mut open: Vec<Open> = self.open.drain().collect();
        open.sort_unstable_by_key(|it| it.n);
        self.ended.extend(open.iter().filter_map(Open::end));
        self.drain()
    }

    fn sent(&mut self, event: &Event, to: Id, key: u64) {
        let first = Delivery { planned_ns: event.planned_ns, sent_ns: event.t_ns };
        let fresh = |receivers| Open { key, n: event.n, first, last_ns: event.t_ns, touched_ns: event.t_ns, receivers };
        match self.open.entry(key, |open| open.key == key, |open| open.key) {
            Entry::Occupied(mut entry) => {
                let open = entry.get_mut();
                if open.receivers.iter().all(|(receiver, _)| *receiver != to) {
                    open.touched_ns = event.t_ns;
                    open.receivers.push((to, Arrival::Awaited));
                    return;
                }
                self.ended.extend(open.end());
                *open = fresh(vec![(to, Arrival::Awaited)]);
            }
            Entry::Vacant(entry) => {
                entry.insert(fresh(vec![(to, Arrival::Awaited)]));
            }
        }
        self.looks.push_back((event.t_ns.saturating_add(SILENCE_NS), event.n, key));
    }

    fn arrived(&mut self, t_ns: i64, to: Id, key: u64) {
        let Some(open) = self.open.find_mut(key, |open| open.key == key) else { return };
        let awaited =
            open.receivers.iter_mut().find(|(receiver, arrival)| *receiver == to && *arrival == Arrival::Awaited);
        if let Some((_, arrival)) = awaited {
            *arrival = Arrival::Seen;
            (open.last_ns, open.touched_ns) = (t_ns, t_ns);
        }
    }

    /// Ends what was silent for long enough.
    fn look(&mut self, now_ns: i64) {
        // Each is looked at once: what is put back is due now again where time has come to its end, as broken records have it.
        for _ in 0..self.looks.len() {
            let Some((_, n, key)) = self.looks.pop_front_if(|(due_ns, ..)| *due_ns <= now_ns) else { return };
            let Ok(entry) = self.open.find_entry(key, |open| open.key == key && open.n == n) else { continue };
            let open = entry.get();
            let is_silent = now_ns.saturating_sub(open.touched_ns) >= SILENCE_NS;
            let is_waited_for = !open.is_complete() && now_ns.saturating_sub(open.first.sent_ns) <= WAITED_NS;
            if is_silent && !is_waited_for {
                self.ended.extend(entry.remove().0.end());
            } else {
                self.looks.push_back((now_ns.saturating_add(SILENCE_NS), n, key));
            }
        }
    }
}

impl Open {
    fn is_complete(&self) -> bool {
        self.receivers.iter().all(|(_, arrival)| *arrival == Arrival::Seen)
    }

    /// What to report, if it was a fan-out at all and everybody has it.
    fn end(&self) -> Option<FanOut> {
        let is_whole = self.receivers.len() > 1 && self.is_complete();
        is_whole.then_some(FanOut { first: self.first, last_ns: self.last_ns })
    }
}

fn key(from: Id, digest: u64) -> u64 {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&from.0.to_le_bytes());
    bytes[4..].copy_from_slice(&digest.to_le_bytes());
    xxh3_64(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, JobMessage, Name};

    const MS: i64 = 1_000_000;
    const SENDER: Id = Id(0);

    #[derive(Default)]
    struct Run {
        fan_outs: FanOuts,
        n: u64,
    }

    impl Run {
        fn put(&mut self, t_ms: i64, kind: Kind, to: u32, digest: u64) {
            self.put_ns(t_ms * MS, kind, to, digest);
        }

        fn put_ns(&mut self, t_ns: i64, kind: Kind, to: u32, digest: u64) {
            let none: Option<JobMessage> = None;
            let (from, name) = (Name::from("a"), Name::from("b"));
            let body = Body::Message { kind: "peer_message".into(), from, to: name, digest, bytes: 2, job: none };
            let planned_ns = (kind == Kind::Sent).then_some(t_ns - MS);
            let (n, user) = (self.n, "a".into());
            self.n += 1;
            let event = Event {
                n,
                t_ns,
                process: 0,
                user,
                conn: 1,
                kind,
                op: "".into(),
                op_id: None,
                planned_ns,
                said: Default::default(),
                content: Default::default(),
                body,
            };
            self.fan_outs.observe(&event, SENDER, Id(to), digest);
        }

        fn ended(&mut self) -> Vec<(i64, i64)> {
            let span = |it: FanOut| (it.first.planned_ns.unwrap() / MS, it.last_ns / MS);
            self.fan_outs.drain().map(span).collect()
        }
    }

    #[test]
    fn a_fan_out_lasts_until_its_last_recipient_and_ends_when_it_falls_silent() {
        let mut run = Run::default();
        for to in 1..=3 {
            run.put(10 + i64::from(to), Kind::Sent, to, 7);
        }
        for (t_ms, to) in [(12, 1), (90, 3), (40, 2)] {
            run.put(t_ms, Kind::Received, to, 7);
        }
        run.put(1_030, Kind::Sent, 1, 8);
        assert_eq!(run.ended(), [], "not silent for a second");
        run.put(2_100, Kind::Sent, 1, 9);
        assert_eq!(run.ended(), [(10, 40)]);
    }

    #[test]
    fn the_same_content_to_the_same_receiver_begins_another_one() {
        let mut run = Run::default();
        for round in [0, 100] {
            (1..=2).for_each(|to| run.put(round, Kind::Sent, to, 7));
            (1..=2).for_each(|to| run.put(round + 5, Kind::Received, to, 7));
        }
        assert_eq!(run.ended(), [(-1, 5)]);
        let last: Vec<_> = run.fan_outs.finish().map(|it| it.last_ns / MS).collect();
        assert_eq!(last, [105]);
    }

    #[test]
    fn a_record_whose_time_has_come_to_its_end_is_read_to_its_end() {
        let mut run = Run::default();
        (1..=3).for_each(|to| run.put_ns(i64::MAX, Kind::Sent, to, u64::from(to)));
        assert_eq!(run.fan_outs.looks.len(), 3);
        assert_eq!(run.fan_outs.finish().count(), 0);
    }

    #[test]
    fn one_receiver_is_no_fan_out_and_one_that_nobody_reached_has_no_time() {
        let mut run = Run::default();
        run.put(0, Kind::Sent, 1, 7);
        run.put(1, Kind::Received, 1, 7);
        (1..=2).for_each(|to| run.put(0, Kind::Sent, to, 8));
        run.put(3, Kind::Received, 1, 8);
        run.put(70_000, Kind::Sent, 1, 9);
        assert_eq!(run.ended(), []);
        assert_eq!(run.fan_outs.open.len(), 1, "what never arrives is forgotten");
        assert_eq!(run.fan_outs.finish().count(), 0);
    }
}
