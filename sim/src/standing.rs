//! How a host stands, apart from its programs: whether they are held, and its clocks.
//!
//! Invariants: incarnations share it. Neighbours: `host` asks before each poll, `host_clock` tells the time, `engine` lets
//! faults begin and end, `loadgen::faults::gate` holds programs. Left out: the machine under a paused host, which goes on as under a process that has got SIGSTOP: it
//! acknowledges and keeps what arrives, as much as its buffers hold (`network`).

use crate::clock::Clock;
use crate::host_clock::{Clocks, HostClock};
use rehearsal_loadgen::faults::gate::Gate;
use std::sync::Arc;

/// How a host stands.
pub struct Standing {
    /// Its clocks.
    pub(crate) clock: Arc<HostClock>,
    /// Whether its programs are held.
    pub(crate) gate: Gate,
}

impl Standing {
    /// A host that runs, whose clocks are right.
    pub(crate) fn new(world: Arc<Clock>, clocks: Clocks) -> Standing {
        Standing { clock: Arc::new(HostClock::new(world, clocks)), gate: Gate::default() }
    }
}
