//! A run in which nothing broke, as a story: what its users said to each other and which jobs ran. For whoever plays a
//! seed again to see what happens in it. Neighbours: `rows` (what an event says), `folding`.

use super::arrivals::Arrivals;
use super::directory::Directory;
use super::rows::{Candidate, Weight, row};
use super::{all_faults, folding};
use crate::event::{Body, Event, Kind, Name};
use crate::outcome::{Story, StoryRow};
use std::collections::BTreeSet;

/// Most rows of a time-line.
pub const TIMELINE_ROWS_MAX: usize = 40;

/// The messages and jobs of a run, by time, in at most [`TIMELINE_ROWS_MAX`] rows: of too many the weightiest, the first
/// ones first, and a last row tells how many are left out. It belongs to no check: its name and sentence are empty.
pub fn timeline(events: &[Event], is_virtual: bool) -> Story {
    let directory = Directory::of(events);
    let arrivals = Arrivals::of(events, &BTreeSet::new());
    let told = events.iter().filter_map(|event| {
        if event.kind == Kind::Received && arrivals.is_matched(event.n) || &*event.user == "run" {
            return None;
        }
        let mut candidate = row(event, &directory)?;
        candidate.row.arrived_ns = arrivals.of_sent(event.n).map(|it| it.t_ns);
        candidate.weight = weight(event, candidate.weight);
        Some(candidate)
    });
    let rows = shortened(folding::folded(told.collect()));
    let mut lanes: Vec<Name> = Vec::new();
    for name in rows.iter().flat_map(|it| std::iter::once(&it.from).chain(&it.to)) {
        if !lanes.contains(name) {
            lanes.push(name.clone());
        }
    }
    let (check, sentence) = (String::new(), String::new());
    Story { check, sentence, lanes, rows, faults: all_faults(events), spans: Vec::new(), is_virtual }
}

/// Jobs and what goes wrong first, then what was said of them, then the rest.
fn weight(event: &Event, weight: Weight) -> Weight {
    match &event.body {
        Body::Job { .. } => Weight::Evidence,
        // Whoever leaves on purpose at the end of its work is no news.
        Body::Closed { by: crate::event::Closer::Us, .. } => Weight::Detail,
        _ => weight,
    }
}

fn shortened(mut rows: Vec<Candidate>) -> Vec<StoryRow> {
    let all = rows.len();
    if all > TIMELINE_ROWS_MAX {
        rows.sort_by_key(|it| (it.weight, it.row.t_ns, it.n));
        rows.truncate(TIMELINE_ROWS_MAX - 1);
        rows.sort_by_key(|it| (it.row.t_ns, it.n));
    }
    let left_out = all - rows.len();
    let mut rows: Vec<StoryRow> = rows.into_iter().map(|it| it.row).collect();
    if left_out > 0
        && let Some(last) = rows.last().cloned()
    {
        let text = format!("and {left_out} more rows, which the events of the record tell");
        rows.push(StoryRow { from: "…".into(), to: None, arrived_ns: None, text, mark: String::new(), ..last });
    }
    rows
}
