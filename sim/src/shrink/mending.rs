//! What follows when something is taken out of a plan: whoever needs it goes too. A plan that lost a register loses what
//! only a registered peer can do, a variable that nobody saves takes along the steps that name it, a meeting waits for those
//! who still come, a fault hits the hosts that are still there.
//!
//! Neighbours: `cuts` takes things out. Left out: whether the plan still fails, which only playing it shows.

use rehearsal_scenarios::plan::{Behaviour, Plan, Step, Verb, is_server};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Makes a plan whole again.
pub(super) fn mend(plan: &mut Plan) {
    drop_rooms(plan);
    let names: BTreeSet<String> = plan.users.iter().map(|user| user.name.clone()).collect();
    for user in &mut plan.users {
        if let Behaviour::Flow(steps) = &mut user.behaviour {
            let mut standing = Standing::default();
            keep_possible(Arc::make_mut(steps), &names, &mut standing);
        }
    }
    count_meetings(plan);
    drop_hosts(plan, &names);
}

/// Rooms that nobody is in go; the others keep their order.
fn drop_rooms(plan: &mut Plan) {
    let used: BTreeSet<u32> = plan.users.iter().map(|user| user.room).collect();
    // A plan has at least one room.
    if used.is_empty() || used.len() == plan.rooms.len() {
        return;
    }
    plan.rooms = used.iter().filter_map(|room| plan.rooms.get(*room as usize).cloned()).collect();
    let places: BTreeMap<u32, u32> = used.into_iter().zip(0..).collect();
    for user in &mut plan.users {
        user.room = places.get(&user.room).copied().unwrap_or_default();
    }
}

/// What earlier steps of a flow have brought about.
#[derive(Clone, Default)]
struct Standing {
    is_connected: bool,
    is_registered: bool,
    saved: BTreeSet<String>,
}

/// Keeps the steps that can be played after those before them.
fn keep_possible(steps: &mut Vec<Step>, names: &BTreeSet<String>, standing: &mut Standing) {
    steps.retain_mut(|step| {
        if !is_possible(step, names, standing) {
            return false;
        }
        match &mut step.verb {
            Verb::Join => (standing.is_connected, standing.is_registered) = (true, true),
            Verb::Connect => standing.is_connected = true,
            // A raw message may be a register of its own.
            Verb::Register | Verb::Raw { .. } => standing.is_registered = true,
            Verb::Repeat { steps, times, every, .. } => {
                let before = steps.len();
                keep_possible(steps, names, standing);
                // Without end and without a pace it is what is inside that lets time pass: it goes as a whole.
                let lets_time_pass = times.is_some() || every.is_some() || steps.len() == before;
                if steps.is_empty() || !lets_time_pass {
                    return false;
                }
            }
            Verb::ExpectOneOf { branches, .. } => {
                for branch in branches {
                    let mut inside = standing.clone();
                    inside.saved.extend(branch.save.keys().cloned());
                    keep_possible(&mut branch.steps, names, &mut inside);
                    standing.saved.extend(inside.saved);
                }
            }
            _ => {}
        }
        standing.saved.extend(step.save.keys().cloned());
        true
    });
}

fn is_possible(step: &Step, names: &BTreeSet<String>, standing: &Standing) -> bool {
    let reaches_somebody = match &step.verb {
        Verb::Register | Verb::Raw { .. } | Verb::Disconnect(_) | Verb::Reconnect { .. } => standing.is_connected,
        Verb::Malformed(_) | Verb::ExpectClose { .. } => standing.is_connected,
        Verb::Expect { .. } | Verb::ExpectOneOf { .. } | Verb::ExpectNone { .. } => standing.is_connected,
        Verb::Discover { .. } | Verb::UpdateMetadata { .. } | Verb::Send { .. } => standing.is_registered,
        _ => true,
    };
    reaches_somebody && variables(&step.verb).iter().all(|name| is_known(name, names, standing))
}

fn is_known(variable: &str, names: &BTreeSet<String>, standing: &Standing) -> bool {
    match variable.split_once('.') {
        Some(("peer", name)) => names.contains(name),
        Some(("user" | "room" | "run" | "row" | "filler", _)) => true,
        _ => variable == "repetition" || standing.saved.contains(variable),
    }
}

/// What the templates of a step name. Steps inside of it are looked at by themselves.
fn variables(verb: &Verb) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut of_json = |value: &serde_json::Value| in_text(&value.to_string(), &mut found);
    match verb {
        Verb::Discover { filters: value, .. }
        | Verb::UpdateMetadata { metadata: value }
        | Verb::Raw { message: value }
        | Verb::Expect { pattern: value, .. }
        | Verb::ExpectNone { pattern: value, .. } => of_json(value),
        Verb::ExpectOneOf { branches, .. } => branches.iter().for_each(|branch| of_json(&branch.pattern)),
        Verb::Send { to, payload } => {
            of_json(payload);
            in_text(to, &mut found);
        }
        Verb::Http { path, body, .. } => {
            body.iter().for_each(&mut of_json);
            in_text(path, &mut found);
        }
        _ => {}
    }
    found
}

fn in_text(text: &str, found: &mut BTreeSet<String>) {
    let named = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    found.extend(named.map(|(name, _)| name.to_owned()));
}

/// Everybody who comes to a meeting is waited for, and nobody else.
fn count_meetings(plan: &mut Plan) {
    let mut coming: BTreeMap<String, u32> = BTreeMap::new();
    for user in &plan.users {
        let Behaviour::Flow(steps) = &user.behaviour else { continue };
        let mut points = BTreeSet::new();
        visit(steps, &mut |step| {
            if let Verb::Meet { point, .. } = &step.verb {
                points.insert(point.clone());
            }
        });
        points.into_iter().for_each(|point| *coming.entry(point).or_default() += 1);
    }
    for user in &mut plan.users {
        let Behaviour::Flow(steps) = &mut user.behaviour else { continue };
        visit_mut(Arc::make_mut(steps).as_mut_slice(), &mut |step| {
            if let Verb::Meet { point, count, .. } = &mut step.verb {
                *count = coming.get(point).copied().unwrap_or_default();
            }
        });
    }
}

/// Faults, links and delay points are left without hosts that are gone, and go when they have none left on a side.
fn drop_hosts(plan: &mut Plan, names: &BTreeSet<String>) {
    let hosts: BTreeSet<String> = plan.users.iter().map(|user| user.host.clone()).collect();
    let is_there = |host: &str| is_server(host) || hosts.contains(host);
    plan.delay_points.retain(|point| is_there(&point.host));
    plan.network.links.retain_mut(|link| {
        [&mut link.left, &mut link.right].into_iter().all(|side| {
            side.retain(|host| is_there(host));
            !side.is_empty()
        })
    });
    plan.faults.retain_mut(|fault| fault.keep(|user| names.contains(user), is_there));
}

/// Shows every step, inner ones too, in the order of reading.
pub(super) fn visit(steps: &[Step], show: &mut dyn FnMut(&Step)) {
    for step in steps {
        show(step);
        step.verb.inside().into_iter().for_each(|inside| visit(inside, show));
    }
}

/// The same, to be changed.
pub(super) fn visit_mut(steps: &mut [Step], change: &mut dyn FnMut(&mut Step)) {
    for step in steps {
        change(step);
        step.verb.inside_mut().into_iter().for_each(|inside| visit_mut(inside, change));
    }
}
