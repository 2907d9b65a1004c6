//! One WebSocket JSON connection over a `Network` stream, and everything that happens on it told to the observer.
//!
//! A message is parsed once; what is no JSON is observed and skipped. Neighbours: `asking` (questions with an answer),
//! `link` (a connection that comes back). Left out: what messages mean, reconnecting, HTTP.

mod asking;
mod link;

pub use asking::{ANSWER_WITHIN, AskError, Credentials, Introduction};
pub use link::{Link, LinkError, LinkEvent, LinkOptions};

use crate::failure::{Failure, FailureClass};
use crate::network::{Network, Stream};
use crate::observer::{ConnectionEnd, Observed, Observer, Side};
use crate::target::Target;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long connecting, with name resolution, TLS and the WebSocket handshake, may take.
pub const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long one message may wait for a peer that does not read.
pub const SEND_WITHIN: Duration = Duration::from_secs(10);
/// How long a clean close waits for the other side's answer.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// Large enough for a list of 10,000 peers, small enough that a hostile server cannot fill the machine.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// Messages kept for later; a user that never looks must not fill the machine, so that the oldest go first.
const INBOX_MAX: usize = 10_000;
/// tungstenite's own default of 128 KiB a connection would cap how many peers fit into memory.
const BUFFER_BYTES: usize = 4 << 10;

/// An open connection of one user.
pub struct Peer<N: Network> {
    socket: WebSocketStream<N::Stream>,
    conn: u32,
    observer: Arc<dyn Observer>,
    inbox: VecDeque<Value>,
    heard_at: Instant,
    ended: Option<ConnectionEnd>,
}

impl<N: Network> Peer<N> {
    /// Opens a WebSocket to the target. `conn` is the number of this connection among its user's, from 1.
    pub async fn connect(
        network: &N,
        target: &Target,
        conn: u32,
        observer: Arc<dyn Observer>,
    ) -> Result<Peer<N>, Failure> {
        observer.observe(Observed::Connecting { conn });
        let opened = match timeout(CONNECT_WITHIN, open(network, target)).await {
            Ok(opened) => opened,
            Err(_) => Err(Failure::new(FailureClass::TimedOut, "no WebSocket handshake within 10 s")),
        };
        match opened {
            Ok(socket) => {
                observer.observe(Observed::Opened { conn, target: &target.ws.authority() });
                let heard_at = Instant::now();
                Ok(Peer { socket, conn, observer, inbox: VecDeque::new(), heard_at, ended: None })
            }
            Err(failure) => {
                let (class, reason) = (failure.class.word(), failure.reason.as_str());
                observer.observe(Observed::ConnectFailed { conn, class, reason });
                Err(failure)
            }
        }
    }

    /// The number of this connection among its user's.
    pub fn conn(&self) -> u32 {
        self.conn
    }

    /// How the connection ended, if it did.
    pub fn end(&self) -> Option<&ConnectionEnd> {
        self.ended.as_ref()
    }

    /// When the other side was last heard, pings included.
    pub fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Sends a JSON message.
    pub async fn send(&mut self, message: &Value) -> Result<(), ConnectionEnd> {
        self.observer.observe(Observed::Sent { conn: self.conn, message });
        // Every JSON value can be written: its keys are texts.
        self.send_frame(Message::text(serde_json::to_string(message).unwrap_or_default())).await
    }

    /// Sends any text, JSON or not. What does not parse is not observed as sent.
    pub async fn send_text(&mut self, text: String) -> Result<(), ConnectionEnd> {
        if let Ok(message) = serde_json::from_str(&text) {
            self.observer.observe(Observed::Sent { conn: self.conn, message: &message });
        }
        self.send_frame(Message::text(text)).await
    }

    /// Sends a ping; its answer moves [`Peer::heard_at`].
    pub async fn ping(&mut self) -> Result<(), ConnectionEnd> {
        self.send_frame(Message::Ping(Bytes::new())).await
    }

    /// The next message: first those that a question left in the inbox, then the network's. Safe to cancel.
    pub async fn receive(&mut self) -> Result<Value, ConnectionEnd> {
        match self.inbox.pop_front() {
            Some(message) => Ok(message),
            None => self.receive_new().await,
        }
    }

    /// The next message of the network, past the inbox. Safe to cancel.
    pub async fn receive_new(&mut self) -> Result<Value, ConnectionEnd> {
        loop {
            if let Some(end) = &self.ended {
                return Err(end.clone());
            }
            let frame = self.socket.next().await;
            self.heard_at = Instant::now();
            let parsed = match frame {
                Some(Ok(Message::Text(text))) => serde_json::from_str(text.as_str()),
                Some(Ok(Message::Binary(bytes))) => serde_json::from_slice(&bytes),
                Some(Ok(Message::Close(frame))) => return Err(self.answer_close(frame).await),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.finish(end_of(&error))),
                None => return Err(self.finish(end_of(&Error::ConnectionClosed))),
            };
            match parsed {
                Ok(message) => {
                    self.observer.observe(Observed::Received { conn: self.conn, message: &message });
                    return Ok(message);
                }
                Err(error) => {
                    self.observer.observe(Observed::Garbage { conn: self.conn, reason: &error.to_string() });
                }
            }
        }
    }

    /// Reads into the inbox until then, so that pings are answered and messages observed when they arrive. Ends early
    /// with the connection.
    pub async fn idle_until(&mut self, until: Instant) -> Result<(), ConnectionEnd> {
        loop {
            match tokio::time::timeout_at(until, self.receive_new()).await {
                Ok(message) => self.keep(message?),
                Err(_) => return Ok(()),
            }
        }
    }

    /// Takes the first kept or new message that `wanted` accepts; others stay in the inbox, in order. `None` when it
    /// does not come in time. Safe to cancel.
    pub async fn receive_matching(
        &mut self,
        until: Instant,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Result<Option<Value>, ConnectionEnd> {
        if let Some(index) = self.inbox.iter().position(&mut wanted) {
            return Ok(self.inbox.remove(index));
        }
        loop {
            match tokio::time::timeout_at(until, self.receive_new()).await {
                Ok(message) => {
                    let message = message?;
                    if wanted(&message) {
                        return Ok(Some(message));
                    }
                    self.keep(message);
                }
                Err(_) => return Ok(None),
            }
        }
    }

    /// Closes with code 1000 and waits, not for ever, for the answer; messages that arrive meanwhile are still observed.
    pub async fn close(mut self) -> ConnectionEnd {
        if let Some(end) = self.ended {
            return end;
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let polite = async {
            self.socket.send(Message::Close(Some(frame))).await?;
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(answer))) => return Ok(answer.map(|frame| u16::from(frame.code))),
                    Some(Ok(Message::Text(text))) => {
                        if let Ok(message) = serde_json::from_str(text.as_str()) {
                            self.observer.observe(Observed::Received { conn: self.conn, message: &message });
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(None),
                }
            }
        };
        let (code, reason) = match timeout(CLOSE_WITHIN, polite).await {
            Ok(Ok(code)) => (code, "closed by us"),
            Ok(Err(_)) => (None, "closed by us; the other side ended without an answer"),
            Err(_) => (None, "closed by us; no answer within 2 s"),
        };
        self.finish(ConnectionEnd { by: Side::Us, code, reason: reason.to_string() })
    }

    /// Resets the TCP connection without a word.
    pub fn abort(self) -> ConnectionEnd {
        self.reset(ConnectionEnd { by: Side::Us, code: None, reason: "aborted by us".to_string() })
    }

    /// Resets a connection whose other side was silent for too long.
    fn give_up(self) -> ConnectionEnd {
        self.reset(ConnectionEnd {
            by: Side::Network,
            code: None,
            reason: "timed_out: silent for too long".to_string(),
        })
    }

    fn reset(mut self, end: ConnectionEnd) -> ConnectionEnd {
        let end = self.finish(end);
        self.socket.into_inner().abort();
        end
    }

    /// Keeps a message for later.
    fn keep(&mut self, message: Value) {
        if self.inbox.len() >= INBOX_MAX {
            self.inbox.pop_front();
        }
        self.inbox.push_back(message);
    }

    async fn send_frame(&mut self, frame: Message) -> Result<(), ConnectionEnd> {
        if let Some(end) = &self.ended {
            return Err(end.clone());
        }
        match timeout(SEND_WITHIN, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.finish(end_of(&error))),
            Err(_) => {
                let reason = "timed out: the other side does not read".to_string();
                Err(self.finish(ConnectionEnd { by: Side::Network, code: None, reason }))
            }
        }
    }

    /// A close frame came: notes the end first, so that cancelling loses nothing, then lets the answer out.
    async fn answer_close(&mut self, frame: Option<CloseFrame>) -> ConnectionEnd {
        let (code, reason) = match frame {
            Some(frame) => (Some(u16::from(frame.code)), frame.reason.as_str().to_string()),
            None => (None, String::new()),
        };
        let end = self.finish(ConnectionEnd { by: Side::Peer, code, reason });
        let _ = timeout(CLOSE_WITHIN, self.socket.flush()).await;
        end
    }

    /// Notes and tells the end, once.
    fn finish(&mut self, end: ConnectionEnd) -> ConnectionEnd {
        if let Some(known) = &self.ended {
            return known.clone();
        }
        self.observer.observe(Observed::Closed { conn: self.conn, end: &end });
        self.ended = Some(end.clone());
        end
    }
}

async fn open<N: Network>(network: &N, target: &Target) -> Result<WebSocketStream<N::Stream>, Failure> {
    let stream = network.connect(&target.ws).await.map_err(|error| Failure::of_connect(&error))?;
    let authority = target.ws.authority();
    let scheme = if target.ws.tls { "wss" } else { "ws" };
    let request = Request::builder()
        .uri(format!("{scheme}://{authority}{}", target.path))
        .header("Host", authority)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header("User-Agent", &target.user_agent)
        .body(())
        .map_err(|error| Failure::new(FailureClass::Other, format_args!("bad address: {error}")))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(error) => Err(Failure::of_handshake(&error)),
    }
}

/// What an error of the WebSocket says about the connection's end.
fn end_of(error: &Error) -> ConnectionEnd {
    let (by, reason) = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => (Side::Peer, "closed".to_string()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            (Side::Peer, "closed without a close frame".to_string())
        }
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            (Side::Peer, "closed without a close frame".to_string())
        }
        Error::Io(error) => (Side::Network, format!("{}: {error}", FailureClass::of_io(error).word())),
        other => (Side::Peer, format!("garbage: {other}")),
    };
    ConnectionEnd { by, code: None, reason }
}
