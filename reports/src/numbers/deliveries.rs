//! How long relayed messages took from one user to another. Nobody acknowledges them, but both ends write them down: a message
//! that arrives is matched with the oldest one of the same sender, receiver and content. Neighbours: `fan_outs` (until the
//! last of several receivers has it).

use crate::checks::names::Id;
use crate::event::{Event, Kind};
use hashbrown::HashTable;
use std::collections::VecDeque;
use xxhash_rust::xxh3::xxh3_64;

/// A message that has not arrived by then is not waited for.
pub const WAITED_NS: i64 = 60_000_000_000;

/// Messages on their way.
#[derive(Default)]
pub struct Deliveries {
    on_their_way: HashTable<Sent>,
    /// The same in the order of sending, to forget what never arrives.
    order: VecDeque<(i64, u64, u64)>,
}

struct Sent {
    key: u64,
    n: u64,
    delivery: Delivery,
}

/// A message whose sending is known, in nanoseconds of plan time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When its sender had planned it, if it had.
    pub planned_ns: Option<i64>,
    /// When it was sent.
    pub sent_ns: i64,
}

impl Deliveries {
    /// Takes a message that left or arrived into account. Returns one that arrives.
    pub fn observe(&mut self, event: &Event, from: Id, to: Id, digest: u64) -> Option<Delivery> {
        let key = key(from, to, digest);
        if event.kind == Kind::Sent {
            self.forget(event.t_ns);
            // Of two equal messages on their way the first one counts, and the second is not measured.
            if self.on_their_way.find(key, |sent| sent.key == key).is_none() {
                let delivery = Delivery { planned_ns: event.planned_ns, sent_ns: event.t_ns };
                self.on_their_way.insert_unique(key, Sent { key, n: event.n, delivery }, |sent| sent.key);
                self.order.push_back((event.t_ns, event.n, key));
            }
            return None;
        }
        let entry = self.on_their_way.find_entry(key, |sent| sent.key == key).ok()?;
        Some(entry.remove().0.delivery)
    }

    fn forget(&mut self, now_ns: i64) {
        while let Some((t_ns, n, key)) = self.order.front().copied()
            && now_ns.saturating_sub(t_ns) > WAITED_NS
        {
            self.order.pop_front();
            if let Ok(entry) = self.on_their_way.find_entry(key, |sent| sent.key == key && sent.n == n) {
                entry.remove();
            }
        }
    }
}

fn key(from: Id, to: Id, digest: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&from.0.to_le_bytes());
    bytes[4..8].copy_from_slice(&to.0.to_le_bytes());
    bytes[8..].copy_from_slice(&digest.to_le_bytes());
    xxh3_64(&bytes)
}
