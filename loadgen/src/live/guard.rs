//! What a live run refuses before anything is sent: targets that nobody allowed, loads past fixed caps, faults that need
//! power over servers or links. Neighbours: `driver` asks first of all; `preflight` is the first contact.

use crate::target::Target;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{Behaviour, Plan, Step, Verb};
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
    /// Faults need power over servers or links.
    #[error(
        "the fault `{name}` cannot be played live: it needs power over servers or links\n  hint: `rehearsal simulate` plays it; or leave it out of a file for live runs"
    )]
    Fault {
        /// Its name in the scenario.
        name: String,
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
pub fn check(plan: &Plan, target: &Target, allowed_hosts: &[String]) -> Result<(), Refused> {
    if let Some(fault) = plan.faults.iter().find(|fault| !fault.is_playable_live()) {
        return Err(Refused::Fault { name: fault.name.clone() });
    }
    for endpoint in [&target.ws, &target.http] {
        check_host(&endpoint.host, allowed_hosts)?;
    }
    at_most("users", plan.users.len() as f64, USERS_MAX as f64)?;
    at_most("sign-ins a second", plan.prepare.sign_in_rate, SIGN_IN_RATE_MAX)?;
    at_most("user starts within one second", starts_in_one_second(plan), STARTS_PER_SECOND_MAX)?;
    at_most("planned repetitions a second", repetitions_per_second(plan), STARTS_PER_SECOND_MAX)
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

/// What the plan asks for, from the mean gap of each repetition.
fn repetitions_per_second(plan: &Plan) -> f64 {
    fn of_steps(steps: &[Step]) -> f64 {
        let of_step = |step: &Step| match &step.verb {
            Verb::Repeat { every: Some(every), steps, .. } => (1e9 / mean_ns(every)).max(of_steps(steps)),
            verb => verb.inside().into_iter().map(of_steps).fold(0.0, f64::max),
        };
        steps.iter().map(of_step).fold(0.0, f64::max)
    }
    let of_user = |behaviour: &Behaviour| match behaviour {
        Behaviour::Flow(steps) => of_steps(steps),
        Behaviour::Worker(_) | Behaviour::Client(_) => 0.0,
    };
    plan.users.iter().map(|user| of_user(&user.behaviour)).sum()
}

/// The mean of a distribution, from a fixed sample of it: a cap needs no better one.
pub(super) fn mean_ns(gap: &Distribution) -> f64 {
    const SAMPLES: u64 = 256;
    let sum: f64 = (0..SAMPLES).map(|nth| gap.sample(Draw::of_seed(0).at(nth)) as f64).sum();
    (sum / SAMPLES as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_gap_is_near_enough_for_a_cap() {
        let mean = mean_ns(&Distribution::Exponential(1_000_000));
        assert!((0.8e6..1.2e6).contains(&mean), "{mean}");
        assert_eq!(mean_ns(&Distribution::Fixed(5)), 5.0);
    }

    #[test]
    fn only_addresses_and_the_name_of_this_machine_are_loopback() {
        assert!(["localhost", "127.0.0.1", "127.8.0.9", "::1"].into_iter().all(is_loopback));
        assert!(!["10.0.0.1", "localhost.example", "0.0.0.0", "example.org"].into_iter().any(is_loopback));
    }
}
