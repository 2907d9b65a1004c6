//! The stream below the WebSocket of a peer, which knows when the WebSocket holds nothing that it has read. tungstenite's
//! buffers never get shorter again: the list of a room, received once, would stay in the memory of each idle connection. So
//! a WebSocket that has held something long is made anew once it is empty and waits. And they are short from the start: what
//! is read from the network beyond them waits here, and takes memory only as long as it waits.
//!
//! Neighbours: `frames` counts what was read, `mod` receives through [`next`]. The server's side of this is
//! `server::long`. Left out: what is received.

use super::frames::Frames;
use super::opening::config;
use crate::network::Stream;
use futures_util::{SinkExt, StreamExt};
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Shorter frames leave buffers that are not worth making anew.
const LONG_BYTES: usize = 1 << 10;
/// How much is read at once from the network.
const AHEAD_BYTES: usize = 1 << 10;

/// A stream below a WebSocket.
pub(super) struct Inlet<S> {
    /// Missing only while the WebSocket around it is made anew.
    stream: Option<S>,
    /// What was read from the network and the WebSocket has not taken.
    ahead: Vec<u8>,
    read: Frames,
    /// The WebSocket has other long buffers than those of long frames that it has read.
    has_grown: bool,
}

impl<S> Inlet<S> {
    /// Around a stream over which nothing has come yet.
    pub(super) fn new(stream: S) -> Inlet<S> {
        // The handshake reads into a buffer of 4 KiB, which the WebSocket keeps.
        Inlet { stream: Some(stream), has_grown: true, ..Inlet::default() }
    }

    /// Whether the buffers of the WebSocket have become long and hold nothing that was read. Asked when it waits for more:
    /// then it has taken in each frame that was whole.
    fn is_worth_renewing(&self) -> bool {
        let is_long = self.has_grown || self.read.longest() > LONG_BYTES as u64;
        is_long && self.read.is_between_messages()
    }
}

impl<S> Default for Inlet<S> {
    fn default() -> Self {
        Inlet { stream: None, ahead: Vec::new(), read: Frames::behind_a_head(), has_grown: false }
    }
}

/// The next frame. Safe to cancel.
pub(super) async fn next<S: Stream>(socket: &mut WebSocketStream<Inlet<S>>) -> Option<Result<Message, Error>> {
    loop {
        let frame = poll_fn(|context| match socket.poll_next_unpin(context) {
            Poll::Ready(frame) => Poll::Ready(Some(frame)),
            Poll::Pending if !socket.get_ref().is_worth_renewing() => Poll::Pending,
            // What waits to be sent, an answer to a ping too, would be lost.
            Poll::Pending => {
                socket.poll_flush_unpin(context).map(|flushed| flushed.err().map(|error| Some(Err(error))))
            }
        });
        match frame.await {
            Some(frame) => return frame,
            // Boxed: it takes no time, and its memory would be part of each wait.
            None => Box::pin(renew(socket)).await,
        }
    }
}

/// Makes the WebSocket anew, which holds nothing. It never waits, so that nobody can cancel it.
async fn renew<S: Stream>(socket: &mut WebSocketStream<Inlet<S>>) {
    let mut inlet = std::mem::take(socket.get_mut());
    inlet.read.forget_longest();
    inlet.has_grown = false;
    *socket = WebSocketStream::from_raw_socket(inlet, Role::Client, Some(config())).await;
}

impl<S: Stream> Stream for Inlet<S> {
    fn abort(self) {
        self.stream.into_iter().for_each(Stream::abort);
    }
}

impl<S: Stream> Inlet<S> {
    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Hands out what was read before.
    fn take_ahead(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..count]);
        self.ahead.drain(..count);
        if self.ahead.is_empty() {
            self.ahead = Vec::new();
        }
    }

    /// Reads more than the buffer holds, so that a short one costs no further calls.
    fn read_ahead(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); AHEAD_BYTES];
        let mut read = ReadBuf::uninit(&mut space);
        ready!(self.stream()?.poll_read(context, &mut read))?;
        let count = read.filled().len().min(buffer.remaining());
        let (now, later) = read.filled().split_at(count);
        buffer.put_slice(now);
        self.ahead = later.to_vec();
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncRead for Inlet<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if !self.ahead.is_empty() {
            self.take_ahead(buffer);
        } else if buffer.remaining() < AHEAD_BYTES {
            ready!(self.read_ahead(context, buffer))?;
        } else {
            ready!(self.stream()?.poll_read(context, buffer))?;
        }
        self.read.pass(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: Stream> AsyncWrite for Inlet<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.has_grown |= bytes.len() > LONG_BYTES;
        self.stream()?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, DuplexStream};
    use tokio_tungstenite::client_async_with_config;
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

    type Client = WebSocketStream<Inlet<DuplexStream>>;

    /// Both ends of a connection that takes so many bytes at a time, behind the handshake.
    async fn connected(bytes: usize) -> (WebSocketStream<DuplexStream>, Client) {
        let (server, client) = tokio::io::duplex(bytes);
        let mut client = Inlet::new(client);
        client.read.pass(b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        let client = WebSocketStream::from_raw_socket(client, Role::Client, Some(config())).await;
        (WebSocketStream::from_raw_socket(server, Role::Server, None).await, client)
    }

    /// Everything that comes until the other side says that it was all, and how often the WebSocket was made anew.
    async fn read_all(mut client: Client) -> (Vec<String>, usize) {
        let (mut texts, mut renewals, mut was_long) = (Vec::new(), 0, false);
        loop {
            let frame = poll_fn(|context| {
                let polled = std::pin::pin!(next(&mut client)).poll(context);
                renewals += usize::from(was_long && client.get_ref().read.longest() == 0);
                was_long = client.get_ref().read.longest() > LONG_BYTES as u64;
                polled
            });
            match frame.await {
                Some(Ok(Message::Text(text))) => texts.push(text.to_string()),
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(Message::Close(_))) => break,
                other => panic!("{other:?}"),
            }
        }
        // The answer goes out.
        while client.next().await.is_some() {}
        (texts, renewals)
    }

    /// What a server says: long texts and short ones, whole and in pieces, with pings between the pieces.
    fn said() -> Vec<Message> {
        let piece =
            |text: &str, kind, is_last| Message::Frame(Frame::message(text.to_owned(), OpCode::Data(kind), is_last));
        (0..20)
            .flat_map(|n| {
                let long = format!("{n} {}", "a long text. ".repeat(100 * (n % 3)));
                [
                    Message::text(long.clone()),
                    piece(&long, Data::Text, false),
                    Message::Ping(vec![n as u8].into()),
                    piece(&long, Data::Continue, true),
                    Message::text(format!("short {n}")),
                ]
            })
            .collect()
    }

    fn texts_of(said: &[Message]) -> Vec<String> {
        let mut texts: Vec<String> = Vec::new();
        for message in said {
            match message {
                Message::Text(text) => texts.push(text.to_string()),
                Message::Frame(frame) if frame.header().opcode == OpCode::Data(Data::Text) => {
                    texts.push(frame.to_text().unwrap().to_owned());
                }
                Message::Frame(frame) => texts.last_mut().unwrap().push_str(frame.to_text().unwrap()),
                _ => {}
            }
        }
        texts
    }

    #[tokio::test]
    async fn a_renewed_websocket_loses_nothing_however_its_bytes_come() {
        for bytes in [1, 7, 300, 1_500, 1 << 20] {
            let (server, client) = connected(bytes).await;
            let (mut sink, mut source) = server.split();
            let write = async move {
                for message in said() {
                    sink.send(message).await.unwrap();
                }
                sink.close().await.unwrap();
            };
            let hear = async move {
                let mut pongs = Vec::new();
                while let Some(Ok(message)) = source.next().await {
                    if let Message::Pong(payload) = message {
                        pongs.extend_from_slice(&payload);
                    }
                }
                pongs
            };
            let ((), pongs, (texts, renewals)) = tokio::join!(write, hear, read_all(client));
            assert_eq!(texts, texts_of(&said()), "{bytes} bytes at a time");
            assert!(pongs.is_sorted() && pongs.last() == Some(&19), "{bytes} bytes at a time: {pongs:?}");
            // Where much comes at once, it hardly waits between two messages.
            assert!(renewals > 0 || bytes > 300, "{bytes} bytes at a time");
        }
    }

    #[tokio::test]
    async fn what_comes_in_one_packet_with_the_response_is_read_first() {
        let (mut server, client) = tokio::io::duplex(1 << 20);
        let long = "a long text. ".repeat(200);
        let answer = async {
            use tokio_tungstenite::tungstenite::handshake::server::create_response;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(tokio::io::AsyncReadExt::read_u8(&mut server).await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let headers = head.lines().filter_map(|line| line.split_once(": "));
            let request = headers.fold(http::Request::builder(), |request, (name, value)| request.header(name, value));
            let response = create_response(&request.body(()).unwrap()).unwrap();
            let mut bytes = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
            for (name, value) in response.headers() {
                bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
            }
            bytes.extend(b"\r\n");
            for text in ["hello", &long] {
                Frame::message(text.to_owned(), OpCode::Data(Data::Text), true).format(&mut bytes).unwrap();
            }
            server.write_all(&bytes).await.unwrap();
            server
        };
        let opening = client_async_with_config("ws://host/", Inlet::new(client), Some(config()));
        let (server, client) = tokio::join!(answer, opening);
        let mut client = client.unwrap().0;
        for expected in ["hello", &long] {
            assert_eq!(next(&mut client).await.unwrap().unwrap().into_text().unwrap(), expected);
        }
        assert!(client.get_ref().is_worth_renewing());
        let mut server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
        let (sent, received) = tokio::join!(server.send(Message::text("more")), next(&mut client));
        sent.unwrap();
        assert_eq!(received.unwrap().unwrap().into_text().unwrap(), "more");
    }
}
