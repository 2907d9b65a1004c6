//! Joining a room: connecting and registering in one go, and what a failure means for the next try. Neighbours: `link`
//! tries again, `asking` registers.

use super::Peer;
use super::asking::{ANSWER_WITHIN, AskError, Credentials, Introduction};
use super::link::{LinkError, LinkOptions};
use crate::failure::{Failure, FailureClass};
use crate::network::Network;
use crate::observer::Observer;
use crate::protocol::{ErrorCode, Metadata};
use crate::surroundings::Surroundings;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A connection on its way into the room.
pub(super) type Joining<N> = Pin<Box<dyn Future<Output = Result<Peer<N>, JoinError>> + Send>>;

/// Why it did not come there.
pub(super) enum JoinError {
    /// Nobody answered in time, or the connection broke.
    Failed,
    /// The server said no.
    Refused(Refused),
}

/// The server's no.
pub(super) struct Refused {
    pub(super) code: String,
    pub(super) message: String,
}

/// What a no is about, and so what helps.
pub(super) enum Cause {
    /// Who we are: a fresh identity token may help.
    Identity,
    /// The room or its password: nothing helps.
    Room,
    /// Something else: it may pass.
    Other,
}

impl Refused {
    pub(super) fn cause(&self) -> Cause {
        match self.code.parse() {
            Ok(ErrorCode::InvalidIdentity) => Cause::Identity,
            Ok(ErrorCode::RoomExpired | ErrorCode::RoomNotFound | ErrorCode::InvalidToken) => Cause::Room,
            _ => Cause::Other,
        }
    }

    pub(super) fn into_error(self) -> LinkError {
        let cause = self.cause();
        let Refused { code, message } = self;
        match cause {
            Cause::Room => LinkError::Room { code, message },
            Cause::Identity | Cause::Other => LinkError::Refused { code, message },
        }
    }
}

/// Connects under this number and registers with this metadata.
pub(super) fn join<N: Network>(
    options: &LinkOptions,
    conn: u32,
    metadata: Metadata,
    network: N,
    surroundings: &Surroundings,
    observer: Arc<dyn Observer>,
) -> Joining<N> {
    let LinkOptions { target, credentials, role, .. } = options.clone();
    let timers = surroundings.timers.clone();
    Box::pin(async move {
        let connected = Peer::connect(&network, timers, &target, conn, observer).await;
        let peer = connected.map_err(|_: Failure| JoinError::Failed)?;
        register(peer, &credentials, &role, &metadata).await
    })
}

async fn register<N: Network>(
    mut peer: Peer<N>,
    credentials: &Credentials,
    role: &str,
    metadata: &Metadata,
) -> Result<Peer<N>, JoinError> {
    let introduction = Introduction::V2 { role, metadata, is_admin: false };
    match peer.register(credentials, introduction, ANSWER_WITHIN).await {
        Ok(_) => Ok(peer),
        Err(AskError::Refused { code, message }) => {
            peer.close().await;
            Err(JoinError::Refused(Refused { code, message }))
        }
        Err(AskError::TimedOut) => {
            peer.abort();
            Err(JoinError::Failed)
        }
        Err(AskError::Ended(_)) => Err(JoinError::Failed),
    }
}

/// Whether a sign-in that failed may go better later: not when the server has understood it and says no.
pub(super) fn may_pass(failure: &Failure) -> bool {
    match failure.class {
        FailureClass::Status(408 | 429) => true,
        FailureClass::Status(status) => !(400..500).contains(&status) && status != 501,
        _ => true,
    }
}
