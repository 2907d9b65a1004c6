//! Messages from peer to peer: looked up, passed on, never interpreted. No acknowledgement, at most once. Neighbours:
//! `membership` knows where the target is. A connection may only speak as the peer that it registered.

use super::membership::Member;
use super::peer::Peer;
use super::{ConnectionId, Rooms};
use crate::defects::Defect;
use crate::protocol::{ErrorCode, Profile, Refusal, Signal, shortened};

impl Rooms {
    /// Passes on what `compose` makes of a message. A refusal names whom the message was for, so that the sender knows
    /// which of its messages is meant.
    pub(super) fn pass_on(
        &mut self,
        conn: ConnectionId,
        sender: &str,
        target: &str,
        compose: impl FnOnce() -> String,
    ) -> Result<(), Refusal> {
        let reached = self.speaker(conn, Some(sender)).and_then(|sender| Ok(self.target(&sender, target)?.conn));
        let target = reached.map_err(|refusal| refusal.about(target))?;
        self.relay(target, compose(), conn);
        Ok(())
    }

    /// Version 1: passed on as it came. The deployed server looks for no body, and says nothing when the relay fails.
    pub(super) fn signal(&mut self, conn: ConnectionId, signal: Signal<'_>, text: &str) -> Result<(), Refusal> {
        let Signal { kind, sender, target, body } = signal;
        if self.profile == Profile::Deployed {
            let _in_silence = self.pass_on(conn, &sender, &target, || text.to_string());
            return Ok(());
        }
        if body.is_none() {
            let sentence = format!("`{}` is missing", kind.body_key());
            return Err(ErrorCode::InvalidMessage.because(sentence).about(&target));
        }
        self.pass_on(conn, &sender, &target, || text.to_string())
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
                let own = shortened(&member.peer);
                let sentence = format!("this connection registered `{own}`, it may not speak for another");
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
            return Err(ErrorCode::PeerNotFound.because(format!("there is no peer `{}`", shortened(target))));
        };
        match self.peers.peer(elsewhere, target) {
            Some(peer) if self.defects.has(Defect::MessageCrossesRooms) => Ok(peer),
            _ => Err(ErrorCode::PeerNotInRoom.because(format!("`{}` is not in your room", shortened(target)))),
        }
    }
}
