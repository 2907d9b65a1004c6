//! Chrome's trace JSON, as Perfetto reads it: a track for each user, operations and work as spans on it, messages as arrows
//! between users, and faults on a track of their own. Times are microseconds since the first event, which may lie before
//! time 0 of the plan; the record tells the plan's own times.
//!
//! What the format asks for beyond its keys, and `exports/tests` holds it to: numbers of tracks are unique over all processes;
//! asynchronous spans of one category, name and identity never overlap; complete ones (`X`) of one track lie within or after
//! each other; and a flow binds to the complete span around its place, so that the span comes before it in the file.

use super::in_causal_order;
use crate::checks::faults;
use crate::event::{Body, Event, Kind, Name};
use crate::history::{End, History, Operation};
use crate::story::{Arrivals, Directory, row};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The process whose tracks are users, and the one whose track has the faults.
const USERS: u32 = 1;
const FAULTS: u32 = 2;
/// The track of the faults; users have those behind it.
const FAULTS_TRACK: usize = 1;
/// How long a message is drawn at either end, at most: an arrow needs something to start at.
const MESSAGE_US: f64 = 1.0;

/// The trace of a run, one event a line.
pub fn trace(events: &[Event]) -> String {
    let arrivals = Arrivals::of(events, &BTreeSet::new());
    let directory = Directory::of(events);
    let events = in_causal_order(events, &arrivals);
    let mut trace =
        Trace { first_ns: events.first().map_or(0, |event| event.t_ns), tracks: BTreeMap::new(), lines: Vec::new() };
    let last_ns = events.last().map_or(0, |event| event.t_ns);
    trace.operations(&events, last_ns);
    trace.work(&events, last_ns);
    trace.messages(&events, &directory, &arrivals);
    let tracks = std::mem::take(&mut trace.tracks);
    for (user, track) in tracks {
        trace
            .lines
            .push(json!({ "ph": "M", "name": "thread_name", "pid": USERS, "tid": track, "args": { "name": named(&user, "nobody") } }));
    }
    let faults =
        json!({ "ph": "M", "name": "thread_name", "pid": FAULTS, "tid": FAULTS_TRACK, "args": { "name": "faults" } });
    trace.lines.push(faults);
    for (process, name) in [(USERS, "users"), (FAULTS, "faults")] {
        trace.lines.push(json!({ "ph": "M", "name": "process_name", "pid": process, "args": { "name": name } }));
    }
    let lines: Vec<String> = trace.lines.iter().map(Value::to_string).collect();
    format!("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n", lines.join(",\n"))
}

struct Trace {
    first_ns: i64,
    tracks: BTreeMap<Name, usize>,
    lines: Vec<Value>,
}

/// A span in the making: when it began, and what it is.
struct Open {
    n: u64,
    t_ns: i64,
    name: String,
}

impl Trace {
    fn us(&self, t_ns: i64) -> f64 {
        t_ns.saturating_sub(self.first_ns).max(0) as f64 / 1e3
    }

    fn track(&mut self, user: &Name) -> usize {
        let next = FAULTS_TRACK + 1 + self.tracks.len();
        *self.tracks.entry(user.clone()).or_insert(next)
    }

    /// Spans of one user may overlap, which only asynchronous ones may in this format.
    fn span(
        &mut self,
        (category, id): (&str, String),
        user: &Name,
        name: &str,
        (from_ns, until_ns): (i64, i64),
        args: &Value,
    ) {
        let (track, process) = if category == "fault" { (FAULTS_TRACK, FAULTS) } else { (self.track(user), USERS) };
        let name = named(name, category);
        let line = |phase: &str, us: f64, args: &Value| json!({ "ph": phase, "cat": category, "id": id, "name": name, "pid": process, "tid": track, "ts": us, "args": args });
        let (begins, ends) = (line("b", self.us(from_ns), args), line("e", self.us(until_ns), &json!({})));
        self.lines.extend([begins, ends]);
    }

    fn operations(&mut self, events: &[&Event], last_ns: i64) {
        let mut history = History::new();
        let mut ended: Vec<Operation> = events.iter().filter_map(|event| history.observe(event)).collect();
        ended.extend(history.finish(last_ns));
        for operation in ended {
            let outcome = match operation.end {
                End::Ok => "ok",
                End::Failed => "failed",
                End::Unknown => "unknown",
                End::Open => "unanswered",
            };
            let id = format!("{} {}", operation.user, operation.op_id);
            let args = json!({ "outcome": outcome, "error": operation.error.as_deref() });
            let span = (operation.invoked_ns, operation.ended_ns);
            self.span(("operation", id), &operation.user, &operation.op, span, &args);
        }
    }

    /// Jobs and flows by what their users write, faults by what the run does.
    fn work(&mut self, events: &[&Event], last_ns: i64) {
        let mut open: BTreeMap<(&str, Name, String), Open> = BTreeMap::new();
        for event in events {
            let (category, what, is_begin) = match (&event.body, event.kind) {
                (Body::Job { job, .. }, Kind::Began | Kind::Ended) => {
                    ("work", job.to_string(), event.kind == Kind::Began)
                }
                (_, Kind::Began | Kind::Ended) => ("work", event.op.to_string(), event.kind == Kind::Began),
                (Body::Fault { name, what, .. }, _) => ("fault", name.to_string(), !faults::ends(what)),
                _ => continue,
            };
            let key = (category, event.user.clone(), what.clone());
            if is_begin && !open.contains_key(&key) {
                let name = if event.op.is_empty() || *event.op == what { what } else { format!("{} {what}", event.op) };
                open.insert(key, Open { n: event.n, t_ns: event.t_ns, name });
            } else if !is_begin && let Some(begun) = open.remove(&key) {
                self.work_span(category, &event.user, &begun, event.t_ns, &json!({}));
            } else if !is_begin && let Some(planned_ns) = event.planned_ns {
                // What is told only when it is over was planned for when it began.
                let begun = Open { n: event.n, t_ns: planned_ns.min(event.t_ns), name: what };
                self.work_span(category, &event.user, &begun, event.t_ns, &json!({}));
            }
        }
        for ((category, user, _), begun) in open {
            self.work_span(category, &user, &begun, last_ns, &json!({ "outcome": "open" }));
        }
    }

    /// Its identity is the event that began it: the same work may begin at the same time at two users.
    fn work_span(&mut self, category: &str, user: &Name, Open { n, t_ns, name }: &Open, until_ns: i64, args: &Value) {
        self.span((category, format!("{category} {n}")), user, name, (*t_ns, until_ns), args);
    }

    fn messages(&mut self, events: &[&Event], directory: &Directory, arrivals: &Arrivals) {
        let mut arrows: BTreeMap<u64, u64> = BTreeMap::new();
        let messages: Vec<&&Event> = events.iter().filter(|it| matches!(it.body, Body::Message { .. })).collect();
        let rooms = self.rooms(&messages);
        for (event, dur) in messages.into_iter().zip(rooms) {
            let Some(told) = row(event, directory) else { continue };
            let (track, us) = (self.track(&event.user), self.us(event.t_ns));
            self.lines.push(json!({
                "ph": "X", "cat": "message", "name": named(&told.row.text, "message"), "pid": USERS, "tid": track, "ts": us, "dur": dur,
                "args": { "to": told.row.to.as_deref() },
            }));
            let arrow = |phase: &str, id: u64| json!({ "ph": phase, "bp": "e", "cat": "message", "name": "message", "id": id, "pid": USERS, "tid": track, "ts": us });
            if let Some(arrival) = arrivals.of_sent(event.n) {
                arrows.insert(arrival.n, event.n);
                self.lines.push(arrow("s", event.n));
            } else if let Some(sent) = arrows.get(&event.n) {
                self.lines.push(arrow("f", *sent));
            }
        }
    }
}

/// Viewers drop what has no name.
fn named<'a>(name: &'a str, or: &'a str) -> &'a str {
    if name.is_empty() { or } else { name }
}

impl Trace {
    /// How long each message may be drawn: spans of one track must not overlap by a part, so each ends where the next one
    /// that is later begins.
    fn rooms(&self, messages: &[&&Event]) -> Vec<f64> {
        let mut next: BTreeMap<&Name, (i64, f64)> = BTreeMap::new();
        let rooms = messages.iter().rev().map(|event| {
            let room = match next.get(&event.user) {
                Some((t_ns, room)) if *t_ns == event.t_ns => *room,
                Some((t_ns, _)) => MESSAGE_US.min(self.us(*t_ns) - self.us(event.t_ns)),
                None => MESSAGE_US,
            };
            next.insert(&event.user, (event.t_ns, room));
            room
        });
        let mut rooms: Vec<f64> = rooms.collect();
        rooms.reverse();
        rooms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_for_tests::History;

    fn lines(history: &History) -> Vec<Value> {
        let trace: Value = serde_json::from_str(&trace(&history.events)).unwrap();
        trace["traceEvents"].as_array().unwrap().clone()
    }

    fn phases(lines: &[Value], category: &str) -> Vec<(String, String, f64)> {
        let of = lines.iter().filter(|line| line["cat"] == category);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        of.map(|line| (text(&line["ph"]), text(&line["name"]), line["ts"].as_f64().unwrap())).collect()
    }

    fn phase(phase: &str, name: &str, us: f64) -> (String, String, f64) {
        (phase.to_owned(), name.to_owned(), us)
    }

    #[test]
    fn operations_work_and_faults_are_spans_from_the_first_event_on() {
        let mut history = History::new();
        history.at(-1.0).joins("workers-0", 1, "room");
        history.at(0.5).begins("workers-0", "j1", "clients-0").at(0.75).fault("cut", "partition begins", &["server-0"]);
        history.at(1.0).ends("workers-0", "j1", "clients-0").fault("cut", "partition ends", &["server-0"]);
        let lines = lines(&history);
        assert_eq!(phases(&lines, "operation"), [phase("b", "register", 0.0), phase("e", "register", 0.0)]);
        assert_eq!(phases(&lines, "work"), [phase("b", "job j1", 1.5e6), phase("e", "job j1", 2e6)]);
        assert_eq!(phases(&lines, "fault"), [phase("b", "cut", 1.75e6), phase("e", "cut", 2e6)]);
        let named = lines.iter().find(|line| line["name"] == "thread_name").unwrap();
        assert_eq!(named["args"]["name"], "workers-0");
    }

    #[test]
    fn a_message_that_arrived_is_an_arrow_and_a_lost_one_is_not() {
        let mut history = History::new();
        history.at(0.0).joins("a", 1, "room").joins("b", 1, "room");
        history.at(1.0).sends("a", 1, "b", "hello").at(1.5).receives("b", 1, "a", "hello").sends("b", 1, "a", "lost");
        let arrows: Vec<_> =
            lines(&history).into_iter().filter(|line| line["ph"] == "s" || line["ph"] == "f").collect();
        assert_eq!(arrows.len(), 2);
        assert_eq!(arrows[0]["id"], arrows[1]["id"]);
        assert_ne!(arrows[0]["tid"], arrows[1]["tid"]);
    }

    #[test]
    fn what_never_ends_lasts_to_the_end_of_the_record() {
        let mut history = History::new();
        history.at(0.0).begins("a", "j", "c").at(2.0).sends("a", 1, "b", "hello");
        assert_eq!(phases(&lines(&history), "work"), [phase("b", "job j", 0.0), phase("e", "job j", 2e6)]);
        assert!(trace(&[]).contains("traceEvents"));
    }
}
