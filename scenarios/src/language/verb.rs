//! Reads steps: each verb with its keys becomes a [`Verb`] of the plan. Meeting points do not yet know how many users
//! come. Neighbours: `step` (shapes), `templates`, `flow`.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::Distribution;
use crate::language::flow::Meet;
use crate::language::step::{DISCONNECT, HTTP, RECONNECT, REPEAT, RETRY, SEND, STEP_TABLE, VERBS};
use crate::language::templates::{self, Known, Secrets};
use crate::language::view::View;
use crate::plan::{Ending, Otherwise, Retry, Step, Verb};
use crate::tree::Node;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const EXPECT_WITHIN_NS: u64 = 5_000_000_000;
const MEET_WITHIN_NS: u64 = 20_000_000_000;

/// Verbs whose steps are operations of their own name. Others are none, or several of which each has a name.
const MEASURED: [&str; 7] = ["connect", "register", "discover", "update_metadata", "raw", "expect", "http"];

/// Reads the steps of one flow and remembers what others ask about it.
pub(crate) struct Reader<'a> {
    known: Known<'a>,
    pub meets: Vec<Meet>,
    pub names: BTreeSet<String>,
    faults: &'a mut Faults,
}

impl<'a> Reader<'a> {
    pub fn new(known: Known<'a>, faults: &'a mut Faults) -> Reader<'a> {
        Reader { known, meets: Vec::new(), names: BTreeSet::new(), faults }
    }

    pub fn steps(&mut self, list: &[Node]) -> Vec<Step> {
        list.iter().filter_map(|node| self.step(node)).collect()
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        if let Some(word) = node.as_text() {
            let verb = bare(word)?;
            return Some(step(word, verb));
        }
        let view = View::new(&STEP_TABLE, node.is_table().then_some(node), &node.span);
        let word = *VERBS.iter().find(|verb| view.has(verb))?;
        let verb = self.verb(word, &view)?;
        let name = view.text("name").unwrap_or_else(|| word.to_owned());
        if name.is_empty() {
            self.faults.push(Fault::new(&view.span("name"), "the name of a step is empty"));
        }
        if MEASURED.contains(&word) {
            self.names.insert(name.clone());
        }
        let save = view.names("save").iter();
        Some(Step {
            name,
            verb,
            save: save.filter_map(|entry| Some((entry.key.clone(), entry.node.as_text()?.to_owned()))).collect(),
            otherwise: match view.text("otherwise").as_deref() {
                Some("stop") => Otherwise::Stop,
                Some("continue") => Otherwise::Continue,
                _ => Otherwise::Fail,
            },
        })
    }

    fn verb(&mut self, word: &str, view: &View<'_>) -> Option<Verb> {
        let node = &view.entry(word)?.node;
        match word {
            "discover" => Some(Verb::Discover { filters: self.json(node), retry: retry(view) }),
            "update_metadata" => Some(Verb::UpdateMetadata { metadata: self.json(node) }),
            "send" => self.send(&view.table("send", &SEND)),
            "raw" => {
                self.known.secrets = Secrets::Allowed;
                let message = self.json(node);
                self.known.secrets = Secrets::Hidden;
                Some(Verb::Raw { message })
            }
            "expect" => {
                let within_ns = view.duration("within").unwrap_or(EXPECT_WITHIN_NS);
                Some(Verb::Expect { pattern: self.json(node), within_ns })
            }
            "http" => self.http(&view.table("http", &HTTP)),
            "think" => view.distribution("think", self.faults).map(Verb::Think),
            "repeat" => self.repeat(&view.table("repeat", &REPEAT)),
            "meet" => self.meet(view),
            "disconnect" => {
                let word = node.as_text().map(str::to_owned);
                let word = word.or_else(|| view.table("disconnect", &DISCONNECT).text("ending"));
                Some(Verb::Disconnect(ending(word.as_deref())))
            }
            "reconnect" => {
                let table = view.table("reconnect", &RECONNECT);
                let after = table.distribution("after", self.faults)?;
                Some(Verb::Reconnect { ending: ending(table.text("ending").as_deref()), after })
            }
            _ => bare(word),
        }
    }

    /// A value as JSON, its templates checked.
    fn json(&mut self, node: &Node) -> Value {
        templates::check(node, &self.known, self.faults);
        node.to_json()
    }

    fn send(&mut self, view: &View<'_>) -> Option<Verb> {
        let (to, payload) = (view.entry("to")?, view.entry("payload")?);
        templates::check(&to.node, &self.known, self.faults);
        Some(Verb::Send { to: to.node.as_text()?.to_owned(), payload: self.json(&payload.node) })
    }

    fn http(&mut self, view: &View<'_>) -> Option<Verb> {
        templates::check(&view.entry("path")?.node, &self.known, self.faults);
        let body = view.entry("body").map(|entry| self.json(&entry.node));
        let status = view.value("status")?;
        let statuses = status.as_list().unwrap_or(std::slice::from_ref(status.as_ref()));
        Some(Verb::Http {
            method: view.text("method")?,
            path: view.text("path")?,
            body,
            bearer: view.flag("bearer"),
            status: statuses.iter().filter_map(|node| node.as_whole()).map(|status| status as u16).collect(),
        })
    }

    fn repeat(&mut self, view: &View<'_>) -> Option<Verb> {
        let steps = self.steps(&view.list("steps"));
        let every = view.distribution("every", self.faults);
        let times = view.whole("times");
        let takes_time =
            every.as_ref().map_or_else(|| steps.iter().any(takes_time), |every| *every != Distribution::Fixed(0));
        if times.is_none() && !takes_time && !steps.is_empty() {
            self.faults.push(
                Fault::new(&view.anchor, "this repeats without end, and nothing in it takes time")
                    .expected("`times`, `every`, or a step that waits, such as `think`"),
            );
        }
        Some(Verb::Repeat { times, every, steps })
    }

    fn meet(&mut self, view: &View<'_>) -> Option<Verb> {
        let point = view.text("meet")?;
        if point.is_empty() {
            self.faults.push(Fault::new(&view.span("meet"), "the meeting point has no name"));
        }
        let of = match view.value("of") {
            Some(node) => match node.as_text() {
                Some(group) => vec![(group.to_owned(), node.span.clone())],
                None => view.texts("of"),
            },
            None => Vec::new(),
        };
        self.meets.push(Meet { point: point.clone(), of, span: view.key_span("meet") });
        Some(Verb::Meet { point, count: 0, within_ns: view.duration("within").unwrap_or(MEET_WITHIN_NS) })
    }
}

fn step(name: &str, verb: Verb) -> Step {
    Step { name: name.to_owned(), verb, save: Default::default(), otherwise: Otherwise::default() }
}

/// A verb that needs no more words.
fn bare(word: &str) -> Option<Verb> {
    Some(match word {
        "join" => Verb::Join,
        "connect" => Verb::Connect,
        "register" => Verb::Register,
        "discover" => Verb::Discover { filters: json!({}), retry: None },
        "disconnect" => Verb::Disconnect(Ending::Clean),
        "reconnect" => Verb::Reconnect { ending: Ending::Clean, after: Distribution::Fixed(0) },
        _ => return None,
    })
}

fn ending(word: Option<&str>) -> Ending {
    match word {
        Some("abrupt") => Ending::Abrupt,
        Some("silent") => Ending::Silent,
        _ => Ending::Clean,
    }
}

fn retry(view: &View<'_>) -> Option<Retry> {
    view.entry("retry")?;
    let table = view.table("retry", &RETRY);
    Some(Retry { every_ns: table.duration("every")?, for_ns: table.duration("for")? })
}

/// Whether a step waits for the network or the clock, so that repeating it makes progress in time.
fn takes_time(step: &Step) -> bool {
    match &step.verb {
        Verb::Raw { .. } | Verb::Send { .. } | Verb::Disconnect(_) => false,
        Verb::Think(pause) => *pause != Distribution::Fixed(0),
        Verb::Repeat { steps, .. } => steps.iter().any(takes_time),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::units;

    #[test]
    fn durations_by_default_are_those_of_the_documentation() {
        assert_eq!(units::duration("5s"), Ok(EXPECT_WITHIN_NS));
        assert_eq!(units::duration("20s"), Ok(MEET_WITHIN_NS));
    }
}
