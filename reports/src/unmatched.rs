//! Messages that came to the users of a flow and that no step ever asked for, counted by their type. Between steps they are
//! kept for a step that may still ask; what is left when a connection or the flow ends is written down as an event.
//!
//! Neighbours: `loadgen` writes the events, whoever tells of a run folds them. Left out: built-in users, who read everything.

use crate::event::{Body, Event, Kind};
use std::collections::BTreeMap;

/// What such an event is called.
pub const UNMATCHED: &str = "unmatched";

/// Counts by type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched(BTreeMap<String, u64>);

impl Unmatched {
    /// What the event says of so many messages of a type.
    pub fn body(kind: &str, count: u64) -> Body {
        Body::Text { text: format!("{count} {kind}").into() }
    }

    /// Takes the next event into account.
    pub fn observe(&mut self, event: &Event) {
        let (Kind::Ended, UNMATCHED, Body::Text { text }) = (event.kind, &*event.op, &event.body) else { return };
        if let Some((count, kind)) = text.split_once(' ')
            && let Ok(count) = count.parse::<u64>()
        {
            *self.0.entry(kind.to_owned()).or_default() += count;
        }
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Unmatched) {
        for (kind, count) in &other.0 {
            *self.0.entry(kind.clone()).or_default() += count;
        }
    }

    /// A remark for the report; none if every message was asked for.
    pub fn note(&self) -> Option<String> {
        let counts = self.0.iter().map(|(kind, count)| format!("{count} `{kind}`")).collect::<Vec<_>>();
        (!counts.is_empty()).then(|| format!("messages that came and that no step asked for: {}", counts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Said;

    fn event(kind: Kind, op: &str, body: Body) -> Event {
        let (n, t_ns, said, user) = (0, 5, Said::new(), "a-0".into());
        Event {
            n,
            t_ns,
            process: 0,
            user,
            conn: 0,
            kind,
            op: op.into(),
            op_id: None,
            planned_ns: None,
            said,
            content: Default::default(),
            body,
        }
    }

    #[test]
    fn what_nobody_asked_for_is_added_up_by_type_and_told_in_a_sentence() {
        let (mut one, mut other) = (Unmatched::default(), Unmatched::default());
        for (kind, count) in [("peer_message", 2), ("error", 1), ("peer_message", 3)] {
            one.observe(&event(Kind::Ended, UNMATCHED, Unmatched::body(kind, count)));
        }
        one.observe(&event(Kind::Ended, "user", Body::Text { text: "7 finished".into() }));
        other.observe(&event(Kind::Ended, UNMATCHED, Unmatched::body("without a type", 1)));
        one.add(&other);
        let note = "messages that came and that no step asked for: 1 `error`, 5 `peer_message`, 1 `without a type`";
        assert_eq!(one.note().as_deref(), Some(note));
        assert_eq!(Unmatched::default().note(), None);
    }
}
