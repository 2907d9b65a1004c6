//! The calls of one object while a run goes on, and what the search says of them in the end.

use super::super::cast::{Cast, Link};
use super::super::findings::{Findings, seconds, users};
use super::super::names::Id;
use crate::event::Name;
use crate::linearizable::{Model, Moment, Order, Span, Steps, counterexample, order};
use crate::verdict::Evidence;

/// Steps of one search: far more than any run needs that can be explained.
const STEPS: u64 = 2_000_000;

/// By then the news that a server dropped a connection has reached its user.
const NEWS_NS: i64 = 1_000_000_000;

/// Since when a connection may be gone for the server that has ended for its user now: since it was last answered over, if a
/// fault may have kept the news back.
pub fn gone_since_ns(user: Id, link: &Link, now_ns: i64, cast: &Cast) -> i64 {
    let proven_ns = link.proven_ns.max(link.opened_ns);
    if cast.is_in_doubt(user, link, now_ns) { proven_ns } else { proven_ns.max(now_ns.saturating_sub(NEWS_NS)) }
}

/// A model whose calls can be told.
pub trait Told: Model {
    /// The call in a few words, such as `said busy`.
    fn words(call: &Self::Call, cast: &Cast) -> String;
}

/// The calls of one object.
pub struct Calls<M: Model> {
    spans: Vec<Option<Span<M::Call>>>,
    /// Who called, and the events that show it.
    notes: Vec<(Id, [u64; 2])>,
}

impl<M: Model> Default for Calls<M> {
    fn default() -> Self {
        Calls { spans: Vec::new(), notes: Vec::new() }
    }
}

impl<M: Told> Calls<M> {
    /// Another call, that nobody knows the end of so far. Returns its number.
    pub fn begin(&mut self, by: Id, call: M::Call, began: Moment) -> usize {
        self.spans.push(Some(Span { call, began, ended: None }));
        self.notes.push((by, [began.1, began.1]));
        self.spans.len() - 1
    }

    /// A call of which all is known.
    pub fn push(&mut self, by: Id, call: M::Call, began: Moment, ended: Moment) {
        let index = self.begin(by, call, began);
        self.end(index, ended);
    }

    /// It has happened by now.
    pub fn end(&mut self, index: usize, ended: Moment) {
        if let Some(span) = &mut self.spans[index] {
            span.ended = Some(ended);
            self.notes[index].1[1] = ended.1;
        }
    }

    /// It had no effect.
    pub fn remove(&mut self, index: usize) {
        self.spans[index] = None;
    }

    /// It may only have happened in this time, shown by no event of its own.
    pub fn limit(&mut self, index: usize, began_ns: i64, ended_ns: Option<i64>) {
        if let Some(span) = &mut self.spans[index] {
            span.began = (began_ns, 0);
            span.ended = ended_ns.map(|ended_ns| (ended_ns, u64::MAX));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Searches for their order; `what` names the object.
    pub fn judge(self, initial: &M::State, what: impl Fn() -> String, cast: &Cast, findings: &mut Findings) {
        let Calls { spans, notes } = self;
        let (spans, notes): (Vec<Span<M::Call>>, Vec<_>) =
            spans.into_iter().zip(notes).filter_map(|(span, note)| Some((span?, note))).unzip();
        let initial = std::slice::from_ref(initial);
        // What may never have happened is not judged, it only explains.
        let judged = spans.iter().filter(|span| span.ended.is_some());
        match order::<M>(initial, &spans, &mut Steps::new(STEPS)) {
            Order::GivenUp => findings.doubt(|| {
                format!(
                    "the search for an order of {} operations on {} was given up after {STEPS} steps",
                    spans.len(),
                    what()
                )
            }),
            Order::Found => judged.for_each(|_| findings.judge()),
            Order::None { at } => {
                judged.for_each(|_| findings.judge());
                let few = counterexample::shrink::<M>(initial, &spans, at);
                findings.broken(evidence::<M>(&spans, &notes, (&few, at), &what(), cast));
            }
        }
    }
}

fn evidence<M: Told>(
    spans: &[Span<M::Call>],
    notes: &[(Id, [u64; 2])],
    (few, at): (&[usize], usize),
    what: &str,
    cast: &Cast,
) -> Evidence {
    let told = |index: &usize| {
        let Span { call, began, ended } = &spans[*index];
        let when = match ended {
            Some(ended) if ended.0 != began.0 => format!("{} to {}", seconds(began.0), seconds(ended.0)),
            Some(_) => seconds(began.0),
            None => format!("from {} on", seconds(began.0)),
        };
        format!("{} {} ({when})", cast.name(notes[*index].0), M::words(call, cast))
    };
    let sentences: Vec<String> = few.iter().map(told).collect();
    let names: Vec<&Name> = few.iter().map(|index| cast.name(notes[*index].0)).collect();
    // The event that breaks it comes last.
    let mut events: Vec<u64> = few.iter().filter(|index| **index != at).flat_map(|index| notes[*index].1).collect();
    events.sort_unstable();
    events.extend(notes[at].1);
    let mut seen = Vec::new();
    events.retain(|n| {
        !seen.contains(n) && {
            seen.push(*n);
            true
        }
    });
    let until_ns = spans[at].ended.map_or(spans[at].began.0, |ended| ended.0);
    Evidence {
        sentence: format!("no order of these explains {what}: {}", sentences.join("; ")),
        from_ns: few.iter().map(|index| spans[*index].began.0).min().unwrap_or(until_ns).min(until_ns),
        until_ns,
        users: users(names),
        events,
    }
}
