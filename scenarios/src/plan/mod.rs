//! The plan: a scenario with a seed applied, all choices already made. Data only; both worlds play it.
//!
//! Times are nanoseconds from the start of the plan (time 0 is after prepare: sign-ins and rooms come before it).
//! What repeats without a known end (think time, a worker's job lengths) stays a
//! [`Distribution`](crate::distribution::Distribution) and is sampled at `draw.at(user).at(repetition).at(step)`, so
//! that late answers shift nothing.
//!
//! - `system`, `network`, `user`, `step`, `fault`, `search`, `judging`, `steering`: what a plan is made of
//! - `swarm`, with `fault_times`: what a seed draws for itself first
//! - `expand`, with `arrivals`, `faults` and `hosts`: makes a plan from a valid scenario
//! - `segment`: a part of one, for one of several processes
//! - `timeline`, with `fault_text`: prints one
//!
//! Left out: sockets, clocks, and any memory of what happened.

pub(crate) mod arrivals;
mod declared;
mod expand;
mod fault;
mod fault_text;
mod fault_times;
mod faults;
pub(crate) mod hosts;
mod judging;
mod network;
mod search;
mod segment;
mod steering;
mod step;
mod swarm;
mod system;
pub(crate) mod timeline;
mod user;

pub use declared::{DeclaredCheck, EventPattern, Occurrence, PAYLOAD, Place, Rule, Span, Term};
pub use fault::{Begin, FaultAction, FaultPlan, Passing, Sight, Way};
pub use hosts::is_server;
pub use judging::{ChecksPlan, Expectation, Expected, Measure, Threshold};
pub use network::{DatagramPlan, LinkPlan, NetworkPlan};
pub use search::{DelayPoint, Hold};
pub use segment::{CannotSplit, SEGMENTS_MAX, Segment};
pub use steering::{AbortRule, Beyond, CapacityPlan, LivePlan, ObservedPlan, Watched};
pub use step::{Branch, Ending, Malformed, Otherwise, Retry, Step, Verb};
pub use swarm::Drawn;
pub use system::{Identities, IdentityKind, Limits, Phases, PreparePlan, Profile, Service, Stage, SystemPlan};
pub use user::{Behaviour, ChurnPlan, ClientPlan, PacePlan, Protocol, RowsPlan, Strategy, UserPlan, WorkerPlan};

use crate::distribution::Nanos;
use crate::draw::Draw;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a plan runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// The simulated network, in virtual time.
    Simulated,
    /// Real sockets against a deployment.
    Live,
}

/// A scenario with a seed applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name: its file name without ending, with the variant's behind a dot if it has variants.
    pub scenario: String,
    /// What the scenario says it is about; may be empty.
    pub about: String,
    /// Parameters and the values that were filled in.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// The seed that was applied.
    pub seed: u64,
    /// Where it is to run.
    pub world: World,
    /// What the seed drew for itself, for readers; nothing if the scenario leaves no ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Drawn>,
    /// The system under test.
    pub system: SystemPlan,
    /// How the simulated network behaves between faults.
    pub network: NetworkPlan,
    /// Names of the rooms, in order; at least one, but none in a service of one's own.
    pub rooms: Vec<String>,
    /// Rows that the users of a group take in turn, by the group's name.
    #[serde(default)]
    pub tables: BTreeMap<String, Vec<BTreeMap<String, Value>>>,
    /// All users, in the order of their numbers.
    pub users: Vec<UserPlan>,
    /// What goes wrong: by time, then what waits for a message.
    pub faults: Vec<FaultPlan>,
    /// Where tasks are held back; none unless the scenario asks for a search inside of hosts.
    pub delay_points: Vec<DelayPoint>,
    /// How long each phase takes.
    pub phases: Phases,
    /// How sign-ins are paced before time 0.
    pub prepare: PreparePlan,
    /// Which checks judge the run.
    pub checks: ChecksPlan,
    /// Service-level objectives, judged live only.
    pub thresholds: Vec<Threshold>,
    /// What only a live run knows.
    #[serde(default, skip_serializing_if = "LivePlan::is_empty")]
    pub live: LivePlan,
    /// The verdict that the scenario expects in this world.
    pub expect: Expectation,
}

impl Plan {
    /// Where the draws of one user's repetition and step are made.
    pub fn draw(&self, user: u32, repetition: u64, step: u64) -> Draw {
        Draw::of_seed(self.seed).named("user").at(u64::from(user)).at(repetition).at(step)
    }

    /// The user with this number. A plan that was shrunk, and a segment, lack some; the others keep theirs, and with them
    /// their draws.
    pub fn user(&self, number: u32) -> Option<&UserPlan> {
        let at_its_place = self.users.get(number as usize).filter(|user| user.number == number);
        at_its_place.or_else(|| {
            let place = self.users.binary_search_by_key(&number, |user| user.number).ok()?;
            self.users.get(place)
        })
    }

    /// The last planned time: every phase has ended by then.
    pub fn end_ns(&self) -> Nanos {
        self.phases.ramp_ns + self.phases.warmup_ns + self.phases.measure_ns + self.phases.settle_ns
    }
}
