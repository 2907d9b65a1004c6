//! What a wire has to know of its surroundings, and how its two ends are told apart.

use crate::network::hosts::HostId;
use rehearsal_loadgen::faults::link::Link;
use rehearsal_scenarios::distribution::Nanos;

/// An end of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Who connected.
    Client,
    /// Who accepted.
    Server,
}

impl Side {
    /// Both ends.
    pub const BOTH: [Side; 2] = [Side::Client, Side::Server];

    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// What a task waits for at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Half {
    /// Something to read.
    Reading,
    /// Room to write.
    Writing,
}

/// How streams and tasks behave within what TCP and the runtime allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Writes and reads come in seeded parts; readers and other tasks let the tasks of the same moment go first now and then.
    #[default]
    Searching,
    /// Everything that is there comes at once, and tasks run first in, first out.
    Plain,
}

/// What a wire has to know of its surroundings at one moment.
pub struct Moment<'a> {
    /// Nanoseconds since the world was built.
    pub now: Nanos,
    /// The client's host and the server's.
    pub hosts: [HostId; 2],
    /// From the client's host to the server's, and back.
    pub links: [&'a Link; 2],
    /// How long data may stay unacknowledged.
    pub tcp_timeout_ns: Nanos,
}

impl Moment<'_> {
    /// The link that what `side` sends takes.
    pub(super) fn link_from(&self, side: Side) -> &Link {
        self.links[side as usize]
    }

    /// The host at an end.
    pub(super) fn host(&self, side: Side) -> HostId {
        self.hosts[side as usize]
    }

    /// Whether neither link is cut: what is sent now is acknowledged.
    pub(super) fn both_ways_open(&self) -> bool {
        self.links.iter().all(|link| link.cut_since().is_none())
    }
}
