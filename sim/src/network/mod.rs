//! The simulated network as the reference system meets it, the same for either engine: [`SimNetwork`].
//!
//! - `stream`, `listener`: what programs hold; `connecting`: how a connection is opened, refused or times out
//! - [`wire`]: one connection, without a clock: when its bytes arrive, and how it dies. Start there
//! - `loadgen::faults::link`: what happens to a packet between two hosts: cuts, latency, loss, bandwidth
//! - `datagram`: sockets without connections; `inbox`: what has come to one
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
mod inbox;
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

use crate::host::Life;
use fabric::Fabric;
use rehearsal_reference::network::{Endpoint, Network};
use std::io;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The network as a host sees it.
#[derive(Clone)]
pub struct SimNetwork {
    fabric: Arc<Fabric>,
    host: HostId,
    life: Arc<Life>,
}

impl SimNetwork {
    /// For an incarnation of a host.
    pub(crate) fn new(fabric: Arc<Fabric>, host: HostId, life: Arc<Life>) -> SimNetwork {
        SimNetwork { fabric, host, life }
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
        let handshake = connecting::connect(self.fabric.clone(), self.host, target, endpoint.port);
        let (answer, answered) = oneshot::channel();
        // The machine shakes hands, not the program, which may be held meanwhile. Who gives up lets go of an answer.
        let _shaking = self.life.on_machine(Box::pin(async move { drop(answer.send(handshake.await)) }));
        answered.await.unwrap_or_else(|_| Err(io::ErrorKind::ConnectionAborted.into()))
    }
}
