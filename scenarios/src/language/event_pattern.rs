//! Patterns over events, for checks of the scenario's own: what happened, who did it, and what was said, with `"?name"`
//! for what is to be captured. Neighbours: `declared` reads checks, `plan::declared` is what comes out.

use crate::diagnostics::{Fault, Faults};
use crate::language::flow::{Flow, unknown_group};
use crate::language::shape::{Shape, Table, Words, beside, key};
use crate::language::thresholds::OPERATIONS;
use crate::language::users::{Roster, may_be_user};
use crate::language::view::View;
use crate::plan::{EventPattern, Occurrence, Place, Step, Term};
use crate::tree::{Entry, Node, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A pattern over events.
pub(crate) static EVENT: Table = Table {
    name: "an event",
    doc: "exactly one of `sends`, `receives` and `event`; a string such as `\"?job\"` stands for any value and keeps it \
          under that name, the same one wherever the name stands",
    keys: &[
        key(
            "sends",
            Shape::JsonTable,
            "A user sends a message that has all of this, in itself or in the payload that it carries.",
        ),
        key("receives", Shape::JsonTable, "A user receives such a message."),
        key(
            "event",
            Shape::Word(&WORDS),
            "Something else, in the words of a record; `died` is the end of a user's host by a fault.",
        ),
        beside(
            &["event"],
            "op",
            Shape::Text,
            None,
            "The operation or kind of work: `discover`, `job`, `flow`, or a step's own name.",
        ),
        beside(&["event"], "with", Shape::JsonTable, None, "What the event tells besides, as in the record."),
        key("group", Shape::Text, "Only users of this group."),
        key("user", Shape::Text, "The user: a name such as `workers-0`, or a capture."),
        key("peer", Shape::Text, "The peer id that the user was registered as, as a capture."),
        key("room", Shape::Text, "The room that the user was registered in, as a capture."),
    ],
    one_of: &["sends", "receives", "event"],
    later: &[],
};

static WORDS: Words = Words {
    words: &["invoked", "ok", "failed", "unknown", "opened", "closed", "began", "ended", "fault", "died"],
    later: &[],
};

/// A longer string stands in a record by its hash alone.
const TEXT_BYTES_MAX: usize = 256;

/// What must not end up in a record.
const SECRETS: [&str; 2] = ["token", "id_token"];

/// What patterns may name.
pub(crate) struct Known<'a> {
    /// Groups, and how many users each has.
    pub roster: &'a Roster,
    /// Operations that somebody may do.
    pub operations: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    pub fn of(roster: &'a Roster, flows: &'a BTreeMap<String, Flow>) -> Known<'a> {
        let mut operations: BTreeSet<&str> = OPERATIONS.into_iter().chain(OF_THE_HARNESS).collect();
        flows.values().for_each(|flow| add_names(&flow.steps, &mut operations));
        Known { roster, operations }
    }

    fn check_group(&self, group: &str, view: &View<'_>, faults: &mut Faults) {
        if !self.roster.contains_key(group) {
            faults.push(unknown_group(group, &view.span("group"), self.roster.keys().map(String::as_str)));
        }
    }

    /// An event of another name than those that come would never match, and its check never be broken.
    fn check_operation(&self, op: &str, event: Occurrence, view: &View<'_>, faults: &mut Faults) {
        let span = &view.span("op");
        let known: Vec<&str> = match event {
            Occurrence::Invoked | Occurrence::Ok | Occurrence::Failed | Occurrence::Unknown => {
                self.operations.iter().copied().collect()
            }
            Occurrence::Began => WORK.to_vec(),
            Occurrence::Ended => WORK.into_iter().chain(ONLY_ENDED).collect(),
            // Beside `sends` and `receives` it is a fault of form.
            Occurrence::Sent | Occurrence::Received => return,
            Occurrence::Opened | Occurrence::Closed | Occurrence::Fault | Occurrence::Died => {
                return faults.push(Fault::new(span, "such an event belongs to no operation").hint("leave `op` out"));
            }
        };
        if !known.contains(&op) {
            faults
                .push(Fault::new(span, format!("nothing of the name `{op}` comes to such an event")).among(op, known));
        }
    }

    fn check_user(&self, user: &Term, view: &View<'_>, faults: &mut Faults) {
        let Term::Is(serde_json::Value::String(user)) = user else { return };
        if user != RUN && !may_be_user(user, self.roster) {
            faults.push(
                Fault::new(&view.span("user"), format!("there is no user `{user}`"))
                    .expected("a group and a number below its count, such as `workers-0`")
                    .among(user, self.roster.keys().map(String::as_str)),
            );
        }
    }
}

/// Names of steps and spans, however deep: also those that no table measures, such as of a meeting.
fn add_names<'a>(steps: &'a [Step], names: &mut BTreeSet<&'a str>) {
    for step in steps {
        names.insert(&step.name);
        names.extend(step.span.as_deref());
        step.verb.inside().into_iter().for_each(|steps| add_names(steps, names));
    }
}

/// Operations of the harness itself: planned work that was not begun at all, and what is cleaned up.
const OF_THE_HARNESS: [&str; 3] = ["dropped", "delete_room", "delete_identity"];

/// What `began` and `ended` tell of.
const WORK: [&str; 3] = ["job", "flow", "user"];

/// What only `ended` tells of: the measure phase, and messages that no step asked for.
const ONLY_ENDED: [&str; 2] = ["measure", "unmatched"];

/// Who tells of what is no user's.
const RUN: &str = "run";

/// Reads a pattern; none if its form is wrong, which is a fault already.
pub(crate) fn read(node: &Node, known: &Known<'_>, faults: &mut Faults) -> Option<EventPattern> {
    let view = View::new(&EVENT, Some(node), &node.span);
    let (event, said) = match (view.entry("sends"), view.entry("receives")) {
        (Some(entry), _) => (Occurrence::Sent, Some(entry)),
        (_, Some(entry)) => (Occurrence::Received, Some(entry)),
        _ => (occurrence(&view.text("event")?)?, None),
    };
    let group = view.text("group");
    if let Some(group) = &group {
        known.check_group(group, &view, faults);
    }
    let op = view.text("op");
    if let Some(op) = &op {
        known.check_operation(op, event, &view, faults);
    }
    let mut term = |key: &str| view.entry(key).and_then(|entry| read_term(&entry.node, faults));
    let (user, peer, room) = (term("user"), term("peer"), term("room"));
    if let Some(user) = &user {
        known.check_user(user, &view, faults);
    }
    let (mut message, mut with) = (Vec::new(), Vec::new());
    read_places(said.map_or(&[], |entry| entry.node.entries()), "", &mut message, faults);
    read_places(view.names("with"), "", &mut with, faults);
    Some(EventPattern { event, op, group, user, peer, room, message, with })
}

fn occurrence(word: &str) -> Option<Occurrence> {
    Some(match word {
        "invoked" => Occurrence::Invoked,
        "ok" => Occurrence::Ok,
        "failed" => Occurrence::Failed,
        "unknown" => Occurrence::Unknown,
        "opened" => Occurrence::Opened,
        "closed" => Occurrence::Closed,
        "began" => Occurrence::Began,
        "ended" => Occurrence::Ended,
        "fault" => Occurrence::Fault,
        "died" => Occurrence::Died,
        _ => return None,
    })
}

/// All values of a table with their places, at any depth.
fn read_places(entries: &[Entry], above: &str, places: &mut Vec<Place>, faults: &mut Faults) {
    for entry in entries {
        if SECRETS.contains(&entry.key.as_str()) {
            faults.push(
                Fault::new(&entry.key_span, format!("`{}` may be a secret, and records keep none", entry.key))
                    .hint("match by something else that the message says"),
            );
            continue;
        }
        let pointer = format!("{above}/{}", entry.key.replace('~', "~0").replace('/', "~1"));
        match entry.node.entries() {
            [] => places.extend(read_term(&entry.node, faults).map(|term| Place { pointer, term })),
            inner => read_places(inner, &pointer, places, faults),
        }
    }
}

fn read_term(node: &Node, faults: &mut Faults) -> Option<Term> {
    let refused = |message: &str, hint: &str| Fault::new(&node.span, message).found(node.describe()).hint(hint);
    let fault = match &node.value {
        Value::Text(text) => match text.strip_prefix('?') {
            // Two marks stand for a text that begins with one.
            Some(literal) if literal.starts_with('?') => return Some(Term::Is(literal.into())),
            Some(name) if is_name(name) => return Some(Term::Capture(name.to_owned())),
            Some(_) => {
                refused("this is no name for a capture", "a lower-case word behind the mark, such as `\"?job\"`")
            }
            None if text.len() > TEXT_BYTES_MAX => {
                refused("this text is too long to be compared", "a record keeps at most 256 bytes of a text")
            }
            None => return Some(Term::Is(text.as_str().into())),
        },
        Value::List(_) | Value::Table(_) => refused(
            "a list or an empty table cannot be matched",
            "name places with a text, a number or a flag; `\"?any\"` matches whatever is there",
        ),
        Value::Date(_) => return None,
        Value::Whole(_) | Value::Number(_) | Value::Flag(_) => return Some(Term::Is(node.to_json())),
    };
    faults.push(fault);
    None
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
