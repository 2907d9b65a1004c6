//! A connection as a program holds it: polls become what happens on its wire.
//!
//! Neighbours: `wire` (rules), `fabric` (where the wire lives), `alarm` (who waits on turmoil).

use super::alarm::Alarm;
use super::fabric::Fabric;
use super::wire::{Half, Moment, Reading, Side, Wire, Writing};
use super::wires::WireId;
use rehearsal_reference::network::Stream;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An open connection.
pub struct SimStream {
    fabric: Arc<Fabric>,
    wire: WireId,
    side: Side,
    /// One for each half.
    alarms: [Alarm; 2],
}

impl SimStream {
    pub(super) fn new(fabric: Arc<Fabric>, wire: WireId, side: Side) -> SimStream {
        SimStream { fabric, wire, side, alarms: Default::default() }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            let place = (this.wire, this.side, Half::Reading);
            let read = |wire: &mut Wire, at: &Moment<'_>| wire.read(this.side, buffer, at);
            match this.fabric.attempt(place, context, read, |reading| *reading == Reading::Wait) {
                Some((Reading::Data | Reading::End, _)) => return Poll::Ready(Ok(())),
                Some((Reading::GiveWay, _)) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some((Reading::Failed(kind), _)) => return Poll::Ready(Err(kind.into())),
                Some((Reading::Wait, until)) => {
                    ready!(this.alarms[Half::Reading as usize].poll(until, &this.fabric, context));
                }
                None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        loop {
            let place = (this.wire, this.side, Half::Writing);
            let write = |wire: &mut Wire, at: &Moment<'_>| wire.write(this.side, bytes, at);
            match this.fabric.attempt(place, context, write, |writing| *writing == Writing::Wait) {
                Some((Writing::Sent(sent), _)) => return Poll::Ready(Ok(sent)),
                Some((Writing::Failed(kind), _)) => return Poll::Ready(Err(kind.into())),
                Some((Writing::Wait, until)) => {
                    ready!(this.alarms[Half::Writing as usize].poll(until, &this.fabric, context));
                }
                None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fabric.act(self.wire, |wire, at| wire.finish(self.side, at));
        Poll::Ready(Ok(()))
    }
}

impl Stream for SimStream {
    fn abort(self) {
        self.fabric.act(self.wire, |wire, at| wire.abort(self.side, at));
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.fabric.release(self.wire, self.side);
    }
}
