//! The words on the wire: what peers say ([`ClientMessage`], [`compose`]), what the server answers ([`ServerMessage`] to
//! read, `server_message` to write), its error codes, and the job protocol that workers and clients speak inside of
//! `peer_message` payloads ([`job`]). Neighbours: `rooms` and `server` on one side, `peer`, `worker` and `client` on the
//! other. Left out: sockets, state, and what a message does.

mod answer;
mod client_message;
pub mod compose;
mod error_code;
mod fields;
pub mod job;
mod metadata;
pub mod server_message;

pub use answer::{DiscoveredPeer, Registered, ServerError, ServerMessage};
pub use client_message::{ClientMessage, Malformed, MeshKind, Registration, SignalKind};
pub use error_code::{ErrorCode, Refusal};
pub use metadata::Metadata;

/// A JSON object.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// Which of the two known behaviours a server shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// What the documents say, hardened.
    #[default]
    Documented,
    /// What a real server does, quirks included.
    Deployed,
}
