//! Questions to the server: send one message, wait for its answer, keep everything else in the inbox. The wire has no
//! numbers on questions, so that answers are told by their type and come in order. Neighbours: `protocol::compose` writes
//! the questions, `protocol::ServerMessage` reads the answers that are handed back. Left out: asking again.

use super::Peer;
use crate::network::Network;
use crate::observer::ConnectionEnd;
use crate::protocol::{Metadata, Object, ServerMessage, compose};
use serde_json::Value;
use std::time::Duration;

/// How long a question waits for its answer unless the caller says otherwise.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Who joins which room. The two tokens are secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The id to register with.
    pub peer_id: String,
    /// Proof of identity, a JWT.
    pub id_token: String,
    /// The room.
    pub room_id: String,
    /// The room's password.
    pub room_token: String,
}

/// How a peer introduces itself at registration.
#[derive(Clone, Copy, Debug)]
pub enum Introduction<'a> {
    /// In the words of version 1: not at all.
    V1,
    /// In the words of version 2.
    V2 {
        /// `worker`, `client`, `peer`.
        role: &'a str,
        /// What it says about itself.
        metadata: &'a Metadata,
        /// Whether it wants to be the room's admin.
        is_admin: bool,
    },
}

/// Why a question has no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The server says no.
    #[error("refused: {code}: {message}")]
    Refused {
        /// The wire code, or what the deployed form means; may be empty.
        code: String,
        /// In words.
        message: String,
    },
    /// No answer in time: nobody can say whether it had an effect.
    #[error("timed_out: no answer in time")]
    TimedOut,
    /// The connection ended first: nobody can say whether it had an effect.
    #[error("closed: the connection ended first: {}", .0.reason)]
    Ended(ConnectionEnd),
}

impl AskError {
    /// The class for counting: the wire code, `timed_out` or `closed`.
    pub fn class(&self) -> &str {
        match self {
            AskError::Refused { code, .. } if code.is_empty() => "refused",
            AskError::Refused { code, .. } => code,
            AskError::TimedOut => "timed_out",
            AskError::Ended(_) => "closed",
        }
    }
}

impl From<ConnectionEnd> for AskError {
    fn from(end: ConnectionEnd) -> AskError {
        AskError::Ended(end)
    }
}

impl<N: Network> Peer<N> {
    /// Registers; the answer is `registered_auth`.
    pub async fn register(
        &mut self,
        credentials: &Credentials,
        introduction: Introduction<'_>,
        within: Duration,
    ) -> Result<Value, AskError> {
        let Credentials { peer_id, id_token, room_id, room_token } = credentials;
        let question = match introduction {
            Introduction::V1 => compose::register_v1(room_id, room_token, id_token, peer_id),
            Introduction::V2 { role, metadata, is_admin } => {
                let who = compose::RegisterAs { peer_id, role, metadata, is_admin };
                compose::register(room_id, room_token, id_token, who)
            }
        };
        self.ask(&question, within, |answer| matches!(answer, ServerMessage::Registered(_))).await
    }

    /// Asks who is there; the answer is `peer_list`.
    pub async fn discover(&mut self, peer_id: &str, filters: &Object, within: Duration) -> Result<Value, AskError> {
        let question = compose::discover_peers(peer_id, filters);
        self.ask(&question, within, |answer| matches!(answer, ServerMessage::PeerList { .. })).await
    }

    /// Changes the own metadata; the answer is `metadata_updated`.
    pub async fn update_metadata(
        &mut self,
        peer_id: &str,
        metadata: &Metadata,
        within: Duration,
    ) -> Result<Value, AskError> {
        let question = compose::update_metadata(peer_id, metadata);
        self.ask(&question, within, |answer| matches!(answer, ServerMessage::MetadataUpdated { .. })).await
    }

    /// Reserves a worker; the answer is `worker_reserved`.
    pub async fn reserve_worker(
        &mut self,
        worker_id: &str,
        duration_sec: u64,
        within: Duration,
    ) -> Result<Value, AskError> {
        let question = compose::reserve_worker(worker_id, duration_sec);
        self.ask(&question, within, |answer| matches!(answer, ServerMessage::WorkerReserved { .. })).await
    }

    /// Sends a payload to another peer of the room. There is no answer: it may be lost without a word.
    pub async fn tell(&mut self, peer_id: &str, to_peer_id: &str, payload: Value) -> Result<(), ConnectionEnd> {
        self.send(&compose::peer_message(peer_id, to_peer_id, payload)).await
    }

    /// Sends any question and waits for what `is_answer` recognises, or for a refusal of it.
    pub async fn ask(
        &mut self,
        question: &Value,
        within: Duration,
        is_answer: impl Fn(&ServerMessage<'_>) -> bool,
    ) -> Result<Value, AskError> {
        let until = self.timers.now().saturating_add(within);
        let reserves = question["type"] == "reserve_worker";
        self.send(question).await?;
        loop {
            let timers = self.timers.clone();
            let left = until.saturating_sub(timers.now());
            let received = match timers.timeout(left, self.receive_new()).await {
                Ok(received) => received?,
                Err(_) => return Err(AskError::TimedOut),
            };
            match ServerMessage::of(&received) {
                // Errors do not name what they answer; those about a peer belong to relays, except when one is reserved.
                ServerMessage::Error(error) if reserves || !error.is_about_a_peer() => {
                    return Err(AskError::Refused { code: error.code.to_string(), message: error.message.to_string() });
                }
                message if is_answer(&message) => return Ok(received),
                _ => self.keep(received),
            }
        }
    }
}
