//! The network of whatever engine plays: programs hold these and do not know which it is. Neighbours: `mod` (turmoil's),
//! `event_engine` (the event-driven one).

use super::{TurmoilListener, TurmoilNetwork, TurmoilStream};
use crate::event_engine::{EventListener, EventNetwork, EventStream};
use rehearsal_reference::network::{Endpoint, Listener, Network, Stream};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The network as one incarnation of a host sees it.
#[derive(Clone)]
pub enum SimNetwork {
    /// On the turmoil engine.
    Turmoil(TurmoilNetwork),
    /// On the event-driven engine.
    Event(EventNetwork),
}

/// A listening socket of a host.
pub enum SimListener {
    /// On the turmoil engine.
    Turmoil(TurmoilListener),
    /// On the event-driven engine.
    Event(EventListener),
}

/// An open connection.
pub enum SimStream {
    /// On the turmoil engine.
    Turmoil(TurmoilStream),
    /// On the event-driven engine.
    Event(EventStream),
}

impl Network for SimNetwork {
    type Stream = SimStream;
    type Listener = SimListener;

    async fn bind(&self, address: &str) -> io::Result<SimListener> {
        match self {
            SimNetwork::Turmoil(network) => network.bind(address).await.map(SimListener::Turmoil),
            SimNetwork::Event(network) => network.bind(address).await.map(SimListener::Event),
        }
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<SimStream> {
        match self {
            SimNetwork::Turmoil(network) => network.connect(endpoint).await.map(SimStream::Turmoil),
            SimNetwork::Event(network) => network.connect(endpoint).await.map(SimStream::Event),
        }
    }
}

impl Listener for SimListener {
    type Stream = SimStream;

    async fn accept(&mut self) -> io::Result<(SimStream, SocketAddr)> {
        match self {
            SimListener::Turmoil(listener) => {
                listener.accept().await.map(|(stream, peer)| (SimStream::Turmoil(stream), peer))
            }
            SimListener::Event(listener) => {
                listener.accept().await.map(|(stream, peer)| (SimStream::Event(stream), peer))
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            SimListener::Turmoil(listener) => listener.local_addr(),
            SimListener::Event(listener) => listener.local_addr(),
        }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            SimStream::Turmoil(stream) => Pin::new(stream).poll_read(context, buffer),
            SimStream::Event(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            SimStream::Turmoil(stream) => Pin::new(stream).poll_write(context, bytes),
            SimStream::Event(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            SimStream::Turmoil(stream) => Pin::new(stream).poll_flush(context),
            SimStream::Event(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            SimStream::Turmoil(stream) => Pin::new(stream).poll_shutdown(context),
            SimStream::Event(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Stream for SimStream {
    fn abort(self) {
        match self {
            SimStream::Turmoil(stream) => stream.abort(),
            SimStream::Event(stream) => stream.abort(),
        }
    }
}
