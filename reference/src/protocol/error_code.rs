//! Error codes of `error` messages, and the refusal that carries one. Neighbours: `client_message` refuses what it cannot
//! read, `rooms` what it may not do, `server_message` writes them for either profile.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The `code` of an `error` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// The sender has not registered on this connection (API document).
    NotInRoom,
    /// No room has this id (API document).
    RoomNotFound,
    /// The other peer is not in the sender's room (API document).
    PeerNotInRoom,
    /// Nobody has this peer id (API document).
    PeerNotFound,
    /// A field is missing or has the wrong type (API document).
    InvalidMessage,
    /// The receiver's connection could not take the message (API document).
    DeliveryFailed,
    /// The `type` is not known (API document).
    UnknownMessageType,
    /// What arrived is not a JSON object (API document).
    InvalidJson,
    /// The token of the room is wrong. Ours.
    InvalidToken,
    /// The identity token is not valid. Ours.
    InvalidIdentity,
    /// The room's two hours are over. Ours.
    RoomExpired,
    /// The room has as many peers as it may have. Ours.
    RoomFull,
    /// The metadata of a peer would grow past its limit. Ours.
    MetadataTooLarge,
    /// A socket speaks for a peer that it did not register. Ours.
    SenderMismatch,
    /// The worker is reserved by another peer. Ours.
    WorkerReserved,
    /// The sender holds no reservation of this worker. Ours.
    NotReserved,
}

impl ErrorCode {
    /// All of them.
    pub const ALL: [ErrorCode; 16] = [
        ErrorCode::NotInRoom,
        ErrorCode::RoomNotFound,
        ErrorCode::PeerNotInRoom,
        ErrorCode::PeerNotFound,
        ErrorCode::InvalidMessage,
        ErrorCode::DeliveryFailed,
        ErrorCode::UnknownMessageType,
        ErrorCode::InvalidJson,
        ErrorCode::InvalidToken,
        ErrorCode::InvalidIdentity,
        ErrorCode::RoomExpired,
        ErrorCode::RoomFull,
        ErrorCode::MetadataTooLarge,
        ErrorCode::SenderMismatch,
        ErrorCode::WorkerReserved,
        ErrorCode::NotReserved,
    ];

    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::NotInRoom => "NOT_IN_ROOM",
            ErrorCode::RoomNotFound => "ROOM_NOT_FOUND",
            ErrorCode::PeerNotInRoom => "PEER_NOT_IN_ROOM",
            ErrorCode::PeerNotFound => "PEER_NOT_FOUND",
            ErrorCode::InvalidMessage => "INVALID_MESSAGE",
            ErrorCode::DeliveryFailed => "DELIVERY_FAILED",
            ErrorCode::UnknownMessageType => "UNKNOWN_MESSAGE_TYPE",
            ErrorCode::InvalidJson => "INVALID_JSON",
            ErrorCode::InvalidToken => "INVALID_TOKEN",
            ErrorCode::InvalidIdentity => "INVALID_IDENTITY",
            ErrorCode::RoomExpired => "ROOM_EXPIRED",
            ErrorCode::RoomFull => "ROOM_FULL",
            ErrorCode::MetadataTooLarge => "METADATA_TOO_LARGE",
            ErrorCode::SenderMismatch => "SENDER_MISMATCH",
            ErrorCode::WorkerReserved => "WORKER_RESERVED",
            ErrorCode::NotReserved => "NOT_RESERVED",
        }
    }

    /// With a sentence for the reader.
    pub fn because(self, message: impl Into<String>) -> Refusal {
        Refusal { code: self, message: message.into(), to_peer_id: None }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ErrorCode {
    type Err = ();

    fn from_str(text: &str) -> Result<ErrorCode, ()> {
        ErrorCode::ALL.into_iter().find(|code| code.as_str() == text).ok_or(())
    }
}

/// Why the server does not do what it was asked: becomes an `error` message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// If a message to another peer is refused: whom it was for.
    pub to_peer_id: Option<String>,
}

impl Refusal {
    /// Of a message that was for this peer.
    pub fn about(self, to_peer_id: &str) -> Refusal {
        Refusal { to_peer_id: Some(to_peer_id.to_string()), ..self }
    }
}

/// The `type` is not known.
pub(crate) fn unknown_type(kind: &str) -> Refusal {
    ErrorCode::UnknownMessageType.because(format!("there is no message type `{}`", shortened(kind)))
}

/// The beginning of a name, for a sentence: a name may be as long as a message.
pub(crate) fn shortened(name: &str) -> Cow<'_, str> {
    const CHARACTERS_MAX: usize = 60;
    match name.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}
