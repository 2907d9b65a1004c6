//! A connection becomes a peer of a room. Neighbours: `membership` keeps it, `server_message` writes the answer. A second
//! registration of the same peer replaces the first: its connection is closed, and its end removes nothing any more.
//! A peer id is not bound to the identity that vouches for it, since the documents do not ask for that: whoever has the
//! room's token and any valid identity may register as anybody.

use super::membership::Member;
use super::peer::{Peer, Rendered, Stamp};
use super::{ConnectionId, Output, Rooms, close_code};
use crate::defects::Defect;
use crate::identity::{Claims, IdentityError};
use crate::protocol::server_message::{self, OtherPeer, RegisteredIn};
use crate::protocol::{ErrorCode, Metadata, Refusal, Registration};
use std::time::Duration;

impl Rooms {
    pub(super) fn register(
        &mut self,
        conn: ConnectionId,
        registration: Registration,
        identity: Result<Claims, IdentityError>,
        now: Duration,
    ) -> Result<(), Refusal> {
        identity.map_err(|error| ErrorCode::InvalidIdentity.because(error.to_string()))?;
        self.names_fit(&registration)?;
        self.may_enter(&registration, now)?;
        self.metadata_fits(&Rendered::new(registration.metadata.clone()))?;
        self.is_room_left(&registration)?;

        let Registration { peer_id, room_id, token, role, metadata, is_admin, .. } = registration;
        let member = self.peers.intern(&room_id, &peer_id);
        self.leave_former(conn, &member);
        self.replace(conn, &member);
        let peer = Peer::new(conn, &peer_id, role, metadata, Stamp::new(now, self.profile));
        self.peers.put(&member, peer);
        if is_admin {
            self.become_admin(conn, &member);
        } else {
            self.give_up_admin(&member);
        }
        self.counters.registrations += 1;
        self.answer_registered(conn, &member, token.reveal());
        Ok(())
    }

    fn names_fit(&self, registration: &Registration) -> Result<(), Refusal> {
        let id = ("peer_id", &registration.peer_id, self.limits.id_bytes_max);
        let role = ("role", &registration.role, self.limits.role_bytes_max);
        for (field, name, bytes_max) in [id, role] {
            if name.len() > bytes_max {
                let sentence = format!("`{field}` may have {bytes_max} bytes, this one has {}", name.len());
                return Err(ErrorCode::InvalidMessage.because(sentence));
            }
        }
        Ok(())
    }

    fn may_enter(&self, registration: &Registration, now: Duration) -> Result<(), Refusal> {
        let room = self.store.get(&registration.room_id);
        let room = room.ok_or_else(|| ErrorCode::RoomNotFound.because("there is no room with this id"))?;
        if room.token != registration.token {
            return Err(ErrorCode::InvalidToken.because("this is not the token of the room"));
        }
        if room.expires_at <= now {
            return Err(ErrorCode::RoomExpired.because("the time of this room is over"));
        }
        Ok(())
    }

    pub(super) fn metadata_fits(&self, rendered: &Rendered) -> Result<(), Refusal> {
        let (bytes, bytes_max) = (rendered.bytes(), self.limits.metadata_bytes_max);
        if bytes <= bytes_max {
            return Ok(());
        }
        let sentence = format!("the metadata of a peer may have {bytes_max} bytes, this would be {bytes}");
        Err(ErrorCode::MetadataTooLarge.because(sentence))
    }

    fn is_room_left(&self, registration: &Registration) -> Result<(), Refusal> {
        let Some(room) = self.peers.room(&registration.room_id) else { return Ok(()) };
        let comes_back = room.peers.contains_key(registration.peer_id.as_str());
        if comes_back || room.peers.len() < self.limits.room_peers_max {
            return Ok(());
        }
        Err(ErrorCode::RoomFull.because(format!("the room has {} peers, the most it may have", room.peers.len())))
    }

    /// A connection that was another peer until now leaves as that one.
    fn leave_former(&mut self, conn: ConnectionId, member: &Member) {
        if self.peers.member(conn).is_some_and(|former| former != member) {
            self.leave(conn);
        }
    }

    fn replace(&mut self, conn: ConnectionId, member: &Member) {
        let Some(old) = self.peers.peer(&member.room, &member.peer).map(|peer| peer.conn) else { return };
        // With the defect the old connection stays open and believes itself registered: its end will remove the peer.
        if old != conn && !self.defects.has(Defect::LateCloseRemovesNewRegistration) {
            self.peers.forget(old);
            let reason = "a newer connection registered this peer";
            self.outputs.push_back(Output::Close { conn: old, code: close_code::REPLACED, reason });
        }
    }

    fn become_admin(&mut self, conn: ConnectionId, member: &Member) {
        let Some(room) = self.peers.room_mut(&member.room) else { return };
        match room.admin.clone() {
            Some(admin) if admin != member.peer => {
                self.send(conn, server_message::admin_conflict(&member.room, &admin));
            }
            _ => room.admin = Some(member.peer.clone()),
        }
    }

    /// An admin that registers again without asking for it gives it up.
    fn give_up_admin(&mut self, member: &Member) {
        if let Some(room) = self.peers.room_mut(&member.room)
            && room.admin.as_ref() == Some(&member.peer)
        {
            room.admin = None;
        }
    }

    fn answer_registered(&mut self, conn: ConnectionId, member: &Member, token: &str) {
        let Some(room) = self.peers.room(&member.room) else { return };
        let others: Vec<OtherPeer<'_>> = room
            .peers
            .iter()
            .filter(|(id, _)| **id != member.peer)
            .map(|(id, peer)| OtherPeer {
                peer_id: id,
                metadata_json: peer.metadata_json(),
                is_admin: room.admin.as_ref() == Some(id),
            })
            .collect();
        let room = RegisteredIn { room_id: &member.room, token, admin_peer_id: room.admin.as_deref() };
        let text = server_message::registered_auth(room, &member.peer, &others, self.profile);
        self.send(conn, text);
    }

    pub(super) fn update_metadata(
        &mut self,
        conn: ConnectionId,
        peer_id: &str,
        update: Metadata,
    ) -> Result<(), Refusal> {
        let member = self.speaker(conn, Some(peer_id))?;
        // Judged before the merge, which would be done for nothing.
        let update = Rendered::new(update);
        self.metadata_fits(&update)?;
        let update = update.metadata();
        let peer = self.target(&member, &member.peer)?;
        let merged = if self.defects.has(Defect::MetadataReplacesInsteadOfMerges) {
            update
        } else {
            super::merge::merged(peer.metadata(), update)
        };
        let rendered = Rendered::new(merged);
        self.metadata_fits(&rendered)?;
        if let Some(peer) = self.peers.peer_mut(&member.room, &member.peer) {
            peer.set_metadata(&member.peer, rendered);
            let text = server_message::metadata_updated(&member.peer, peer.metadata_json());
            self.send(conn, text);
        }
        Ok(())
    }
}
