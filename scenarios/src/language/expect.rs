//! `expect`: the verdict that a scenario expects, for both worlds or for each.

use crate::diagnostics::{Fault, Faults};
use crate::language::checks;
use crate::language::shape::{Later, Shape, Table, Words, elsewhere, key};
use crate::language::world_name;
use crate::plan::{ChecksPlan, Expectation, World};
use crate::scenario::PerWorld;
use crate::tree::{Node, Span};

/// `expect`.
pub(crate) const EXPECT: Shape = Shape::Either(&[VERDICT, Shape::Table(&EXPECT_TABLE)]);

const VERDICT: Shape = Shape::Word(&Words { words: &["holds", "broken", "either"], later: &[] });

const ONE_WORLD: Shape = Shape::Either(&[VERDICT, Shape::Table(&CHECKS_TABLE)]);

const LATER: &[Later] = &[elsewhere("of_seeds", "`broken` means broken in at least one of the seeds that are played")];

static EXPECT_TABLE: Table = Table {
    name: "`expect`",
    doc: "`{ broken = [\"CHECK\"], either = [\"CHECK\"] }`, or a verdict for each world",
    keys: &[
        key("broken", CHECKS, "In both worlds: at least one of these checks is broken."),
        key("either", CHECKS, "In both worlds: these checks may be broken or hold. Every other check holds."),
        key("simulated", ONE_WORLD, "In the simulated world."),
        key("live", ONE_WORLD, "In the live world."),
    ],
    one_of: &[],
    later: LATER,
};

static CHECKS_TABLE: Table = Table {
    name: "an expected verdict",
    doc: "`{ broken = [\"CHECK\"], either = [\"CHECK\"] }`",
    keys: &[
        key("broken", CHECKS, "At least one of these checks is broken."),
        key("either", CHECKS, "These checks may be broken or hold. Every other check holds."),
    ],
    one_of: &[],
    later: LATER,
};

const CHECKS: Shape = Shape::List(&Shape::Text, 1);

/// The expected verdict in each world.
pub(crate) fn read(node: Option<&Node>, checks: &ChecksPlan, faults: &mut Faults) -> PerWorld<Expectation> {
    let Some(node) = node else { return PerWorld::both(Expectation::Holds) };
    let mut one = |world| match node.get(world_name(world)) {
        Some(verdict) => verdict_of(verdict, checks, faults),
        None => Expectation::Holds,
    };
    let worlds = PerWorld { simulated: one(World::Simulated), live: one(World::Live) };
    let is_for_both = ["broken", "either"].into_iter().find(|key| node.get(key).is_some());
    if !node.is_table() || is_for_both.is_some() {
        if let (Some(key), Some(other)) = (is_for_both, node.get("simulated").or(node.get("live"))) {
            faults.push(
                Fault::new(&other.span, format!("`{key}` is for both worlds, and excludes a verdict for each"))
                    .hint(format!("write `{{ simulated = {{ {key} = […] }}, live = … }}`")),
            );
        }
        return PerWorld::both(verdict_of(node, checks, faults));
    }
    worlds
}

fn verdict_of(node: &Node, checks: &ChecksPlan, faults: &mut Faults) -> Expectation {
    match node.as_text() {
        Some("broken") => return Expectation::Broken(Vec::new()),
        Some("either") => return Expectation::Either,
        Some(_) => return Expectation::Holds,
        None => {}
    }
    let broken = names(node, "broken", checks, faults);
    let either = names(node, "either", checks, faults);
    if broken.is_empty() && either.is_empty() {
        faults.push(
            Fault::new(&node.span, "nothing is expected here")
                .expected("`broken`, `either` or both, with checks")
                .hint("`expect = \"holds\"` says that every check holds, as it is if `expect` is left out"),
        );
    }
    for (name, span) in either.iter().filter(|(name, _)| broken.iter().any(|(other, _)| other == name)) {
        faults.push(Fault::new(span, format!("`{name}` is expected to be broken already")).hint("keep one of the two"));
    }
    let plain = |list: Vec<(String, Span)>| list.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    match (plain(broken), plain(either)) {
        (broken, either) if either.is_empty() => Expectation::Broken(broken),
        (broken, either) => Expectation::Checks { broken, either },
    }
}

/// Names of checks under a key, with their places.
fn names(node: &Node, key: &str, checks: &ChecksPlan, faults: &mut Faults) -> Vec<(String, Span)> {
    let declared = checks.declared.iter().map(|check| check.name.as_str());
    let known: Vec<&str> = checks::names().map(|name| -> &str { name }).chain(declared).collect();
    let written = node.get(key).and_then(Node::as_list).into_iter().flatten();
    let mut names = Vec::new();
    for (name, span) in written.filter_map(|node| Some((node.as_text()?, &node.span))) {
        if !known.contains(&name) {
            faults.push(Fault::new(span, format!("unknown check `{name}`")).among(name, known.iter().copied()));
        } else if checks.skipped.contains_key(name) {
            let expected = if key == "broken" { "expected to be broken" } else { "expected to be either" };
            faults.push(Fault::new(span, format!("`{name}` is {expected}, but `[checks]` leaves it out")));
        }
        names.push((name.to_owned(), span.clone()));
    }
    names
}
