//! `[flow.NAME]`: steps that a group plays, and the points where users of several groups meet.
//! Neighbours: `verb` (reads steps), `users` (who plays a flow). Left out: playing.

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{Shape, Table, later, needed};
use crate::language::step::STEP;
use crate::language::templates::{Known, Secrets};
use crate::language::verb::Reader;
use crate::language::view::View;
use crate::plan::Step;
use crate::tree::{Entry, Node, Span};
use std::collections::{BTreeMap, BTreeSet};

/// `[flow.NAME]`.
pub(crate) static FLOW: Table = Table {
    name: "a flow",
    doc: "steps that a group plays",
    keys: &[needed("steps", Shape::List(&STEP, 1), "The steps, in order.")],
    one_of: &[],
    later: &[later("spans", "spans over several steps are not there yet: name the steps")],
};

/// A flow as read.
#[derive(Debug)]
pub(crate) struct Flow {
    pub steps: Vec<Step>,
    /// Where it meets others.
    pub meets: Vec<Meet>,
    /// Names of its steps that are measured, for thresholds.
    pub names: BTreeSet<String>,
}

/// A step that waits for others.
#[derive(Clone, Debug)]
pub(crate) struct Meet {
    pub point: String,
    /// The groups that the step names; all that come if none.
    pub of: Vec<(String, Span)>,
    pub span: Span,
}

/// All flows by name.
pub(crate) fn read_all(
    entries: &[Entry],
    roster: &BTreeMap<String, Option<u64>>,
    faults: &mut Faults,
) -> BTreeMap<String, Flow> {
    let read = |entry: &Entry, faults: &mut Faults| {
        let view = View::new(&FLOW, Some(&entry.node), &entry.key_span);
        let list = view.list("steps");
        let known = Known { saved: saved(&list), secrets: Secrets::Hidden, roster };
        let mut reader = Reader::new(known, faults);
        let steps = reader.steps(&list);
        let Reader { meets, names, .. } = reader;
        (entry.key.clone(), Flow { steps, meets, names })
    };
    entries.iter().map(|entry| read(entry, faults)).collect()
}

/// Variables that these steps, and those that they repeat, keep.
fn saved(steps: &[Node]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for step in steps {
        names.extend(step.get("save").into_iter().flat_map(Node::entries).map(|entry| entry.key.clone()));
        let repeated = step.get("repeat").and_then(|repeat| repeat.get("steps")).and_then(Node::as_list);
        names.extend(saved(repeated.unwrap_or_default()));
    }
    names
}

/// Which groups come to which meeting point; also finds flows that nobody plays and points where somebody never comes.
pub(crate) fn meetings(
    users: &[Entry],
    flow_entries: &[Entry],
    flows: &BTreeMap<String, Flow>,
    faults: &mut Faults,
) -> BTreeMap<String, Vec<String>> {
    let players: Vec<(&str, &str)> =
        users.iter().filter_map(|entry| Some((entry.key.as_str(), entry.node.get("flow")?.as_text()?))).collect();
    // A group that plays a flow which does not exist probably meant the one that nobody plays.
    let all_exist = players.iter().all(|(_, flow)| flows.contains_key(*flow));
    let is_played = |flow: &str| players.iter().any(|(_, played)| *played == flow);
    for entry in flow_entries.iter().filter(|entry| all_exist && !is_played(&entry.key)) {
        faults.push(
            Fault::new(&entry.key_span, format!("flow `{}` is played by nobody", entry.key))
                .hint(format!("a group plays it with `flow = \"{}\"`", entry.key)),
        );
    }
    let mut points: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (group, flow) in &players {
        for meet in flows.get(*flow).into_iter().flat_map(|flow| &flow.meets) {
            let groups = points.entry(meet.point.clone()).or_default();
            if !groups.iter().any(|known| known == group) {
                groups.push((*group).to_owned());
            }
        }
    }
    for meet in flows.values().flat_map(|flow| &flow.meets) {
        check_meet(meet, users, &points, faults);
    }
    points
}

fn check_meet(meet: &Meet, users: &[Entry], points: &BTreeMap<String, Vec<String>>, faults: &mut Faults) {
    let Some(come) = points.get(&meet.point) else { return };
    for (group, span) in &meet.of {
        if !users.iter().any(|entry| entry.key == *group) {
            faults.push(unknown_group(group, span, users.iter().map(|entry| entry.key.as_str())));
        } else if !come.contains(group) {
            faults.push(
                Fault::new(span, format!("group `{group}` never comes to `{}`", meet.point))
                    .hint("the flow that it plays has no `meet` of this name, so the others would wait in vain"),
            );
        }
    }
    for absent in come.iter().filter(|group| !meet.of.is_empty() && meet.of.iter().all(|(named, _)| named != *group)) {
        faults.push(
            Fault::new(&meet.span, format!("group `{absent}` comes to `{}` too, but `of` leaves it out", meet.point))
                .hint("name all groups that come, leave `of` out, or give the points different names"),
        );
    }
}

/// A fault about a group that does not exist.
pub(crate) fn unknown_group<'n>(group: &str, span: &Span, valid: impl IntoIterator<Item = &'n str>) -> Fault {
    Fault::new(span, format!("there is no group `{group}`")).among(group, valid)
}
