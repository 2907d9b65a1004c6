//! The simulated network as the reference system meets it: [`SimNetwork`], which is the one of either engine. Here is that of
//! the turmoil engine, over turmoil's TCP, with a link layer of ours; the other is in `event_engine`.
//!
//! - `either`: the network of whatever engine plays
//! - `stream`: an open connection; turmoil carries its bytes
//! - `connecting`: how one is opened, refused or times out
//! - [`wire`]: when bytes arrive and how a connection dies, without IO
//! - [`link`]: cuts, latency and loss of one direction between two hosts
//! - [`fabric`]: all hosts, links and wires; where faults act
//!
//! turmoil's own faults are not used: its TCP does not retransmit, so that one dropped segment ends a stream for ever.

mod connecting;
mod either;
pub mod fabric;
pub mod link;
mod stream;
pub mod wire;

pub use either::{SimListener, SimNetwork, SimStream};
pub use stream::TurmoilStream;

use fabric::{Fabric, HostId};
use rehearsal_reference::network::{Endpoint, Listener, Network};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use turmoil::net::TcpListener;
use wire::Side;

/// The network as one incarnation of a host sees it.
#[derive(Clone)]
pub struct TurmoilNetwork {
    fabric: Arc<Fabric>,
    host: HostId,
    connects: Arc<AtomicU64>,
}

impl TurmoilNetwork {
    /// For the incarnation with this number of a host; incarnations draw their delays apart.
    pub fn new(fabric: Arc<Fabric>, host: HostId, incarnation: u32) -> TurmoilNetwork {
        TurmoilNetwork { fabric, host, connects: Arc::new(AtomicU64::new(u64::from(incarnation) << 32)) }
    }
}

impl Network for TurmoilNetwork {
    type Stream = TurmoilStream;
    type Listener = TurmoilListener;

    async fn bind(&self, address: &str) -> io::Result<TurmoilListener> {
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let port = port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("no port in {address}")))?;
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        let port = listener.local_addr()?.port();
        self.fabric.set_listening(self.host, port, true);
        Ok(TurmoilListener { listener, fabric: self.fabric.clone(), host: self.host, port })
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<TurmoilStream> {
        if endpoint.tls {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "there is no TLS on the simulated network"));
        }
        let target = self.fabric.resolve(&endpoint.host)?;
        let number = self.connects.fetch_add(1, Ordering::Relaxed);
        let place = self.fabric.draw_of(self.host, number).named("connect");
        connecting::connect(self.fabric.clone(), self.host, target, endpoint.port, place).await
    }
}

/// A listening socket of a host.
pub struct TurmoilListener {
    listener: TcpListener,
    fabric: Arc<Fabric>,
    host: HostId,
    port: u16,
}

impl Listener for TurmoilListener {
    type Stream = TurmoilStream;

    async fn accept(&mut self) -> io::Result<(TurmoilStream, SocketAddr)> {
        let (carrier, client) = self.listener.accept().await?;
        let wire = self.fabric.attach(Side::Server, client, carrier.local_addr()?)?;
        Ok((TurmoilStream::new(carrier, self.fabric.clone(), wire, Side::Server), client))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(SocketAddr::new(self.fabric.address(self.host), self.port))
    }
}

impl Drop for TurmoilListener {
    fn drop(&mut self) {
        self.fabric.set_listening(self.host, self.port, false);
    }
}
