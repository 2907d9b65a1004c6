//! An event as a step: when, in which lane, in few words, and all that is known of it. Neighbours: `story::rows`, which has
//! the words of what a story tells; here are those of the rest. Left out: what a step changes (`situation`).

use super::Step;
use super::lanes::Stage;
use super::window::Window;
use crate::event::{Body, Content, Event, Kind};
use crate::outcome::Outcome;
use crate::story::{Directory, row};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn steps(
    window: &Window<'_>,
    events: &[Event],
    stage: &Stage,
    directory: &Directory,
    outcome: &Outcome,
) -> Vec<Step> {
    let marks: BTreeMap<u64, &str> = marks(outcome);
    let step = |event: &Event| Step {
        n: event.n,
        t_ns: event.t_ns,
        lane: stage.lane(&event.user),
        text: words(event, directory),
        detail: detail(event),
        is_story: window.story.contains(&event.n),
        has_words: true,
        mark: marks.get(&event.n).copied().unwrap_or_default().to_owned(),
        changes: Vec::new(),
    };
    window.shown.iter().map(|index| step(&events[*index])).collect()
}

/// Why events matter, as the story marks its rows.
fn marks(outcome: &Outcome) -> BTreeMap<u64, &str> {
    let rows = outcome.story.iter().flat_map(|story| &story.rows).filter(|row| !row.mark.is_empty());
    rows.map(|row| (row.n, row.mark.as_str())).collect()
}

fn words(event: &Event, directory: &Directory) -> String {
    if let Body::Fault { name, what, .. } = &event.body {
        return format!("fault {name}: {what}");
    }
    if let Some(told) = row(event, directory) {
        return told.row.text;
    }
    let op = if event.op.is_empty() { "operation" } else { &*event.op };
    match (&event.body, event.kind) {
        (Body::Attempt { .. }, Kind::Invoked) => "wants a job done".to_owned(),
        (Body::Attempt { worker, .. }, Kind::Ok) => {
            let by = worker.as_ref().map_or_else(String::new, |worker| format!(" by {}", directory.user(worker)));
            format!("has its job done{by}")
        }
        (Body::Update { metadata }, Kind::Invoked) => match metadata.pointer("/properties/status") {
            Some(Value::String(status)) => format!("{op} to {status}"),
            _ => op.to_owned(),
        },
        (Body::Other { kind }, Kind::Sent) => kind.to_string(),
        (Body::Other { kind }, Kind::Received) => format!("receives: {kind}"),
        (_, Kind::Invoked) => op.to_owned(),
        (_, Kind::Ok) => format!("{op}: ok"),
        (_, Kind::Began) => format!("begins {op}"),
        (_, Kind::Ended) => format!("ends {op}"),
        (_, kind) => format!("{op}: {kind:?}").to_lowercase(),
    }
}

/// What the message carried, where that was kept; else all that the event tells.
fn detail(event: &Event) -> String {
    if let Some(content) = event.content.text() {
        return content.to_owned();
    }
    // Bodies are plain data with string keys: always JSON, but for a number that is none.
    let mut told = serde_json::to_value(&event.body).unwrap_or(Value::Null);
    if let Value::Object(fields) = &mut told {
        fields.remove("is");
        fields.retain(|_, value| !value.is_null());
        if !event.said.is_empty() {
            fields.insert("said".to_owned(), json!(event.said));
        }
        if fields.is_empty() {
            return String::new();
        }
    }
    Content::of(&told).text().unwrap_or_default().to_owned()
}
