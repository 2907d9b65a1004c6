//! Whom faults and links name: the servers, a group, or some users of a group. Neighbours: `fault`, `network`.

use crate::diagnostics::{Fault, Faults};
use crate::language::flow::unknown_group;
use crate::language::quantities::SHARE;
use crate::language::shape::{Shape, Table, key, needed};
use crate::language::view::View;
use crate::plan::hosts::SERVER;
use crate::scenario::{Arrival, Group, HowMany, Target};
use crate::tree::Node;

/// One of them.
pub(crate) const TARGET: Shape = Shape::Either(&[Shape::Text, Shape::Table(&SOME_USERS)]);

/// One or several.
pub(crate) const TARGETS: Shape = Shape::Either(&[Shape::Text, Shape::Table(&SOME_USERS), Shape::List(&TARGET, 1)]);

/// The two sides of a link.
pub(crate) const SIDES: Shape = Shape::Pair(&TARGET);

static SOME_USERS: Table = Table {
    name: "users of a group",
    doc: "`{ users = \"GROUP\", pick = 1 }` or `{ users = \"GROUP\", share = 0.5 }`; all if neither",
    keys: &[
        needed("users", Shape::Text, "The group."),
        key("pick", Shape::Whole(1, 10_000), "How many of them, drawn."),
        key("share", SHARE, "Which share of them, drawn; at least one."),
    ],
    one_of: &[],
    later: &[],
};

/// Both sides of a link.
pub(crate) fn sides(node: &Node, groups: &[Group], faults: &mut Faults) -> Option<[Target; 2]> {
    let sides = node.as_list().unwrap_or_default();
    let targets: Vec<Target> = sides.iter().filter_map(|node| target(node, groups, faults)).collect();
    let between: [Target; 2] = targets.try_into().ok()?;
    let is_drawn = matches!(between[0], Target::Users { how_many, .. } if how_many != HowMany::All);
    if between[0] == between[1] && !is_drawn {
        faults.push(Fault::new(&node.span, "both sides of `between` are the same"));
    }
    Some(between)
}

/// One or several targets.
pub(crate) fn targets(node: &Node, groups: &[Group], faults: &mut Faults) -> Vec<Target> {
    let nodes = node.as_list().map_or_else(|| vec![node], |list| list.iter().collect());
    nodes.into_iter().filter_map(|node| target(node, groups, faults)).collect()
}

fn target(node: &Node, groups: &[Group], faults: &mut Faults) -> Option<Target> {
    let names = || groups.iter().map(|group| group.name.as_str());
    if let Some(name) = node.as_text() {
        if name == SERVER {
            return Some(Target::Server);
        }
        if groups.iter().any(|group| group.name == name) {
            return Some(Target::Users { group: name.to_owned(), how_many: HowMany::All });
        }
        faults.push(unknown_group(name, &node.span, names().chain([SERVER])));
        return None;
    }
    let view = View::new(&SOME_USERS, Some(node), &node.span);
    let name = view.text("users")?;
    let Some(group) = groups.iter().find(|group| group.name == name) else {
        faults.push(unknown_group(&name, &view.span("users"), names()));
        return None;
    };
    let how_many = how_many(&view, group, faults);
    Some(Target::Users { group: name, how_many })
}

fn how_many(view: &View<'_>, group: &Group, faults: &mut Faults) -> HowMany {
    let pick = view.whole("pick").map(|pick| pick as u32);
    if let Some(share) = view.number("share") {
        if pick.is_some() {
            faults
                .push(Fault::new(&view.key_span("share"), "`pick` and `share` contradict each other").hint("keep one"));
        }
        return HowMany::Share(share);
    }
    let count = match &group.arrival {
        Arrival::Drawn { count, .. } | Arrival::OverRamp { count, .. } => Some(*count),
        Arrival::Listed(starts) => Some(starts.len() as u32),
        Arrival::Stages(_) => None,
    };
    if let (Some(pick), Some(count)) = (pick, count)
        && pick > count
    {
        faults.push(
            Fault::new(&view.span("pick"), format!("group `{}` has fewer users than that", group.name))
                .found(format!("{pick} of {count}")),
        );
    }
    pick.map_or(HowMany::All, HowMany::Count)
}
