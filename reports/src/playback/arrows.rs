//! What was said, as arrows: a relayed message from its sender over the server to its receiver, a question to the server
//! and back with its answer. Neighbours: `story::Arrivals` (which message arrived when), `steps` (what is said).
//!
//! An arrow with only one end on the page is drawn from there to the server, or from the server to there.

use super::lanes::Stage;
use super::window::Window;
use super::{Arrow, Fate, Step};
use crate::event::{Body, Event, Kind, Name};
use crate::story::{Arrivals, Directory};
use std::collections::{BTreeMap, BTreeSet};

/// What arrows are made with.
pub(super) struct Arrows<'a> {
    pub(super) stage: &'a Stage,
    pub(super) directory: &'a Directory,
    pub(super) arrivals: &'a Arrivals,
    /// Number of an event -> its step.
    pub(super) step_of: &'a BTreeMap<u64, usize>,
}

impl Arrows<'_> {
    /// The arrows of the shown events. Where one only ends no further words are needed.
    pub(super) fn of(&self, window: &Window<'_>, events: &[Event], steps: &mut [Step]) -> Vec<Arrow> {
        let shown: Vec<&Event> = window.shown.iter().map(|index| &events[*index]).collect();
        let ends: BTreeMap<(&Name, u64), &Event> =
            shown.iter().filter_map(|event| Some((end_of(event)?, *event))).collect();
        let mut drawn: BTreeSet<usize> = BTreeSet::new();
        let mut arrows = Vec::new();
        for event in shown {
            let Some(arrow) = self.arrow(event, &ends, &drawn) else { continue };
            if arrow.from.is_some() {
                drawn.extend(arrow.to);
            }
            if let (Some(from), Some(to)) = (arrow.from, arrow.to) {
                let is_story = steps[from].is_story || steps[to].is_story;
                (steps[from].is_story, steps[to].is_story) = (is_story, is_story);
                if arrow.path.first() != arrow.path.last() {
                    steps[to].has_words = !steps[to].mark.is_empty();
                }
            }
            arrows.push(arrow);
        }
        arrows
    }

    fn arrow(&self, event: &Event, ends: &BTreeMap<(&Name, u64), &Event>, drawn: &BTreeSet<usize>) -> Option<Arrow> {
        let lane = self.stage.lane(&event.user)?;
        let here = self.step_of.get(&event.n).copied();
        let server = self.stage.server_of(&event.user, event.conn);
        let leaves = |fate| Some(Arrow { from: here, to: None, path: vec![lane, server], fate });
        let arrives = |fate| Some(Arrow { from: None, to: here, path: vec![server, lane], fate });
        match (&event.body, event.kind) {
            (Body::Message { to, .. }, Kind::Sent) => {
                let arrival = self.arrivals.of_sent(event.n);
                let receiver = self.stage.lane(&self.directory.user(to));
                match (arrival.map(|it| self.step_of.get(&it.n)), receiver) {
                    (Some(Some(to)), Some(receiver)) => {
                        let path = vec![lane, server, receiver];
                        Some(Arrow { from: here, to: Some(*to), path, fate: Fate::Arrived })
                    }
                    (Some(_), _) => leaves(Fate::Arrived),
                    (None, _) => leaves(Fate::Open),
                }
            }
            (Body::Message { .. }, Kind::Received) if here.is_some_and(|here| drawn.contains(&here)) => None,
            (Body::Other { .. }, Kind::Sent) => leaves(Fate::Arrived),
            (Body::Message { .. } | Body::Other { .. }, Kind::Received) => arrives(Fate::Arrived),
            (Body::Error { .. }, Kind::Received) => arrives(Fate::Refused),
            (asked, Kind::Invoked) => {
                let end = event.op_id.and_then(|op_id| ends.get(&(&event.user, op_id)));
                if !goes_over_the_wire(asked, &event.op, end.map(|end| &end.body)) {
                    return None;
                }
                let to = end.and_then(|end| self.step_of.get(&end.n).copied());
                let fate = end.map_or(Fate::Open, |end| fate(end.kind));
                match to {
                    Some(_) => Some(Arrow { from: here, to, path: vec![lane, server, lane], fate }),
                    None => leaves(fate),
                }
            }
            _ => None,
        }
    }
}

/// Which operation an event ends.
fn end_of(event: &Event) -> Option<(&Name, u64)> {
    matches!(event.kind, Kind::Ok | Kind::Failed | Kind::Unknown).then_some((&event.user, event.op_id?))
}

/// Whether an operation is a question to the server: waiting is none, and an attempt to get a job done consists of messages.
fn goes_over_the_wire(asked: &Body, op: &str, end: Option<&Body>) -> bool {
    match asked {
        Body::Register { .. } | Body::Discover { .. } | Body::Update { .. } | Body::Reserve { .. } => true,
        Body::Resource { .. } => true,
        Body::Empty => op == "connect" || matches!(end, Some(Body::Http { .. } | Body::Resource { .. })),
        _ => false,
    }
}

fn fate(end: Kind) -> Fate {
    match end {
        Kind::Ok => Fate::Arrived,
        Kind::Failed => Fate::Refused,
        _ => Fate::Open,
    }
}
