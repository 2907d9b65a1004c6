//! The deployment and the phases of a plan. Neighbours: `super::Plan` holds them. Left out: users.

use crate::distribution::Nanos;
use serde::{Deserialize, Serialize};

/// The deployment that the scenario asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemPlan {
    /// Whose service it is. Records from before it was written say nothing.
    #[serde(default)]
    pub service: Service,
    /// A way to deploy.
    pub stage: Stage,
    /// How many servers; 1 on the single stage.
    pub servers: u32,
    /// Names of the server's defects.
    pub defects: Vec<String>,
    /// How long a server needs to start again after a stop or kill that names no time of its own.
    pub restart_takes_ns: Nanos,
    /// Which of the two known behaviours the server shows.
    pub profile: Profile,
    /// How identity tokens are signed, in the simulated world only. Records from before it was written say nothing.
    #[serde(default)]
    pub identity: IdentityKind,
    /// Bounds that the server enforces.
    pub limits: Limits,
}

/// Whose service is rehearsed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// The signaling service that comes with rehearsal: users sign in, meet in rooms and register.
    #[default]
    Reference,
    /// The author's: users connect, and everything else is in their flows.
    Own,
}

/// A way to deploy the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// One server, state in memory.
    Single,
}

/// The two known behaviours of a signaling server (protocol facts: documented and deployed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// What the documents say, hardened.
    Documented,
    /// What a real server does, quirks included.
    Deployed,
}

/// How identity tokens are signed in the simulated world; both have the same claims and are checked alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// One secret signs and verifies: costs next to nothing.
    #[default]
    Hs256,
    /// A key pair, as deployments have it: one signature costs 1–2 ms.
    Rs256,
}

/// Bounds that the server enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest incoming message, in bytes.
    pub message_bytes_max: u64,
    /// Largest metadata of one peer, in bytes of JSON.
    pub metadata_bytes_max: u64,
    /// Most peers in one room.
    pub room_peers_max: u32,
    /// Messages that wait for one slow receiver before its connection is closed.
    pub outbound_queue_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes_max: 1 << 20,
            metadata_bytes_max: 64 << 10,
            room_peers_max: 2_000,
            outbound_queue_max: 1_024,
        }
    }
}

/// Lengths of the phases. Thresholds judge operations planned within measure, checks see all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Rooms and sign-ins, before time 0: at most so long.
    #[serde(default = "no_bound")]
    pub prepare_ns: Nanos,
    /// Users arrive.
    pub ramp_ns: Nanos,
    /// All are there, nothing is judged yet.
    pub warmup_ns: Nanos,
    /// What thresholds judge.
    pub measure_ns: Nanos,
    /// No new work; everything heals and must come to rest.
    pub settle_ns: Nanos,
    /// What was made is removed again: at most so long.
    #[serde(default = "no_bound")]
    pub cleanup_ns: Nanos,
}

/// Plans that were kept before these phases had a length.
fn no_bound() -> Nanos {
    Nanos::MAX
}

impl Phases {
    /// When measuring starts and ends.
    pub fn measured(&self) -> std::ops::Range<Nanos> {
        let start = self.ramp_ns + self.warmup_ns;
        start..start + self.measure_ns
    }
}

/// How users get ready before time 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreparePlan {
    /// Most sign-ins per second, live only.
    pub sign_in_rate: f64,
    /// Who signs in for whom.
    #[serde(default)]
    pub identities: Identities,
}

impl PreparePlan {
    /// How often so many users sign in at least.
    pub(crate) fn least_sign_ins(&self, users: u64) -> u64 {
        match self.identities {
            Identities::PerUser => users,
            Identities::PerRoom | Identities::Shared => users.min(1),
        }
    }
}

/// How many identities the users of a run have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identities {
    /// Each user has its own.
    #[default]
    PerUser,
    /// The users of a room share one.
    PerRoom,
    /// All users share one.
    Shared,
}
