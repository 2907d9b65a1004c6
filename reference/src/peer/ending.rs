//! How a connection ends: politely, with a reset, by the other side or by an error. Neighbours: `mod` notices ends while it
//! sends and receives.

use super::Peer;
use crate::failure::FailureClass;
use crate::network::{Network, Stream};
use crate::observer::{ConnectionEnd, Observed, Side};
use futures_util::{SinkExt, StreamExt};
use std::io;
use std::time::Duration;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

/// How long a clean close waits for the other side's answer.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(2);

impl<N: Network> Peer<N> {
    /// Closes with code 1000 and waits, not for ever, for the answer; messages that arrive meanwhile are still observed.
    pub async fn close(mut self) -> ConnectionEnd {
        if let Some(end) = self.ended {
            return end;
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let timers = self.timers.clone();
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
        let (code, reason) = match timers.timeout(CLOSE_WITHIN, polite).await {
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
    pub(super) fn give_up(self) -> ConnectionEnd {
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

    /// A close frame came: notes the end first, so that cancelling loses nothing, then lets the answer out.
    pub(super) async fn answer_close(&mut self, frame: Option<CloseFrame>) -> ConnectionEnd {
        let (code, reason) = match frame {
            Some(frame) => (Some(u16::from(frame.code)), frame.reason.as_str().to_string()),
            None => (None, String::new()),
        };
        let end = self.finish(ConnectionEnd { by: Side::Peer, code, reason });
        let _ = self.timers.timeout(CLOSE_WITHIN, self.socket.flush()).await;
        end
    }

    /// Notes and tells the end, once.
    pub(super) fn finish(&mut self, end: ConnectionEnd) -> ConnectionEnd {
        if let Some(known) = &self.ended {
            return known.clone();
        }
        self.observer.observe(Observed::Closed { conn: self.conn, end: &end });
        self.ended = Some(end.clone());
        end
    }
}

/// What an error of the WebSocket says about the connection's end.
pub(super) fn end_of(error: &Error) -> ConnectionEnd {
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
