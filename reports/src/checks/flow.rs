//! What is on its way between two peers: sent and not yet arrived, in the order of sending. Neighbour:
//! `messages_arrive_once_in_order_unchanged`, which judges what this finds.

use super::names::Id;
use crate::event::Event;
use hashbrown::HashTable;
use std::collections::{BTreeMap, VecDeque};
use xxhash_rust::xxh3::xxh3_64;

/// How many arrivals each flow remembers, to tell a second one from an invention.
const ARRIVALS_KEPT: usize = 32;
/// Flows without traffic for this long are forgotten.
const IDLE_FLOWS_KEPT_NS: i64 = 120_000_000_000;

/// A message that was sent and has not arrived.
#[derive(Clone, Debug)]
pub struct OnItsWay {
    /// The sender as the message names it.
    pub from: Id,
    /// The receiver.
    pub to: Id,
    /// Hash of the content.
    pub digest: u64,
    /// The event that sent it.
    pub n: u64,
    /// When.
    pub t_ns: i64,
    /// User and connection that sent it.
    pub sender: (Id, u32),
    /// User and connection that must receive it, if somebody must.
    pub receiver: Option<(Id, u32)>,
    /// Event, time, user and connection where a later message of the same sender arrived first.
    pub overtaken_by: Option<(u64, i64, (Id, u32))>,
    /// The server refused it.
    pub is_refused: bool,
    /// The same words, sent earlier, that an arrival was taken for: the arrival may as well have been this message, and
    /// then it is that one that never came.
    pub twin: Option<Box<OnItsWay>>,
}

/// How a message arrives.
pub enum Arrival {
    /// As it should.
    InOrder,
    /// After a later one, which arrived with that event.
    Late(OnItsWay, u64),
    /// It had arrived before, with that event.
    Again(u64),
    /// Nothing like it is on its way.
    NeverSent,
}

/// All flows, by sender and receiver.
#[derive(Default)]
pub struct Flows {
    table: HashTable<Flow>,
    crowded_at: usize,
    /// Refusals of which it is not known which message they are about, by user and connection.
    refusals: BTreeMap<(Id, u32), u32>,
}

struct Flow {
    key: u64,
    on_their_way: VecDeque<OnItsWay>,
    /// Digest and event of the newest arrivals; of what was given up, the event that sent it.
    arrived: VecDeque<(u64, u64, Was)>,
    last_ns: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Was {
    Received,
    GivenUp,
}

impl Flows {
    /// A message was sent. Returns those of the same flow that are older than this and still have not arrived.
    pub fn sent(&mut self, message: OnItsWay, settled_before_ns: i64) -> Vec<OnItsWay> {
        let now_ns = message.t_ns;
        self.forget_idle(now_ns);
        let flow = flow(&mut self.table, message.from, message.to);
        flow.last_ns = now_ns;
        let mut old = Vec::new();
        while let Some(front) = flow.on_their_way.front()
            && front.t_ns < settled_before_ns
        {
            flow.remember(front.digest, front.n, Was::GivenUp);
            old.extend(flow.on_their_way.pop_front());
        }
        flow.on_their_way.push_back(message);
        old
    }

    /// A message arrived at this user and connection.
    pub fn arrived(&mut self, from: Id, to: Id, digest: u64, at: (Id, u32), event: &Event) -> Arrival {
        let flow = flow(&mut self.table, from, to);
        flow.last_ns = event.t_ns;
        let same = |message: &OnItsWay| message.digest == digest;
        if let Some(index) = flow.first_in_order(same, at) {
            flow.overtake(index, (event.n, event.t_ns, at));
            if let Some(taken) = flow.take(index, &mut self.refusals)
                && let Some(twin) = flow.on_their_way.iter_mut().skip(index).find(|message| same(message))
            {
                twin.twin = Some(Box::new(taken));
            }
            flow.remember(digest, event.n, Was::Received);
            return Arrival::InOrder;
        }
        if let Some(index) = flow.on_their_way.iter().position(same)
            && let Some(late) = flow.take(index, &mut self.refusals)
        {
            flow.remember(digest, event.n, Was::Received);
            let newer = late.overtaken_by.map_or(late.n, |(n, _, _)| n);
            return Arrival::Late(late, newer);
        }
        match flow.arrived.iter().position(|(before, _, _)| *before == digest) {
            Some(index) if flow.arrived[index].2 == Was::GivenUp => {
                flow.arrived[index] = (digest, event.n, Was::Received);
                Arrival::InOrder
            }
            Some(index) => Arrival::Again(flow.arrived[index].1),
            None => Arrival::NeverSent,
        }
    }

    /// The server refused something that was sent over this connection: a message from and to these, if that is known.
    pub fn refused(&mut self, from: Option<Id>, to: Option<Id>, sender: (Id, u32)) {
        let is_it = |message: &&mut OnItsWay| message.sender == sender && !message.is_refused;
        let meant = match (from, to) {
            (Some(from), Some(to)) => flow(&mut self.table, from, to).on_their_way.iter_mut().find(is_it),
            _ => None,
        };
        match meant {
            Some(message) => message.is_refused = true,
            None => *self.refusals.entry(sender).or_default() += 1,
        }
    }

    /// Takes a refusal of this connection that is about no known message, if there is one.
    pub fn takes_refusal(&mut self, sender: (Id, u32)) -> bool {
        let Some(count) = self.refusals.get_mut(&sender).filter(|count| **count > 0) else { return false };
        *count -= 1;
        true
    }

    /// A user connects anew: what was refused over its older connections needs no explanation any more.
    pub fn connected(&mut self, user: Id) {
        self.refusals.retain(|(refused, _), _| *refused != user);
    }

    /// Everything that has not arrived, in no order.
    pub fn take_all(&mut self) -> Vec<OnItsWay> {
        self.table.drain().flat_map(|flow| flow.on_their_way).collect()
    }

    /// Each time that the number of flows has doubled, those are forgotten that are empty and idle.
    fn forget_idle(&mut self, now_ns: i64) {
        if self.table.len() > self.crowded_at {
            self.table.retain(|flow| {
                !flow.on_their_way.is_empty() || now_ns.saturating_sub(flow.last_ns) < IDLE_FLOWS_KEPT_NS
            });
            self.crowded_at = self.table.len() * 2 + 1_024;
        }
    }
}

fn flow(table: &mut HashTable<Flow>, from: Id, to: Id) -> &mut Flow {
    let key = u64::from(from.0) << 32 | u64::from(to.0);
    let entry = table.entry(hash(key), |flow| flow.key == key, |flow| hash(flow.key));
    entry
        .or_insert_with(|| Flow { key, on_their_way: VecDeque::new(), arrived: VecDeque::new(), last_ns: i64::MIN })
        .into_mut()
}

impl Flow {
    /// The message that an arrival is, unless a later one has overtaken it. Whoever reconnects says some things again: what
    /// went over the newest connection comes first, since what an older one carried may be lost with it.
    fn first_in_order(&self, is_same: impl Fn(&OnItsWay) -> bool, at: (Id, u32)) -> Option<usize> {
        let mut first: Option<(usize, u32)> = None;
        for (index, message) in self.on_their_way.iter().enumerate() {
            let is_overtaken = message.overtaken_by.is_some_and(|(_, _, link)| link == at);
            let conn = message.sender.1;
            if is_same(message) && !is_overtaken && first.is_none_or(|(_, newest)| conn > newest) {
                first = Some((index, conn));
            }
        }
        first.map(|(index, _)| index)
    }

    fn overtake(&mut self, index: usize, by: (u64, i64, (Id, u32))) {
        let sender = self.on_their_way[index].sender;
        for earlier in self.on_their_way.iter_mut().take(index).filter(|earlier| earlier.sender == sender) {
            earlier.overtaken_by.get_or_insert(by);
            if let Some(twin) = &mut earlier.twin {
                twin.overtaken_by.get_or_insert(by);
            }
        }
    }

    /// Takes a message out because it arrived. If it was thought to be refused, the refusal was about a later one of this
    /// flow, or about something else that its connection sent.
    fn take(&mut self, index: usize, refusals: &mut BTreeMap<(Id, u32), u32>) -> Option<OnItsWay> {
        let taken = self.on_their_way.remove(index)?;
        if taken.is_refused {
            let is_next = |message: &&mut OnItsWay| message.sender == taken.sender && !message.is_refused;
            match self.on_their_way.iter_mut().skip(index).find(is_next) {
                Some(next) => next.is_refused = true,
                None => *refusals.entry(taken.sender).or_default() += 1,
            }
        }
        Some(taken)
    }

    fn remember(&mut self, digest: u64, n: u64, was: Was) {
        if self.arrived.len() >= ARRIVALS_KEPT {
            self.arrived.pop_front();
        }
        self.arrived.push_back((digest, n, was));
    }
}

fn hash(key: u64) -> u64 {
    xxh3_64(&key.to_le_bytes())
}
