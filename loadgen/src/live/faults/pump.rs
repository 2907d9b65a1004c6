//! What a kernel does for a connection while its program does something else, or is gone: sends what waits as soon as it can
//! cross, closes afterwards, and gives a connection up that nobody acknowledges. Neighbours: `line` starts it where something
//! cannot be done at once.

use super::line::{Close, Line, State, ring};
use super::links::Way;
use crate::commons::lock;
use rehearsal_reference::network::Stream;
use rehearsal_scenarios::distribution::Nanos;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::{Instant, sleep_until};

/// Pumps until there is nothing to do.
pub(super) async fn run<S: Stream>(line: Arc<Line<S>>) {
    let mut alarm = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        let mut state = lock(&line.state);
        if is_done(&line, &mut state, cx) {
            (state.is_pumped, state.pump) = (false, None);
            return Poll::Ready(());
        }
        state.pump = Some(cx.waker().clone());
        if let Some(next_ns) = next_ns(&line, &state) {
            ring(alarm.as_mut(), line.links.instant(next_ns), cx);
        }
        Poll::Pending
    })
    .await;
}

/// Does what can be done now. Whether nothing is left to do.
pub(super) fn is_done<S: Stream>(line: &Line<S>, state: &mut State<S>, cx: &mut Context<'_>) -> bool {
    line.links.wait(cx.waker());
    if line.links.is_lost() {
        return is_buried(line, state);
    }
    give_up(line, state);
    if !line.links.is_cut(Way::There) {
        send(line, state, cx);
    }
    let is_cut = Way::ALL.into_iter().any(|way| line.links.is_cut(way));
    if !is_cut {
        state.unanswered_since_ns = None;
    }
    if state.socket.is_none() {
        return true;
    }
    let is_open = state.close == Close::Open && !state.has_failed;
    is_open && state.there.is_empty() && state.unanswered_since_ns.is_none() && state.gives_up_ns.is_none()
}

/// A machine that is lost sends nothing any more, and its sockets stay as they are.
fn is_buried<S: Stream>(line: &Line<S>, state: &mut State<S>) -> bool {
    let is_let_go = matches!(state.close, Close::Dropped | Close::Aborted);
    if is_let_go && let Some(socket) = state.socket.take() {
        state.socket = line.links.bury(socket);
    }
    state.socket.is_none()
}

/// Ends the connection of a program that waits for it too long.
fn give_up<S: Stream>(line: &Line<S>, state: &mut State<S>) {
    let is_over = deadline_ns(line, state).is_some_and(|at_ns| at_ns <= line.links.now_ns());
    if is_over && !state.has_failed {
        state.has_failed = true;
        state.there.clear();
        state.gives_up_ns = None;
        state.reader.take().into_iter().chain(state.writer.take()).for_each(|waker| waker.wake());
    }
}

fn send<S: Stream>(line: &Line<S>, state: &mut State<S>, cx: &mut Context<'_>) {
    let Some(socket) = &mut state.socket else { return };
    let now_ns = line.links.now_ns();
    let (mut socket, has_something) = (Pin::new(socket), !state.there.is_empty());
    while let Some(bytes) = state.there.across(now_ns) {
        match socket.as_mut().poll_write(cx, bytes) {
            Poll::Ready(Ok(count)) if count > 0 => state.there.take(count),
            // The program sees it at its next read or write.
            Poll::Ready(_) => state.there.clear(),
            Poll::Pending => break,
        }
    }
    if has_something {
        // An error shows at the program's next read or write.
        let _ = socket.as_mut().poll_flush(cx);
    }
    if !state.there.is_full() {
        state.writer.take().into_iter().for_each(|waker| waker.wake());
    }
    if !state.there.is_empty() {
        return;
    }
    match state.close {
        Close::Open if !state.has_failed => {}
        Close::Finished if !state.has_failed => {
            if socket.poll_shutdown(cx).is_ready() {
                state.close = Close::Open;
            }
        }
        Close::Dropped if !state.has_failed => drop(state.socket.take()),
        // A connection that has timed out is answered with a reset once anything can cross.
        _ => state.socket.take().into_iter().for_each(Stream::abort),
    }
}

/// When the connection ends since nobody acknowledges.
fn deadline_ns<S: Stream>(line: &Line<S>, state: &State<S>) -> Option<Nanos> {
    if state.has_failed || matches!(state.close, Close::Dropped | Close::Aborted) {
        return None;
    }
    let unanswered = state.unanswered_since_ns.map(|since_ns| since_ns.saturating_add(line.links.timeout_ns()));
    unanswered.into_iter().chain(state.gives_up_ns).min()
}

/// When something is to be done next by itself.
fn next_ns<S: Stream>(line: &Line<S>, state: &State<S>) -> Option<Nanos> {
    let sends = state.there.next_ns().filter(|_| !line.links.is_cut(Way::There));
    sends.into_iter().chain(deadline_ns(line, state)).min()
}
