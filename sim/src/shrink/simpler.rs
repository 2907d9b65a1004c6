//! What can be made simpler in a plan without taking anybody out: one room, fewer repetitions and jobs, round times, lengths
//! that are always the same, a shorter run. Neighbours: `cuts` takes things out, `search` decides.

use super::mending::{mend, visit, visit_mut};
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::plan::{self, Begin, Behaviour, FaultAction, Plan, UserPlan, Verb};

/// One simplification. Named by places that no other simplification moves.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Simplification {
    /// Everybody is in one room.
    OneRoom,
    /// A measure phase of this length.
    Measure(Nanos),
    /// A settle phase of this length.
    Settle(Nanos),
    /// Every message takes this long.
    Latency(Nanos),
    /// No limits, no trouble with datagrams.
    PlainNetwork,
    /// A user begins at a multiple of this.
    Start(u32, Nanos),
    /// A user stays, and takes up whatever it was late for.
    Steady(u32),
    /// A worker's jobs all take the least time.
    JobLength(u32),
    /// A client wants so many jobs.
    Jobs(u32, u32),
    /// A client rests for no time, asks one worker and cancels nothing.
    PlainClient(u32),
    /// A step's pause, by its number in the order of reading, takes the least time.
    Pause(u32, usize),
    /// A step is repeated so many times.
    Times(u32, usize, u64),
    /// A fault begins at a multiple of this; counted from the message that it waits for, if it does.
    FaultAt(usize, Nanos),
    /// A fault waits for so many messages.
    FaultNth(usize, u64),
    /// A fault lasts so long.
    FaultFor(usize, Nanos),
    /// A fault's added latency is always the same.
    FaultLatency(usize),
    /// A delay point holds only until others have run.
    Hold(usize),
}

use Simplification::*;
use std::sync::Arc;

const SECOND_NS: Nanos = 1_000_000_000;
const MILLISECOND_NS: Nanos = 1_000_000;

/// Times are rounded down to multiples of these, the roundest first.
const ROUND_NS: [Nanos; 4] = [10 * SECOND_NS, SECOND_NS, 100 * MILLISECOND_NS, 10 * MILLISECOND_NS];

/// Nothing is worth telling of phases and faults that are shorter.
const LENGTH_NS_MIN: Nanos = SECOND_NS / 10;

/// The least that a delay point does.
const BEHIND_OTHERS: plan::Hold = plan::Hold::BehindOthers;

/// Everything that may be made simpler in a plan, the greatest gain first.
pub(super) fn simplifications(plan: &Plan) -> Vec<Simplification> {
    let mut all = vec![OneRoom, PlainNetwork];
    all.extend(halves(plan.phases.measure_ns, SECOND_NS).map(Measure));
    all.extend(halves(plan.phases.settle_ns, SECOND_NS).map(Settle));
    for user in &plan.users {
        all.push(Steady(user.number));
        match &user.behaviour {
            Behaviour::Worker(_) => all.push(JobLength(user.number)),
            Behaviour::Client(client) => {
                all.extend(halves(client.jobs.into(), 1).map(|jobs| Jobs(user.number, jobs as u32)));
                all.push(PlainClient(user.number));
            }
            Behaviour::Flow(steps) => {
                let mut place = 0;
                visit(steps, &mut |step| {
                    match &step.verb {
                        Verb::Think(_) | Verb::Reconnect { .. } => all.push(Pause(user.number, place)),
                        // One that waits for something would fail for want of patience, which no seed did.
                        Verb::Repeat { times: Some(times), until: None, .. } => {
                            all.extend(halves(*times, 1).map(|times| Times(user.number, place, times)));
                        }
                        _ => {}
                    }
                    place += 1;
                });
            }
        }
        all.extend(ROUND_NS.map(|round_ns| Start(user.number, round_ns)));
    }
    for (place, fault) in plan.faults.iter().enumerate() {
        if let Begin::After(sight) = &fault.begins {
            all.extend(halves(sight.nth, 1).map(|nth| FaultNth(place, nth)));
        }
        all.extend(ROUND_NS.map(|round_ns| FaultAt(place, round_ns)));
        all.extend(halves(fault.for_ns.unwrap_or_default(), LENGTH_NS_MIN).map(|for_ns| FaultFor(place, for_ns)));
        all.push(FaultLatency(place));
    }
    all.extend((0..plan.delay_points.len()).map(Hold));
    all.extend([5, 1].map(|ms| Latency(ms * MILLISECOND_NS)));
    all
}

/// The least first, then up to half of it.
fn halves(length: u64, least: u64) -> impl Iterator<Item = u64> {
    let doubled = std::iter::successors(Some(least), |shorter| shorter.checked_mul(2));
    doubled.take_while(move |shorter| *shorter < length)
}

/// Makes a plan simpler; one that is as simple already stays as it is. Later halves do not undo earlier ones.
pub(super) fn apply(plan: &mut Plan, simplification: &Simplification) {
    match *simplification {
        OneRoom => {
            plan.users.iter_mut().for_each(|user| user.room = 0);
            mend(plan);
        }
        Measure(length_ns) => plan.phases.measure_ns = plan.phases.measure_ns.min(length_ns),
        Settle(length_ns) => plan.phases.settle_ns = plan.phases.settle_ns.min(length_ns),
        Latency(length_ns) => {
            if !matches!(plan.network.latency, Distribution::Fixed(_)) {
                plan.network.latency = Distribution::Fixed(length_ns);
            }
        }
        PlainNetwork => {
            plan.network.bandwidth_bytes_per_s = None;
            plan.network.datagrams = Default::default();
        }
        Start(user, round_ns) => with_user(plan, user, |user| user.start_ns = rounded(user.start_ns, round_ns)),
        Steady(user) => with_user(plan, user, |user| (user.churn, user.drop_when_late_ns) = (None, None)),
        JobLength(user) => with_user(plan, user, |user| {
            if let Behaviour::Worker(worker) = &mut user.behaviour {
                fix(&mut worker.job);
            }
        }),
        Jobs(user, jobs) => with_user(plan, user, |user| {
            if let Behaviour::Client(client) = &mut user.behaviour {
                client.jobs = client.jobs.min(jobs);
            }
        }),
        PlainClient(user) => with_user(plan, user, |user| {
            if let Behaviour::Client(client) = &mut user.behaviour {
                client.think = Distribution::Fixed(0);
                (client.ask, client.cancel_after) = (client.ask.min(1), None);
            }
        }),
        Pause(user, place) => with_verb(plan, user, place, |verb| match verb {
            Verb::Think(length) | Verb::Reconnect { after: length, .. } => fix(length),
            _ => {}
        }),
        Times(user, place, fewer) => with_verb(plan, user, place, |verb| {
            if let Verb::Repeat { times: Some(times), .. } = verb {
                *times = fewer.min(*times);
            }
        }),
        FaultAt(place, round_ns) => match &mut plan.faults[place].begins {
            Begin::At(at_ns) => *at_ns = rounded(*at_ns, round_ns),
            Begin::After(sight) => sight.delay_ns = rounded(sight.delay_ns, round_ns),
        },
        FaultNth(place, fewer) => {
            if let Begin::After(sight) = &mut plan.faults[place].begins {
                sight.nth = sight.nth.min(fewer);
            }
        }
        FaultFor(place, shorter_ns) => {
            let for_ns = &mut plan.faults[place].for_ns;
            *for_ns = for_ns.map(|for_ns| for_ns.min(shorter_ns));
        }
        FaultLatency(place) => {
            if let FaultAction::Latency { added, .. } = &mut plan.faults[place].action {
                fix(added);
            }
        }
        Hold(place) => plan.delay_points[place].hold = BEHIND_OTHERS,
    }
}

fn rounded(time_ns: Nanos, round_ns: Nanos) -> Nanos {
    time_ns - time_ns % round_ns
}

/// The least that comes out; what may be next to nothing keeps its spread, since time must pass.
fn fix(length: &mut Distribution) {
    let least_ns = length.minimum();
    if least_ns > 0 {
        *length = Distribution::Fixed(least_ns);
    }
}

fn with_user(plan: &mut Plan, number: u32, change: impl Fn(&mut UserPlan)) {
    plan.users.iter_mut().filter(|user| user.number == number).for_each(change);
}

fn with_verb(plan: &mut Plan, number: u32, place: usize, change: impl Fn(&mut Verb)) {
    with_user(plan, number, |user| {
        let Behaviour::Flow(steps) = &mut user.behaviour else { return };
        let mut at = 0;
        visit_mut(Arc::make_mut(steps).as_mut_slice(), &mut |step| {
            if at == place {
                change(&mut step.verb);
            }
            at += 1;
        });
    });
}
