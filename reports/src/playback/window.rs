//! Which events are shown: those of the users that are shown, and of too many those around what broke first. What a check
//! names and what the story tells is always shown. Neighbours: `lanes` (who is shown), `steps` (what they show).

use super::first_violation;
use super::lanes::{RUN, Stage};
use crate::event::{Body, Event};
use crate::outcome::Outcome;
use crate::render::units::{offset_s, thousands};
use std::collections::BTreeSet;

/// Most events that are shown besides what checks name and the story tells.
pub const STEPS_MAX: usize = 1_200;

/// Of the shown events, this share comes after what broke.
const AFTER_SHARE: usize = 6;

/// The events that are shown.
pub(super) struct Window<'a> {
    /// Indexes of the events, by time.
    pub(super) shown: Vec<usize>,
    /// Numbers of the events of the story.
    pub(super) story: &'a BTreeSet<u64>,
}

impl<'a> Window<'a> {
    pub(super) fn of(
        outcome: &Outcome,
        events: &[Event],
        stage: &Stage,
        story: &'a BTreeSet<u64>,
        steps_max: usize,
    ) -> Window<'a> {
        let mut candidates: Vec<usize> =
            (0..events.len()).filter(|index| is_of_stage(&events[*index], stage)).collect();
        // Live, the receiver may be the first of two to write: time decides.
        candidates.sort_by_key(|index| (events[*index].t_ns, events[*index].n));
        let breaks = first_violation(outcome).and_then(|evidence| evidence.events.last().copied());
        let middle = breaks.and_then(|n| candidates.iter().position(|index| events[*index].n == n));
        let middle = middle.unwrap_or(candidates.len());
        let end = (middle + steps_max.div_ceil(AFTER_SHARE)).min(candidates.len());
        let begin = end.saturating_sub(steps_max);
        let end = (begin + steps_max).min(candidates.len());
        let is_shown = |place: usize, index: usize| (begin..end).contains(&place) || story.contains(&events[index].n);
        let shown = candidates.iter().enumerate().filter(|(place, index)| is_shown(*place, **index));
        Window { shown: shown.map(|(_, index)| *index).collect(), story }
    }

    /// Of how much of the run this is.
    pub(super) fn left_out(&self, events: &[Event], stage: &Stage) -> Option<String> {
        let (users, of) = (stage.users_shown(), stage.users_in_all);
        let told = |index: Option<&usize>| index.map_or_else(String::new, |index| offset_s(events[*index].t_ns));
        let times = format!("{} s to {} s", told(self.shown.first()), told(self.shown.last()));
        let count = |count: usize| thousands(count as u64);
        let who = if users < of { format!(", of {} of {} users", count(users), count(of)) } else { String::new() };
        // What the run itself did, such as making rooms, is nobody's and not missed.
        let all = events.iter().filter(|event| is_of_stage(event, stage) || &*event.user != RUN).count();
        (self.shown.len() < all).then(|| {
            let shown = count(self.shown.len());
            format!("{shown} of {} events are shown, from {times}{who}; the record holds them all", count(all))
        })
    }
}

/// Events of users that are shown, and faults, whoever they concern.
fn is_of_stage(event: &Event, stage: &Stage) -> bool {
    stage.lane(&event.user).is_some() || matches!(event.body, Body::Fault { .. })
}
