//! Reads steps: each verb with its keys becomes a [`Verb`] of the plan. Meeting points do not yet know how many users
//! come. Neighbours: `step` (shapes), `templates`, `flow`.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::Distribution;
use crate::language::flow::Meet;
use crate::language::step::{BRANCH, CLOSE, DISCONNECT, HTTP, RECONNECT, REPEAT, RETRY, SEND, STEP_TABLE, VERBS};
use crate::language::templates::{self, Known, Secrets};
use crate::language::thresholds::measured;
use crate::language::view::View;
use crate::plan::{Branch, Ending, Malformed, Otherwise, Retry, Step, Verb};
use crate::tree::{self, Node, Span};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const EXPECT_WITHIN_NS: u64 = 5_000_000_000;
const MEET_WITHIN_NS: u64 = 20_000_000_000;

/// Verbs whose steps are operations of their own name. Others are none, or several of which each has a name.
const MEASURED: [&str; 11] = [
    "connect",
    "register",
    "discover",
    "update_metadata",
    "raw",
    "expect",
    "expect_one_of",
    "expect_none",
    "expect_close",
    "malformed",
    "http",
];

/// Reads the steps of one flow and remembers what others ask about it.
pub(crate) struct Reader<'a> {
    known: Known<'a>,
    /// The steps of other flows, which branches lead to.
    flows: &'a BTreeMap<String, Vec<Node>>,
    /// The flows that are being read, each within the one before.
    path: Vec<String>,
    /// Whether everybody who plays it has a pace.
    pub is_paced: bool,
    pub meets: Vec<Meet>,
    pub names: BTreeSet<String>,
    /// How many steps were read, those of each branch counted where it leads.
    count: usize,
    faults: &'a mut Faults,
}

/// Branches that lead to flows with branches double and double again: a flow that a person has written stays far below.
const STEPS_MAX: usize = 10_000;

impl<'a> Reader<'a> {
    pub fn new(
        flow: &str,
        known: Known<'a>,
        flows: &'a BTreeMap<String, Vec<Node>>,
        faults: &'a mut Faults,
    ) -> Reader<'a> {
        Reader {
            known,
            flows,
            path: vec![flow.to_owned()],
            is_paced: false,
            meets: Vec::new(),
            names: BTreeSet::new(),
            count: 0,
            faults,
        }
    }

    pub fn steps(&mut self, list: &[Node]) -> Vec<Step> {
        list.iter().filter_map(|node| self.step(node)).collect()
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        self.count += 1;
        if let Some(word) = node.as_text() {
            let verb = bare(word)?;
            return Some(step(word, verb));
        }
        let view = View::new(&STEP_TABLE, node.is_table().then_some(node), &node.span);
        let word = *VERBS.iter().find(|verb| view.has(verb))?;
        if view.entry(word).is_some_and(|entry| matches!(entry.node.value, tree::Value::Flag(false))) {
            let fault = Fault::new(&view.span(word), format!("a step that says `{word} = false` is none"));
            self.faults.push(fault.hint(format!("write `\"{word}\"`, or leave the step out")));
        }
        let verb = self.verb(word, &view)?;
        let name = view.text("name").unwrap_or_else(|| word.to_owned());
        if name.is_empty() {
            let fault = Fault::new(&view.span("name"), "the name of a step is empty");
            self.faults.push(fault.hint("leave `name` out to call it as its verb"));
        }
        if MEASURED.contains(&word) {
            self.names.insert(name.clone());
        }
        let span = view.text("span");
        if let Some(span) = &span {
            if span.is_empty() {
                let fault = Fault::new(&view.span("span"), "the name of a span is empty");
                self.faults.push(fault.hint("a name for readers of tables, such as `job to running`"));
            } else if measured().any(|known| known == span) {
                let fault = Fault::new(&view.span("span"), format!("`{span}` is measured in every run as it is"));
                self.faults.push(fault.hint("a span has a name of its own, such as `job to running`"));
            }
            self.names.insert(span.clone());
        }
        Some(Step {
            name,
            verb,
            span,
            save: save(&view),
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
                if let Some(list) = node.as_list() {
                    let fault = Fault::new(&node.span, "a step that expects several messages is `expect_one_of`");
                    self.faults.push(
                        fault
                            .found(format!("a list of {}", list.len()))
                            .hint("write `expect_one_of = [{ message = { … }, then = … }, …]`"),
                    );
                    return None;
                }
                let within_ns = view.duration("within").unwrap_or(EXPECT_WITHIN_NS);
                Some(Verb::Expect { pattern: self.json(node), within_ns })
            }
            "expect_one_of" => self.expect_one_of(node, view),
            "expect_none" => Some(Verb::ExpectNone { pattern: self.json(node), for_ns: view.duration("for")? }),
            "expect_close" => {
                let code = view.table("expect_close", &CLOSE).whole("code").map(|code| code as u16);
                Some(Verb::ExpectClose { code, within_ns: view.duration("within").unwrap_or(EXPECT_WITHIN_NS) })
            }
            "malformed" => malformed(&view.text("malformed")?),
            "http" => self.http(&view.table("http", &HTTP)),
            "at" => view.duration("at").map(Verb::At),
            "think" => view.distribution("think", self.faults).map(Verb::Think),
            "stop_reading" => view.distribution("stop_reading", self.faults).map(Verb::StopReading),
            "repeat" => self.repeat(&view.table("repeat", &REPEAT)),
            "meet" => self.meet(view),
            "disconnect" => {
                let word = node.as_text().map(str::to_owned);
                let word = word.or_else(|| view.table("disconnect", &DISCONNECT).text("ending"));
                Some(Verb::Disconnect(ending(word.as_deref())))
            }
            "reconnect" if node.as_text().is_some() => {
                Some(Verb::Reconnect { ending: ending(node.as_text()), after: Distribution::Fixed(0) })
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
        let first = view.distribution("first", self.faults);
        let times = view.whole("times");
        let until = view.entry("until").map(|entry| self.json(&entry.node));
        self.check_until(view, &steps);
        let takes_time =
            every.as_ref().map_or_else(|| steps.iter().any(takes_time), |every| *every != Distribution::Fixed(0));
        if times.is_none() && !takes_time && !self.is_paced && !steps.is_empty() {
            self.faults.push(
                Fault::new(&view.anchor, "this repeats without end, and nothing in it takes time")
                    .expected("`times`, `every`, or a step that waits, such as `think`"),
            );
        }
        Some(Verb::Repeat { times, first, every, until, steps })
    }

    /// What never changes need not be waited for, and what never comes must not be waited for without end.
    fn check_until(&mut self, view: &View<'_>, steps: &[Step]) {
        let Some(until) = view.entry("until") else { return };
        if !view.has("times") {
            let fault = Fault::new(&until.key_span, "`until` may wait without end").expected("`times` beside it");
            self.faults.push(fault.hint("the step fails if it has not come by then"));
        }
        for entry in until.node.entries() {
            if !steps.iter().any(|step| saves(step, &entry.key)) {
                let fault = Fault::new(&entry.key_span, format!("no step in this repetition saves `{}`", entry.key));
                self.faults.push(fault.hint("a step keeps a value with `save = { variable = \"/pointer\" }`"));
            }
        }
    }

    fn expect_one_of(&mut self, node: &Node, view: &View<'_>) -> Option<Verb> {
        let within_ns = view.duration("within").unwrap_or(EXPECT_WITHIN_NS);
        let branches = node.as_list()?.iter().filter(|branch| branch.is_table());
        let branches = branches.filter_map(|branch| self.branch(&View::new(&BRANCH, Some(branch), &branch.span)));
        Some(Verb::ExpectOneOf { branches: branches.collect(), within_ns })
    }

    fn branch(&mut self, view: &View<'_>) -> Option<Branch> {
        let pattern = self.json(&view.entry("message")?.node);
        let steps = match view.entry("then") {
            None => Vec::new(),
            Some(then) => match then.node.as_text() {
                None => self.steps(&view.list("then")),
                Some("stop") => vec![step("stop", Verb::Stop)],
                Some(flow) => self.flow(flow, &then.node.span),
            },
        };
        Some(Branch { pattern, save: save(view), steps })
    }

    /// The steps of another flow, as if they were written here.
    fn flow(&mut self, name: &str, span: &Span) -> Vec<Step> {
        let Some(list) = self.flows.get(name) else {
            let fault = Fault::new(span, format!("there is no flow `{name}`"));
            let valid = self.flows.keys().map(String::as_str).chain(["stop"]);
            self.faults.push(fault.among(name, valid).hint(format!("write `[flow.{name}]` with `steps = […]`")));
            return Vec::new();
        };
        if self.path.iter().any(|outer| outer == name) {
            let way = self.path.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(" -> ");
            let fault = Fault::new(span, format!("flow `{name}` leads back to itself")).found(way);
            self.faults.push(fault.hint("what is to be done again stands in `repeat`"));
            return Vec::new();
        }
        if self.count > STEPS_MAX {
            let fault =
                Fault::new(span, format!("with all that its branches lead to, flow `{}` is too long", self.path[0]));
            let fault =
                fault.expected(format!("at most {STEPS_MAX} steps, those of a flow counted at each branch to it"));
            self.faults
                .push(fault.hint("a branch without `then` goes on behind the step, where all of them meet again"));
            return Vec::new();
        }
        self.path.push(name.to_owned());
        let steps = self.steps(list);
        self.path.pop();
        steps
    }

    fn meet(&mut self, view: &View<'_>) -> Option<Verb> {
        let point = view.text("meet")?;
        if point.is_empty() {
            let fault = Fault::new(&view.span("meet"), "the meeting point has no name");
            self.faults.push(fault.hint("whoever meets there writes the same name"));
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
    Step { name: name.to_owned(), verb, save: Default::default(), otherwise: Otherwise::default(), span: None }
}

/// Values to keep.
fn save(view: &View<'_>) -> BTreeMap<String, String> {
    let entries = view.names("save").iter();
    entries.filter_map(|entry| Some((entry.key.clone(), entry.node.as_text()?.to_owned()))).collect()
}

/// Whether a step, or one inside it, keeps this variable.
fn saves(step: &Step, variable: &str) -> bool {
    let of_branch = match &step.verb {
        Verb::ExpectOneOf { branches, .. } => branches.iter().any(|branch| branch.save.contains_key(variable)),
        _ => false,
    };
    let inside = step.verb.inside();
    step.save.contains_key(variable) || of_branch || inside.into_iter().flatten().any(|step| saves(step, variable))
}

/// A verb that needs no more words.
fn bare(word: &str) -> Option<Verb> {
    Some(match word {
        "join" => Verb::Join,
        "connect" => Verb::Connect,
        "register" => Verb::Register,
        "discover" => Verb::Discover { filters: json!({}), retry: None },
        "disconnect" => Verb::Disconnect(Ending::Clean),
        "stop" => Verb::Stop,
        "reconnect" => Verb::Reconnect { ending: Ending::Clean, after: Distribution::Fixed(0) },
        _ => return None,
    })
}

pub(crate) fn ending(word: Option<&str>) -> Ending {
    match word {
        Some("abrupt") => Ending::Abrupt,
        Some("silent") => Ending::Silent,
        _ => Ending::Clean,
    }
}

fn malformed(word: &str) -> Option<Verb> {
    let found = Malformed::ALL.iter().find(|(known, _)| *known == word);
    found.map(|(_, malformed)| Verb::Malformed(*malformed))
}

fn retry(view: &View<'_>) -> Option<Retry> {
    view.entry("retry")?;
    let table = view.table("retry", &RETRY);
    Some(Retry { every_ns: table.duration("every")?, for_ns: table.duration("for")? })
}

/// Whether a step waits for the network or the clock, so that repeating it makes progress in time.
fn takes_time(step: &Step) -> bool {
    match &step.verb {
        // A time of the plan comes only once.
        Verb::Raw { .. } | Verb::Malformed(_) | Verb::Send { .. } | Verb::Disconnect(_) | Verb::At(_) => false,
        Verb::Think(pause) | Verb::StopReading(pause) => *pause != Distribution::Fixed(0),
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
