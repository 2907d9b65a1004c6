//! A plan as a walk: the first user of each group only, repetitions a single time, thinking and waiting cut short, meetings
//! for those who come. Pure. Neighbours: `walk` plays it.

use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::plan::{Behaviour, Plan, Retry, Step, UserPlan, Verb};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A plan to be walked.
pub(super) struct Walk {
    /// All users of the run, in as many rooms as the walkers have.
    pub(super) plan: Plan,
    /// Numbers of those who walk.
    pub(super) walkers: Vec<u32>,
    /// Which rooms of the run its rooms are.
    pub(super) rooms: Vec<u32>,
}

impl Walk {
    /// A segment of a plan lacks users: their numbers are not their places.
    fn user_mut(&mut self, number: u32) -> Option<&mut UserPlan> {
        let place = self.plan.users.binary_search_by_key(&number, |user| user.number).ok()?;
        self.plan.users.get_mut(place)
    }
}

/// All steps of a flow that wait for others share this.
const WAITS_NS: Nanos = 2_000_000_000;
/// Longest thought, and longest job.
const THINK_NS_MAX: Nanos = 100_000_000;

/// Shapes the plan.
pub(super) fn shape(plan: &Plan) -> Walk {
    let mut walk = Walk { plan: plan.clone(), walkers: first_of_each_group(&plan.users), rooms: Vec::new() };
    for walker in walk.walkers.clone() {
        let shaped = plan.user(walker).map(|user| behaviour(plan, user));
        if let (Some(shaped), Some(user)) = (shaped, walk.user_mut(walker)) {
            user.start_ns = 0;
            user.behaviour = shaped;
        }
    }
    number_rooms(&mut walk);
    let comers = comers(&walk);
    for walker in walk.walkers.clone() {
        if let Some(Behaviour::Flow(steps)) = walk.user_mut(walker).map(|user| &mut user.behaviour) {
            for_each(Arc::make_mut(steps).as_mut_slice(), &mut |step| {
                if let Verb::Meet { point, count, .. } = &mut step.verb {
                    *count = comers.get(point).map_or(1, |walkers| walkers.len() as u32);
                }
            });
        }
    }
    walk
}

fn first_of_each_group(users: &[UserPlan]) -> Vec<u32> {
    let mut groups = BTreeSet::new();
    users.iter().filter(|user| groups.insert(&user.group)).map(|user| user.number).collect()
}

/// Rooms in which nobody walks are not made; users of such a room are never played.
fn number_rooms(walk: &mut Walk) {
    let mut rooms: Vec<u32> = Vec::new();
    for walker in walk.walkers.clone() {
        let Some(room) = walk.user_mut(walker).map(|user| &mut user.room) else { continue };
        let index = rooms.iter().position(|known| known == room).unwrap_or(rooms.len());
        if index == rooms.len() {
            rooms.push(*room);
        }
        *room = index as u32;
    }
    walk.plan.rooms = rooms.iter().filter_map(|room| walk.plan.rooms.get(*room as usize).cloned()).collect();
    walk.rooms = rooms;
}

/// Who comes to which meeting point.
fn comers(walk: &Walk) -> BTreeMap<String, BTreeSet<u32>> {
    let mut comers: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for &walker in &walk.walkers {
        if let Some(Behaviour::Flow(steps)) = walk.plan.user(walker).map(|user| &user.behaviour) {
            for_each(&mut steps.to_vec(), &mut |step| {
                if let Verb::Meet { point, .. } = &step.verb {
                    comers.entry(point.clone()).or_default().insert(walker);
                }
            });
        }
    }
    comers
}

fn behaviour(plan: &Plan, user: &UserPlan) -> Behaviour {
    let cut = |length: &Distribution, step: u64| {
        Distribution::Fixed(length.sample(plan.draw(user.number, 0, step)).min(THINK_NS_MAX))
    };
    let mut behaviour = user.behaviour.clone();
    match &mut behaviour {
        Behaviour::Worker(worker) => worker.job = cut(&worker.job, 0),
        Behaviour::Client(client) => {
            client.jobs = client.jobs.min(1);
            client.think = cut(&client.think, 0);
            client.cancel_after = client.cancel_after.as_ref().map(|after| cut(after, 1));
        }
        Behaviour::Flow(steps) => {
            let steps = Arc::make_mut(steps);
            let mut waits = 0;
            for_each(steps, &mut |step| waits += u64::from(is_wait(&step.verb)));
            let wait_ns_max = WAITS_NS / waits.max(1);
            let mut number = 0;
            for_each(steps, &mut |step| {
                shorten(&mut step.verb, wait_ns_max, |length| cut(length, number));
                number += 1;
            });
        }
    }
    behaviour
}

fn is_wait(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Expect { .. }
            | Verb::ExpectOneOf { .. }
            | Verb::ExpectNone { .. }
            | Verb::ExpectClose { .. }
            | Verb::Meet { .. }
            | Verb::Discover { retry: Some(_), .. }
    )
}

fn shorten(verb: &mut Verb, wait_ns_max: Nanos, cut: impl Fn(&Distribution) -> Distribution) {
    match verb {
        Verb::Expect { within_ns, .. }
        | Verb::ExpectOneOf { within_ns, .. }
        | Verb::ExpectClose { within_ns, .. }
        | Verb::Meet { within_ns, .. } => {
            *within_ns = (*within_ns).min(wait_ns_max);
        }
        Verb::ExpectNone { for_ns, .. } => *for_ns = (*for_ns).min(wait_ns_max),
        Verb::At(at_ns) => *at_ns = 0,
        Verb::Discover { retry: Some(Retry { every_ns, for_ns }), .. } => {
            *for_ns = (*for_ns).min(wait_ns_max);
            *every_ns = (*every_ns).min(THINK_NS_MAX);
        }
        Verb::Think(length) | Verb::StopReading(length) | Verb::Reconnect { after: length, .. } => {
            *length = cut(length)
        }
        Verb::Repeat { times, first, every, until, .. } => {
            *times = Some(times.unwrap_or(1).min(1));
            (*first, *every, *until) = (None, None, None);
        }
        _ => {}
    }
}

/// Every step, those inside repetitions included, in the order of reading.
fn for_each(steps: &mut [Step], visit: &mut dyn FnMut(&mut Step)) {
    for step in steps {
        visit(step);
        step.verb.inside_mut().into_iter().for_each(|steps| for_each(steps, visit));
    }
}
