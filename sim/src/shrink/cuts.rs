//! What can be taken out of a plan, axis by axis: faults, users, delay points, links, meetings, steps. Neighbours: `mending`
//! takes out what needed it, `simpler` makes what stays simpler, `search` decides.

use super::mending::{mend, visit};
use rehearsal_scenarios::plan::{Behaviour, Plan, Step, Verb};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Something that can be taken out of a plan. Named by its place in the plan that it is taken from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Fault(usize),
    User(u32),
    DelayPoint(usize),
    Link(usize),
    /// A meeting point, for everybody who comes there.
    Meeting(String),
    /// A step of a user's flow, by its number in the order of reading.
    Step(u32, usize),
}

/// Parts of one kind, which are cut together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Axis {
    Users,
    Faults,
    DelayPoints,
    Links,
    Meetings,
    Steps,
}

impl Axis {
    /// In the order in which they are cut: what takes most along comes first.
    pub(super) const ALL: [Axis; 6] =
        [Axis::Users, Axis::Faults, Axis::DelayPoints, Axis::Links, Axis::Meetings, Axis::Steps];

    /// What a plan has on this axis.
    pub(super) fn parts(self, plan: &Plan) -> Vec<Part> {
        match self {
            Axis::Users => plan.users.iter().map(|user| Part::User(user.number)).collect(),
            Axis::Faults => (0..plan.faults.len()).map(Part::Fault).collect(),
            Axis::DelayPoints => (0..plan.delay_points.len()).map(Part::DelayPoint).collect(),
            Axis::Links => (0..plan.network.links.len()).map(Part::Link).collect(),
            Axis::Meetings => meetings(plan).into_iter().map(Part::Meeting).collect(),
            Axis::Steps => plan.users.iter().flat_map(|user| steps(user.number, &user.behaviour)).collect(),
        }
    }
}

/// The plan without these parts and without what needs them.
pub(super) fn without(plan: &Plan, parts: &BTreeSet<Part>) -> Plan {
    let mut plan = plan.clone();
    plan.faults = kept(plan.faults, |place| parts.contains(&Part::Fault(place)));
    plan.delay_points = kept(plan.delay_points, |place| parts.contains(&Part::DelayPoint(place)));
    plan.network.links = kept(plan.network.links, |place| parts.contains(&Part::Link(place)));
    plan.users.retain(|user| !parts.contains(&Part::User(user.number)));
    for user in &mut plan.users {
        if let Behaviour::Flow(steps) = &mut user.behaviour {
            let number = user.number;
            cut_steps(Arc::make_mut(steps), &mut 0, &mut |place, step| {
                let is_cut_meeting = match &step.verb {
                    Verb::Meet { point, .. } => parts.contains(&Part::Meeting(point.clone())),
                    _ => false,
                };
                is_cut_meeting || parts.contains(&Part::Step(number, place))
            });
        }
    }
    mend(&mut plan);
    plan
}

fn kept<T>(all: Vec<T>, is_cut: impl Fn(usize) -> bool) -> Vec<T> {
    all.into_iter().enumerate().filter(|(place, _)| !is_cut(*place)).map(|(_, one)| one).collect()
}

fn meetings(plan: &Plan) -> BTreeSet<String> {
    let mut points = BTreeSet::new();
    for user in &plan.users {
        let Behaviour::Flow(steps) = &user.behaviour else { continue };
        visit(steps, &mut |step| {
            if let Verb::Meet { point, .. } = &step.verb {
                points.insert(point.clone());
            }
        });
    }
    points
}

fn steps(user: u32, behaviour: &Behaviour) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Behaviour::Flow(steps) = behaviour {
        list_steps(user, steps, &mut 0, Cutting::Allowed, &mut parts);
    }
    parts
}

/// Whether steps may be cut one by one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cutting {
    Allowed,
    /// Inside of what is repeated without end: the step that lets time pass may not go alone, or no time would pass any more.
    Whole,
}

fn list_steps(user: u32, steps: &[Step], next: &mut usize, cutting: Cutting, parts: &mut Vec<Part>) {
    for step in steps {
        if cutting == Cutting::Allowed {
            parts.push(Part::Step(user, *next));
        }
        *next += 1;
        let inside = match &step.verb {
            Verb::Repeat { times: None, every: None, .. } => Cutting::Whole,
            _ => cutting,
        };
        step.verb.inside().into_iter().for_each(|steps| list_steps(user, steps, next, inside, parts));
    }
}

/// Takes out the steps of which this says so; a step's number counts the steps inside of those before it.
fn cut_steps(steps: &mut Vec<Step>, next: &mut usize, is_cut: &mut dyn FnMut(usize, &Step) -> bool) {
    steps.retain_mut(|step| {
        let goes = is_cut(*next, step);
        *next += 1;
        match &mut step.verb {
            Verb::Repeat { steps, .. } => cut_steps(steps, next, is_cut),
            Verb::ExpectOneOf { branches, .. } => {
                branches.iter_mut().for_each(|branch| cut_steps(&mut branch.steps, next, is_cut));
            }
            _ => {}
        }
        !goes
    });
}
