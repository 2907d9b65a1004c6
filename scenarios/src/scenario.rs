//! A scenario: a file that passed every check, typed, before a seed is applied. Choices are still open in here.
//!
//! Neighbours: `language` builds one, `plan::expand` applies a seed. Left out: spans and faults, which a valid file has
//! not.

mod fault;
mod swarm;

pub(crate) use fault::{Action, Fault, HowMany, Link, Sight, Signed, Target, When};
pub(crate) use swarm::{Mixing, Swarm};

use crate::distribution::{Distribution, Nanos};
use crate::plan::{
    Behaviour, ChecksPlan, ChurnPlan, Expectation, LivePlan, NetworkPlan, Plan, PreparePlan, Protocol, SystemPlan,
    Threshold, World,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A valid scenario. [`Scenario::plan`] applies a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub(crate) name: String,
    pub(crate) variant: Option<String>,
    pub(crate) source: String,
    pub(crate) choices: Choices,
}

/// Whether a seed has something to choose.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Choices {
    /// What is played in each world; the same unless a parameter differs.
    Open(PerWorld<Arc<Script>>),
    /// A plan that was kept: every seed plays it.
    Made(Arc<Pinned>),
}

/// A plan that was kept, and what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pinned {
    pub(crate) plan: Plan,
    pub(crate) expect: PerWorld<Expectation>,
}

/// A scenario as one world plays it, parameters filled in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Script {
    pub(crate) about: String,
    pub(crate) parameters: BTreeMap<String, Value>,
    pub(crate) system: SystemPlan,
    /// Without the links that differ, whose hosts a seed draws.
    pub(crate) network: NetworkPlan,
    pub(crate) links: Vec<Link>,
    /// What each seed draws for itself.
    pub(crate) swarm: Swarm,
    pub(crate) rooms: u32,
    pub(crate) groups: Vec<Group>,
    /// Meeting point -> groups whose users come there.
    pub(crate) meetings: BTreeMap<String, Vec<String>>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) time: Time,
    pub(crate) prepare: PreparePlan,
    pub(crate) checks: ChecksPlan,
    pub(crate) thresholds: Vec<Threshold>,
    pub(crate) live: LivePlan,
    pub(crate) expect: PerWorld<Expectation>,
}

impl Scenario {
    /// Its name: the file name without ending, and behind a dot the variant's, if it is one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which variant of the file it is, if the file has variants.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// What it says it is about; may be empty.
    pub fn about(&self) -> &str {
        match &self.choices {
            Choices::Open(scripts) => &scripts.simulated.about,
            Choices::Made(pinned) => &pinned.plan.about,
        }
    }

    /// The parameters and the values that this world plays with.
    pub fn parameters(&self, world: World) -> &BTreeMap<String, Value> {
        match &self.choices {
            Choices::Open(scripts) => &scripts.of(world).parameters,
            Choices::Made(pinned) => &pinned.plan.parameters,
        }
    }

    /// The text it was read from, for records.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The verdict that it expects in this world.
    pub fn expectation(&self, world: World) -> &Expectation {
        match &self.choices {
            Choices::Open(scripts) => scripts.of(world).expect.of(world),
            Choices::Made(pinned) => pinned.expect.of(world),
        }
    }

    /// The seed of a plan that was kept, which is the only one there is; none if a seed has something to choose.
    pub fn pinned_seed(&self) -> Option<u64> {
        match &self.choices {
            Choices::Open(_) => None,
            Choices::Made(pinned) => Some(pinned.plan.seed),
        }
    }
}

/// What the command line changes in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Another expected verdict, in both worlds (`--expect`).
    pub expect: Option<Expectation>,
    /// Files of rows that could not be read, and why ([`crate::with_rows`]).
    pub unreadable_rows: BTreeMap<String, String>,
    /// Another length of the measure phase, in both worlds, in nanoseconds.
    pub measure_ns: Option<Nanos>,
    /// Other values for parameters, in both worlds (`--set`).
    pub set: BTreeMap<String, Value>,
    /// Only this variant (`--variant`).
    pub variant: Option<String>,
}

/// A value for each world.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PerWorld<T> {
    pub simulated: T,
    pub live: T,
}

impl<T> PerWorld<T> {
    pub fn of(&self, world: World) -> &T {
        match world {
            World::Simulated => &self.simulated,
            World::Live => &self.live,
        }
    }
}

impl<T: Clone> PerWorld<T> {
    pub fn both(value: T) -> PerWorld<T> {
        PerWorld { simulated: value.clone(), live: value }
    }
}

/// Lengths of the phases. Those that the file leaves open are derived from the plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Time {
    pub prepare_ns: PerWorld<Option<Nanos>>,
    pub ramp_ns: PerWorld<Nanos>,
    pub warmup_ns: PerWorld<Nanos>,
    pub measure_ns: PerWorld<Option<Nanos>>,
    pub settle_ns: PerWorld<Nanos>,
    pub cleanup_ns: PerWorld<Option<Nanos>>,
}

/// Users that are alike.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub name: String,
    pub role: String,
    pub arrival: Arrival,
    pub protocol: Protocol,
    /// The rooms that its users take in turn; never empty.
    pub rooms: Vec<u32>,
    pub spread: Spread,
    pub pace: Option<Pace>,
    pub drop_when_late_ns: Option<Nanos>,
    pub churn: Option<ChurnPlan>,
    /// Rows that its users take in turn.
    pub rows: Vec<BTreeMap<String, Value>>,
    pub tags: Vec<String>,
    pub properties: BTreeMap<String, Property>,
    /// As planned, but meeting points of a flow do not yet know how many users come.
    pub behaviour: Behaviour,
}

/// How many users, and when each begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arrival {
    /// So many, each at a time of its own draw.
    Drawn { count: u32, start: Distribution },
    /// One at each of these times.
    Listed(Vec<Nanos>),
    /// So many, over the ramp phase.
    OverRamp { count: u32, gaps: Gaps },
    /// As many as arrive in these stages, one after the other.
    Stages(Vec<Stage>),
}

/// A part of the time in which users arrive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stage {
    /// As many as arrive at a rate that changes linearly.
    Rate { from: f64, to: f64, over_ns: Nanos, gaps: Gaps },
    /// So many at once, several times.
    Bursts { count: u32, times: u32, every_ns: Nanos },
    /// Nobody.
    Pause(Nanos),
}

impl Stage {
    /// How long it lasts: after its last burst as long as between two.
    pub fn length_ns(&self) -> Nanos {
        match self {
            Stage::Rate { over_ns, .. } => *over_ns,
            Stage::Bursts { times, every_ns, .. } => every_ns.saturating_mul((*times).into()),
            Stage::Pause(length_ns) => *length_ns,
        }
    }

    /// How many users are expected to come.
    pub fn users(&self) -> f64 {
        match self {
            Stage::Rate { from, to, over_ns, .. } => (from + to) / 2.0 * *over_ns as f64 / 1e9,
            Stage::Bursts { count, times, .. } => f64::from(*count) * f64::from(*times),
            Stage::Pause(_) => 0.0,
        }
    }
}

/// How often planned work begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pace {
    /// So many a second, all users of the group together.
    Rate { per_s: f64, gaps: Gaps },
    /// This long from one to the next, for each user.
    Every(Distribution),
}

/// How the users of a group are spread over its rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// They take them in turn.
    InTurn,
    /// The nth room is taken in proportion to 1/n.
    Zipf,
    /// So many in each.
    PerRoom(u32),
}

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gaps {
    /// Independent of each other, as people are.
    Exponential,
    /// As regular as the rate allows.
    Even,
}

/// A property of a user's metadata.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Property {
    Fixed(Value),
    Pick { values: Vec<Value>, weights: Vec<f64> },
}
