//! Which message arrived when: messages are matched by sender, receiver and content, over the whole run and not only over
//! what a story tells of it. Neighbours: `rows` (what a message says), `story.rs` (which ones are told).
//!
//! Of equal messages nobody can say which one arrived. The check has decided where it matters: what it names as evidence
//! stays with evidence, and whatever else arrives belongs to the first of the others.

use crate::event::{Body, Event, Kind, Name};
use std::collections::{BTreeMap, BTreeSet};

/// Sender, receiver and content: what equal messages share.
pub(crate) type Words = (Name, Name, u64);

/// What a message says and between whom; none for other events.
pub(crate) fn words(event: &Event) -> Option<Words> {
    match &event.body {
        Body::Message { from, to, digest, .. } => Some((from.clone(), to.clone(), *digest)),
        _ => None,
    }
}

/// Sendings and arrivals that belong together, by the numbers of their events.
pub(crate) struct Arrivals {
    of_sent: BTreeMap<u64, Arrival>,
    matched: BTreeSet<u64>,
}

/// One arrival.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    /// Number of its event.
    pub(crate) n: u64,
    /// When, in nanoseconds of plan time.
    pub(crate) t_ns: i64,
}

impl Arrivals {
    /// Matches all messages of a run.
    pub(crate) fn of(events: &[Event], evidence: &BTreeSet<u64>) -> Arrivals {
        let passed = events.iter().filter(|it| matches!(it.kind, Kind::Sent | Kind::Received));
        let mut messages: Vec<(Words, &Event)> = passed.filter_map(|it| Some((words(it)?, it))).collect();
        // Live, the receiver may be the first of the two to write: time decides, and at one time the sending is first.
        messages.sort_by_key(|(_, it)| (it.t_ns, it.kind == Kind::Received, it.n));
        let mut on_their_way: BTreeMap<Words, Vec<u64>> = BTreeMap::new();
        let mut arrivals = Arrivals { of_sent: BTreeMap::new(), matched: BTreeSet::new() };
        for (words, event) in messages {
            let waiting = on_their_way.entry(words).or_default();
            if event.kind == Kind::Sent {
                waiting.push(event.n);
                continue;
            }
            let is_named = evidence.contains(&event.n);
            let same_kind = waiting.iter().position(|sent| evidence.contains(sent) == is_named);
            if let Some(index) = same_kind.or((!waiting.is_empty()).then_some(0)) {
                arrivals.of_sent.insert(waiting.remove(index), Arrival { n: event.n, t_ns: event.t_ns });
                arrivals.matched.insert(event.n);
            }
        }
        arrivals
    }

    /// The arrival of a message that was sent, if there was one.
    pub(crate) fn of_sent(&self, n: u64) -> Option<Arrival> {
        self.of_sent.get(&n).copied()
    }

    /// Whether this arrival belongs to a sending.
    pub(crate) fn is_matched(&self, n: u64) -> bool {
        self.matched.contains(&n)
    }
}
