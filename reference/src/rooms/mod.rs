//! The rooms core: who is in which room, and what each message does. A plain struct without IO: an [`Input`] and the time
//! go in, [`Output`]s come out. Neighbours: `server` is the shell that reads sockets and verifies identities, `store` is
//! where rooms are written down. Start here: [`Rooms::handle`].
//!
//! Time only matters when somebody asks (a room's end, a reservation's end), so that the core needs no timer. Nothing of a
//! peer outlives its registration. Left out: queues, pings, close hand-shakes, HTTP.

mod discover;
mod filters;
mod limits;
mod membership;
mod merge;
mod metrics;
mod peer;
mod register;
mod relay;
mod removal;
mod reserve;
mod tags;

pub use limits::Limits;
pub use metrics::Metrics;
pub use removal::Removed;

use crate::defects::Defects;
use crate::identity::{Claims, IdentityError};
use crate::protocol::{
    ClientMessage, ErrorCode, Malformed, Profile, Refusal, Registration, server_message, unknown_type,
};
use crate::store::RoomStore;
use membership::Peers;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// A connection of the shell: never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What can happen to the core.
#[derive(Debug)]
pub enum Input<'a> {
    /// A connection was opened.
    Opened(ConnectionId),
    /// A connection asks to be registered; the shell has verified the identity.
    Register {
        /// Which one.
        conn: ConnectionId,
        /// As whom.
        registration: Box<Registration>,
        /// Who vouches for it.
        identity: Result<Claims, IdentityError>,
    },
    /// A connection says something else.
    Said {
        /// Which one.
        conn: ConnectionId,
        /// What.
        message: ClientMessage<'a>,
        /// The same, as it came.
        text: &'a str,
    },
    /// A connection said something that cannot be read.
    Malformed(ConnectionId, Malformed),
    /// A message could not be queued: its receiver is too slow, or just gone.
    Undeliverable {
        /// The receiver.
        to: ConnectionId,
        /// Who sent it, if a peer did.
        from: Option<ConnectionId>,
    },
    /// A connection has ended.
    Closed(ConnectionId),
}

/// What the core wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Queue a message.
    Send {
        /// For this connection.
        to: ConnectionId,
        /// Ready to be sent.
        text: String,
        /// The connection whose message is relayed, to be told if it cannot be delivered.
        from: Option<ConnectionId>,
    },
    /// Close a connection. It is no longer registered.
    Close {
        /// Which one.
        conn: ConnectionId,
        /// The close code.
        code: u16,
        /// In words.
        reason: &'static str,
    },
}

/// Close codes that the server uses.
pub mod close_code {
    /// The server shuts down.
    pub const GOING_AWAY: u16 = 1001;
    /// The connection did not register in time.
    pub const NOT_REGISTERED: u16 = 1008;
    /// The message was larger than the limit.
    pub const TOO_BIG: u16 = 1009;
    /// The receiver is too slow: its queue is full.
    pub const TRY_AGAIN_LATER: u16 = 1013;
    /// A newer connection registered the same peer.
    pub const REPLACED: u16 = 4001;
    /// The peer or its room was deleted.
    pub const DELETED: u16 = 4002;
    /// What the deployed server sends on any internal exception.
    pub const DEPLOYED_EXCEPTION: u16 = 1000;
}

/// All rooms of a server.
pub struct Rooms {
    limits: Limits,
    defects: Defects,
    profile: Profile,
    store: Arc<dyn RoomStore>,
    peers: Peers,
    outputs: VecDeque<Output>,
    counters: metrics::Counters,
}

impl Rooms {
    /// Without peers.
    pub fn new(limits: Limits, defects: Defects, profile: Profile, store: Arc<dyn RoomStore>) -> Rooms {
        let (peers, outputs, counters) = (Peers::default(), VecDeque::new(), metrics::Counters::default());
        Rooms { limits, defects, profile, store, peers, outputs, counters }
    }

    /// Takes one input; `now` is time since 1970. What is to be done about it is polled afterwards.
    pub fn handle(&mut self, input: Input<'_>, now: Duration) {
        match input {
            Input::Opened(_) => self.counters.connections += 1,
            Input::Register { conn, registration, identity } => {
                if let Err(refusal) = self.register(conn, *registration, identity, now) {
                    self.refuse_registration(conn, &refusal);
                }
            }
            Input::Said { conn, message, text } => {
                if let Err(refusal) = self.said(conn, message, text, now) {
                    self.refuse(conn, &refusal);
                }
            }
            Input::Malformed(conn, malformed) if malformed.in_registration => {
                self.refuse_registration(conn, &malformed.refusal);
            }
            Input::Malformed(conn, malformed) => self.refuse(conn, &malformed.refusal),
            Input::Undeliverable { to, from } => self.undeliverable(to, from),
            Input::Closed(conn) => self.leave(conn),
        }
    }

    /// The next thing to be done, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether a connection is registered as a peer.
    pub fn is_registered(&self, conn: ConnectionId) -> bool {
        self.peers.member(conn).is_some()
    }

    fn said(
        &mut self,
        conn: ConnectionId,
        message: ClientMessage<'_>,
        text: &str,
        now: Duration,
    ) -> Result<(), Refusal> {
        match message {
            // The shell hands registrations in with the identity that vouches for them.
            ClientMessage::Register(_) => {
                Err(ErrorCode::InvalidIdentity.because("nobody vouches for this registration"))
            }
            ClientMessage::DiscoverPeers { from_peer_id, filters } => {
                self.discover(conn, from_peer_id.as_deref(), &filters)
            }
            ClientMessage::UpdateMetadata { peer_id, metadata } => self.update_metadata(conn, &peer_id, metadata),
            ClientMessage::PeerMessage { from_peer_id, to_peer_id, payload } => {
                self.pass_on(conn, &from_peer_id, &to_peer_id, || {
                    server_message::peer_message(&from_peer_id, &to_peer_id, payload)
                })
            }
            ClientMessage::Signal(signal) => self.signal(conn, signal, text),
            ClientMessage::Mesh { kind, from_peer_id, target_peer_id, body } => {
                self.pass_on(conn, &from_peer_id, &target_peer_id, || server_message::mesh(kind, &from_peer_id, body))
            }
            // Nobody has deployed reservations.
            ClientMessage::ReserveWorker { .. } if self.profile == Profile::Deployed => {
                Err(unknown_type("reserve_worker"))
            }
            ClientMessage::ReleaseWorker { .. } if self.profile == Profile::Deployed => {
                Err(unknown_type("release_worker"))
            }
            ClientMessage::ReserveWorker { worker_id, duration_sec } => {
                self.reserve(conn, &worker_id, Duration::from_secs(duration_sec), now)
            }
            ClientMessage::ReleaseWorker { worker_id } => self.release(conn, &worker_id, now),
        }
    }

    /// The receiver cannot keep up: it is closed, so that it never holds up others, and the sender is told.
    fn undeliverable(&mut self, to: ConnectionId, from: Option<ConnectionId>) {
        let receiver = self.peers.member(to).map(|member| member.peer.clone());
        self.close(to, close_code::TRY_AGAIN_LATER, "too many messages wait for this connection");
        self.counters.messages = self.counters.messages.saturating_sub(u64::from(from.is_some()));
        if let Some(from) = from.filter(|from| *from != to) {
            let refusal = ErrorCode::DeliveryFailed.because("the receiver's connection does not take messages");
            self.refuse(
                from,
                &match receiver {
                    Some(receiver) => refusal.about(&receiver),
                    None => refusal,
                },
            );
        }
    }

    fn close(&mut self, conn: ConnectionId, code: u16, reason: &'static str) {
        self.leave(conn);
        self.outputs.push_back(Output::Close { conn, code, reason });
    }

    fn refuse(&mut self, conn: ConnectionId, refusal: &Refusal) {
        self.send(conn, server_message::error(refusal, self.profile, self.limits.id_bytes_max));
    }

    fn refuse_registration(&mut self, conn: ConnectionId, refusal: &Refusal) {
        match self.profile {
            Profile::Documented => self.refuse(conn, refusal),
            Profile::Deployed => self.send(conn, server_message::deployed_registration_error(refusal)),
        }
    }

    fn send(&mut self, to: ConnectionId, text: String) {
        self.push_send(to, text, None);
    }

    fn relay(&mut self, to: ConnectionId, text: String, from: ConnectionId) {
        self.counters.messages += 1;
        self.push_send(to, text, Some(from));
    }

    fn push_send(&mut self, to: ConnectionId, text: String, from: Option<ConnectionId>) {
        let text = match self.profile {
            Profile::Documented => text,
            Profile::Deployed => server_message::ascii_only(text),
        };
        self.outputs.push_back(Output::Send { to, text, from });
    }
}
