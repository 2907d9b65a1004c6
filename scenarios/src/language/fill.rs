//! Puts values where the file names them: `"${name}"` becomes the value of the parameter, first in the parameters themselves,
//! then in all other sections. A string that is one name becomes its value, whatever its kind; inside a longer string the
//! value is written as text.
//!
//! Neighbours: `params` says which value a name has, `templates` the names that are filled in while playing, which stay as they
//! are here.

use crate::diagnostics::{Fault, Faults};
use crate::tree::{Entry, Node, Span, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Sections that are not filled: they say what is filled in elsewhere.
const UNFILLED: [&str; 3] = ["params", "variants", "files"];

/// Sections in which other names than parameters are filled in while playing.
const PLAYED: [&str; 3] = ["flow", "faults", "checks"];

/// Most bytes that parameters are filled in with, all places of a file together: a value that holds others several times grows
/// with each of them.
const FILLED_BYTES_MAX: usize = 16 << 20;

/// Most parameters of which each is made of the next.
const DEPTH_MAX: usize = 100;

/// The values of one variant in one world.
pub(crate) type Values = BTreeMap<String, Node>;

/// Values in which no name is left, but for those that have a fault of their own.
#[derive(PartialEq)]
pub(crate) struct Resolved {
    pub values: Values,
    /// Parameters without a value, which is told once: nothing is said about what follows from it.
    hollow: BTreeSet<String>,
}

/// A tree with every parameter filled in.
pub(crate) struct Filled {
    pub root: Node,
    /// Where that was done.
    pub places: Vec<Span>,
    /// Where a parameter without a value is named.
    pub hollow: Vec<Span>,
}

/// Fills the values into each other.
pub(crate) fn resolve(given: &Values, faults: &mut Faults) -> Resolved {
    let mut resolver = Resolver {
        given,
        names: given.keys().map(String::as_str).collect(),
        resolved: Resolved { values: Values::new(), hollow: BTreeSet::new() },
        path: Vec::new(),
        bytes_left: FILLED_BYTES_MAX,
        faults,
    };
    given.keys().for_each(|name| resolver.resolve(name));
    resolver.resolved
}

struct Resolver<'a> {
    given: &'a Values,
    /// All of them, for whoever mistypes one.
    names: Vec<&'a str>,
    resolved: Resolved,
    /// Names that are being resolved, each for the one before it.
    path: Vec<&'a str>,
    bytes_left: usize,
    faults: &'a mut Faults,
}

impl<'a> Resolver<'a> {
    fn resolve(&mut self, name: &str) {
        let Some((name, node)) = self.given.get_key_value(name) else { return };
        if self.resolved.values.contains_key(name) {
            return;
        }
        self.path.push(name);
        let mut uses = Vec::new();
        find_uses(node, &mut uses);
        for (used, _) in &uses {
            match self.path.iter().position(|begun| begun == used) {
                Some(start) => self.circle(start, &node.span),
                None if self.path.len() == DEPTH_MAX => self.too_deep(&node.span),
                None => self.resolve(used),
            }
        }
        self.path.pop();
        if uses.iter().any(|(used, _)| self.resolved.hollow.contains(used)) {
            self.resolved.hollow.insert(name.clone());
        }
        let value = if self.resolved.hollow.contains(name) { node.clone() } else { self.filled(name, node) };
        self.resolved.values.insert(name.clone(), value);
    }

    /// A value whose parts are all resolved.
    fn filled(&mut self, name: &str, node: &Node) -> Node {
        let told = self.faults.len();
        let mut filler = Filler::new(&self.resolved, &self.names, self.faults);
        filler.bytes_left = self.bytes_left;
        let filled = filler.node(node);
        self.bytes_left = filler.bytes_left;
        let is_hollow = !filler.hollow.is_empty();
        if is_hollow || self.faults.len() > told {
            self.resolved.hollow.insert(name.to_owned());
        }
        filled
    }

    /// The names from this one on need each other.
    fn circle(&mut self, start: usize, span: &Span) {
        let names = &self.path[start..];
        let circle: Vec<String> = names.iter().chain(&names[..1]).map(|name| format!("`{name}`")).collect();
        let fault = Fault::new(span, format!("parameter `{}` is made of itself", names[0]));
        self.faults.push(fault.found(circle.join(", then ")).hint("give one of them a value of its own"));
        self.resolved.hollow.extend(names.iter().map(|name| (*name).to_owned()));
    }

    fn too_deep(&mut self, span: &Span) {
        let fault = Fault::new(span, format!("parameter `{}` is made of more than {DEPTH_MAX} others", self.path[0]));
        self.faults.push(fault.hint("name the values where they are used"));
        self.resolved.hollow.extend(self.path.iter().map(|name| (*name).to_owned()));
    }
}

/// Fills the values into all other sections.
pub(crate) fn fill(root: &Node, resolved: &Resolved, faults: &mut Faults) -> Filled {
    let params = root.get("params").map_or(&[][..], Node::entries);
    let names: Vec<&str> = params.iter().map(|entry| entry.key.as_str()).collect();
    let mut filler = Filler::new(resolved, &names, faults);
    let Value::Table(sections) = &root.value else {
        return Filled { root: root.clone(), places: Vec::new(), hollow: Vec::new() };
    };
    let fill_section = |section: &Entry| {
        if UNFILLED.contains(&section.key.as_str()) {
            return section.clone();
        }
        filler.names_others = PLAYED.contains(&section.key.as_str());
        Entry { node: filler.node(&section.node), ..section.clone() }
    };
    let sections = sections.iter().map(fill_section).collect();
    let Filler { places, hollow, .. } = filler;
    Filled { root: Node { span: root.span.clone(), value: Value::Table(sections) }, places, hollow }
}

struct Filler<'a> {
    resolved: &'a Resolved,
    names: &'a [&'a str],
    places: Vec<Span>,
    hollow: Vec<Span>,
    /// How many bytes may still be filled in.
    bytes_left: usize,
    faults: &'a mut Faults,
    /// Whether this section may name what is no parameter.
    names_others: bool,
}

impl<'a> Filler<'a> {
    fn new(resolved: &'a Resolved, names: &'a [&'a str], faults: &'a mut Faults) -> Filler<'a> {
        let (places, hollow, bytes_left) = (Vec::new(), Vec::new(), FILLED_BYTES_MAX);
        Filler { resolved, names, places, hollow, bytes_left, faults, names_others: false }
    }

    fn node(&mut self, node: &Node) -> Node {
        let value = match &node.value {
            Value::Text(text) if text.contains("${") => self.text(text, &node.span),
            Value::List(list) => Value::List(list.iter().map(|item| self.node(item)).collect()),
            Value::Table(entries) => {
                let fill = |entry: &Entry| Entry { node: self.node(&entry.node), ..entry.clone() };
                Value::Table(entries.iter().map(fill).collect())
            }
            other => other.clone(),
        };
        Node { span: node.span.clone(), value }
    }

    fn text(&mut self, text: &str, span: &Span) -> Value {
        let mut written = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else { break };
            let name = &rest[start + 2..start + length];
            match self.resolved.values.get(name) {
                Some(value) => {
                    self.places.push(span.clone());
                    if !self.takes(name, value, span) {
                        return Value::Text(text.to_owned());
                    }
                    if start == 0 && length + 1 == text.len() {
                        return moved(value, span).value;
                    }
                    written.push_str(&rest[..start]);
                    written.push_str(&as_text(value));
                }
                None => {
                    self.unknown(name, span);
                    written.push_str(&rest[..=start + length]);
                }
            }
            rest = &rest[start + length + 1..];
        }
        written.push_str(rest);
        Value::Text(written)
    }

    /// Whether this value can be filled in; that all of them are too much is told once.
    fn takes(&mut self, name: &str, value: &Node, span: &Span) -> bool {
        let bytes = bytes_of(value);
        if self.resolved.hollow.contains(name) || self.bytes_left == 0 {
            self.hollow.push(span.clone());
            return false;
        }
        if bytes > self.bytes_left {
            let fault = Fault::new(span, "what parameters are filled in with becomes too large");
            self.faults.push(fault.expected(format!("at most {FILLED_BYTES_MAX} bytes in all places together")));
        }
        let fits = bytes <= self.bytes_left;
        self.bytes_left = if fits { self.bytes_left - bytes } else { 0 };
        fits
    }

    fn unknown(&mut self, name: &str, span: &Span) {
        if !self.names_others {
            self.places.push(span.clone());
            let fault = Fault::new(span, format!("there is no parameter `{name}`"));
            let hint = format!("`[params]` names values: `{name} = …`");
            self.faults.push(fault.among(name, self.names.iter().copied()).hint(hint));
        }
    }
}

/// About what a value takes, in bytes.
fn bytes_of(node: &Node) -> usize {
    const NODE_BYTES: usize = size_of::<Entry>();
    NODE_BYTES
        + match &node.value {
            Value::Text(text) => text.len(),
            Value::List(list) => list.iter().map(bytes_of).sum(),
            Value::Table(entries) => entries.iter().map(|entry| entry.key.len() + bytes_of(&entry.node)).sum(),
            _ => 0,
        }
}

/// A value at the place where it is used: faults about it point there.
pub(crate) fn moved(node: &Node, span: &Span) -> Node {
    let value = match &node.value {
        Value::List(list) => Value::List(list.iter().map(|item| moved(item, span)).collect()),
        Value::Table(entries) => {
            let move_entry = |entry: &Entry| Entry {
                key: entry.key.clone(),
                key_span: span.clone(),
                node: moved(&entry.node, span),
            };
            Value::Table(entries.iter().map(move_entry).collect())
        }
        other => other.clone(),
    };
    Node { span: span.clone(), value }
}

fn as_text(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        _ => node.to_json().to_string(),
    }
}

/// The names that the strings of a value say, and where.
pub(crate) fn find_uses(node: &Node, uses: &mut Vec<(String, Span)>) {
    match &node.value {
        Value::Text(text) => {
            let names = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
            uses.extend(names.map(|(name, _)| (name.to_owned(), node.span.clone())));
        }
        Value::List(list) => list.iter().for_each(|item| find_uses(item, uses)),
        Value::Table(entries) => entries.iter().for_each(|entry| find_uses(&entry.node, uses)),
        _ => {}
    }
}
