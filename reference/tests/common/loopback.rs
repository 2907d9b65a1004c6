//! The network, clock, randomness and tasks of this machine, for tests over real loopback sockets.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "these tests meet the real network and clock")]

#[path = "pieces.rs"]
mod pieces;

use pieces::{Counted, OnThisRuntime};
use rehearsal_reference::network::{Endpoint, Listener, Network, NoDatagrams, Stream};
use rehearsal_reference::surroundings::{Surroundings, TokioTimers, WallClock};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The network of this machine.
#[derive(Clone)]
pub struct Loopback;

impl Network for Loopback {
    type Stream = LoopbackStream;
    type Listener = LoopbackListener;
    type Datagrams = NoDatagrams;

    async fn bind(&self, address: &str) -> io::Result<LoopbackListener> {
        TcpListener::bind(address).await.map(LoopbackListener)
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<LoopbackStream> {
        let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
        stream.set_nodelay(true)?;
        Ok(LoopbackStream(stream))
    }
}

/// A listening socket of this machine.
pub struct LoopbackListener(TcpListener);

impl Listener for LoopbackListener {
    type Stream = LoopbackStream;

    async fn accept(&mut self) -> io::Result<(LoopbackStream, SocketAddr)> {
        let (stream, from) = self.0.accept().await?;
        stream.set_nodelay(true)?;
        Ok((LoopbackStream(stream), from))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A stream of this machine.
pub struct LoopbackStream(TcpStream);

impl Stream for LoopbackStream {
    fn abort(self) {
        // With no time to linger, closing sends a reset.
        let _ = self.0.set_zero_linger();
    }
}

impl AsyncRead for LoopbackStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for LoopbackStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

struct MachineClock;

impl WallClock for MachineClock {
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).expect("this machine's clock is past 1970")
    }
}

/// What this machine hands to a program.
pub fn surroundings() -> Surroundings {
    Surroundings {
        clock: Arc::new(MachineClock),
        timers: Arc::new(TokioTimers::new()),
        random: Arc::new(Counted::default()),
        spawner: Arc::new(OnThisRuntime),
    }
}
