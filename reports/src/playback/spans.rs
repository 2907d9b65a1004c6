//! What lasts: jobs at their workers, faults over hosts, and operations that a check names. Neighbours: `history` (operations
//! from their two ends), `checks::faults` (which words end a fault).

use super::lanes::Stage;
use super::{Span, SpanKind, Step};
use crate::checks::faults;
use crate::event::{Body, Event, Kind, Name};
use crate::history::{End, History};
use crate::story::Directory;
use std::collections::{BTreeMap, BTreeSet};

/// A span with the numbers of the events at its ends.
pub(super) struct Placed {
    pub(super) span: Span,
    began_n: u64,
    ended_n: Option<u64>,
}

impl Placed {
    /// Whether a check that names these events is about this span.
    pub(super) fn is_shown_by(&self, events: &[u64]) -> bool {
        let is_named = |n: u64| events.contains(&n);
        self.span.kind != SpanKind::Fault && (is_named(self.began_n) || self.ended_n.is_some_and(is_named))
    }
}

/// A span before it is known which steps show it.
struct Found {
    kind: SpanKind,
    lanes: Vec<usize>,
    began_n: u64,
    ended_n: Option<u64>,
    text: String,
}

/// The spans that reach into the shown steps, by their beginnings.
pub(super) fn spans(
    events: &[Event],
    stage: &Stage,
    directory: &Directory,
    named: &BTreeSet<u64>,
    steps: &[Step],
) -> Vec<Placed> {
    let mut found = jobs(events, stage, directory);
    found.extend(faults_of(events, stage));
    found.extend(operations(events, stage, named));
    found.sort_by_key(|it| (it.began_n, it.ended_n));
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Vec::new() };
    found.retain(|it| it.began_n <= last.n && it.ended_n.is_none_or(|n| n >= first.n));
    // Steps are in order of time, which live records may not number by.
    let at = |n: u64| steps.iter().position(|step| step.n == n);
    let near = |n: u64| at(n).or_else(|| steps.iter().position(|step| step.n > n));
    let placed = found.into_iter().map(|Found { kind, lanes, began_n, ended_n, text }| {
        let from = if began_n < first.n { None } else { near(began_n) };
        let span = Span { kind, lanes, from, to: ended_n.and_then(near), text };
        Placed { span, began_n, ended_n }
    });
    placed.collect()
}

fn jobs(events: &[Event], stage: &Stage, directory: &Directory) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut open: BTreeMap<(usize, &Name), usize> = BTreeMap::new();
    for event in events {
        let (Body::Job { job, client, .. }, Some(lane)) = (&event.body, stage.lane(&event.user)) else { continue };
        match event.kind {
            Kind::Began => {
                open.insert((lane, job), found.len());
                let text = directory.job(job, client);
                found.push(Found { kind: SpanKind::Job, lanes: vec![lane], began_n: event.n, ended_n: None, text });
            }
            _ => {
                if let Some(index) = open.remove(&(lane, job)) {
                    found[index].ended_n = Some(event.n);
                }
            }
        }
    }
    found
}

fn faults_of(events: &[Event], stage: &Stage) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut open: BTreeMap<&Name, usize> = BTreeMap::new();
    for event in events {
        let Body::Fault { name, what, hosts, users } = &event.body else { continue };
        if faults::ends(what) {
            if let Some(index) = open.remove(name) {
                found[index].ended_n = Some(event.n);
            }
        } else if !open.contains_key(name) {
            let lanes = stage.lanes_of_hosts(hosts, users);
            // A fault of hosts that are not shown is told in words alone.
            if !lanes.is_empty() || hosts.is_empty() {
                open.insert(name, found.len());
                let text = format!("{name}: {}", what.trim_end_matches(" begins"));
                found.push(Found { kind: SpanKind::Fault, lanes, began_n: event.n, ended_n: None, text });
            }
        }
    }
    found
}

/// Operations of which a check names an end.
fn operations(events: &[Event], stage: &Stage, named: &BTreeSet<u64>) -> Vec<Found> {
    let mut history = History::new();
    let mut ended: Vec<_> = events.iter().filter_map(|event| history.observe(event)).collect();
    ended.extend(history.finish(i64::MAX));
    let named = ended.into_iter().filter(|it| named.contains(&it.invoked_n) || named.contains(&it.ended_n));
    let found = named.filter_map(|it| {
        let ended_n = (it.end != End::Open).then_some(it.ended_n);
        let lanes = vec![stage.lane(&it.user)?];
        Some(Found { kind: SpanKind::Operation, lanes, began_n: it.invoked_n, ended_n, text: it.op.to_string() })
    });
    found.collect()
}
