//! Who is there? A discovery lists the peers of the asker's room that match its filters, never the asker. Neighbours:
//! `filters` decides, `peer` has the entries rendered.

use super::filters::{Filters, Matched};
use super::{ConnectionId, Rooms, close_code};
use crate::protocol::{Object, Profile, Refusal, server_message};

impl Rooms {
    pub(super) fn discover(
        &mut self,
        conn: ConnectionId,
        from_peer_id: Option<&str>,
        filters: &Object,
    ) -> Result<(), Refusal> {
        let asker = self.speaker(conn, from_peer_id)?;
        let filters = Filters::read(filters)?;
        let mut found = Vec::new();
        for (id, peer) in self.peers.room(&asker.room).into_iter().flat_map(|room| &room.peers) {
            match filters.matches(peer) {
                Matched::Yes if *id != asker.peer => found.push(peer.discovered_json()),
                Matched::Mistyped if self.profile == Profile::Deployed => {
                    // A comparison of a text with a number is an exception there, and ends the asker's connection.
                    self.close(conn, close_code::DEPLOYED_EXCEPTION, "");
                    return Ok(());
                }
                _ => {}
            }
        }
        let text = server_message::peer_list(&asker.peer, &found);
        self.send(conn, text);
        Ok(())
    }

    /// The workers of a room as JSON entries, for the deprecated HTTP discovery.
    ///
    /// # Errors
    /// INVALID_MESSAGE if the filters cannot be read.
    pub fn workers(&self, room_id: &str, filters: &Object) -> Result<Vec<String>, Refusal> {
        let filters = Filters::read(filters)?;
        let peers = self.peers.room(room_id).into_iter().flat_map(|room| room.peers.values());
        let matching = peers.filter(|peer| peer.role == "worker");
        let matching = matching.filter(|peer| filters.matches(peer) == Matched::Yes);
        Ok(matching.map(|peer| peer.discovered_json().to_string()).collect())
    }
}
