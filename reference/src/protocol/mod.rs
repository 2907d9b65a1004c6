//! The words on the wire: what peers say ([`ClientMessage`], [`compose`]), what the server answers ([`ServerMessage`] to
//! read, `server_message` to write), its error codes, and the job protocol that workers and clients speak inside of
//! `peer_message` payloads ([`job`]). Neighbours: `rooms` and `server` on one side, `peer`, `worker` and `client` on the
//! other. Left out: sockets, state, and what a message does.

mod answer;
mod client_message;
pub mod compose;
mod depth;
mod error_code;
mod fields;
pub mod job;
mod metadata;
mod secret;
pub mod server_message;

pub use answer::{DiscoveredPeer, Registered, ServerError, ServerMessage};
pub use client_message::{ClientMessage, Malformed, MeshKind, Registration, Signal, SignalKind};
pub use depth::{JSON_DEPTH_MAX, depth_fits};
pub use error_code::{ErrorCode, Refusal};
pub(crate) use error_code::{shortened, unknown_type};
pub use metadata::Metadata;
pub use secret::Secret;

/// A JSON object.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// Which of the two known behaviours a server shows. The bounds of `rooms::Limits`, the check of the sender, the codes
/// that are ours and the ends of connections with a code of their own are in both, since they keep the server standing.
/// Ours in `Documented` alone, and not known to a deployed server: `reserve_worker` and `release_worker`
/// (UNKNOWN_MESSAGE_TYPE there), `/extend-room`, `to_peer_id` in refusals, a look for the body of a version 1 signal, and
/// the time by which a connection must have registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// What the documents say, hardened.
    #[default]
    Documented,
    /// What a real server does, quirks included.
    Deployed,
}
