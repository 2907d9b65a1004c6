//! Messages from peer to peer: looked up, passed on, never interpreted. No acknowledgement, at most once. Neighbours:
//! `membership` knows where the target is. A connection may only speak as the peer that it registered.

use super::membership::Member;
use super::peer::Peer;
use super::{ConnectionId, Rooms};
use crate::defects::Defect;
use crate::protocol::{ErrorCode, MeshKind, Profile, Refusal, server_message};
use serde_json::value::RawValue;

impl Rooms {
    pub(super) fn peer_message(
        &mut self,
        conn: ConnectionId,
        from_peer_id: &str,
        to_peer_id: &str,
        payload: &RawValue,
    ) -> Result<(), Refusal> {
        let sender = self.speaker(conn, Some(from_peer_id))?;
        let target = self.target(&sender, to_peer_id)?.conn;
        self.relay(target, server_message::peer_message(from_peer_id, to_peer_id, payload), conn);
        Ok(())
    }

    /// Version 1: passed on as it came. The deployed server says nothing when that fails.
    pub(super) fn signal(&mut self, conn: ConnectionId, sender: &str, target: &str, text: &str) -> Result<(), Refusal> {
        let target = self.speaker(conn, Some(sender)).and_then(|sender| Ok(self.target(&sender, target)?.conn));
        match target {
            Ok(target) => self.relay(target, text.to_string(), conn),
            Err(_) if self.profile == Profile::Deployed => {}
            Err(refusal) => return Err(refusal),
        }
        Ok(())
    }

    pub(super) fn mesh(
        &mut self,
        conn: ConnectionId,
        kind: MeshKind,
        from_peer_id: &str,
        target_peer_id: &str,
        body: &RawValue,
    ) -> Result<(), Refusal> {
        let sender = self.speaker(conn, Some(from_peer_id))?;
        let target = self.target(&sender, target_peer_id)?.conn;
        self.relay(target, server_message::mesh(kind, from_peer_id, body), conn);
        Ok(())
    }

    /// As whom a connection acts, given the peer that it claims to be.
    pub(super) fn speaker(&self, conn: ConnectionId, claimed: Option<&str>) -> Result<Member, Refusal> {
        let member = self.peers.member(conn);
        let member = member.ok_or_else(|| ErrorCode::NotInRoom.because("register on this connection first"))?;
        match claimed {
            Some(claimed) if claimed != &*member.peer => {
                if self.defects.has(Defect::SenderNotChecked) {
                    return Ok(self.peers.intern(&member.room, claimed));
                }
                let sentence = format!("this connection registered `{}`, it may not speak for another", member.peer);
                Err(ErrorCode::SenderMismatch.because(sentence))
            }
            _ => Ok(member.clone()),
        }
    }

    /// A peer in the sender's room.
    pub(super) fn target(&self, sender: &Member, target: &str) -> Result<&Peer, Refusal> {
        if let Some(peer) = self.peers.peer(&sender.room, target) {
            return Ok(peer);
        }
        let Some(elsewhere) = self.peers.rooms_of(target).next() else {
            return Err(ErrorCode::PeerNotFound.because(format!("there is no peer `{target}`")));
        };
        match self.peers.peer(elsewhere, target) {
            Some(peer) if self.defects.has(Defect::MessageCrossesRooms) => Ok(peer),
            _ => Err(ErrorCode::PeerNotInRoom.because(format!("`{target}` is not in your room"))),
        }
    }
}
