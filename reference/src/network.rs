//! How a service meets the network: bind, accept, connect, and datagrams. The real world, TLS and the simulated world each
//! implement it; nothing else in this crate opens a socket. Neighbours: `surroundings` (everything else handed in).

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};

/// A byte stream of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Ends the connection so that the peer sees a reset, not a close. What was not sent yet is gone.
    fn abort(self);
}

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether the stream is to be wrapped in TLS by the network.
    pub tls: bool,
}

impl Endpoint {
    /// `host:port`, with brackets around an IPv6 address: the HTTP `Host` header.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Access to a network. Cheap to clone.
pub trait Network: Clone + Send + Sync + 'static {
    /// An open connection.
    type Stream: Stream;
    /// A bound, listening socket.
    type Listener: Listener<Stream = Self::Stream>;
    /// A bound socket for datagrams.
    type Datagrams: DatagramSocket;

    /// Listens at `host:port`; port 0 lets the network choose.
    fn bind(&self, address: &str) -> impl Future<Output = io::Result<Self::Listener>> + Send;
    /// Connects, resolving the name first. Must end by itself: a target that never answers is `TimedOut`.
    fn connect(&self, endpoint: &Endpoint) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    /// A socket for datagrams at `host:port`; port 0 lets the network choose. Not every network has them.
    fn bind_datagram(&self, _address: &str) -> impl Future<Output = io::Result<Self::Datagrams>> + Send {
        async { Err(io::Error::new(io::ErrorKind::Unsupported, "this network has no datagrams")) }
    }
}

/// A listening socket.
pub trait Listener: Send + 'static {
    /// What it accepts.
    type Stream: Stream;
    /// The next connection.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;
    /// Where it listens.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// A socket for datagrams. Each arrives whole or not at all, perhaps twice, perhaps before one that was sent earlier.
pub trait DatagramSocket: Send + Sync + 'static {
    /// Sends a datagram to `host:port`. That it was sent does not mean that it arrives.
    fn send_to(&self, datagram: &[u8], to: &str) -> impl Future<Output = io::Result<()>> + Send;
    /// The next datagram, cut off where the buffer ends: how long it is there, and who sent it. Safe to cancel.
    fn recv_from(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;
    /// Where it is bound.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

/// The datagrams of a network that has none.
#[derive(Clone, Copy, Debug)]
pub enum NoDatagrams {}

impl DatagramSocket for NoDatagrams {
    async fn send_to(&self, _: &[u8], _: &str) -> io::Result<()> {
        match *self {}
    }

    async fn recv_from(&self, _: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match *self {}
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match *self {}
    }
}
