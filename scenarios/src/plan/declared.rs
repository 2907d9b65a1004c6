//! Checks that a scenario declares: a rule over events that match patterns, grouped by a key. Neighbours: `judging` holds
//! them, `language::declared` reads them, `reports` folds them over the events of a run. Left out: matching.

use crate::distribution::Nanos;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A check that the scenario declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeclaredCheck {
    /// Its name; none of the checks that come with the program has it.
    pub name: String,
    /// The property as a sentence.
    pub about: String,
    /// Captures that tell apart what is judged by itself; everything is judged together if empty.
    pub by: Vec<String>,
    /// What must hold within each group.
    pub rule: Rule,
}

/// What must hold within each group of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Spans from an opening to a closing event never overlap.
    Exclusive(Span),
    /// What is asked is answered.
    Answered {
        /// What asks.
        from: EventPattern,
        /// What answers.
        to: Vec<EventPattern>,
        /// Until when; before the run ends if absent.
        within_ns: Option<Nanos>,
        /// What makes an answer needless.
        unless: Vec<EventPattern>,
    },
    /// It is seen once or not at all.
    AtMostOnce(EventPattern),
    /// No event comes before one of the pattern in front of it.
    Ordered(Vec<EventPattern>),
    /// It is not seen.
    Never {
        /// What.
        what: EventPattern,
        /// Only while such a span is open; always if absent.
        during: Option<Span>,
    },
    /// It is seen in at least one of the seeds that are played.
    Sometimes {
        /// What.
        what: EventPattern,
        /// Only while such a span is open; always if absent.
        during: Option<Span>,
        /// How often in one group.
        times: u64,
        /// The capture that must differ each time.
        different: Option<String>,
    },
}

/// From an opening to a closing event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// What opens it.
    pub from: EventPattern,
    /// What closes it, if all that both capture is equal.
    pub to: Vec<EventPattern>,
}

/// Which events match, and what is kept of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventPattern {
    /// What happened.
    pub event: Occurrence,
    /// The operation or kind of work; any if absent.
    pub op: Option<String>,
    /// The group of the user; any if absent.
    pub group: Option<String>,
    /// The user.
    pub user: Option<Term>,
    /// The peer id that the user was registered as.
    pub peer: Option<Term>,
    /// The room that the user was registered in.
    pub room: Option<Term>,
    /// What the message says, or else its payload.
    pub message: Vec<Place>,
    /// What the event tells besides.
    pub with: Vec<Place>,
}

/// What happened: the words of a record, and the end of a user's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occurrence {
    /// A message left, whether or not it is an operation.
    Sent,
    /// A message arrived, whether or not it ends an operation.
    Received,
    /// An operation starts.
    Invoked,
    /// It succeeded.
    Ok,
    /// It certainly had no effect.
    Failed,
    /// Nobody can say.
    Unknown,
    /// A connection was opened.
    Opened,
    /// A connection ended.
    Closed,
    /// Work began.
    Began,
    /// Work ended.
    Ended,
    /// A fault began or ended.
    Fault,
    /// The user's host was killed or lost.
    Died,
}

/// A place in a message or an event, and what must stand there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// As a JSON pointer.
    pub pointer: String,
    /// What must stand there.
    pub term: Term,
}

/// What must stand somewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// This value.
    Is(Value),
    /// Any string, number or flag, which is kept under this name; the same one wherever the name stands.
    Capture(String),
}

impl Span {
    fn patterns(&self) -> impl Iterator<Item = &EventPattern> {
        std::iter::once(&self.from).chain(&self.to)
    }
}

impl EventPattern {
    /// Names of what it captures.
    pub fn captures(&self) -> Vec<&str> {
        let own = [&self.user, &self.peer, &self.room].into_iter().flatten();
        let said = self.message.iter().chain(&self.with).map(|place| &place.term);
        let captured = own.chain(said).filter_map(|term| match term {
            Term::Capture(name) => Some(name.as_str()),
            Term::Is(_) => None,
        });
        captured.collect()
    }
}

impl DeclaredCheck {
    /// All patterns of the rule.
    pub fn patterns(&self) -> Vec<&EventPattern> {
        match &self.rule {
            Rule::Exclusive(span) => span.patterns().collect(),
            Rule::Answered { from, to, unless, .. } => std::iter::once(from).chain(to).chain(unless).collect(),
            Rule::AtMostOnce(what) => vec![what],
            Rule::Ordered(steps) => steps.iter().collect(),
            Rule::Never { what, during } | Rule::Sometimes { what, during, .. } => {
                std::iter::once(what).chain(during.iter().flat_map(Span::patterns)).collect()
            }
        }
    }

    /// Whether it must be seen over all seeds, rather than hold in each.
    pub fn is_sometimes(&self) -> bool {
        matches!(self.rule, Rule::Sometimes { .. })
    }
}

/// What a message carries for its receiver: a pattern that does not fit the message may fit this part of it.
pub const PAYLOAD: &str = "/payload";

/// Where messages are looked into by any of these checks, as JSON pointers: what stands there is kept in the record.
pub fn watched(checks: &[DeclaredCheck]) -> Vec<String> {
    let patterns = || checks.iter().flat_map(DeclaredCheck::patterns);
    let is_message = |pattern: &&EventPattern| matches!(pattern.event, Occurrence::Sent | Occurrence::Received);
    let places = patterns().flat_map(|pattern| &pattern.message);
    let places = places.flat_map(|place| [place.pointer.clone(), format!("{PAYLOAD}{}", place.pointer)]);
    // Answers to operations are told from other events by what is kept of them.
    let kind = patterns().find(is_message).map(|_| "/type".to_owned());
    places.chain(kind).collect::<BTreeSet<_>>().into_iter().collect()
}
