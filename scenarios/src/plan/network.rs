//! The simulated network of a plan, between faults. Neighbours: `super::Plan` holds it, `fault` changes it for a while.
//! Left out: live runs, which have the network they have.

use crate::distribution::{Distribution, Nanos};
use serde::{Deserialize, Serialize};

/// The simulated network between faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkPlan {
    /// One-way latency of each message.
    pub latency: Distribution,
    /// How long a sender waits for an acknowledgement, and a connect for an answer, before it gives up.
    pub tcp_timeout_ns: Nanos,
    /// Bytes a second in each direction between each pair of hosts; no limit without.
    pub bandwidth_bytes_per_s: Option<u64>,
    /// What becomes of datagrams.
    pub datagrams: DatagramPlan,
    /// Links that differ. Of several that name a pair of hosts, the last counts, for each of its values.
    pub links: Vec<LinkPlan>,
}

impl NetworkPlan {
    /// A network without limits, whose links are all alike and lose no datagrams.
    pub fn new(latency: Distribution, tcp_timeout_ns: Nanos) -> NetworkPlan {
        NetworkPlan {
            latency,
            tcp_timeout_ns,
            bandwidth_bytes_per_s: None,
            datagrams: DatagramPlan::default(),
            links: Vec::new(),
        }
    }
}

/// What becomes of datagrams, besides the latency of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatagramPlan {
    /// Share that is lost, 0–1.
    pub loss: f64,
    /// Share that arrives twice, 0–1, each copy after a latency of its own.
    pub duplicate: f64,
    /// Share that may be overtaken, 0–1. The others arrive in the order in which they were sent between two sockets.
    pub reorder: f64,
}

/// Links between two sets of hosts that differ from the rest, in both directions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkPlan {
    /// Its name in the scenario.
    pub name: String,
    /// One side.
    pub left: Vec<String>,
    /// The other side.
    pub right: Vec<String>,
    /// One-way latency of each message; as everywhere without.
    pub latency: Option<Distribution>,
    /// Bytes a second in each direction between each pair of hosts; as everywhere without.
    pub bandwidth_bytes_per_s: Option<u64>,
}
