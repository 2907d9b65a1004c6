//! `[params]` and `[variants]`: values with a name, filled in wherever a string says `"${name}"`, and sets of other values
//! that are played one after the other. A parameter has one value, or one for each world.
//!
//! Filling comes before everything else, so that what was filled in is checked like what was written. Neighbours: `mod`
//! (reads the filled tree), `templates` (names that are filled in while playing, which stay as they are here).

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{NameRule, Names, Shape};
use crate::language::{templates, world_name};
use crate::plan::World;
use crate::scenario::Overrides;
use crate::source::Source;
use crate::tree::{self, Entry, Node, Span, Value};
use std::collections::BTreeMap;

/// `[params]`.
pub(crate) static PARAMS: Names = Names { what: "parameter", rule: NameRule::Plain, value: Shape::Json };

/// `[variants.NAME]`.
pub(crate) static VARIANTS: Names =
    Names { what: "variant", rule: NameRule::Plain, value: Shape::Names(&VARIANT_VALUES) };

static VARIANT_VALUES: Names = Names { what: "value", rule: NameRule::Plain, value: Shape::Json };

const WORLDS: [World; 2] = [World::Simulated, World::Live];

/// Sections that are not filled: they say what is filled in elsewhere.
const UNFILLED: [&str; 2] = ["params", "variants"];

/// Sections in which other names than parameters are filled in while playing.
const PLAYED: [&str; 3] = ["flow", "faults", "checks"];

/// The values of one variant in one world.
pub(crate) type Values = BTreeMap<String, Node>;

/// The names of the variants to read: all of the file, or the one that is asked for; none in a file without.
pub(crate) fn variants(root: &Node, overrides: &Overrides, faults: &mut Faults) -> Vec<Option<String>> {
    let entries = root.get("variants").map_or(&[][..], Node::entries);
    let all = entries.iter().map(|entry| entry.key.as_str());
    match &overrides.variant {
        None if entries.is_empty() => vec![None],
        None => all.map(|name| Some(name.to_owned())).collect(),
        Some(asked) => {
            if !entries.iter().any(|entry| entry.key == *asked) {
                let fault = Fault::new(&(0..0), format!("there is no variant `{asked}`"));
                faults.push(fault.among(asked, all).hint("`[variants.NAME]` makes one"));
            }
            vec![Some(asked.clone())]
        }
    }
}

/// Reports what is wrong with parameters and variants themselves, once for the file.
pub(crate) fn check(root: &Node, overrides: &Overrides, faults: &mut Faults) {
    let params = root.get("params").map_or(&[][..], Node::entries);
    let names = || params.iter().map(|entry| entry.key.as_str());
    for entry in params {
        check_value(entry, faults);
        if templates::is_own(&entry.key) {
            let fault = Fault::new(&entry.key_span, format!("`{}` is a name that every user has", entry.key));
            faults.push(fault.hint("`${…}` could mean either: choose another name for the parameter"));
        }
    }
    let variants = root.get("variants").map_or(&[][..], Node::entries);
    for entry in variants.iter().flat_map(|variant| variant.node.entries()) {
        check_value(entry, faults);
        if !names().any(|name| name == entry.key) {
            let fault = Fault::new(&entry.key_span, format!("there is no parameter `{}`", entry.key));
            faults.push(fault.among(&entry.key, names()).hint("a variant gives other values to `[params]`"));
        }
    }
    for name in overrides.set.keys().filter(|name| !names().any(|known| known == name.as_str())) {
        let span = root.get("params").map_or(0..0, |node| node.span.clone());
        let fault = Fault::new(&span, format!("`{name}` is set, but there is no such parameter"));
        faults.push(fault.among(name, names()).hint("`[params]` names what `--set` can change"));
    }
    root.get("flow").into_iter().for_each(|flows| check_saved(flows, params, faults));
    // What is wrong with a name is the better reason for its not being used.
    if faults.is_empty() {
        check_uses(root, params, faults);
        check_variants(root, variants, overrides, faults);
    }
}

/// Variants that are the same would stand side by side as if they had been compared.
fn check_variants(root: &Node, variants: &[Entry], overrides: &Overrides, faults: &mut Faults) {
    if overrides.variant.is_some() {
        return;
    }
    let values = |variant: &Entry| {
        [World::Simulated, World::Live].map(|world| {
            let values = values(root, Some(&variant.key), world, overrides).into_iter();
            values.map(|(name, node)| (name, node.to_json())).collect::<BTreeMap<_, _>>()
        })
    };
    for (n, variant) in variants.iter().enumerate() {
        let Some(same) = variants[..n].iter().find(|before| values(before) == values(variant)) else { continue };
        let set = variant.node.entries().iter().find(|entry| overrides.set.contains_key(&entry.key));
        let (message, hint) = match set {
            Some(set) => (
                format!("variants `{}` and `{}` are the same once `{}` is set", same.key, variant.key, set.key),
                format!("play one of them with `--variant {}`, or leave `--set {}` out", same.key, set.key),
            ),
            None => (
                format!("variants `{}` and `{}` are the same", same.key, variant.key),
                "give one of them another value, or remove it".to_owned(),
            ),
        };
        faults.push(Fault::new(&variant.key_span, message).hint(hint));
    }
}

/// What a step saves has a name of its own: a parameter is filled in before there is anything to save.
fn check_saved(node: &Node, params: &[Entry], faults: &mut Faults) {
    for entry in node.entries() {
        let saved = if entry.key == "save" { entry.node.entries() } else { &[] };
        for variable in saved {
            let what = match params.iter().any(|param| param.key == variable.key) {
                true => "a parameter",
                false if templates::is_own(&variable.key) => "a name that every user has",
                false => continue,
            };
            let fault = Fault::new(&variable.key_span, format!("`{}` is {what}", variable.key));
            faults.push(fault.hint("`${…}` could mean either: save it under another name"));
        }
        check_saved(&entry.node, params, faults);
    }
    node.as_list().unwrap_or_default().iter().for_each(|item| check_saved(item, params, faults));
}

/// A parameter that nothing uses is a slip: whoever sets it would change nothing.
fn check_uses(root: &Node, params: &[Entry], faults: &mut Faults) {
    let mut uses = Vec::new();
    let filled = root.entries().iter().filter(|section| !UNFILLED.contains(&section.key.as_str()));
    filled.for_each(|section| find_uses(&section.node, &mut uses));
    for entry in params.iter().filter(|entry| !uses.iter().any(|(name, _)| *name == entry.key)) {
        let fault = Fault::new(&entry.key_span, format!("parameter `{}` is used nowhere", entry.key));
        faults.push(fault.hint(format!("write `\"${{{}}}\"` where its value belongs, or take it out", entry.key)));
    }
}

fn check_value(entry: &Entry, faults: &mut Faults) {
    if is_per_world(&entry.node) && WORLDS.iter().any(|world| entry.node.get(world_name(*world)).is_none()) {
        faults.push(
            Fault::new(&entry.node.span, format!("`{}` has a value for one world only", entry.key))
                .expected("`{ simulated = …, live = … }`, or one value for both"),
        );
    }
    let mut uses = Vec::new();
    find_uses(&entry.node, &mut uses);
    for (name, span) in uses {
        let fault = Fault::new(&span, format!("`${{{name}}}` is not filled in here"));
        faults.push(fault.hint("a parameter is a plain value; use both where they are needed"));
    }
}

/// Whether this is a table of values by world, and no table that is itself the value.
fn is_per_world(node: &Node) -> bool {
    let is_world = |entry: &Entry| WORLDS.iter().any(|world| entry.key == world_name(*world));
    !node.entries().is_empty() && node.entries().iter().all(is_world)
}

/// The values in this world: those of `[params]`, over them the variant's, over them what the command line set.
pub(crate) fn values(root: &Node, variant: Option<&str>, world: World, overrides: &Overrides) -> Values {
    let of_world =
        |node: &Node| if is_per_world(node) { node.get(world_name(world)).cloned() } else { Some(node.clone()) };
    // A value for one world only is a fault that is told: it stands for both, so that nothing follows from it.
    let of_either = |node: &Node| of_world(node).or_else(|| Some(node.entries().first()?.node.clone()));
    let of_entry = |entry: &Entry| Some((entry.key.clone(), of_either(&entry.node)?));
    let params = root.get("params").map_or(&[][..], Node::entries);
    let variant = variant.and_then(|name| root.get("variants")?.get(name)).map_or(&[][..], Node::entries);
    let set = overrides.set.iter().filter_map(|(name, value)| Some((name.clone(), of_world(&Node::of_json(value)?)?)));
    params.iter().chain(variant).filter_map(of_entry).chain(set).collect()
}

/// The tree with every parameter filled in, and where that was done. A string that is one parameter becomes its value,
/// whatever its kind; inside a longer string the value is written as text.
pub(crate) fn fill<'a>(root: &'a Node, values: &'a Values, faults: &'a mut Faults) -> (Node, Vec<Span>) {
    let names = root.get("params").map_or(&[][..], Node::entries).iter().map(|entry| entry.key.as_str()).collect();
    let mut filler = Filler { values, names, filled: Vec::new(), faults, names_others: false };
    let Value::Table(sections) = &root.value else { return (root.clone(), Vec::new()) };
    let fill_section = |section: &Entry| {
        if UNFILLED.contains(&section.key.as_str()) {
            return section.clone();
        }
        filler.names_others = PLAYED.contains(&section.key.as_str());
        Entry { node: filler.node(&section.node), ..section.clone() }
    };
    let sections = sections.iter().map(fill_section).collect();
    let Filler { filled, .. } = filler;
    (Node { span: root.span.clone(), value: Value::Table(sections) }, filled)
}

struct Filler<'a> {
    values: &'a Values,
    names: Vec<&'a str>,
    filled: Vec<Span>,
    faults: &'a mut Faults,
    /// Whether this section may name what is no parameter.
    names_others: bool,
}

impl Filler<'_> {
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
            let value = self.values.get(name);
            match value {
                Some(value) => {
                    self.filled.push(span.clone());
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

    fn unknown(&mut self, name: &str, span: &Span) {
        if !self.names_others {
            self.filled.push(span.clone());
            let fault = Fault::new(span, format!("there is no parameter `{name}`"));
            let hint = format!("`[params]` names values: `{name} = …`");
            self.faults.push(fault.among(name, self.names.iter().copied()).hint(hint));
        }
    }
}

/// A value at the place where it is used: faults about it point there.
fn moved(node: &Node, span: &Span) -> Node {
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

/// Names of the variants that a file has, in its order; none if it cannot be read.
pub fn variant_names(source: &[u8]) -> Vec<String> {
    let (text, _) = Source::new(source);
    let mut faults = Faults::default();
    let root = tree::parse(text.text, &mut faults);
    let variants = root.get("variants").map_or(&[][..], Node::entries);
    variants.iter().map(|entry| entry.key.clone()).collect()
}

/// A setting of the command line, `NAME=VALUE`: the value is TOML, and what is no TOML is a string, so that
/// `hold=10m` needs no quotes.
///
/// # Errors
/// What is no setting, in words.
pub fn setting(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is no setting such as clients=500"))?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err(format!("`{text}` sets nothing: the name before `=` is missing"));
    }
    let json = tree::parse_value(value).map_or_else(|| value.into(), |node| node.to_json());
    Ok((name.to_owned(), json))
}
