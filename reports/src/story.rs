//! A broken check, told: from a violation's evidence and the run's events to lanes, messages between them, and marks.
//!
//! A story is short. Lanes are users, since relays only pass the server; rows are the evidence, the messages of the
//! jobs concerned, what the lanes saw and did meanwhile, and faults. Of too many rows those that weigh least are left
//! out. Neighbours: `story/directory` (who is behind a peer id), `story/rows` (what an event says), `story/arrivals` (which
//! message arrived when), `story/folding` (the same again and again), `story/marks` (why a row matters),
//! `story/timeline` (a run in which nothing broke), `render` (columns, and a sequence diagram). Left out: judging; a story
//! only shows what a check has found.

mod arrivals;
mod directory;
mod folding;
mod marks;
mod rows;
mod timeline;

pub use timeline::{TIMELINE_ROWS_MAX, timeline};

use crate::checks::faults;
use crate::event::{Body, Event, Kind, Name};
use crate::outcome::{Story, StoryFault, StorySpan};
use crate::verdict::{CheckVerdict, Evidence, Verdict};
pub(crate) use arrivals::Arrivals;
use arrivals::Words;
pub(crate) use directory::Directory;
use rows::{Candidate, Weight};
pub(crate) use rows::{row, sees};
use std::collections::BTreeSet;

/// Most rows of a story: what fits a screen.
pub const ROWS_MAX: usize = 25;
/// Most rows of little weight, such as reports of progress: they show that work went on, and a few of them do.
pub const DETAILS_MAX: usize = 6;
/// Most lanes of a story: what fits a page.
pub const LANES_MAX: usize = 6;
/// How far before the evidence a story may start, in nanoseconds, where nothing that belongs to it came earlier.
const LEAD_NS: i64 = 1_000_000_000;
/// A fault that strikes more users than this is weather, and makes nobody a part of the story.
const STRUCK_MAX: usize = 2;

/// The story of the first violation of a broken check; none if the check is not broken or names no event.
///
/// `events` are those of the run that broke it, in the order in which they were written.
pub fn story(check: &CheckVerdict, events: &[Event], is_virtual: bool) -> Option<Story> {
    let Verdict::Broken { evidence } = &check.verdict else { return None };
    let violation = evidence.first()?;
    let scene = Scene::new(violation, events)?;
    let mut rows = folding::folded(scene.rows(events));
    marks::mark(&check.name, violation, &mut rows);
    let rows = shortened(rows);
    let span_ns = (rows.first()?.row.t_ns, rows.last()?.row.t_ns.max(violation.until_ns));
    Some(Story {
        check: check.name.clone(),
        sentence: violation.sentence.clone(),
        faults: scene.faults(events, span_ns),
        spans: scene.spans(events, span_ns),
        rows: rows.into_iter().map(|it| it.row).collect(),
        lanes: scene.lanes,
        is_virtual,
    })
}

/// Who and what a story is about.
struct Scene<'a> {
    directory: Directory,
    lanes: Vec<Name>,
    jobs: BTreeSet<Name>,
    evidence: BTreeSet<u64>,
    /// What the messages say that the check names: whoever said the same is told too.
    words: BTreeSet<Words>,
    violation: &'a Evidence,
    starts_ns: i64,
}

impl<'a> Scene<'a> {
    fn new(violation: &'a Evidence, events: &[Event]) -> Option<Scene<'a>> {
        let directory = Directory::of(events);
        let evidence: BTreeSet<u64> = violation.events.iter().copied().collect();
        let shown: Vec<&Event> = events.iter().filter(|it| evidence.contains(&it.n)).collect();
        let first = shown.first()?;
        let words = shown.iter().filter_map(|it| arrivals::words(it)).collect();
        let jobs: BTreeSet<Name> = shown.iter().filter_map(|it| job_of(it)).cloned().collect();
        let mut lanes = lanes(violation, &shown, &directory);
        let first_of_jobs = events.iter().find(|it| job_of(it).is_some_and(|job| jobs.contains(job)));
        let begins_ns = first_of_jobs.unwrap_or(first).t_ns.min(first.t_ns).min(violation.from_ns);
        let starts_ns = first_of_jobs
            .and_then(|_| last_looks_before(begins_ns, &lanes, events))
            .unwrap_or(begins_ns.saturating_sub(LEAD_NS));
        let span_ns = (starts_ns, violation.until_ns);
        let besides = bystanders(&lanes, events, &directory, span_ns);
        add(&mut lanes, besides);
        Some(Scene { directory, lanes: arranged(lanes), jobs, evidence, words, violation, starts_ns })
    }

    fn is_lane(&self, user: &str) -> bool {
        self.lanes.iter().any(|lane| &**lane == user)
    }

    fn rows(&self, events: &[Event]) -> Vec<Candidate> {
        let arrivals = Arrivals::of(events, &self.evidence);
        let mut rows: Vec<Candidate> = Vec::new();
        for event in events {
            let is_message = matches!(event.body, Body::Message { .. });
            // An arrival is told at the sending that it belongs to.
            if is_message && event.kind == Kind::Received && arrivals.is_matched(event.n) {
                continue;
            }
            let arrival = arrivals.of_sent(event.n);
            let is_named = |n: u64| self.evidence.contains(&n);
            let is_evidence = is_named(event.n) || arrival.is_some_and(|it| is_named(it.n));
            let Some(mut candidate) = self.candidate(event, is_evidence) else { continue };
            if let Some(arrival) = arrival {
                candidate.row.arrived_ns = Some(arrival.t_ns);
                candidate.n = if is_named(arrival.n) { arrival.n } else { candidate.n };
            }
            rows.push(candidate);
        }
        rows
    }

    /// The row of an event, if it belongs to the story.
    fn candidate(&self, event: &Event, is_evidence: bool) -> Option<Candidate> {
        // Of messages that nobody was seen to send only those are told that the check names.
        let is_arrival = event.kind == Kind::Received && matches!(event.body, Body::Message { .. });
        let is_said_again = arrivals::words(event).is_some_and(|words| self.words.contains(&words));
        let is_within = !is_arrival && (self.starts_ns..=self.violation.until_ns).contains(&event.t_ns);
        let is_within = is_within || is_said_again;
        if !self.is_lane(&event.user) || !(is_evidence || is_within) {
            return None;
        }
        let mut candidate = rows::row(event, &self.directory)?;
        if is_said_again {
            candidate.weight = Weight::Turn;
        }
        let other_job = job_of(event).is_some_and(|job| !self.jobs.is_empty() && !self.jobs.contains(job));
        let leaves_the_scene = candidate.row.to.as_ref().is_some_and(|to| !self.is_lane(to));
        if is_evidence {
            candidate.weight = Weight::Evidence;
        } else if other_job || leaves_the_scene {
            return None;
        }
        if leaves_the_scene {
            // An arrow needs a lane to point at; the receiver is told in words instead.
            let to = candidate.row.to.take()?;
            candidate.row.text = format!("{}: to {to}", candidate.row.text);
        }
        Some(candidate)
    }

    fn faults(&self, events: &[Event], (from_ns, until_ns): (i64, i64)) -> Vec<StoryFault> {
        let mut faults = all_faults(events);
        faults.retain(|it| it.from_ns <= until_ns && it.until_ns.is_none_or(|end_ns| end_ns >= from_ns));
        for fault in &mut faults {
            let concerns_all = fault.lanes.is_empty();
            fault.lanes.retain(|lane| self.is_lane(lane));
            // Without a lane of its own, a fault of strangers would look as if it concerned everybody.
            fault.name = if fault.lanes.is_empty() && !concerns_all { String::new() } else { fault.name.clone() };
        }
        faults.retain(|it| !it.name.is_empty());
        faults
    }

    fn spans(&self, events: &[Event], (from_ns, until_ns): (i64, i64)) -> Vec<StorySpan> {
        let mut spans: Vec<StorySpan> = Vec::new();
        for event in events.iter().filter(|it| self.is_lane(&it.user)) {
            let Body::Job { job, client, .. } = &event.body else { continue };
            let job = self.directory.job(job, client);
            if event.kind == Kind::Began {
                spans.push(StorySpan { lane: event.user.clone(), text: job, from_ns: event.t_ns, until_ns: None });
            } else if let Some(open) =
                spans.iter_mut().rfind(|it| it.lane == event.user && it.text == job && it.until_ns.is_none())
            {
                open.until_ns = Some(event.t_ns);
            }
        }
        spans.retain(|it| it.from_ns <= until_ns && it.until_ns.is_none_or(|end_ns| end_ns >= from_ns));
        spans
    }
}

/// All faults of a run. A fault tells of itself when it begins and when it ends, some in between as well.
fn all_faults(events: &[Event]) -> Vec<StoryFault> {
    let mut faults: Vec<StoryFault> = Vec::new();
    for event in events {
        let Body::Fault { name, what, users, .. } = &event.body else { continue };
        let open = faults.iter_mut().rfind(|it| it.name == **name && it.until_ns.is_none());
        match (open, faults::ends(what)) {
            (Some(open), true) => (open.until_ns, open.until_n) = (Some(event.t_ns), Some(event.n)),
            // What is told only when it is over was planned for when it began.
            (None, is_over) if !is_over || event.planned_ns.is_some() => faults.push(StoryFault {
                name: name.to_string(),
                from_ns: event.planned_ns.unwrap_or(event.t_ns),
                until_ns: is_over.then_some(event.t_ns),
                lanes: users.clone(),
                from_n: event.n,
                until_n: is_over.then_some(event.n),
            }),
            _ => {}
        }
    }
    faults
}

/// When the first of the lanes looked for the last time before this: what they saw then is what they acted on.
fn last_looks_before(t_ns: i64, lanes: &[Name], events: &[Event]) -> Option<i64> {
    let last_look = |lane: &Name| {
        let mut looks = events.iter().filter(|it| it.user == *lane && matches!(it.body, Body::Discovered { .. }));
        looks.rfind(|it| it.t_ns < t_ns).map(|it| it.t_ns)
    };
    lanes.iter().filter_map(last_look).min()
}

/// The job that an event is about.
pub(crate) fn job_of(event: &Event) -> Option<&Name> {
    match &event.body {
        Body::Message { job: Some(message), .. } => message.job.as_ref(),
        Body::Job { job, .. } | Body::Attempt { job, .. } => Some(job),
        _ => None,
    }
}

/// The users concerned, whoever the evidence is about first.
fn lanes(violation: &Evidence, shown: &[&Event], directory: &Directory) -> Vec<Name> {
    let mut lanes: Vec<Name> = Vec::new();
    add(&mut lanes, violation.users.iter().map(|user| directory.user(user)).collect());
    for event in shown {
        add(&mut lanes, vec![event.user.clone()]);
        match &event.body {
            Body::Job { client, .. } => add(&mut lanes, vec![directory.user(client)]),
            Body::Message { from, to, .. } => add(&mut lanes, vec![directory.user(from), directory.user(to)]),
            _ => {}
        }
    }
    lanes
}

fn add(lanes: &mut Vec<Name>, more: Vec<Name>) {
    for lane in more {
        if lanes.len() < LANES_MAX && !lanes.contains(&lane) && &*lane != "run" {
            lanes.push(lane);
        }
    }
}

/// Who is not named and may be the cause: whoever was registered as the same peer, the few that a fault struck meanwhile, and
/// the partners of one that would stand alone.
fn bystanders(lanes: &[Name], events: &[Event], directory: &Directory, (from_ns, until_ns): (i64, i64)) -> Vec<Name> {
    let is_lane = |user: &Name| lanes.contains(user);
    let registered = |event: &Event| match &event.body {
        Body::Register { peer, .. } if is_lane(&directory.user(peer)) => Some(event.user.clone()),
        _ => None,
    };
    let struck = all_faults(events).into_iter().filter(|fault| {
        let is_meanwhile = fault.from_ns <= until_ns && fault.until_ns.is_none_or(|end_ns| end_ns >= from_ns);
        is_meanwhile && fault.lanes.len() <= STRUCK_MAX
    });
    let met = |event: &Event| match &event.body {
        Body::Message { from, to, .. } if is_lane(&event.user) && (from_ns..=until_ns).contains(&event.t_ns) => {
            vec![directory.user(from), directory.user(to)]
        }
        _ => Vec::new(),
    };
    let mut found: Vec<Name> = events.iter().filter_map(registered).collect();
    found.extend(struck.flat_map(|fault| fault.lanes));
    if lanes.len() == 1 {
        found.extend(events.iter().flat_map(met));
    }
    found
}

/// Whoever the evidence is about in the middle, so that its messages cross nobody's lane.
fn arranged(mut lanes: Vec<Name>) -> Vec<Name> {
    if lanes.len() > 2 {
        let hub = lanes.remove(0);
        lanes.sort();
        lanes.insert(lanes.len() / 2, hub);
    }
    lanes
}

/// At most [`ROWS_MAX`] rows: the weightiest, and among equals those nearest to what broke the check.
fn shortened(mut rows: Vec<Candidate>) -> Vec<Candidate> {
    let breaks_ns = rows.iter().rfind(|it| it.weight == Weight::Evidence).map_or(0, |it| it.row.t_ns);
    rows.sort_by_key(|it| (it.weight, it.row.t_ns.abs_diff(breaks_ns), it.n));
    let details = rows.partition_point(|it| it.weight < Weight::Detail);
    rows.truncate(ROWS_MAX.min(details + DETAILS_MAX));
    rows.sort_by_key(|it| (it.row.t_ns, it.n));
    rows
}
