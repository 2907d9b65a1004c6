//! Peers that a discovery should have listed and did not. A server may have dropped the peer's connection a moment ago, with the
//! news still on its way to its user; so an omission is confirmed only once the connection has proven to live on.
//! Neighbour: `acknowledged_status_is_seen`.

use super::cast::Cast;
use super::moment::Moment;
use super::names::Id;
use crate::event::{Body, Closer};

/// By then the news that a server dropped a connection has reached its user.
const NEWS_NS: i64 = 1_000_000_000;
/// A user knows that it closes a connection itself before the server does, but tells it only when the close is answered.
const OWN_CLOSE_NS: i64 = 500_000_000;

/// A peer that was not listed.
pub struct Omission {
    /// The peer.
    pub peer: Id,
    /// User and number of the connection that it was registered over.
    pub link: (Id, u32),
    /// The user that discovered.
    pub asker: Id,
    /// When it asked.
    pub asked_ns: i64,
    /// When the answer came.
    pub answered_ns: i64,
    /// The acknowledgement of the peer's registration, the question and the answer.
    pub events: Vec<u64>,
}

/// Omissions that are not confirmed yet.
#[derive(Default)]
pub struct Omissions {
    open: Vec<Omission>,
}

impl Omissions {
    /// Another one.
    pub fn push(&mut self, omission: Omission) {
        self.open.push(omission);
    }

    /// A connection ended: what was omitted just before is explained.
    pub fn closed(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let event = moment.event;
        let is_own = matches!(event.body, Body::Closed { by: Closer::Us, .. });
        let news_ns = if is_own { OWN_CLOSE_NS } else { NEWS_NS };
        let link = (moment.user, event.conn);
        self.open.retain(|omission| {
            let is_proven = is_proven(omission, cast);
            omission.link != link || is_proven || event.t_ns.saturating_sub(omission.answered_ns) > news_ns
        });
    }

    /// A fault began or ended over these users: nobody can say.
    pub fn troubled(&mut self, users: &[Id]) {
        self.open.retain(|omission| !users.contains(&omission.link.0));
    }

    /// Takes out those that are certain by now.
    pub fn confirmed(&mut self, cast: &Cast, now_ns: i64) -> Vec<Omission> {
        self.open.retain(|omission| match cast.link(omission.link.0, omission.link.1) {
            Some(link) => !cast.is_in_doubt(omission.link.0, link, omission.answered_ns),
            None => false,
        });
        self.open
            .extract_if(.., |omission| {
                is_proven(omission, cast) || now_ns.saturating_sub(omission.answered_ns) > NEWS_NS
            })
            .collect()
    }
}

/// Whether something was asked over the connection after the omission, and answered.
fn is_proven(omission: &Omission, cast: &Cast) -> bool {
    cast.link(omission.link.0, omission.link.1).is_some_and(|link| link.proven_ns > omission.answered_ns)
}
