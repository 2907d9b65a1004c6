//! A connection as a program holds it: turmoil's stream carries the bytes, the wire says when they arrive.
//!
//! Reading hands out what the wire declares arrived; writing asks the wire for room first. What turmoil itself says
//! about the end of a connection is ignored, since it says so at once and to everybody. Neighbours: `wire` (rules),
//! `fabric` (where the wire lives).

use super::fabric::{Fabric, WireId};
use super::wire::{Reading, Side, Writing};
use rehearsal_reference::network::Stream;
use rehearsal_scenarios::distribution::Nanos;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;
use turmoil::net::TcpStream;

/// An open connection.
pub struct TurmoilStream {
    carrier: TcpStream,
    fabric: Arc<Fabric>,
    wire: WireId,
    side: Side,
    alarm: Option<(Nanos, Pin<Box<Sleep>>)>,
}

impl TurmoilStream {
    pub(super) fn new(carrier: TcpStream, fabric: Arc<Fabric>, wire: WireId, side: Side) -> TurmoilStream {
        TurmoilStream { carrier, fabric, wire, side, alarm: None }
    }

    /// Ready when virtual time has reached `until`.
    fn poll_alarm(&mut self, until: Nanos, context: &mut Context<'_>) -> Poll<()> {
        let is_set = matches!(&self.alarm, Some((set_for, _)) if *set_for == until);
        if !is_set {
            let wait = Duration::from_nanos(until.saturating_sub(self.fabric.clock.now_ns()));
            self.alarm = Some((until, Box::pin(tokio::time::sleep(wait))));
        }
        let Some((_, alarm)) = &mut self.alarm else { return Poll::Pending };
        ready!(alarm.as_mut().poll(context));
        self.alarm = None;
        Poll::Ready(())
    }

    /// Takes up to `bytes` arrived bytes from the carrier.
    fn poll_take(&mut self, bytes: usize, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = bytes.min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.carrier).poll_read(context, &mut part))?;
        let taken = part.filled().len();
        if taken == 0 && room > 0 {
            return Poll::Ready(Err(io::Error::other("the carrier ended before what the wire announced")));
        }
        buffer.advance(taken);
        let side = self.side;
        self.fabric.on_wire(self.wire, |wire, _, wake| wire.taken(side, taken, wake));
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for TurmoilStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let side = this.side;
            let reading = this.fabric.on_wire(this.wire, |wire, at, _| {
                wire.wake_reader(side, context.waker());
                wire.read(side, at)
            });
            match reading {
                Some(Reading::Data(bytes)) => return this.poll_take(bytes, context, buffer),
                Some(Reading::GiveWay) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Reading::End) => return Poll::Ready(Ok(())),
                Some(Reading::Failed(kind)) => return Poll::Ready(Err(kind.into())),
                Some(Reading::Wait(None)) => return Poll::Pending,
                Some(Reading::Wait(Some(until))) => ready!(this.poll_alarm(until, context)),
                None => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
    }
}

impl AsyncWrite for TurmoilStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let side = this.side;
        let writing = this.fabric.on_wire(this.wire, |wire, at, _| {
            wire.wake_writer(side, context.waker());
            wire.write(side, bytes.len(), at)
        });
        match writing {
            Some(Writing::Send(room)) => {
                let sent = ready!(Pin::new(&mut this.carrier).poll_write(context, &bytes[..room]))?;
                this.fabric.on_wire(this.wire, |wire, at, wake| wire.sent(side, sent, at, wake));
                Poll::Ready(Ok(sent))
            }
            Some(Writing::IntoTheVoid) => Poll::Ready(Ok(bytes.len())),
            Some(Writing::Failed(kind)) => Poll::Ready(Err(kind.into())),
            Some(Writing::Wait) => Poll::Pending,
            None => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let side = self.side;
        self.fabric.on_wire(self.wire, |wire, at, wake| wire.finish(side, at, wake));
        Poll::Ready(Ok(()))
    }
}

impl Stream for TurmoilStream {
    fn abort(self) {
        let side = self.side;
        self.fabric.on_wire(self.wire, |wire, at, wake| wire.abort(side, at, wake));
    }
}

impl Drop for TurmoilStream {
    fn drop(&mut self) {
        self.fabric.release(self.wire, self.side);
    }
}
