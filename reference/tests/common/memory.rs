//! A network in memory, for tests that need virtual time: every connection is a byte pipe whose other end the test holds.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

use rehearsal_reference::network::{Endpoint, Listener, Network, Stream};
use rehearsal_reference::surroundings::{Random, Spawn, Surroundings, Task, TaskHandle, WallClock};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// Where connections come out: raw for a test that plays the server itself, or as a listener for a real one.
pub struct Incoming(mpsc::UnboundedReceiver<DuplexStream>);

/// A network, and its only listener.
pub fn network() -> (Memory, Incoming) {
    let (dialled, incoming) = mpsc::unbounded_channel();
    (Memory { dialled }, Incoming(incoming))
}

impl Network for Memory {
    type Stream = Pipe;
    type Listener = Incoming;

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
        match self.0.recv().await {
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

/// Surroundings without chance: the clock stands, random bytes are counted, tasks live until the test ends.
pub fn surroundings() -> Surroundings {
    let fixed = Arc::new(Fixed::default());
    Surroundings { clock: fixed.clone(), random: fixed.clone(), spawner: fixed }
}

#[derive(Default)]
struct Fixed {
    tasks: Mutex<tokio::task::JoinSet<()>>,
    drawn: AtomicU64,
}

impl WallClock for Fixed {
    fn now(&self) -> Duration {
        Duration::from_secs(1_700_000_000)
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&drawn.to_le_bytes()[..chunk.len()]);
        }
    }
}

impl Spawn for Fixed {
    fn spawn(&self, _: &'static str, task: Task) -> TaskHandle {
        TaskHandle::new(self.tasks.lock().unwrap().spawn(task))
    }
}
