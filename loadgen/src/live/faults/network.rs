//! A network whose connections faults can reach: [`FaultyNetwork`]. Users that no fault names have free connections, which
//! cost nothing. Neighbours: `links` (what faults do), `line` (a connection that they reach). Left out: datagrams, which no
//! fault reaches here.

use super::host::Hold;
use super::line::BoundStream;
use super::links::{Links, Way};
use crate::faults::link::Crossing;
use rehearsal_reference::network::{Endpoint, Listener, Network, Stream};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{sleep, timeout};

/// A network, as a host sees it whose links faults may reach.
pub struct FaultyNetwork<N: Network> {
    inner: N,
    links: Option<Faulty<N>>,
}

/// The links of a host, and what holds its programs.
type Faulty<N> = (Arc<Links<<N as Network>::Stream>>, Arc<Hold>);

impl<N: Network> Clone for FaultyNetwork<N> {
    fn clone(&self) -> Self {
        FaultyNetwork { inner: self.inner.clone(), links: self.links.clone() }
    }
}

impl<N: Network> FaultyNetwork<N> {
    /// A network that no fault reaches.
    pub fn free(inner: N) -> FaultyNetwork<N> {
        FaultyNetwork { inner, links: None }
    }

    /// The same network from a host with these links, as long as its programs are not held.
    pub fn through(&self, links: Arc<Links<N::Stream>>, hold: Arc<Hold>) -> FaultyNetwork<N> {
        FaultyNetwork { inner: self.inner.clone(), links: Some((links, hold)) }
    }

    /// The network behind it.
    pub fn inner(&self) -> &N {
        &self.inner
    }
}

impl<N: Network> Network for FaultyNetwork<N> {
    type Stream = FaultyStream<N::Stream>;
    type Listener = FreeListener<N::Listener>;
    type Datagrams = N::Datagrams;

    async fn bind(&self, address: &str) -> io::Result<FreeListener<N::Listener>> {
        self.inner.bind(address).await.map(FreeListener)
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<FaultyStream<N::Stream>> {
        let Some((links, hold)) = &self.links else {
            return self.inner.connect(endpoint).await.map(FaultyStream::Free);
        };
        let patience = Duration::from_nanos(links.timeout_ns());
        if timeout(patience, links.healed()).await.is_err() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no connection: a fault cuts the link"));
        }
        let draw = links.next_conn();
        for (way, name) in [(Way::There, "dial"), (Way::Back, "answer")] {
            match links.crossing(way, 0, draw.named(name)) {
                Crossing::After(delay_ns) => sleep(Duration::from_nanos(delay_ns)).await,
                Crossing::Never => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "no connection: too much is lost"));
                }
            }
        }
        let socket = self.inner.connect(endpoint).await?;
        Ok(FaultyStream::Bound(BoundStream::new(socket, links.clone(), hold.clone(), draw)))
    }

    async fn bind_datagram(&self, address: &str) -> io::Result<N::Datagrams> {
        self.inner.bind_datagram(address).await
    }
}

/// A listener that no fault reaches: users dial.
pub struct FreeListener<L>(L);

impl<L: Listener> Listener for FreeListener<L> {
    type Stream = FaultyStream<L::Stream>;

    async fn accept(&mut self) -> io::Result<(FaultyStream<L::Stream>, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        Ok((FaultyStream::Free(stream), from))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection.
pub enum FaultyStream<S: Stream> {
    /// No fault reaches it.
    Free(S),
    /// Faults on its host's links do.
    Bound(BoundStream<S>),
}

impl<S: Stream> Stream for FaultyStream<S> {
    fn abort(self) {
        match self {
            FaultyStream::Free(stream) => stream.abort(),
            FaultyStream::Bound(stream) => stream.abort(),
        }
    }
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            FaultyStream::Free(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            FaultyStream::Bound(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
        }
    };
}

impl<S: Stream> AsyncRead for FaultyStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl<S: Stream> AsyncWrite for FaultyStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            FaultyStream::Free(stream) => stream.is_write_vectored(),
            FaultyStream::Bound(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }
}
