//! Leaving, and coming back.

use super::hall::*;
use rehearsal_reference::defects::Defect;
use rehearsal_reference::protocol::ErrorCode;
use rehearsal_reference::store::RoomStore;
use serde_json::json;

#[test]
fn a_second_registration_replaces_the_first_and_closes_its_socket() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    let seen = hall.says(2, register("red", "a"));
    assert!(matches!(seen.as_slice(), [Seen::Closed(1, 4001), Seen::Message(2, _)]), "{seen:?}");
    assert_eq!(hall.code(1, message("a", "a")), ErrorCode::NotInRoom);
}

/// Registers `a` twice, lets the old connection end late, and says whether `b` still finds it.
pub fn found_after_a_late_close(mut hall: Hall) -> bool {
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "a");
    hall.joins(3, "red", "b");
    hall.closes(1);
    hall.discovers(3, json!({})) == ["a"]
}

#[test]
fn old_socket_closing_does_not_remove_the_new_registration() {
    assert!(found_after_a_late_close(Hall::hardened()));
    assert!(!found_after_a_late_close(Hall::with(Defect::LateCloseRemovesNewRegistration)));
}

#[test]
fn a_peer_that_left_is_found_by_nobody_and_its_room_waits_for_it() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.closes(1);
    assert_eq!(hall.rooms.metrics().active_rooms, 0);
    assert!(hall.store.get("red").is_some());
    hall.joins(2, "red", "a");
}

#[test]
fn the_deployed_server_deletes_a_room_with_its_last_peer() {
    let mut hall = Hall::deployed();
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    hall.closes(1);
    assert!(hall.store.get("red").is_some());
    hall.closes(2);
    assert!(hall.store.get("red").is_none());
}
