//! One WebSocket JSON connection over a `Network` stream, and everything that happens on it told to the observer.
//!
//! A message is parsed once; what is no JSON is observed and skipped. This file sends and receives; `opening` and `ending`
//! do what their names say, `inlet` keeps the WebSocket's buffers short. Neighbours: `asking` (questions with an answer), `link`
//! (a connection that comes back). Left out: what messages mean, reconnecting, HTTP.

mod asking;
mod ending;
mod frames;
mod inlet;
mod joining;
mod link;
mod opening;
mod signing_in;

pub use asking::{ANSWER_WITHIN, AskError, Credentials, Introduction};
pub use ending::CLOSE_WITHIN;
pub use link::{Link, LinkError, LinkEvent, LinkOptions, MayJoin};
pub use opening::CONNECT_WITHIN;
pub use signing_in::{SigningIn, SignsIn, anonymously};

use crate::alarm::Alarm;
use crate::network::Network;
use crate::observer::{ConnectionEnd, Observed, Observer, Side};
use crate::surroundings::{Timers, TooLate};
use futures_util::{FutureExt, SinkExt};
use inlet::Inlet;
use serde_json::Value;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

/// How long one message may wait for a peer that does not read.
pub const SEND_WITHIN: Duration = Duration::from_secs(10);

/// Messages kept for later; a user that never looks must not fill the machine, so that the oldest go first.
const INBOX_MAX: usize = 10_000;

/// A message as it goes over the wire, so that one that is sent again and again is written once.
#[derive(Clone, Debug)]
pub struct Written(Utf8Bytes);

impl Written {
    /// Writes a message.
    pub fn of(message: &Value) -> Written {
        // Every JSON value can be written: its keys are texts.
        Written(serde_json::to_string(message).unwrap_or_default().into())
    }

    /// How long it is.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// An open connection of one user.
pub struct Peer<N: Network> {
    socket: WebSocketStream<Inlet<N::Stream>>,
    timers: Arc<dyn Timers>,
    conn: u32,
    observer: Arc<dyn Observer>,
    inbox: VecDeque<Value>,
    heard_at: Duration,
    ended: Option<ConnectionEnd>,
    alarm: Alarm<Instant>,
}

impl<N: Network> Peer<N> {
    /// The number of this connection among its user's.
    pub fn conn(&self) -> u32 {
        self.conn
    }

    /// How the connection ended, if it did.
    pub fn end(&self) -> Option<&ConnectionEnd> {
        self.ended.as_ref()
    }

    /// When the other side was last heard, pings included, by the timers of the host.
    pub fn heard_at(&self) -> Duration {
        self.heard_at
    }

    /// Sends a JSON message.
    pub async fn send(&mut self, message: &Value) -> Result<(), ConnectionEnd> {
        self.send_written(message, &Written::of(message)).await
    }

    /// Sends a JSON message that was written before.
    pub async fn send_written(&mut self, message: &Value, written: &Written) -> Result<(), ConnectionEnd> {
        self.observer.observe(Observed::Sent { conn: self.conn, message, written: Some(written.0.as_str()) });
        self.send_frame(Message::Text(written.0.clone())).await
    }

    /// Sends any text, JSON or not. What does not parse is observed as a JSON text that holds it.
    pub async fn send_text(&mut self, text: String) -> Result<(), ConnectionEnd> {
        let message = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
        self.observer.observe(Observed::Sent { conn: self.conn, message: &message, written: None });
        self.send_frame(Message::text(text)).await
    }

    /// Sends these bytes past the WebSocket, a frame or not, behind what was sent before.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), ConnectionEnd> {
        if let Some(end) = &self.ended {
            return Err(end.clone());
        }
        let socket = &mut self.socket;
        let write = async {
            socket.flush().await?;
            socket.get_mut().write_all(bytes).await?;
            socket.get_mut().flush().await.map_err(Error::from)
        };
        let written = self.timers.timeout(SEND_WITHIN, write).await;
        self.written(written)
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
            let frame = inlet::next(&mut self.socket).await;
            self.heard_at = self.timers.now();
            let parsed = match frame {
                Some(Ok(Message::Text(text))) => serde_json::from_str(text.as_str()),
                Some(Ok(Message::Binary(bytes))) => serde_json::from_slice(&bytes),
                Some(Ok(Message::Close(frame))) => return Err(Box::pin(self.answer_close(frame)).await),
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(self.finish(ending::end_of(&error))),
                None => return Err(self.finish(ending::end_of(&Error::ConnectionClosed))),
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

    /// Messages that came and were not asked for yet, the oldest first.
    pub fn kept(&self) -> impl Iterator<Item = &Value> {
        self.inbox.iter()
    }

    /// Reads into the inbox until the connection ends, so that pings are answered and messages observed when they arrive.
    /// Safe to cancel.
    pub async fn idle(&mut self) -> ConnectionEnd {
        loop {
            match self.receive_new().await {
                Ok(message) => self.keep(message),
                Err(end) => return end,
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
        while let Some(message) = self.receive_new_until(until).await? {
            if wanted(&message) {
                return Ok(Some(message));
            }
            self.keep(message);
        }
        Ok(None)
    }

    /// The next message of the network, if it comes by then. Safe to cancel.
    async fn receive_new_until(&mut self, until: Instant) -> Result<Option<Value>, ConnectionEnd> {
        // Taken out for so long; who cancels this only sets it anew the next time.
        let mut alarm = std::mem::take(&mut self.alarm);
        let received = tokio::select! {
            biased;
            message = self.receive_new() => message.map(Some),
            () = alarm.until(until, |at| Box::pin(tokio::time::sleep_until(at))) => Ok(None),
        };
        self.alarm = alarm;
        received
    }

    /// Keeps a message for later.
    fn keep(&mut self, message: Value) {
        if self.inbox.len() >= INBOX_MAX
            && let Some(message) = self.inbox.pop_front()
        {
            self.observer.observe(Observed::Dropped { conn: self.conn, message: &message });
        }
        self.inbox.push_back(message);
    }

    async fn send_frame(&mut self, frame: Message) -> Result<(), ConnectionEnd> {
        if let Some(end) = &self.ended {
            return Err(end.clone());
        }
        let mut sending = self.socket.send(frame);
        // Mostly it is done at once. Who has to wait sets a timer, whose memory is not part of every user's.
        let written = match poll_fn(|context| Poll::Ready(sending.poll_unpin(context))).await {
            Poll::Ready(sent) => Ok(sent),
            Poll::Pending => Box::pin(self.timers.timeout(SEND_WITHIN, sending)).await,
        };
        self.written(written)
    }

    fn written(&mut self, written: Result<Result<(), Error>, TooLate>) -> Result<(), ConnectionEnd> {
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.finish(ending::end_of(&error))),
            Err(_) => {
                let reason = "timed out: the other side does not read".to_string();
                Err(self.finish(ConnectionEnd { by: Side::Network, code: None, reason }))
            }
        }
    }
}
