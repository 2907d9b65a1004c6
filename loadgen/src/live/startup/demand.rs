//! What a plan needs of the machine that plays it. Neighbours: `supply` (what there is).

use super::Route;
use crate::live::guard::mean_ns;
use crate::prepare::{SESSIONS, sign_ins};
use rehearsal_scenarios::plan::{Behaviour, Plan, Service, Step, Verb};
use std::time::Duration;

/// How much a run needs, at its largest moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// Connections that are open at once, those for HTTP included.
    pub connections: u64,
    /// Local ports: of these connections, and of those that ended within the last minute.
    pub ports: u64,
    /// Open files: connections, the record, and what the program has open anyway.
    pub open_files: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// From the first room to the end of settling.
    pub length: Duration,
}

/// Files that are no connections: the record, the runtime, the standard streams, and some to spare.
const OTHER_FILES: u64 = 64;
/// Memory of a connected user and of the program without any, measured with 5,000 idle users and rounded up.
const USER_BYTES: u64 = 48 << 10;
pub(super) const PROGRAM_BYTES: u64 = 48 << 20;
/// How long the kernel keeps the port of a connection that we closed.
const PORT_KEPT_S: f64 = 60.0;

impl Demand {
    /// What this plan needs.
    pub fn of(plan: &Plan, route: Route) -> Demand {
        let users = plan.users.len() as u64;
        let asks_http = plan.users.iter().filter(|user| any(steps_of(&user.behaviour), &is_http)).count() as u64;
        let connections = users + asks_http + (SESSIONS as u64).min(users);
        let played_s = plan.end_ns() as f64 / 1e9;
        let kept = match route {
            // Ports of loopback connections are used again within a second.
            Route::Loopback4 | Route::Loopback => 0.0,
            Route::Network => connects_per_second(plan) * PORT_KEPT_S.min(played_s),
        };
        Demand {
            connections,
            ports: connections + kept as u64,
            open_files: connections + OTHER_FILES,
            memory_bytes: PROGRAM_BYTES + users * USER_BYTES,
            length: Demand::length(plan),
        }
    }

    /// From the first sign-in to the end of settling.
    pub fn length(plan: &Plan) -> Duration {
        prepares_for(plan) + Duration::from_nanos(plan.end_ns())
    }
}

/// Sign-ins and rooms, at the rate that the plan allows.
fn prepares_for(plan: &Plan) -> Duration {
    if plan.system.service == Service::Own {
        return Duration::ZERO;
    }
    let requests = (sign_ins(plan) + plan.rooms.len()) as f64;
    let rate = plan.prepare.sign_in_rate;
    if rate > 0.0 { Duration::try_from_secs_f64(requests / rate).unwrap_or(Duration::MAX) } else { Duration::ZERO }
}

fn steps_of(behaviour: &Behaviour) -> &[Step] {
    match behaviour {
        Behaviour::Flow(steps) => steps,
        Behaviour::Worker(_) | Behaviour::Client(_) => &[],
    }
}

fn any(steps: &[Step], wanted: &impl Fn(&Verb) -> bool) -> bool {
    steps.iter().any(|step| wanted(&step.verb) || step.verb.inside().into_iter().any(|inside| any(inside, wanted)))
}

fn is_http(verb: &Verb) -> bool {
    matches!(verb, Verb::Http { .. })
}

fn connects(verb: &Verb) -> bool {
    matches!(verb, Verb::Join | Verb::Connect | Verb::Reconnect { .. })
}

/// Connections that planned repetitions open again and again.
fn connects_per_second(plan: &Plan) -> f64 {
    fn of_steps(steps: &[Step]) -> f64 {
        let of_step = |step: &Step| match &step.verb {
            Verb::Repeat { every: Some(every), steps, .. } if any(steps, &connects) => {
                1e9 / mean_ns(every) * steps.iter().filter(|step| connects(&step.verb)).count().max(1) as f64
            }
            verb => verb.inside().into_iter().map(of_steps).sum(),
        };
        steps.iter().map(of_step).sum()
    }
    plan.users.iter().map(|user| of_steps(steps_of(&user.behaviour))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, load};

    fn demand(flow: &str, route: Route) -> Demand {
        let text = format!(
            "format = 1\nabout = \"a test\"\n[time]\nmeasure = \"100s\"\n[users.all]\nrole = \"peer\"\nflow = \"f\"\ncount = 100\n\
             [flow.f]\nsteps = [{flow}]\n"
        );
        Demand::of(&load("test", text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live), route)
    }

    #[test]
    fn a_user_that_stays_needs_one_connection_and_one_that_asks_over_http_two() {
        let stays = demand("\"join\"", Route::Network);
        assert_eq!((stays.connections, stays.ports), (116, 116));
        assert_eq!(stays.open_files, 116 + OTHER_FILES);
        assert_eq!(stays.memory_bytes, PROGRAM_BYTES + 100 * USER_BYTES);
        let asks = "{ repeat = { times = 3, steps = [{ http = { method = \"GET\", path = \"/health\" } }] } }";
        assert_eq!(demand(asks, Route::Network).connections, 216);
    }

    #[test]
    fn a_port_stays_in_use_for_a_minute_after_its_connection_except_on_loopback() {
        let knocks = "{ repeat = { every = \"2s\", steps = [\"connect\", \"disconnect\"] } }";
        assert_eq!(demand(knocks, Route::Network).ports, 116 + 100 * 60 / 2);
        assert_eq!(demand(knocks, Route::Loopback).ports, 116);
    }
}
