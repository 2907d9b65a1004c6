//! Which events match a pattern, and what they capture. A capture that stands twice must be the same both times; captures
//! are compared as text, so that a server may write `5` or `"5"`.
//!
//! `user`, `peer` and `room` can be grouped by without being captured: they are whoever wrote the event, as whom and where
//! it was registered. A fault is nobody's, so it belongs to every group.

use super::super::cast::Cast;
use super::super::faults::HostFate;
use super::super::findings::seconds;
use super::super::moment::{Act, Moment};
use super::super::names::Id;
use crate::event::{Body, Closer, Event, Kind, Name};
use rehearsal_scenarios::plan::{EventPattern, Occurrence, PAYLOAD, Place, Term};
use serde_json::Value;

/// A pattern, ready to match.
pub(super) struct Matcher {
    pattern: EventPattern,
    /// What events are grouped by, and what else of their own is kept.
    keys: Vec<String>,
}

/// An event that matches.
#[derive(Clone, Debug)]
pub(super) struct Match {
    /// Captures by name; those that events are grouped by come first, in their order, where the event has them.
    pub captures: Vec<(String, Name)>,
    /// Who wrote it.
    pub user: Id,
    /// The event.
    pub n: u64,
    /// When.
    pub t_ns: i64,
    what: String,
}

impl Matcher {
    pub fn new(pattern: &EventPattern, by: &[String]) -> Matcher {
        Matcher { pattern: pattern.clone(), keys: by.to_vec() }
    }

    /// Keeps another of the names that every event has.
    pub fn keeping(mut self, name: Option<&str>) -> Matcher {
        self.keys.extend(name.map(str::to_owned));
        self
    }

    pub fn all(patterns: &[EventPattern], by: &[String]) -> Vec<Matcher> {
        patterns.iter().map(|pattern| Matcher::new(pattern, by)).collect()
    }

    /// Whether the event is of the pattern's kind and operation, whatever it tells.
    pub fn is_candidate(&self, moment: &Moment<'_>) -> bool {
        let event = moment.event;
        let has_message = !event.said.is_empty();
        let is_kind = match self.pattern.event {
            Occurrence::Sent => event.kind == Kind::Sent || event.kind == Kind::Invoked && has_message,
            Occurrence::Received => {
                event.kind == Kind::Received || matches!(event.kind, Kind::Ok | Kind::Failed) && has_message
            }
            Occurrence::Invoked => event.kind == Kind::Invoked,
            Occurrence::Ok => event.kind == Kind::Ok,
            Occurrence::Failed => event.kind == Kind::Failed,
            Occurrence::Unknown => event.kind == Kind::Unknown,
            Occurrence::Opened => event.kind == Kind::Opened,
            Occurrence::Closed => event.kind == Kind::Closed,
            Occurrence::Began => event.kind == Kind::Began,
            Occurrence::Ended => event.kind == Kind::Ended,
            Occurrence::Fault => event.kind == Kind::Fault,
            Occurrence::Died => matches!(event.kind, Kind::Fault | Kind::Closed),
        };
        is_kind && self.pattern.op.as_ref().is_none_or(|op| **op == *event.op)
    }

    /// The event, once for each user that it is about: a machine that dies takes several along.
    pub fn matches(&self, moment: &Moment<'_>, cast: &Cast) -> Vec<Match> {
        if !self.is_candidate(moment) {
            return Vec::new();
        }
        if self.pattern.event != Occurrence::Died {
            return self.of_user(moment, cast, moment.user).into_iter().collect();
        }
        match (&moment.act, &moment.event.body) {
            (Act::Fault { fate: HostFate::Down, users }, _) => {
                users.iter().filter_map(|user| self.of_user(moment, cast, *user)).collect()
            }
            (Act::Closed { .. }, Body::Closed { by: Closer::Fault, .. }) => {
                self.of_user(moment, cast, moment.user).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn of_user(&self, moment: &Moment<'_>, cast: &Cast, user: Id) -> Option<Match> {
        let (event, pattern) = (moment.event, &self.pattern);
        let own = Own::of(event, cast, user, pattern.event);
        let group = |user: &str| user.rsplit_once('-').map_or(user.to_owned(), |(group, _)| group.to_owned());
        if pattern.group.as_ref().is_some_and(|wanted| group(cast.name(user)) != *wanted) {
            return None;
        }
        let mut captures = Vec::new();
        for (term, found) in [(&pattern.user, &own.user), (&pattern.peer, &own.peer), (&pattern.room, &own.room)] {
            if let Some(term) = term
                && !fits(term, &found.as_deref()?.into(), &mut captures)
            {
                return None;
            }
        }
        if !["", PAYLOAD].iter().any(|part| says(event, part, &pattern.message, &mut captures)) {
            return None;
        }
        if !pattern.with.is_empty() {
            let body = serde_json::to_value(&event.body).ok()?;
            for Place { pointer, term } in &pattern.with {
                if !fits(term, body.pointer(pointer)?, &mut captures) {
                    return None;
                }
            }
        }
        Some(self.matched(event, cast, user, own, captures))
    }

    fn matched(&self, event: &Event, cast: &Cast, user: Id, own: Own, mut captures: Vec<(String, Name)>) -> Match {
        let what = words(event, cast.name(user), &captures, cast);
        let mut grouped = Vec::new();
        for name in &self.keys {
            if let Some(index) = captures.iter().position(|(known, _)| known == name) {
                grouped.push(captures.remove(index));
            } else if let Some(value) = own.named(name) {
                grouped.push((name.clone(), value));
            }
        }
        grouped.append(&mut captures);
        Match { captures: grouped, user, n: event.n, t_ns: event.t_ns, what }
    }
}

impl Match {
    /// A capture.
    pub fn get(&self, name: &str) -> Option<&Name> {
        self.captures.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The group it belongs to; none if it lacks something to be grouped by, and so belongs to all.
    pub fn group(&self, by: &[String]) -> Option<String> {
        let mut group = String::new();
        for name in by {
            group.push_str(self.get(name)?);
            group.push('\u{1f}');
        }
        Some(group)
    }

    /// Whether everything that both capture is equal.
    pub fn agrees(&self, other: &Match) -> bool {
        self.captures.iter().all(|(name, value)| other.get(name).is_none_or(|theirs| theirs == value))
    }

    /// The event in words, with its time.
    pub fn told(&self) -> String {
        format!("{} at {}", self.what, seconds(self.t_ns))
    }
}

/// Whoever an event is about.
struct Own {
    user: Option<Name>,
    peer: Option<Name>,
    room: Option<Name>,
}

impl Own {
    fn of(event: &Event, cast: &Cast, user: Id, what: Occurrence) -> Own {
        if what == Occurrence::Fault {
            return Own { user: None, peer: None, room: None };
        }
        let known = cast.standing(user, event.conn);
        // Work, and a death, concern no connection: the newest registration speaks for the user.
        let standing = known.or_else(|| cast.links(user).filter_map(|link| link.standing).last());
        Own {
            user: Some(cast.name(user).clone()),
            peer: standing.map(|standing| cast.name(standing.peer).clone()),
            room: standing.map(|standing| cast.name(standing.room).clone()),
        }
    }

    fn named(&self, name: &str) -> Option<Name> {
        match name {
            "user" => self.user.clone(),
            "peer" => self.peer.clone(),
            "room" => self.room.clone(),
            _ => None,
        }
    }
}

fn equal(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        // Servers write 1 or 1.0 as they like.
        (Value::Number(wanted), Value::Number(found)) => wanted == found || wanted.as_f64() == found.as_f64(),
        _ => wanted == found,
    }
}

fn text(value: &Value) -> Option<Name> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 9e15 => (whole as i64).to_string().into(),
            _ => number.to_string().into(),
        }),
        Value::Bool(flag) => Some(flag.to_string().into()),
        Value::Null => Some("null".into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a part of the event's message says all of this; what it says is captured only then.
fn says(event: &Event, part: &str, places: &[Place], captures: &mut Vec<(String, Name)>) -> bool {
    let before = captures.len();
    let says = places.iter().all(|Place { pointer, term }| {
        let found = event.said.get(format!("{part}{pointer}").as_str());
        found.is_some_and(|found| fits(term, found, captures))
    });
    if !says {
        captures.truncate(before);
    }
    says
}

/// Whether what was found is what the term wants; keeps it if it is to be captured.
fn fits(term: &Term, found: &Value, captures: &mut Vec<(String, Name)>) -> bool {
    match (term, text(found)) {
        (_, None) => false,
        (Term::Is(wanted), Some(_)) => equal(wanted, found),
        (Term::Capture(name), Some(found)) => match captures.iter().find(|(known, _)| known == name) {
            Some((_, value)) => *value == found,
            None => {
                captures.push((name.clone(), found));
                true
            }
        },
    }
}

/// `workers-0 began job (job clients-0-j1)`.
fn words(event: &Event, user: &Name, captures: &[(String, Name)], cast: &Cast) -> String {
    let verb = match event.kind {
        Kind::Invoked => "asked for",
        Kind::Ok => "succeeded with",
        Kind::Failed => "failed with",
        Kind::Unknown => "got no answer to",
        Kind::Sent => "sent",
        Kind::Received => "received",
        Kind::Opened => "connected",
        Kind::Closed => "lost its connection",
        Kind::Began => "began",
        Kind::Ended => "ended",
        Kind::Fault => "suffered",
    };
    let kind = match &event.body {
        Body::Message { kind, .. } | Body::Other { kind } => kind,
        Body::Fault { what, .. } => what,
        _ => &event.op,
    };
    let shown = |value: &Name| cast.known(value).filter(|it| cast.is_peer(*it)).map(|peer| cast.display(peer).clone());
    let captured: Vec<String> = captures
        .iter()
        .filter(|(_, value)| value != user)
        .map(|(name, value)| format!("{name} {}", shown(value).unwrap_or_else(|| value.clone())))
        .collect();
    let beside = if captured.is_empty() { String::new() } else { format!(" ({})", captured.join(", ")) };
    format!("{} {kind}{beside}", format!("{user} {verb}").trim_end()).replace("  ", " ")
}
