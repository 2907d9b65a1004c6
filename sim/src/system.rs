//! A [`System`] as the simulated world deploys it: all of them are one. Neighbours: `loadgen::system` says what a system is,
//! `seed` plays.

use crate::host::Host;
use crate::network::SimNetwork;
use rehearsal_loadgen::system::{self, HostWorld, Server, System};
use rehearsal_reference::surroundings::Surroundings;
use rehearsal_scenarios::plan::Plan;
use std::sync::Arc;

/// A system on the simulated network.
pub trait SimulatedSystem: Send + Sync {
    /// See [`System::deploy`].
    fn deploy(&self, plan: &Plan) -> Vec<Server<SimNetwork>>;
    /// See [`System::port`].
    fn port(&self) -> u16;
    /// See [`System::path`].
    fn path(&self) -> &str;
}

impl<S: System> SimulatedSystem for S {
    fn deploy(&self, plan: &Plan) -> Vec<Server<SimNetwork>> {
        System::deploy(self, plan)
    }

    fn port(&self) -> u16 {
        System::port(self)
    }

    fn path(&self) -> &str {
        System::path(self)
    }
}

/// A system that many seeds share.
pub type SharedSystem = Arc<dyn SimulatedSystem>;

/// A host as a server of the system sees it.
pub(crate) fn seen_by_server(host: Host, port: u16) -> system::Host<SimNetwork> {
    let (name, incarnation, network) = (host.name.clone(), host.incarnation, host.network.clone());
    system::Host::new(name, incarnation, network, Arc::new(Simulated { host, port }))
}

struct Simulated {
    host: Host,
    port: u16,
}

impl HostWorld for Simulated {
    fn surroundings(&self, who: &str) -> Surroundings {
        self.host.surroundings(who)
    }

    fn address(&self) -> String {
        format!("0.0.0.0:{}", self.port)
    }
}
