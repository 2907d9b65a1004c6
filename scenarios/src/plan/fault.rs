//! What goes wrong in a plan, at chosen times. Neighbours: `sim` plays it; live runs have no power over servers and
//! links.

use crate::distribution::{Distribution, Nanos};
use serde::{Deserialize, Serialize};

/// Something that goes wrong, at a chosen time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultPlan {
    /// Its name in the scenario.
    pub name: String,
    /// When it begins.
    pub at_ns: Nanos,
    /// How long it lasts; a kill without one is for good.
    pub for_ns: Option<Nanos>,
    /// What happens.
    pub action: FaultAction,
}

impl FaultPlan {
    /// Whether it needs power over servers or links, which a live run does not have.
    pub fn is_playable_live(&self) -> bool {
        false
    }
}

/// What a fault does. Hosts are names of simulated hosts: `server-0`, or a user's
/// [`UserPlan::host`](super::UserPlan::host).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// Nothing passes between the two sets of hosts in the given direction; released on healing.
    Partition {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Which way is cut.
        way: Way,
    },
    /// Messages take longer.
    Latency {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Added to each message's own latency.
        added: Distribution,
    },
    /// Packets are lost: TCP sends them again after a while.
    Loss {
        /// One side.
        left: Vec<String>,
        /// The other side.
        right: Vec<String>,
        /// Share of packets lost, 0–1.
        share: f64,
    },
    /// The process dies: its sockets close, peers see FIN or RST at once. Starts again after `for_ns`.
    Kill {
        /// Who.
        hosts: Vec<String>,
    },
    /// The machine vanishes: silence. A new one starts after `for_ns`.
    Lose {
        /// Who.
        hosts: Vec<String>,
    },
}

/// Direction of a cut, from the left side to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Both ways.
    Both,
    /// Only from left to right.
    LeftToRight,
    /// Only from right to left.
    RightToLeft,
}
