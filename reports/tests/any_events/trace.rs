//! A strict reader of Chrome's trace JSON, after the Trace Event Format and what Perfetto's importer does with it: the keys
//! each phase needs; asynchronous spans in pairs that never overlap under one identity; complete spans of a track within or
//! after each other; flows in pairs, bound to a complete span at their place; and named tracks with numbers of their own.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fails with the first event that a viewer would refuse or misread.
pub fn read(trace: &str) -> Result<usize, String> {
    let trace: Value = serde_json::from_str(trace).map_err(|error| error.to_string())?;
    if !matches!(trace["displayTimeUnit"].as_str(), Some("ms" | "ns")) {
        return Err("displayTimeUnit is neither ms nor ns".to_owned());
    }
    let events = trace["traceEvents"].as_array().ok_or("no traceEvents")?;
    let mut reader = Reader::default();
    for event in events {
        reader.read(event).map_err(|why| format!("{why}: {event}"))?;
    }
    reader.finish()?;
    Ok(events.len())
}

type Track = (u64, u64);

#[derive(Default)]
struct Reader {
    /// Asynchronous spans that are open.
    open: BTreeSet<(String, String, String)>,
    /// Complete spans of each track, in nanoseconds: from, until.
    complete: BTreeMap<Track, Vec<(i64, i64)>>,
    /// Flows that began and did not end: id -> since when.
    flows: BTreeMap<u64, i64>,
    flows_ended: BTreeSet<u64>,
    named: BTreeSet<Track>,
    used: BTreeSet<Track>,
    processes: BTreeSet<u64>,
}

impl Reader {
    fn read(&mut self, event: &Value) -> Result<(), String> {
        let text =
            |key: &str| event[key].as_str().filter(|it| !it.is_empty()).map(str::to_owned).ok_or(format!("no {key}"));
        let number = |key: &str| event[key].as_u64().ok_or(format!("no {key}"));
        let (phase, name, process) = (text("ph")?, text("name")?, number("pid")?);
        if phase == "M" {
            return self.metadata(&name, process, event);
        }
        let (track, category, at) = ((process, number("tid")?), text("cat")?, ns(event, "ts")?);
        self.used.insert(track);
        match phase.as_str() {
            "b" => self.open.insert((category, text("id")?, name)).then_some(()).ok_or("already begun".to_owned()),
            "e" => self.open.remove(&(category, text("id")?, name)).then_some(()).ok_or("never begun".to_owned()),
            "X" => {
                self.complete.entry(track).or_default().push((at, at.saturating_add(ns(event, "dur")?)));
                Ok(())
            }
            "s" => {
                self.is_bound(track, at)?;
                let id = number("id")?;
                let is_new = !self.flows_ended.contains(&id) && self.flows.insert(id, at).is_none();
                is_new.then_some(()).ok_or("its id is taken".to_owned())
            }
            "f" => {
                self.is_bound(track, at)?;
                let since = self.flows.remove(&number("id")?).ok_or("it never began")?;
                self.flows_ended.insert(number("id")?);
                (event["bp"] == "e" && since <= at).then_some(()).ok_or("it ends before it begins".to_owned())
            }
            _ => Err("a phase that is not written".to_owned()),
        }
    }

    fn metadata(&mut self, name: &str, process: u64, event: &Value) -> Result<(), String> {
        event["args"]["name"].as_str().ok_or("a name without a name")?;
        let is_new = match (name, event["tid"].as_u64()) {
            ("process_name", _) => self.processes.insert(process),
            ("thread_name", Some(track)) => self.named.insert((process, track)),
            _ => return Err("a name of nothing".to_owned()),
        };
        is_new.then_some(()).ok_or("named twice".to_owned())
    }

    /// A flow needs a complete span around its place that stands before it in the file.
    fn is_bound(&self, track: Track, at: i64) -> Result<(), String> {
        let spans = self.complete.get(&track).into_iter().flatten();
        let mut around = spans.filter(|(from, until)| (*from..=*until).contains(&at));
        around.next().map(|_| ()).ok_or("nothing to bind to".to_owned())
    }

    fn finish(&self) -> Result<(), String> {
        if !self.open.is_empty() || !self.flows.is_empty() {
            return Err(format!("never ended: {:?} {:?}", self.open, self.flows));
        }
        if let Some(track) = self.used.iter().find(|track| !self.named.contains(*track)) {
            return Err(format!("track {track:?} has no name"));
        }
        let numbers: BTreeSet<u64> = self.named.iter().map(|(_, number)| *number).collect();
        if numbers.len() != self.named.len() {
            return Err("two tracks have one number".to_owned());
        }
        self.complete
            .iter()
            .try_for_each(|(track, spans)| nested(spans).map_err(|why| format!("track {track:?}: {why}")))
    }
}

/// Spans of one track lie within or after each other.
fn nested(spans: &[(i64, i64)]) -> Result<(), String> {
    let mut sorted = spans.to_vec();
    sorted.sort_by_key(|(from, until)| (*from, -until));
    let mut around: Vec<i64> = Vec::new();
    for (from, until) in sorted {
        while around.last().is_some_and(|end| *end <= from) {
            around.pop();
        }
        if around.last().is_some_and(|end| *end < until) {
            return Err(format!("the span from {from} to {until} ns leaves the one around it"));
        }
        around.push(until);
    }
    Ok(())
}

/// Microseconds with fractions, as a viewer keeps them.
fn ns(event: &Value, key: &str) -> Result<i64, String> {
    let us = event[key].as_f64().filter(|us| us.is_finite() && *us >= 0.0).ok_or(format!("no {key}"))?;
    Ok((us * 1e3).round() as i64)
}
