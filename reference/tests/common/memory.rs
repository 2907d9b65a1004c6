//! A network in memory, for tests that need virtual time: every connection is a byte pipe whose other end the test holds.

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
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

/// One end of a byte pipe.
pub struct Pipe(DuplexStream);

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Pipe {
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

impl Stream for Pipe {
    fn abort(self) {}
}

/// Dials into the test; refused once the test has dropped its side.
#[derive(Clone)]
pub struct Memory {
    dialled: mpsc::UnboundedSender<DuplexStream>,
}

/// Where connections come out: raw for a test that plays the server itself, or as a listener for a real one. A clone is for
/// the server that takes over when this one has stopped.
#[derive(Clone)]
pub struct Incoming(Arc<Mutex<mpsc::UnboundedReceiver<DuplexStream>>>);

/// A network, and its only listener.
pub fn network() -> (Memory, Incoming) {
    let (dialled, incoming) = mpsc::unbounded_channel();
    (Memory { dialled }, Incoming(Arc::new(Mutex::new(incoming))))
}

impl Network for Memory {
    type Stream = Pipe;
    type Listener = Incoming;
    type Datagrams = NoDatagrams;

    async fn bind(&self, _: &str) -> io::Result<Incoming> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn connect(&self, _: &Endpoint) -> io::Result<Pipe> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.dialled.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(Pipe(ours))
    }
}

impl Incoming {
    /// The next connection.
    pub async fn next(&mut self) -> DuplexStream {
        match self.0.lock().await.recv().await {
            Some(stream) => stream,
            None => std::future::pending().await,
        }
    }
}

impl Listener for Incoming {
    type Stream = Pipe;

    async fn accept(&mut self) -> io::Result<(Pipe, SocketAddr)> {
        Ok((Pipe(self.next().await), ([127, 0, 0, 1], 1).into()))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(([127, 0, 0, 1], 8080).into())
    }
}

/// Surroundings without chance: the wall clock follows virtual time, random bytes are counted.
pub fn surroundings() -> Surroundings {
    let clock = Arc::new(VirtualClock(Instant::now()));
    let (timers, random) = (Arc::new(TokioTimers::new()), Arc::new(Counted::default()));
    Surroundings { clock, timers, random, spawner: Arc::new(OnThisRuntime) }
}

/// Started in November 2023.
struct VirtualClock(Instant);

impl WallClock for VirtualClock {
    fn now(&self) -> Duration {
        Duration::from_secs(1_700_000_000) + self.0.elapsed()
    }
}
