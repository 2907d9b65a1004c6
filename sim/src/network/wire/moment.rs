//! What a wire has to know of its surroundings, and how its two ends are told apart.

use crate::network::link::Link;
use rehearsal_scenarios::distribution::{Distribution, Nanos};

/// An end of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who accepted.
    Server,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// What a wire has to know of its surroundings at one moment.
pub struct Moment<'a> {
    /// Nanoseconds since the world was built.
    pub now: Nanos,
    /// From the client's host to the server's, and back.
    pub links: [&'a Link; 2],
    /// The latency between faults.
    pub latency: &'a Distribution,
    /// How long data may stay unacknowledged.
    pub tcp_timeout_ns: Nanos,
}

impl Moment<'_> {
    /// The link that what `side` sends takes.
    pub(super) fn link_from(&self, side: Side) -> &Link {
        self.links[side as usize]
    }

    /// Whether neither link is cut: what is sent now is acknowledged.
    pub(super) fn both_ways_open(&self) -> bool {
        self.links.iter().all(|link| link.cut_since().is_none())
    }
}
