//! Which peer is in which room on which connection: the maps that must agree, in one place. Neighbours: every other file
//! of this folder reads them; `register` and `removal` change them through here.

use super::ConnectionId;
use super::peer::Peer;
use super::reserve::Reservations;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A peer of a room: what a connection acts as.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    /// The peer's id, unique in its room.
    pub(super) peer: Arc<str>,
    /// The room's id.
    pub(super) room: Arc<str>,
}

/// A room with its peers.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) peers: BTreeMap<Arc<str>, Peer>,
    pub(super) admin: Option<Arc<str>>,
    pub(super) reservations: Reservations,
}

/// All registered peers. A room exists here as long as somebody is in it.
#[derive(Debug, Default)]
pub(super) struct Peers {
    rooms: BTreeMap<Arc<str>, Room>,
    by_conn: BTreeMap<ConnectionId, Member>,
    /// By peer first, so that the rooms of a peer id stand together.
    by_peer: BTreeSet<Member>,
}

impl Peers {
    /// What a connection is registered as.
    pub(super) fn member(&self, conn: ConnectionId) -> Option<&Member> {
        self.by_conn.get(&conn)
    }

    /// The rooms in which a peer of this id is.
    pub(super) fn rooms_of<'a>(&'a self, peer: &'a str) -> impl Iterator<Item = &'a Arc<str>> + 'a {
        let first = Member { peer: Arc::from(peer), room: Arc::from("") };
        self.by_peer.range(first..).take_while(move |member| &*member.peer == peer).map(|member| &member.room)
    }

    pub(super) fn rooms(&self) -> &BTreeMap<Arc<str>, Room> {
        &self.rooms
    }

    pub(super) fn room(&self, room: &str) -> Option<&Room> {
        self.rooms.get(room)
    }

    pub(super) fn room_mut(&mut self, room: &str) -> Option<&mut Room> {
        self.rooms.get_mut(room)
    }

    pub(super) fn peer(&self, room: &str, peer: &str) -> Option<&Peer> {
        self.rooms.get(room)?.peers.get(peer)
    }

    pub(super) fn peer_mut(&mut self, room: &str, peer: &str) -> Option<&mut Peer> {
        self.rooms.get_mut(room)?.peers.get_mut(peer)
    }

    /// The shared ids of a member: the ones in use, if there are.
    pub(super) fn intern(&self, room: &str, peer: &str) -> Member {
        let shared = self.rooms.get_key_value(room);
        let room_id = shared.map_or_else(|| Arc::from(room), |(id, _)| id.clone());
        let peer_id = shared.and_then(|(_, room)| room.peers.get_key_value(peer));
        Member { peer: peer_id.map_or_else(|| Arc::from(peer), |(id, _)| id.clone()), room: room_id }
    }

    /// Puts a peer into its room, in place of the one with the same id.
    pub(super) fn put(&mut self, member: &Member, peer: Peer) -> &mut Room {
        self.by_conn.insert(peer.conn, member.clone());
        self.by_peer.insert(member.clone());
        let room = self.rooms.entry(member.room.clone()).or_default();
        room.peers.insert(member.peer.clone(), peer);
        room
    }

    /// Forgets what a connection is registered as; the peer stays.
    pub(super) fn forget(&mut self, conn: ConnectionId) -> Option<Member> {
        self.by_conn.remove(&conn)
    }

    /// Takes a peer out of its room, and with it what it held there. Says whether the room is empty now.
    pub(super) fn take(&mut self, member: &Member) -> Taken {
        let Some(room) = self.rooms.get_mut(&member.room) else { return Taken::Nothing };
        let Some(peer) = room.peers.remove(&member.peer) else { return Taken::Nothing };
        self.by_peer.remove(member);
        if self.by_conn.get(&peer.conn) == Some(member) {
            self.by_conn.remove(&peer.conn);
        }
        room.reservations.end_of(&member.peer);
        if room.admin.as_deref() == Some(&*member.peer) {
            room.admin = None;
        }
        if room.peers.is_empty() {
            self.rooms.remove(&member.room);
            return Taken::Last(peer.conn);
        }
        Taken::One(peer.conn)
    }
}

/// What came of taking a peer out of its room; with the connection that it was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was not there.
    Nothing,
    /// Others are still in the room.
    One(ConnectionId),
    /// It was the last one, and the room is gone from memory.
    Last(ConnectionId),
}
