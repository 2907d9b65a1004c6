//! A user of the system, whatever it does: where it goes, into which room, as whom, and why it could not go on.
//! Neighbours: `worker` and `client` take a [`User`]; `peer::Link` does the joining. Left out: what a user does there.

use crate::failure::Failure;
use crate::http_client::{RoomKey, SignIn};
use crate::network::Network;
use crate::observer::Observer;
use crate::peer::{Credentials, Link, LinkError, LinkOptions, MayJoin, SignsIn, anonymously};
use crate::surroundings::Surroundings;
use crate::target::Target;
use std::sync::Arc;

/// Where a user goes, and as whom.
#[derive(Clone)]
pub struct User {
    /// The deployment.
    pub target: Arc<Target>,
    /// The room.
    pub room: RoomKey,
    /// The identity; it signs in if there is none.
    pub sign_in: Option<SignIn>,
    /// How it signs in, also when its identity token is not accepted any more; anonymously if nothing is handed in.
    pub signs_in: Option<SignsIn>,
    /// The peer id to register with; the identity's name if absent, as deployed peers do.
    pub peer_id: Option<String>,
    /// Number of its first connection, 1 unless the same user was connected before.
    pub first_conn: u32,
    /// Whom it may send messages to; anybody if nothing is handed in.
    pub knows: Option<Knows>,
    /// When it may connect; at once if nothing is handed in.
    pub may_join: Option<MayJoin>,
}

/// Whether a peer with this id may be sent messages.
pub type Knows = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Why a user cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// The sign-in failed.
    #[error("sign-in failed: {0}")]
    SignIn(#[from] Failure),
    /// The link does not come back.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl User {
    /// Signs in if need be; the result says who joins what.
    pub async fn credentials<N: Network>(
        &self,
        network: &N,
        surroundings: &Surroundings,
    ) -> Result<Credentials, Failure> {
        let signed_in = match &self.sign_in {
            Some(sign_in) => sign_in.clone(),
            None => (self.signs_in(network, surroundings))().await?,
        };
        Ok(Credentials {
            peer_id: self.peer_id.clone().unwrap_or(signed_in.username),
            id_token: signed_in.id_token,
            room_id: self.room.room_id.clone(),
            room_token: self.room.room_token.clone(),
        })
    }

    fn signs_in<N: Network>(&self, network: &N, surroundings: &Surroundings) -> SignsIn {
        let handed_in = self.signs_in.clone();
        handed_in.unwrap_or_else(|| anonymously(network.clone(), self.target.clone(), surroundings.clone()))
    }

    /// A link into the room in this role.
    pub(crate) fn link<N: Network>(
        &self,
        credentials: Credentials,
        role: &str,
        network: N,
        surroundings: Surroundings,
        observer: Arc<dyn Observer>,
    ) -> Link<N> {
        let options = LinkOptions {
            target: self.target.clone(),
            credentials: Arc::new(credentials),
            signs_in: self.signs_in(&network, &surroundings),
            role: role.to_string(),
            first_conn: self.first_conn,
            knows: self.knows.clone(),
            may_join: self.may_join.clone(),
        };
        Link::new(options, network, surroundings, observer)
    }
}
