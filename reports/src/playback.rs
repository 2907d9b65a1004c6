//! A run to step through: lanes for users and servers, a step for each event, arrows for what was said, spans for jobs and
//! faults, and what each step changes of the state of rooms and jobs. Plain data, made from events and verdicts alone;
//! `render::playback` makes a page of it, whose script only applies what stands here.
//!
//! - `lanes`: who is shown, and where
//! - `window`: which events of a long run are shown
//! - `steps`: an event in words
//! - `arrows`: what was said, from sending over the server to arrival
//! - `spans`: jobs, faults and operations that last
//! - `situation`: the state that the events add up to
//!
//! Servers write no events: their lanes follow from the connections of users, and the moment at which a message passes a
//! server is not known. Left out: layout, escaping.

mod arrows;
mod lanes;
mod situation;
mod spans;
mod steps;
#[cfg(test)]
mod tests;
mod window;

pub use lanes::LANES_MAX;
pub use situation::{Section, Tone};
pub use window::STEPS_MAX;

use crate::event::{Body, Event, Name};
use crate::outcome::Outcome;
use crate::render::words::checks_by_weight;
use crate::story::{Arrivals, Directory};
use crate::verdict::{Evidence, Verdict};
use arrows::Arrows;
use lanes::Stage;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use window::Window;

/// A run to step through. Steps, lanes and facts are referred to by their indexes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Playback {
    /// Who is shown, from left to right.
    pub lanes: Vec<Lane>,
    /// What happened, by time.
    pub steps: Vec<Step>,
    /// What was said.
    pub arrows: Vec<Arrow>,
    /// What lasted.
    pub spans: Vec<Span>,
    /// What cannot be explained, the first one first.
    pub violations: Vec<Violation>,
    /// What can be said of the state, in the order in which it is shown.
    pub facts: Vec<FactName>,
    /// What was true before the first step.
    pub start: Vec<Change>,
    /// Of how much of the run this is, if not of all.
    #[serde(skip)]
    pub left_out: Option<String>,
}

/// A vertical line of the picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Name of the user, or of the server.
    pub name: Name,
    /// Whether it is a server's.
    pub is_server: bool,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Its number in the record.
    pub n: u64,
    /// When, in nanoseconds of plan time.
    pub t_ns: i64,
    /// Its lane; none for what concerns the run.
    pub lane: Option<usize>,
    /// In few words.
    pub text: String,
    /// All that is known of it, as JSON.
    pub detail: String,
    /// Whether it belongs to the short story.
    pub is_story: bool,
    /// Whether words stand beside it: not where an arrow ends that has some at its beginning.
    pub has_words: bool,
    /// Why it matters, as the story says; empty for most.
    pub mark: String,
    /// What it changes of the state.
    pub changes: Vec<Change>,
}

/// Something said: a message from its sender over a server to its receiver, or a question to a server with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arrow {
    /// The step in which it was said; none if nobody was seen to say it.
    pub from: Option<usize>,
    /// The step in which it arrived; none if it was not seen to.
    pub to: Option<usize>,
    /// The lanes that it passes.
    pub path: Vec<usize>,
    /// Whether it ends where a server answers that it refuses, or nobody can say what came of it.
    pub fate: Fate,
}

/// What came of something said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It arrived, or was answered.
    Arrived,
    /// It was refused.
    Refused,
    /// It was not seen to arrive.
    Open,
}

/// What lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// The lanes concerned; none if it concerns all.
    pub lanes: Vec<usize>,
    /// The step in which it begins; none if before the first one.
    pub from: Option<usize>,
    /// The step in which it ends; none if after the last one.
    pub to: Option<usize>,
    /// What it is called.
    pub text: String,
}

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// A job at its worker.
    Job,
    /// A fault.
    Fault,
    /// An operation that a check names.
    Operation,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The check.
    pub check: String,
    /// The property as a sentence.
    pub property: String,
    /// The evidence as a sentence.
    pub sentence: String,
    /// The steps that show it and are on the page; the last one breaks the property.
    pub steps: Vec<usize>,
    /// The spans of the operations and jobs that these steps belong to.
    pub spans: Vec<usize>,
}

/// What can be said of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactName {
    /// What kind of fact.
    pub section: Section,
    /// Of what: a room, a worker, a job, a user, a fault.
    pub name: String,
}

/// A fact that is true from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which fact.
    pub fact: usize,
    /// What is true of it; none if there is nothing to say any more.
    pub text: Option<String>,
    /// How it is meant.
    pub tone: Tone,
}

impl Playback {
    /// Of a run with this outcome. `events` are all of it, in the order in which they were written; at most `steps_max` of
    /// them are shown, and those that a check names.
    pub fn of(outcome: &Outcome, events: &[Event], steps_max: usize) -> Playback {
        let named = named_events(outcome);
        let directory = Directory::of(events);
        let arrivals = Arrivals::of(events, &named);
        let stage = Stage::of(outcome, events, &directory);
        let story = story_events(outcome, events, &arrivals);
        let window = Window::of(outcome, events, &stage, &story, steps_max);
        let mut steps = steps::steps(&window, events, &stage, &directory, outcome);
        let step_of: BTreeMap<u64, usize> = steps.iter().enumerate().map(|(index, step)| (step.n, index)).collect();
        let (facts, start) = situation::tell(&mut steps, events, &stage, &directory);
        let said = Arrows { stage: &stage, directory: &directory, arrivals: &arrivals, step_of: &step_of };
        let arrows = said.of(&window, events, &mut steps);
        let placed = spans::spans(events, &stage, &directory, &named, &steps);
        let violations = violations(outcome, &step_of, &placed);
        let spans = placed.into_iter().map(|placed| placed.span).collect();
        let (lanes, left_out) = (stage.lanes(), window.left_out(events, &stage));
        Playback { lanes, steps, arrows, spans, violations, facts, start, left_out }
    }
}

/// The events that any check names.
fn named_events(outcome: &Outcome) -> BTreeSet<u64> {
    outcome
        .checks
        .iter()
        .flat_map(|it| evidence_of(&it.check.verdict))
        .flat_map(|it| it.events.iter().copied())
        .collect()
}

fn evidence_of(verdict: &Verdict) -> &[Evidence] {
    match verdict {
        Verdict::Broken { evidence } => evidence,
        _ => &[],
    }
}

/// What the page is about: the first violation of the first broken check.
fn first_violation(outcome: &Outcome) -> Option<&Evidence> {
    checks_by_weight(outcome).into_iter().find_map(|it| evidence_of(&it.check.verdict).first())
}

/// The events of the short story: what its rows tell, where that arrived, its faults, and what shows the first violation.
fn story_events(outcome: &Outcome, events: &[Event], arrivals: &Arrivals) -> BTreeSet<u64> {
    let rows = outcome.story.iter().flat_map(|story| &story.rows).map(|row| row.n);
    let faults = outcome.story.iter().flat_map(|story| &story.faults);
    let edges = faults.flat_map(|fault| [Some(fault.from_n), fault.until_n]).flatten();
    let rows = rows.chain(edges.filter(|n| is_fault(events, *n)));
    let first = first_violation(outcome).into_iter().flat_map(|evidence| evidence.events.iter().copied());
    let told: BTreeSet<u64> = rows.chain(first).collect();
    let arrived = told.iter().filter_map(|n| arrivals.of_sent(*n)).map(|arrival| arrival.n);
    arrived.chain(told.iter().copied()).collect()
}

/// Records of older versions do not number the events of faults.
fn is_fault(events: &[Event], n: u64) -> bool {
    let event = usize::try_from(n).ok().and_then(|index| events.get(index));
    event.is_some_and(|event| event.n == n && matches!(event.body, Body::Fault { .. }))
}

/// What checks found, in the order of a report: a violation outside of the page has no steps.
fn violations(outcome: &Outcome, step_of: &BTreeMap<u64, usize>, spans: &[spans::Placed]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for summary in checks_by_weight(outcome) {
        for evidence in evidence_of(&summary.check.verdict) {
            let spans = spans.iter().enumerate().filter(|(_, span)| span.is_shown_by(&evidence.events));
            violations.push(Violation {
                check: summary.check.name.clone(),
                property: summary.check.property.clone(),
                sentence: evidence.sentence.clone(),
                steps: evidence.events.iter().filter_map(|n| step_of.get(n).copied()).collect(),
                spans: spans.map(|(index, _)| index).collect(),
            });
        }
    }
    violations
}
