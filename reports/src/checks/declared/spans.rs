//! Spans that are open, by group: opened by one pattern, closed by any of others if all that both capture is equal.
//! Neighbours: `exclusive` forbids two at a time, `seen` looks whether one is open.

use super::super::cast::Cast;
use super::super::moment::Moment;
use super::pattern::{Match, Matcher};
use rehearsal_scenarios::plan::Span;
use std::collections::BTreeMap;

/// Open spans.
pub(super) struct Spans {
    from: Matcher,
    to: Vec<Matcher>,
    by: Vec<String>,
    open: BTreeMap<String, Vec<Match>>,
}

/// What an event does to spans.
pub(super) struct Turn {
    /// Spans that it closes.
    pub closed: Vec<Match>,
    /// A span that it opens, with those of its group that were open then.
    pub opened: Option<(Match, Vec<Match>)>,
}

impl Spans {
    pub fn new(span: &Span, by: &[String]) -> Spans {
        let (from, to) = (Matcher::new(&span.from, by), Matcher::all(&span.to, by));
        Spans { from, to, by: by.to_vec(), open: BTreeMap::new() }
    }

    /// Closes, then opens.
    pub fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) -> Turn {
        let mut closed = Vec::new();
        for end in self.to.iter().flat_map(|to| to.matches(moment, cast)) {
            closed.extend(take(&mut self.open, end.group(&self.by), &end));
        }
        let opening = self.from.matches(moment, cast).pop();
        let opened = opening.and_then(|opening| {
            let open = self.open.entry(opening.group(&self.by)?).or_default();
            let before = open.clone();
            open.push(opening.clone());
            Some((opening, before))
        });
        Turn { closed, opened }
    }

    /// Whether a span of the same group is open; of any group, if the event belongs to all.
    pub fn is_open(&self, event: &Match) -> bool {
        match event.group(&self.by) {
            Some(group) => self.open.get(&group).is_some_and(|open| open.iter().any(|it| it.agrees(event))),
            None => self.open.values().flatten().any(|it| it.agrees(event)),
        }
    }
}

/// Takes out what is open and agrees with the event: in its group, or in all if it belongs to all.
pub(super) fn take(open: &mut BTreeMap<String, Vec<Match>>, group: Option<String>, event: &Match) -> Vec<Match> {
    let mut taken = Vec::new();
    let mut take_from = |matches: &mut Vec<Match>| taken.extend(matches.extract_if(.., |it| it.agrees(event)));
    match group {
        Some(group) => {
            if let Some(matches) = open.get_mut(&group) {
                take_from(matches);
                if matches.is_empty() {
                    open.remove(&group);
                }
            }
        }
        None => {
            open.values_mut().for_each(take_from);
            open.retain(|_, matches| !matches.is_empty());
        }
    }
    taken
}
