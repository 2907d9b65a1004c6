//! `[params]` and `[variants]`: values with a name, filled in wherever a string says `"${name}"`, and sets of other values
//! that are played one after the other. A parameter has one value, or one for each world.
//!
//! Filling comes before everything else, so that what was filled in is checked like what was written. Neighbours: `mod`
//! (reads the filled tree), `fill` (puts the values where they are named), `templates` (names that are filled in while
//! playing, which stay as they are here).

use crate::diagnostics::{Fault, Faults};
use crate::language::fill::{self, Values, find_uses};
use crate::language::shape::{NameRule, Names, Shape};
use crate::language::{templates, world_name};
use crate::plan::World;
use crate::scenario::Overrides;
use crate::source::Source;
use crate::tree::{self, Entry, Node};
use std::collections::{BTreeMap, BTreeSet};

/// `[params]`.
pub(crate) static PARAMS: Names = Names { what: "parameter", rule: NameRule::Plain, value: Shape::Json };

/// `[variants.NAME]`.
pub(crate) static VARIANTS: Names =
    Names { what: "variant", rule: NameRule::Plain, value: Shape::Names(&VARIANT_VALUES) };

static VARIANT_VALUES: Names = Names { what: "value", rule: NameRule::Plain, value: Shape::Json };

const WORLDS: [World; 2] = [World::Simulated, World::Live];

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
            // What cannot be resolved is told when the variant is read.
            let given = values(root, Some(&variant.key), world, overrides);
            let values = fill::resolve(&given, &mut Faults::default()).values.into_iter();
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
    // What a file of rows holds is never filled.
    let sections = root.entries().iter().filter(|section| section.key != "files");
    sections.for_each(|section| find_uses(&section.node, &mut uses));
    let used: BTreeSet<String> = uses.into_iter().map(|(name, _)| name).collect();
    for entry in params.iter().filter(|entry| !used.contains(&entry.key)) {
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
    // What is wrong with a value of the command line is told where the file gives another.
    let place =
        |name: &str| params.iter().find(|param| param.key == *name).map_or(0..0, |param| param.node.span.clone());
    let of_set = |(name, value): (&String, &serde_json::Value)| {
        Some((name.clone(), fill::moved(&of_world(&Node::of_json(value)?)?, &place(name))))
    };
    let set = overrides.set.iter().filter_map(of_set);
    params.iter().chain(variant).filter_map(of_entry).chain(set).collect()
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
