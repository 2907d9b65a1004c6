//! Where rooms are written down: the documents keep them in a database outside of the process, so that they outlive a
//! server. Neighbours: `rooms` reads it at each registration, the HTTP interface creates, extends and deletes. Left out:
//! who is in a room, which only the server's memory knows.

use crate::protocol::Secret;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a room lives from its creation, or from its last extension (operational document).
pub const ROOM_LIVES: Duration = Duration::from_secs(2 * 60 * 60);

/// How long an expired room is kept, so that late comers are told why. The database of the documents deletes up to 48
/// hours late.
pub const EXPIRED_ROOM_KEPT: Duration = Duration::from_secs(48 * 60 * 60);

/// A room as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// Its id, 8 hex digits.
    pub room_id: String,
    /// The meeting password, 6 hex digits.
    pub token: Secret,
    /// Name of the identity that created it.
    pub owner: String,
    /// Time since 1970 from which nobody may join any more.
    pub expires_at: Duration,
}

/// A store of rooms. Many servers may share one.
pub trait RoomStore: Send + Sync {
    /// Writes a new room down; says no if the id is taken.
    fn create(&self, record: RoomRecord) -> bool;
    /// Reads a room.
    fn get(&self, room_id: &str) -> Option<RoomRecord>;
    /// Moves a room's end; says no if there is no such room.
    fn extend(&self, room_id: &str, expires_at: Duration) -> bool;
    /// Deletes a room; says no if there is no such room.
    fn delete(&self, room_id: &str) -> bool;
    /// Deletes the rooms that expired before a time.
    fn delete_expired_before(&self, time: Duration);
}

/// Rooms in memory. In a simulation it is handed to each incarnation of a server, as a database would be.
#[derive(Debug, Default)]
pub struct MemoryRoomStore {
    rooms: Mutex<BTreeMap<String, RoomRecord>>,
}

impl MemoryRoomStore {
    /// Without rooms.
    pub fn new() -> MemoryRoomStore {
        MemoryRoomStore::default()
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeMap<String, RoomRecord>> {
        // Each change is one insertion or removal: a panic elsewhere cannot leave half of one.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RoomStore for MemoryRoomStore {
    fn create(&self, record: RoomRecord) -> bool {
        let mut rooms = self.rooms();
        if rooms.contains_key(&record.room_id) {
            return false;
        }
        rooms.insert(record.room_id.clone(), record);
        true
    }

    fn get(&self, room_id: &str) -> Option<RoomRecord> {
        self.rooms().get(room_id).cloned()
    }

    fn extend(&self, room_id: &str, expires_at: Duration) -> bool {
        self.rooms().get_mut(room_id).map(|record| record.expires_at = expires_at).is_some()
    }

    fn delete(&self, room_id: &str) -> bool {
        self.rooms().remove(room_id).is_some()
    }

    fn delete_expired_before(&self, time: Duration) {
        self.rooms().retain(|_, record| record.expires_at >= time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(room_id: &str, expires_at_sec: u64) -> RoomRecord {
        let expires_at = Duration::from_secs(expires_at_sec);
        RoomRecord { room_id: room_id.into(), token: "t".into(), owner: "o".into(), expires_at }
    }

    #[test]
    fn a_taken_room_id_is_not_given_twice() {
        let store = MemoryRoomStore::new();
        assert!(store.create(record("a", 1)));
        assert!(!store.create(record("a", 2)));
        assert_eq!(store.get("a"), Some(record("a", 1)));
    }

    #[test]
    fn an_extended_room_survives_the_sweep_and_an_expired_one_does_not() {
        let store = MemoryRoomStore::new();
        store.create(record("a", 1));
        store.create(record("b", 1));
        assert!(store.extend("a", Duration::from_secs(9)));
        assert!(!store.extend("nobody", Duration::from_secs(9)));
        store.delete_expired_before(Duration::from_secs(5));
        assert_eq!((store.get("a"), store.get("b")), (Some(record("a", 9)), None));
    }
}
