//! The simulated network as the reference system meets it, the same for either engine: [`SimNetwork`].
//!
//! - `stream`, `listener`: what programs hold; `connecting`: how a connection is opened, refused or times out
//! - [`wire`]: one connection, without a clock: when its bytes arrive, and how it dies. Start there
//! - `datagram`: sockets without connections
//! - `loadgen::faults::link`: what happens to a packet between two hosts: cuts, latency, loss, bandwidth
//! - `hosts`: hosts and their incarnations; `wires`: all connections and links, and who waits for them
//! - [`fabric`]: all of that behind one lock; `faults`: what faults do to it
//! - `agenda`, `alarm`: waiting for a moment, on the event engine and on turmoil
//!
//! Nothing of turmoil's network is used: its TCP does not retransmit, so that one dropped segment ends a stream for ever, and
//! what is shared by both engines cannot differ between them. What a real network does is held against this one by tests.

mod agenda;
mod alarm;
mod connecting;
mod datagram;
pub mod fabric;
mod faults;
mod hosts;
mod listener;
mod stream;
pub mod wire;
mod wires;

pub(crate) use alarm::rest;
pub use datagram::SimDatagrams;
pub use hosts::{Condition, HostId};
pub use listener::SimListener;
pub use stream::SimStream;
pub use wire::Manner;
pub use wires::Wakes;

use fabric::Fabric;
use rehearsal_reference::network::{Endpoint, Network};
use std::io;
use std::sync::Arc;

/// The network as a host sees it.
#[derive(Clone)]
pub struct SimNetwork {
    fabric: Arc<Fabric>,
    host: HostId,
}

impl SimNetwork {
    /// For a host.
    pub fn new(fabric: Arc<Fabric>, host: HostId) -> SimNetwork {
        SimNetwork { fabric, host }
    }
}

/// The port of `host:port`; the host is whoever binds.
fn port_of(address: &str) -> io::Result<u16> {
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("no port in {address}")))
}

impl Network for SimNetwork {
    type Stream = SimStream;
    type Listener = SimListener;
    type Datagrams = SimDatagrams;

    async fn bind(&self, address: &str) -> io::Result<SimListener> {
        SimListener::bind(self.fabric.clone(), self.host, port_of(address)?)
    }

    async fn bind_datagram(&self, address: &str) -> io::Result<SimDatagrams> {
        SimDatagrams::bind(self.fabric.clone(), self.host, port_of(address)?)
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<SimStream> {
        if endpoint.tls {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "there is no TLS on the simulated network"));
        }
        let target = self.fabric.resolve(&endpoint.host)?;
        connecting::connect(self.fabric.clone(), self.host, target, endpoint.port).await
    }
}
