//! Long messages of a server, written past the WebSocket's own buffer, which never gets shorter again: the list of a room,
//! sent once, would stay in the memory of each idle connection. Between the WebSocket and its stream stands an [`Outlet`],
//! which sends a long frame before anything that the WebSocket writes after it. Neighbours: `socket` writes.

use crate::network::Stream;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Longer texts go this way.
pub(super) const LONG_BYTES: usize = 1 << 10;

/// The long frame that is being written, if there is one. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct LongFrame(Arc<Mutex<Unwritten>>);

/// The bytes of a frame, and how many of them have gone out.
#[derive(Default)]
struct Unwritten {
    frame: Vec<u8>,
    written: usize,
    /// The other side has closed: the WebSocket's own close frame is the last that may be written.
    is_closed: bool,
}

impl LongFrame {
    /// Puts in a text, which the next flush writes. The frame before must have been flushed.
    ///
    /// # Errors
    /// As the WebSocket's own when the other side has closed.
    pub(super) fn put(&self, text: String) -> Result<(), Error> {
        let mut unwritten = self.lock();
        if unwritten.is_closed {
            return Err(Error::Protocol(ProtocolError::SendAfterClosing));
        }
        let frame = Frame::message(text, OpCode::Data(Data::Text), true);
        let mut bytes = Vec::with_capacity(frame.len());
        frame.format(&mut bytes)?;
        (unwritten.frame, unwritten.written) = (bytes, 0);
        Ok(())
    }

    /// The other side has closed.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_write<S: Stream>(&self, stream: &mut S, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut unwritten = self.lock();
        while unwritten.written < unwritten.frame.len() {
            let rest = &unwritten.frame[unwritten.written..];
            match ready!(Pin::new(&mut *stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => unwritten.written += bytes,
            }
        }
        unwritten.frame = Vec::new();
        unwritten.written = 0;
        Poll::Ready(Ok(()))
    }
}

/// A stream that writes a long frame before everything else.
pub(super) struct Outlet<S> {
    stream: S,
    long: LongFrame,
}

impl<S: Stream> Outlet<S> {
    /// Around a stream.
    pub(super) fn new(stream: S, long: LongFrame) -> Self {
        Outlet { stream, long }
    }
}

impl<S: Stream> Stream for Outlet<S> {
    fn abort(self) {
        self.stream.abort();
    }
}

impl<S: Stream> AsyncRead for Outlet<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Stream> AsyncWrite for Outlet<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Outlet { stream, long } = &mut *self;
        ready!(long.poll_write(stream, context))?;
        Pin::new(stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Outlet { stream, long } = &mut *self;
        ready!(long.poll_write(stream, context))?;
        Pin::new(stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Outlet { stream, long } = &mut *self;
        ready!(long.poll_write(stream, context))?;
        Pin::new(stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::DuplexStream;
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    impl Stream for DuplexStream {
        fn abort(self) {}
    }

    /// Both ends of a connection that takes a few bytes at a time, and the server's way to send long frames.
    async fn narrow() -> (WebSocketStream<Outlet<DuplexStream>>, LongFrame, WebSocketStream<DuplexStream>) {
        let (server, client) = tokio::io::duplex(7);
        let long = LongFrame::default();
        let server = Outlet::new(server, long.clone());
        let server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
        (server, long, WebSocketStream::from_raw_socket(client, Role::Client, None).await)
    }

    #[tokio::test]
    async fn a_long_frame_comes_whole_and_in_order_though_pings_are_answered_meanwhile() {
        let (server, long, client) = narrow().await;
        let (mut sink, mut source) = server.split();
        let (mut asks, mut hears) = client.split();
        let text = "a long text. ".repeat(40);
        let write = async {
            for n in 0..20 {
                sink.send(Message::text(format!("before {n}"))).await.unwrap();
                long.put(text.clone()).unwrap();
                sink.flush().await.unwrap();
            }
            sink.send(Message::text("end")).await.unwrap();
        };
        let read = async { while let Some(Ok(_)) = source.next().await {} };
        let ping = async {
            for n in 0..10u8 {
                asks.send(Message::Ping(vec![n].into())).await.unwrap();
            }
        };
        let hear = async {
            let (mut texts, mut pongs) = (Vec::new(), Vec::new());
            while let Some(Ok(message)) = hears.next().await {
                match message {
                    Message::Text(text) if text == "end" => break,
                    Message::Text(text) => texts.push(text.to_string()),
                    Message::Pong(payload) => pongs.extend_from_slice(&payload),
                    _ => {}
                }
            }
            (texts, pongs)
        };
        let (texts, pongs) = tokio::select! {
            ((), (), heard) = async { tokio::join!(write, ping, hear) } => heard,
            () = read => panic!("nobody ends the connection"),
        };
        let expected: Vec<String> = (0..20).flat_map(|n| [format!("before {n}"), text.clone()]).collect();
        assert_eq!(texts, expected);
        assert!(pongs.last() == Some(&9) && pongs.is_sorted(), "{pongs:?}");
    }

    #[tokio::test]
    async fn nothing_goes_out_behind_a_close_frame() {
        let (_server, long, _client) = narrow().await;
        assert!(long.put("in time".into()).is_ok());
        long.close();
        let refused = long.put("too late".into()).unwrap_err();
        assert!(matches!(refused, Error::Protocol(ProtocolError::SendAfterClosing)), "{refused}");
    }
}
