//! `expect`: the verdict that a scenario expects, for both worlds or for each.

use crate::diagnostics::{Fault, Faults};
use crate::language::checks;
use crate::language::shape::{Later, Shape, Table, Words, key, later};
use crate::language::world_name;
use crate::plan::{ChecksPlan, Expectation, World};
use crate::scenario::PerWorld;
use crate::tree::{Node, Value};

/// `expect`.
pub(crate) const EXPECT: Shape = Shape::Either(&[VERDICT, Shape::Table(&EXPECT_TABLE)]);

const VERDICT: Shape = Shape::Word(&Words { words: &["holds", "broken", "either"], later: &[] });

const ONE_WORLD: Shape = Shape::Either(&[VERDICT, Shape::Table(&BROKEN_TABLE)]);

const LATER: &[Later] = &[later("of_seeds", "`broken` means broken in at least one of the seeds that are played")];

static EXPECT_TABLE: Table = Table {
    name: "`expect`",
    doc: "`{ broken = [\"CHECK\"] }`, or a verdict for each world",
    keys: &[
        key("broken", BROKEN, "In both worlds: at least one of these checks is broken, and no other."),
        key("simulated", ONE_WORLD, "In the simulated world."),
        key("live", ONE_WORLD, "In the live world."),
    ],
    one_of: &[],
    later: LATER,
};

static BROKEN_TABLE: Table = Table {
    name: "an expected verdict",
    doc: "`{ broken = [\"CHECK\"] }`",
    keys: &[key("broken", BROKEN, "At least one of these checks is broken, and no other.")],
    one_of: &["broken"],
    later: LATER,
};

const BROKEN: Shape = Shape::List(&Shape::Text, 1);

/// The expected verdict in each world.
pub(crate) fn read(node: Option<&Node>, checks: &ChecksPlan, faults: &mut Faults) -> PerWorld<Expectation> {
    let Some(node) = node else { return PerWorld::both(Expectation::Holds) };
    let mut one = |world| match node.get(world_name(world)) {
        Some(verdict) => verdict_of(verdict, checks, faults),
        None => Expectation::Holds,
    };
    let worlds = PerWorld { simulated: one(World::Simulated), live: one(World::Live) };
    if !matches!(node.value, Value::Table(_)) || node.get("broken").is_some() {
        if let Some(other) = node.get("simulated").or(node.get("live")) {
            faults.push(
                Fault::new(&other.span, "`broken` is for both worlds, and excludes a verdict for each")
                    .hint("write `{ simulated = { broken = […] }, live = … }`"),
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
    let declared = checks.declared.iter().map(|check| check.name.as_str());
    let known: Vec<&str> = checks::names().map(|name| -> &str { name }).chain(declared).collect();
    let mut broken = Vec::new();
    for (name, span) in node
        .get("broken")
        .and_then(Node::as_list)
        .into_iter()
        .flatten()
        .filter_map(|node| Some((node.as_text()?, &node.span)))
    {
        if !known.contains(&name) {
            faults.push(Fault::new(span, format!("unknown check `{name}`")).among(name, known.iter().copied()));
        } else if checks.skipped.contains_key(name) {
            faults.push(Fault::new(span, format!("`{name}` is expected to be broken, but `[checks]` leaves it out")));
        }
        broken.push(name.to_owned());
    }
    Expectation::Broken(broken)
}
