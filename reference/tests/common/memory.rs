//! A network in memory, for tests that need virtual time: every connection is a byte pipe whose other end the test holds.

use rehearsal_reference::network::{Endpoint, Listener, Network, Stream};
use rehearsal_reference::surroundings::{Random, Spawn, Surroundings, Task, TaskHandle, WallClock};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;

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

/// A network, and where its connections come out.
pub fn network() -> (Memory, mpsc::UnboundedReceiver<DuplexStream>) {
    let (dialled, incoming) = mpsc::unbounded_channel();
    (Memory { dialled }, incoming)
}

impl Network for Memory {
    type Stream = Pipe;
    type Listener = Nowhere;

    async fn bind(&self, _: &str) -> io::Result<Nowhere> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn connect(&self, _: &Endpoint) -> io::Result<Pipe> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        self.dialled.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Ok(Pipe(ours))
    }
}

/// Nothing is accepted through the trait: the test holds the other ends.
pub struct Nowhere;

impl Listener for Nowhere {
    type Stream = Pipe;

    async fn accept(&mut self) -> io::Result<(Pipe, SocketAddr)> {
        std::future::pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Surroundings without chance: the clock stands, random bytes are zeros, tasks live until the test ends.
pub fn surroundings() -> Surroundings {
    let fixed = Arc::new(Fixed::default());
    Surroundings { clock: fixed.clone(), random: fixed.clone(), spawner: fixed }
}

#[derive(Default)]
struct Fixed {
    tasks: Mutex<tokio::task::JoinSet<()>>,
}

impl WallClock for Fixed {
    fn now(&self) -> Duration {
        Duration::from_secs(1_700_000_000)
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

impl Spawn for Fixed {
    fn spawn(&self, _: &'static str, task: Task) -> TaskHandle {
        TaskHandle::new(self.tasks.lock().unwrap().spawn(task))
    }
}
