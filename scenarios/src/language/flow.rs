//! `[flow.NAME]`: steps that a group plays, and the points where users of several groups meet.
//! Neighbours: `verb` (reads steps), `users` (who plays a flow). Left out: playing.

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{Shape, Table, elsewhere, needed};
use crate::language::step::STEP;
use crate::language::templates::{Known, Secrets};
use crate::language::users::Roster;
use crate::language::verb::Reader;
use crate::language::view::View;
use crate::language::{order, rows};
use crate::plan::Step;
use crate::tree::{Entry, Node, Span};
use std::collections::{BTreeMap, BTreeSet};

/// `[flow.NAME]`.
pub(crate) static FLOW: Table = Table {
    name: "a flow",
    doc: "steps that a group plays",
    keys: &[needed("steps", Shape::List(&STEP, 1), "The steps, in order.")],
    one_of: &[],
    later: &[elsewhere("spans", "each step of a span says `span = \"NAME\"`")],
};

/// A flow as read.
#[derive(Debug)]
pub(crate) struct Flow {
    pub steps: Vec<Step>,
    /// Where it meets others.
    pub meets: Vec<Meet>,
    /// Names of its steps that are measured, for thresholds.
    pub names: BTreeSet<String>,
    /// Whether a branch of another flow leads to it.
    pub is_reached: bool,
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
    users: &[Entry],
    roster: &Roster,
    faults: &mut Faults,
) -> BTreeMap<String, Flow> {
    let list = |entry: &Entry| View::new(&FLOW, Some(&entry.node), &entry.key_span).list("steps");
    let lists: BTreeMap<String, Vec<Node>> = entries.iter().map(|entry| (entry.key.clone(), list(entry))).collect();
    let reached: BTreeSet<String> = lists.values().flatten().flat_map(|step| Walked::of(step).leads_to).collect();
    let is_played = |name: &str| users.iter().any(|user| user.node.get("flow").and_then(Node::as_text) == Some(name));
    let mut read = |entry: &Entry| {
        let mut saved = BTreeSet::new();
        collect_saved(&lists, &entry.key, &mut saved, &mut BTreeSet::new());
        // What only branches lead to is read where it is played: there its variables are known.
        let mut unheard = Faults::default();
        let is_own = is_played(&entry.key) || !reached.contains(&entry.key);
        let known = Known { saved, secrets: Secrets::Hidden, roster, columns: columns(&entry.key, users) };
        if is_played(&entry.key) {
            order::check_beginning(&lists[&entry.key], faults);
        }
        order::check_end(&lists[&entry.key], faults);
        let paced = |user: &Entry| user.node.get("pace").is_some();
        let mut players = users.iter().filter(|user| user.node.get("flow").and_then(Node::as_text) == Some(&entry.key));
        let is_paced = is_played(&entry.key) && players.all(paced);
        let mut reader = Reader::new(&entry.key, known, &lists, if is_own { &mut *faults } else { &mut unheard });
        reader.is_paced = is_paced;
        let steps = reader.steps(&lists[&entry.key]);
        let Reader { meets, names, .. } = reader;
        (entry.key.clone(), Flow { steps, meets, names, is_reached: reached.contains(&entry.key) })
    };
    entries.iter().map(&mut read).collect()
}

/// What a step as written keeps, and which flows its branches lead to; those inside it included.
#[derive(Default)]
struct Walked {
    saves: Vec<String>,
    leads_to: Vec<String>,
}

impl Walked {
    fn of(step: &Node) -> Walked {
        let mut walked = Walked::default();
        walked.step(step);
        walked
    }

    fn step(&mut self, step: &Node) {
        self.save(step);
        let repeated = step.get("repeat").and_then(|repeat| repeat.get("steps")).and_then(Node::as_list);
        repeated.into_iter().flatten().for_each(|step| self.step(step));
        for branch in step.get("expect_one_of").and_then(Node::as_list).into_iter().flatten() {
            self.save(branch);
            let Some(then) = branch.get("then") else { continue };
            self.leads_to.extend(then.as_text().filter(|flow| *flow != "stop").map(str::to_owned));
            then.as_list().into_iter().flatten().for_each(|step| self.step(step));
        }
    }

    fn save(&mut self, node: &Node) {
        self.saves.extend(node.get("save").into_iter().flat_map(Node::entries).map(|entry| entry.key.clone()));
    }
}

/// Variables that the steps of a flow, and of those that its branches lead to, keep.
fn collect_saved(
    lists: &BTreeMap<String, Vec<Node>>,
    flow: &str,
    saved: &mut BTreeSet<String>,
    visited: &mut BTreeSet<String>,
) {
    if !visited.insert(flow.to_owned()) {
        return;
    }
    for walked in lists.get(flow).into_iter().flatten().map(Walked::of) {
        saved.extend(walked.saves);
        walked.leads_to.iter().for_each(|next| collect_saved(lists, next, saved, visited));
    }
}

/// Columns of the rows that users of a flow take: those that every group that plays it has.
fn columns(flow: &str, users: &[Entry]) -> Option<BTreeSet<String>> {
    let players = users.iter().filter(|user| user.node.get("flow").and_then(Node::as_text) == Some(flow));
    rows::columns(players.map(|user| &user.node))
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
    let is_reached = |flow: &str| flows.get(flow).is_some_and(|flow| flow.is_reached);
    let is_played = |flow: &str| is_reached(flow) || players.iter().any(|(_, played)| *played == flow);
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
    // A name that is no group is probably that of one that comes.
    let all_exist = meet.of.iter().all(|(group, _)| users.iter().any(|entry| entry.key == *group));
    let is_left_out = |group: &&String| !meet.of.is_empty() && meet.of.iter().all(|(named, _)| named != *group);
    for absent in come.iter().filter(|group| all_exist && is_left_out(group)) {
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
