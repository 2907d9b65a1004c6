//! Peers leave: their connection ends, or they are deleted over HTTP. Neighbours: `membership` does it. A connection only
//! removes the registration that it made itself. The store's record of an empty room stays until its time is over, so that
//! peers who lost their connection can come back; the deployed server deletes it with the last peer.

use super::membership::{Member, Taken};
use super::{ConnectionId, Output, Rooms, close_code};
use crate::defects::Defect;
use crate::protocol::Profile;
use std::sync::Arc;

/// What was removed over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Peers that were in a room.
    pub peers: usize,
    /// Whether a room was deleted from the store.
    pub room: bool,
}

impl Rooms {
    /// The connection is no longer what it was registered as.
    pub(super) fn leave(&mut self, conn: ConnectionId) {
        let Some(member) = self.peers.forget(conn) else { return };
        let registered_by = self.peers.peer(&member.room, &member.peer).map(|peer| peer.conn);
        if registered_by == Some(conn) || self.defects.has(Defect::LateCloseRemovesNewRegistration) {
            self.remove(&member);
        }
    }

    /// Deletes the peers of this id, in whichever room they are.
    pub fn delete_peer(&mut self, peer_id: &str) -> Removed {
        let members: Vec<Member> =
            self.peers.rooms_of(peer_id).map(|room| Member { peer: Arc::from(peer_id), room: room.clone() }).collect();
        for member in &members {
            self.remove_and_close(member);
        }
        Removed { peers: members.len(), room: false }
    }

    /// Deletes a room with everybody in it.
    pub fn delete_room(&mut self, room_id: &str) -> Removed {
        let members: Vec<Member> = self.peers.room(room_id).map_or_else(Vec::new, |room| {
            room.peers.keys().map(|peer| Member { peer: peer.clone(), room: Arc::from(room_id) }).collect()
        });
        for member in &members {
            self.remove_and_close(member);
        }
        // The deployed profile has deleted it with the last peer already.
        let room = self.store.delete(room_id) || (self.profile == Profile::Deployed && !members.is_empty());
        Removed { peers: members.len(), room }
    }

    /// The rooms in which a peer of this id is.
    pub fn rooms_of(&self, peer_id: &str) -> Vec<String> {
        self.peers.rooms_of(peer_id).map(|room| room.to_string()).collect()
    }

    fn remove_and_close(&mut self, member: &Member) {
        if let Some(conn) = self.remove(member)
            && self.profile == Profile::Documented
        {
            let reason = "this peer was deleted";
            self.outputs.push_back(Output::Close { conn, code: close_code::DELETED, reason });
        }
    }

    fn remove(&mut self, member: &Member) -> Option<ConnectionId> {
        match self.peers.take(member) {
            Taken::Nothing => None,
            Taken::One(conn) => Some(conn),
            Taken::Last(conn) => {
                if self.profile == Profile::Deployed {
                    self.store.delete(&member.room);
                }
                Some(conn)
            }
        }
    }
}
