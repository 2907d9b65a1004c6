//! An open connection as a program holds it.
//!
//! Invariants: the machine is current whenever the socket is used or dropped; one read always empties the kernel's
//! buffer, since turmoil-net announces a reopened window only if a read frees half of it; who lets go of a connection
//! with unread data resets it, as on Linux. Neighbours: `network` opens streams, `fates` knows why one is gone.

use super::network::{Aborted, Machine, Shared};
use rehearsal_reference::network::Stream;
use rehearsal_scenarios::draw::Draw;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil_net::shim::tokio::net::TcpStream;

/// As much as a kernel holds for a reader.
pub(super) const RECEIVE_BYTES: usize = 64 << 10;

/// Share of reads that hand out only a part, and of arrivals that let other tasks run first. tokio's own order of tasks
/// never changes; this is what tries others, and what cuts frames in the middle.
const UNEVEN_SHARE: f64 = 0.125;

/// A buffer that was larger than this is not kept: most messages are small, and there may be thousands of streams.
const KEPT_BYTES: usize = 4 << 10;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How streams and tasks behave within what TCP and the runtime allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Reads come out in seeded parts; readers and other tasks let the tasks of the same moment go first now and then.
    #[default]
    Searching,
    /// Everything that is there comes at once, and tasks run first in, first out.
    Plain,
}

/// An open connection.
pub struct EventStream {
    /// None once it was aborted.
    socket: Option<TcpStream>,
    shared: Arc<Shared>,
    machine: Machine,
    local: SocketAddr,
    peer: SocketAddr,
    /// Read from the kernel, not yet by the program; from here on.
    unread: Vec<u8>,
    taken: usize,
    uneven: Option<Draw>,
    /// How often there was something to read.
    arrivals: u64,
}

impl EventStream {
    pub(super) fn new(
        socket: TcpStream,
        shared: Arc<Shared>,
        machine: Machine,
        [local, peer]: [SocketAddr; 2],
        manner: Manner,
    ) -> EventStream {
        let uneven = (manner == Manner::Searching).then(|| shared.fates().draw_of(local, peer));
        let (unread, socket) = (Vec::new(), Some(socket));
        EventStream { socket, shared, machine, local, peer, unread, taken: 0, uneven, arrivals: 0 }
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.machine.make_current();
        self.socket.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// The network knows better why a connection is gone.
    fn explain(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::ConnectionReset => {
                self.shared.fates().reason(self.local, self.peer).map_or(error, io::Error::from)
            }
            _ => error,
        }
    }

    /// Empties the kernel's buffer into ours. The number of bytes; 0 at the end.
    fn poll_fetch(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(RECEIVE_BYTES, 0);
            let mut fetched = ReadBuf::new(scratch);
            ready!(self.socket()?.poll_read(context, &mut fetched)).map_err(|error| self.explain(error))?;
            self.unread.clear();
            self.unread.extend_from_slice(fetched.filled());
            self.taken = 0;
            self.arrivals += 1;
            Poll::Ready(Ok(self.unread.len()))
        })
    }

    /// Hands out what is unread, or a part of it.
    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) {
        let unread = &self.unread[self.taken..];
        let room = self.portion(unread.len()).min(buffer.remaining());
        buffer.put_slice(&unread[..room]);
        self.taken += room;
        if self.taken == self.unread.len() && self.unread.capacity() > KEPT_BYTES {
            self.unread = Vec::new();
            self.taken = 0;
        }
    }

    /// How much of what has arrived a reader gets now.
    fn portion(&self, bytes: usize) -> usize {
        let Some(place) = self.uneven.map(|draw| draw.named("read").at(self.arrivals).at(bytes as u64)) else {
            return bytes;
        };
        if bytes > 1 && place.unit() < UNEVEN_SHARE { 1 + place.at(0).below(bytes as u64 - 1) as usize } else { bytes }
    }

    /// Whether the reader of what has just arrived lets other tasks run first.
    fn gives_way(&self) -> bool {
        self.uneven.is_some_and(|draw| draw.named("yield").at(self.arrivals).unit() < UNEVEN_SHARE)
    }

    fn has_unread(&self) -> bool {
        let in_kernel = || {
            self.machine.make_current();
            self.socket.as_ref().is_some_and(|socket| {
                let mut byte = [0];
                let mut context = Context::from_waker(std::task::Waker::noop());
                matches!(socket.poll_peek(&mut context, &mut ReadBuf::new(&mut byte)), Poll::Ready(Ok(1..)))
            })
        };
        self.taken < self.unread.len() || in_kernel()
    }

    fn cut_off(&mut self) {
        if let Some(socket) = self.socket.take() {
            let Self { machine, local, peer, .. } = *self;
            self.shared.abort(Aborted { machine, local, peer, _socket: socket });
        }
    }
}

impl AsyncRead for EventStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.taken == this.unread.len() {
            if ready!(this.poll_fetch(context))? == 0 {
                return Poll::Ready(Ok(()));
            }
            if this.gives_way() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        this.hand_out(buffer);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for EventStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(this.socket()?.poll_write(context, bytes));
        Poll::Ready(written.map_err(|error| this.explain(error)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let finished = ready!(this.socket()?.poll_shutdown(context));
        Poll::Ready(finished.map_err(|error| this.explain(error)))
    }
}

impl Stream for EventStream {
    fn abort(mut self) {
        self.cut_off();
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        if self.socket.is_none() {
            return;
        }
        if self.has_unread() {
            self.cut_off();
        } else {
            self.shared.fates().closed(self.local, self.peer);
            // The socket is dropped after this: its kernel sends what was written, then FIN.
            self.machine.make_current();
        }
    }
}
