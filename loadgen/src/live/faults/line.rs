//! One connection of a host whose links faults reach. What its program writes waits here while the link is cut or slow, and
//! what the server says is not read; while the link is free, bytes go straight through.
//!
//! As with a real connection, what was written outlives its program: it is sent when it can be, then the connection closes,
//! and bytes that nobody acknowledges for too long end it. Neighbours: `links` (what faults do), `pump` (sends what waits),
//! `queue`. Left out: what this machine's kernel does in any case; `notes` tells readers.

use super::host::Hold;
use super::links::{Links, Way};
use super::pump;
use super::queue::Queue;
use crate::commons::lock;
use crate::faults::link::Crossing;
use rehearsal_reference::network::Stream;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How much is read at once from a slow link.
const READ_BYTES: usize = 16 << 10;

/// The program's end of such a connection.
pub struct BoundStream<S: Stream> {
    line: Arc<Line<S>>,
    alarm: Pin<Box<Sleep>>,
}

/// The connection, which its program and the pump share.
pub(super) struct Line<S> {
    pub(super) links: Arc<Links<S>>,
    hold: Arc<Hold>,
    draw: Draw,
    pub(super) state: Mutex<State<S>>,
}

pub(super) struct State<S> {
    /// Gone once it is closed.
    pub(super) socket: Option<S>,
    pub(super) there: Queue,
    back: Queue,
    sent: u64,
    received: u64,
    /// The server's end of the conversation, not yet across: a close, or an error.
    ended: Option<io::Result<()>>,
    /// Since when the server owes an acknowledgement that cannot come.
    pub(super) unanswered_since_ns: Option<Nanos>,
    /// When it ends since too much is lost.
    pub(super) gives_up_ns: Option<Nanos>,
    /// Whether it has timed out.
    pub(super) has_failed: bool,
    pub(super) close: Close,
    pub(super) is_pumped: bool,
    pub(super) pump: Option<Waker>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// What the program wants of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    Open,
    /// It says nothing more.
    Finished,
    /// It has let go of it.
    Dropped,
    /// It has let go of it, and the server is to see a reset.
    Aborted,
}

impl<S: Stream> BoundStream<S> {
    /// A connection that was just opened; `draw` is the place of its draws.
    pub(super) fn new(socket: S, links: Arc<Links<S>>, hold: Arc<Hold>, draw: Draw) -> BoundStream<S> {
        let state = State {
            socket: Some(socket),
            there: Queue::default(),
            back: Queue::default(),
            sent: 0,
            received: 0,
            ended: None,
            unanswered_since_ns: None,
            gives_up_ns: None,
            has_failed: false,
            close: Close::Open,
            is_pumped: false,
            pump: None,
            reader: None,
            writer: None,
        };
        let line = Arc::new(Line { links, hold, draw, state: Mutex::new(state) });
        BoundStream { line, alarm: Box::pin(sleep_until(Instant::now())) }
    }

    /// Ends it so that the server sees a reset, once it can see anything.
    pub(super) fn abort(self) {
        self.line.let_go(Close::Aborted);
    }
}

impl<S: Stream> Drop for BoundStream<S> {
    fn drop(&mut self) {
        self.line.let_go(Close::Dropped);
    }
}

impl<S: Stream> Line<S> {
    /// The program is done with it. The first way counts.
    fn let_go(self: &Arc<Self>, close: Close) {
        let mut state = lock(&self.state);
        if matches!(state.close, Close::Dropped | Close::Aborted) {
            return;
        }
        state.close = close;
        if close == Close::Aborted {
            state.there.clear();
        }
        self.pump(&mut state);
    }

    /// Lets the pump see to what cannot be done at once.
    fn pump(self: &Arc<Self>, state: &mut State<S>) {
        if let Some(pump) = state.pump.take() {
            pump.wake();
        }
        if !state.is_pumped {
            // Most of the time it is done at once, without a task.
            state.is_pumped = !pump::is_done(self, state, &mut Context::from_waker(Waker::noop()));
            if state.is_pumped {
                self.links.kernel.spawn("bytes on a disturbed link", Box::pin(pump::run(self.clone()))).detach();
            }
        }
    }

    fn write(self: &Arc<Self>, bytes: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.state);
        if state.has_failed {
            return Poll::Ready(Err(timed_out()));
        }
        let count = if state.there.is_empty() && self.links.is_free(Way::There) {
            let Some(socket) = &mut state.socket else { return Poll::Ready(Err(io::ErrorKind::NotConnected.into())) };
            std::task::ready!(Pin::new(socket).poll_write(cx, bytes))?
        } else if state.there.is_full() {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        } else {
            self.send(bytes, &mut state);
            bytes.len()
        };
        if Way::ALL.into_iter().any(|way| self.links.is_cut(way)) {
            state.unanswered_since_ns.get_or_insert(self.links.now_ns());
        }
        if !state.there.is_empty() || state.unanswered_since_ns.is_some() {
            self.pump(&mut state);
        }
        Poll::Ready(Ok(count))
    }

    fn send(&self, bytes: &[u8], state: &mut State<S>) {
        state.sent += 1;
        let now_ns = self.links.now_ns();
        match self.links.crossing(Way::There, bytes.len(), self.draw.named("there").at(state.sent)) {
            Crossing::After(delay_ns) => state.there.push(now_ns.saturating_add(delay_ns), bytes),
            Crossing::Never => {
                state.there.push(Nanos::MAX, bytes);
                state.gives_up_ns.get_or_insert(now_ns.saturating_add(self.links.timeout_ns()));
            }
        }
    }

    fn read(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
        alarm: Pin<&mut Sleep>,
    ) -> Poll<io::Result<()>> {
        if self.hold.holds(cx.waker()) {
            return Poll::Pending;
        }
        let mut state = lock(&self.state);
        if state.has_failed {
            return Poll::Ready(Err(timed_out()));
        }
        state.reader = Some(cx.waker().clone());
        // First, so that no change goes unnoticed.
        self.links.wait(cx.waker());
        if self.links.is_cut(Way::Back) {
            return Poll::Pending;
        }
        if state.back.is_empty() && state.ended.is_none() && self.links.is_free(Way::Back) {
            let Some(socket) = &mut state.socket else { return Poll::Ready(Ok(())) };
            return Pin::new(socket).poll_read(cx, into);
        }
        self.receive(cx, &mut state);
        let now_ns = self.links.now_ns();
        if let Some(bytes) = state.back.across(now_ns) {
            let count = bytes.len().min(into.remaining());
            into.put_slice(&bytes[..count]);
            state.back.take(count);
            return Poll::Ready(Ok(()));
        }
        match state.back.next_ns() {
            None => state.ended.take().map_or(Poll::Pending, Poll::Ready),
            Some(next_ns) => {
                ring(alarm, self.links.instant(next_ns), cx);
                Poll::Pending
            }
        }
    }

    /// Takes what the server has said, which is on its way from now on.
    fn receive(&self, cx: &mut Context<'_>, state: &mut State<S>) {
        let mut space = [0; READ_BYTES];
        while !state.back.is_full() && state.ended.is_none() {
            let mut read = ReadBuf::new(&mut space);
            let Some(socket) = &mut state.socket else { return };
            match Pin::new(socket).poll_read(cx, &mut read) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
                Poll::Ready(end) => {
                    state.ended = Some(end);
                    return;
                }
            }
            state.received += 1;
            let place = self.draw.named("back").at(state.received);
            let now_ns = self.links.now_ns();
            // What is lost too often comes when the server has given up, who is not asked here.
            let delay_ns = match self.links.crossing(Way::Back, read.filled().len(), place) {
                Crossing::After(delay_ns) => delay_ns,
                Crossing::Never => self.links.timeout_ns(),
            };
            state.back.push(now_ns.saturating_add(delay_ns), read.filled());
        }
    }

    fn flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.state);
        let is_held = !state.there.is_empty() || !self.links.is_free(Way::There);
        match &mut state.socket {
            // What was written is the kernel's business.
            Some(socket) if !is_held => Pin::new(socket).poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn finish(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.state);
        let is_held = !state.there.is_empty() || !self.links.is_free(Way::There);
        match &mut state.socket {
            Some(socket) if !is_held => Pin::new(socket).poll_shutdown(cx),
            Some(_) => {
                state.close = Close::Finished;
                self.pump(&mut state);
                Poll::Ready(Ok(()))
            }
            None => Poll::Ready(Ok(())),
        }
    }
}

/// Wakes the task then.
pub(super) fn ring(mut alarm: Pin<&mut Sleep>, at: Instant, cx: &mut Context<'_>) {
    alarm.as_mut().reset(at);
    if alarm.poll(cx).is_ready() {
        cx.waker().wake_by_ref();
    }
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "a fault kept every acknowledgement away")
}

impl<S: Stream> AsyncRead for BoundStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let BoundStream { line, alarm } = self.get_mut();
        line.read(cx, buffer, alarm.as_mut())
    }
}

impl<S: Stream> AsyncWrite for BoundStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.line.write(bytes, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.finish(cx)
    }
}
