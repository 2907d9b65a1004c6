//! What a live run refuses before anything is sent: targets that nobody allowed, loads past fixed caps, faults that
//! need power over more than the run's own users. Neighbours: `driver` asks first of all; `preflight` is the first contact.

use super::policy::Policy;
use super::startup::demand::Demand;
use super::url;
use crate::target::Target;
use rehearsal_reports::render::units;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{Behaviour, FaultPlan, Plan, Step, Verb};
use std::net::IpAddr;

/// Most users of one live run, over all its processes.
pub const USERS_MAX: usize = 200_000;
/// Most sign-ins and rooms a second.
pub const SIGN_IN_RATE_MAX: f64 = 1_000.0;
/// Most arrivals of users, and most planned repetitions of all of them together, in one second.
pub const STARTS_PER_SECOND_MAX: f64 = 20_000.0;

/// Why a plan is not played live.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// A fault needs power over more than the run's own users.
    #[error(
        "the fault `{name}` cannot be played live: {why}\n  hint: a live run plays faults on its own users and their links to the server, inside the generator; `rehearsal simulate` plays this one, and whoever runs the deployment may cause it by hand"
    )]
    Fault {
        /// Its name in the scenario.
        name: String,
        /// What is in the way.
        why: &'static str,
    },
    /// The target is not this machine, and nobody said that it may be loaded.
    #[error("`{host}` is not this machine\n  hint: if you may load it, add --yes-i-may-load {host}")]
    NotAllowed {
        /// The host.
        host: String,
    },
    /// The plan needs what this server does not have.
    #[error(
        "this deployment cannot play the scenario: {who} {does}, which a deployed server does not know\n  hint: a server of the documented profile does, such as `rehearsal serve` without --deployed; `rehearsal simulate` plays it, too"
    )]
    Lacking {
        /// Who, and in which step.
        who: String,
        /// What it does that needs it.
        does: String,
    },
    /// More than the project allows.
    #[error(
        "the plan has {found} {what}, and `{key}` of rehearsal.toml allows {most}\n  hint: lower it in the scenario; the cap is the project's to change"
    )]
    OverCap {
        /// The key of `[load]`.
        key: &'static str,
        /// Of what.
        what: &'static str,
        /// How much.
        found: String,
        /// The cap.
        most: String,
    },
    /// More than one generator may put on a target.
    #[error(
        "the plan has {found} {what}, at most {most} are allowed\n  hint: lower the count or the rate in the scenario"
    )]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many.
        found: f64,
        /// The cap.
        most: f64,
    },
}

/// Checks everything that can be checked without the target.
pub fn check(plan: &Plan, target: &Target, allowed_hosts: &[String], policy: &Policy) -> Result<(), Refused> {
    let refused = |fault: &FaultPlan| Some(Refused::Fault { name: fault.name.clone(), why: fault.refused_live()? });
    if let Some(refused) = plan.faults.iter().find_map(refused) {
        return Err(refused);
    }
    for endpoint in [&target.ws, &target.http] {
        check_host(&endpoint.host, allowed_hosts)?;
    }
    for observed in &plan.live.observe {
        // An address that makes no sense is told when it is read.
        if let Ok((page, _)) = url::page(&observed.url, String::new()) {
            check_host(&page.http.host, allowed_hosts)?;
        }
    }
    at_most("users", plan.users.len() as f64, USERS_MAX as f64)?;
    at_most("sign-ins a second", plan.prepare.sign_in_rate, SIGN_IN_RATE_MAX)?;
    at_most("user starts within one second", starts_in_one_second(plan), STARTS_PER_SECOND_MAX)?;
    at_most("planned repetitions a second", planned_per_second(plan), STARTS_PER_SECOND_MAX)?;
    check_policy(plan, policy)
}

/// Caps of the project, which no scenario may exceed.
fn check_policy(plan: &Plan, policy: &Policy) -> Result<(), Refused> {
    let capped = |key, what, found: f64, most: Option<f64>| match most.filter(|most| found > *most) {
        Some(most) => {
            Err(Refused::OverCap { key, what, found: units::trimmed(found, 1), most: units::trimmed(most, 1) })
        }
        None => Ok(()),
    };
    capped("users_max", "users", plan.users.len() as f64, policy.users_max.map(|most| most as f64))?;
    capped("rate_max", "planned repetitions a second", planned_per_second(plan), policy.rate_max)?;
    let length = Demand::length(plan);
    match policy.time_max.filter(|most| length > *most) {
        Some(most) => Err(Refused::OverCap {
            key: "time_max",
            what: "of length",
            found: units::span(length.as_nanos() as u64),
            most: units::span(most.as_nanos() as u64),
        }),
        None => Ok(()),
    }
}

/// Whether this host may be loaded: this machine always, others only when they are named.
pub fn check_host(host: &str, allowed_hosts: &[String]) -> Result<(), Refused> {
    let is_allowed = is_loopback(host) || allowed_hosts.iter().any(|allowed| allowed == host);
    if is_allowed { Ok(()) } else { Err(Refused::NotAllowed { host: host.to_owned() }) }
}

/// Remarks for the report about what a live run cannot bring along.
pub fn notes(plan: &Plan) -> Vec<String> {
    let defects = &plan.system.defects;
    if defects.is_empty() {
        return Vec::new();
    }
    let flags: Vec<String> = defects.iter().map(|name| format!("--defect {name}")).collect();
    vec![format!(
        "the scenario gives the server defects; a live server has its own: `rehearsal serve {}` has these",
        flags.join(" ")
    )]
}

/// Whether a host is this machine itself. Other names are not resolved: what they mean may change.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn at_most(what: &'static str, found: f64, most: f64) -> Result<(), Refused> {
    if found > most { Err(Refused::TooMuch { what, found, most }) } else { Ok(()) }
}

fn starts_in_one_second(plan: &Plan) -> f64 {
    const SECOND_NS: u64 = 1_000_000_000;
    let mut starts: Vec<u64> = plan.users.iter().map(|user| user.start_ns).collect();
    starts.sort_unstable();
    let mut first = 0;
    let mut most = 0;
    for (index, start) in starts.iter().enumerate() {
        while start - starts[first] >= SECOND_NS {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most as f64
}

/// What the plan asks for, from the mean gap of each repetition and of each paced client.
pub fn planned_per_second(plan: &Plan) -> f64 {
    fn of_steps(steps: &[Step]) -> f64 {
        let of_step = |step: &Step| match &step.verb {
            Verb::Repeat { every: Some(every), steps, .. } => (1e9 / mean_ns(every)).max(of_steps(steps)),
            verb => verb.inside().into_iter().map(of_steps).fold(0.0, f64::max),
        };
        steps.iter().map(of_step).fold(0.0, f64::max)
    }
    let of_user = |behaviour: &Behaviour| match behaviour {
        Behaviour::Flow(steps) => of_steps(steps),
        Behaviour::Client(client) => client.pace.as_ref().map_or(0.0, |pace| 1e9 / mean_ns(&pace.every)),
        Behaviour::Worker(_) => 0.0,
    };
    plan.users.iter().map(|user| of_user(&user.behaviour)).sum()
}

/// The mean of a distribution; of those without a simple one from a fixed sample, since a cap needs no better.
pub(super) fn mean_ns(gap: &Distribution) -> f64 {
    const SAMPLES: u64 = 256;
    let mean = match gap {
        Distribution::Fixed(ns) | Distribution::Exponential(ns) => *ns as f64,
        Distribution::Uniform(low, high) => (*low as f64 + *high as f64) / 2.0,
        Distribution::Pick { values, weights } => {
            let weighed: f64 = values.iter().zip(weights).map(|(value, weight)| *value as f64 * weight).sum();
            weighed / weights.iter().sum::<f64>().max(f64::MIN_POSITIVE)
        }
        Distribution::Lognormal { .. } => {
            (0..SAMPLES).map(|nth| gap.sample(Draw::of_seed(0).at(nth)) as f64).sum::<f64>() / SAMPLES as f64
        }
    };
    mean.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_gap_is_near_enough_for_a_cap() {
        assert_eq!(mean_ns(&Distribution::Exponential(1_000_000)), 1e6);
        assert_eq!(mean_ns(&Distribution::Uniform(2, 4)), 3.0);
        assert_eq!(mean_ns(&Distribution::Fixed(5)), 5.0);
        let picked = Distribution::Pick { values: vec![1_000, 3_000], weights: vec![1.0, 3.0] };
        assert_eq!(mean_ns(&picked), 2_500.0);
        let mean = mean_ns(&Distribution::Lognormal { p50: 1_000, p99: 3_000 });
        assert!((1_000.0..1_400.0).contains(&mean), "{mean}");
    }

    #[test]
    fn only_addresses_and_the_name_of_this_machine_are_loopback() {
        assert!(["localhost", "127.0.0.1", "127.8.0.9", "::1"].into_iter().all(is_loopback));
        assert!(!["10.0.0.1", "localhost.example", "0.0.0.0", "example.org"].into_iter().any(is_loopback));
    }
}
