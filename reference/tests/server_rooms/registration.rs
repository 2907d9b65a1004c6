//! Who may enter a room, and as whom.

use super::hall::*;
use rehearsal_reference::identity::IdentityError;
use rehearsal_reference::protocol::{ErrorCode, Profile};
use rehearsal_reference::rooms::Limits;
use rehearsal_reference::store::RoomStore;
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn a_registration_is_answered_with_the_others_in_both_forms() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.joins(9, "blue", "elsewhere");
    let mut second = register("red", "b");
    second["is_admin"] = json!(true);
    let metadata = json!({ "tags": ["t"], "properties": { "p": 1 } });
    let expected = json!({ "type": "registered_auth", "room_id": "red", "token": "key", "peer_id": "b",
        "admin_peer_id": "b", "peers": [{ "peer_id": "a", "metadata": metadata, "is_admin": false }],
        "peer_list": ["a"], "peer_metadata": { "a": metadata }, "ice_servers": [], "mesh_ice_servers": [] });
    assert_eq!(hall.answer(2, second), expected);
}

#[test]
fn a_second_admin_is_told_of_the_conflict_and_becomes_a_plain_peer() {
    let mut hall = Hall::hardened();
    let admin = |peer: &str| {
        let mut message = register("red", peer);
        message["is_admin"] = json!(true);
        message
    };
    hall.says(1, admin("a"));
    let seen = hall.says(2, admin("b"));
    let [Seen::Message(2, conflict), Seen::Message(2, registered)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(*conflict, json!({ "type": "admin_conflict", "room_id": "red", "current_admin": "a" }));
    assert_eq!(registered["admin_peer_id"], "a");
    hall.closes(1);
    assert_eq!(hall.answer(3, admin("c"))["admin_peer_id"], "c", "the admin's place is free once it has left");
}

#[test]
fn an_admin_that_registers_again_as_a_plain_peer_gives_it_up() {
    let mut hall = Hall::hardened();
    let mut admin = register("red", "a");
    admin["is_admin"] = json!(true);
    assert_eq!(hall.answer(1, admin)["admin_peer_id"], "a");
    assert_eq!(hall.answer(1, register("red", "a"))["admin_peer_id"], Value::Null);
}

#[test]
fn who_may_not_enter_is_told_why() {
    let mut hall = Hall::hardened();
    let mut wrong_token = register("red", "a");
    wrong_token["token"] = json!("other");
    assert_eq!(hall.code(1, wrong_token), ErrorCode::InvalidToken);
    assert_eq!(hall.code(1, register("green", "a")), ErrorCode::RoomNotFound);
    assert_eq!(hall.code(1, json!({ "type": "register", "peer_id": "a" })), ErrorCode::InvalidMessage);
    let seen = hall.identified(1, &register("red", "a").to_string(), Err(IdentityError::Expired));
    let [Seen::Message(1, refused)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(refused["code"], "INVALID_IDENTITY");
    assert_eq!(hall.code(1, message("a", "a")), ErrorCode::NotInRoom);
}

#[test]
fn an_expired_room_takes_nobody_new_and_keeps_who_is_in_it() {
    let mut hall = Hall::hardened();
    hall.joins(1, "blue", "a");
    hall.now = BEGIN + Duration::from_secs(3_600) - Duration::from_nanos(1);
    hall.joins(2, "blue", "b");
    hall.now = BEGIN + Duration::from_secs(3_600);
    assert_eq!(hall.code(3, register("blue", "c")), ErrorCode::RoomExpired);
    assert_eq!(hall.discovers(1, json!({})), ["b"]);
    hall.store.extend("blue", BEGIN + Duration::from_secs(7_200));
    hall.joins(3, "blue", "c");
}

#[test]
fn a_full_room_takes_nobody_new_but_who_comes_back() {
    let mut hall = Hall::new(Limits { room_peers_max: 2, ..Limits::default() }, &[], Profile::Documented);
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    assert_eq!(hall.code(3, register("red", "c")), ErrorCode::RoomFull);
    hall.joins(4, "red", "b");
    hall.joins(5, "blue", "c");
}

#[test]
fn metadata_past_the_limit_is_refused_at_registration_and_at_an_update() {
    let mut hall = Hall::new(Limits { metadata_bytes_max: 60, ..Limits::default() }, &[], Profile::Documented);
    let large = json!({ "properties": { "x": "x".repeat(60) } });
    let mut registration = register("red", "a");
    registration["metadata"] = large.clone();
    assert_eq!(hall.code(1, registration), ErrorCode::MetadataTooLarge);
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    assert_eq!(hall.code(1, update("a", large)), ErrorCode::MetadataTooLarge);
    // Small updates do not add up past the limit either, and what was refused has left no trace.
    hall.answer(1, update("a", json!({ "properties": { "y": "1234567890" } })));
    assert_eq!(hall.code(1, update("a", json!({ "properties": { "z": "1234567890" } }))), ErrorCode::MetadataTooLarge);
    assert_eq!(hall.discovers(2, json!({ "properties": { "y": "1234567890", "p": 1 } })), ["a"]);
}

#[test]
fn an_update_past_the_limit_is_refused_for_its_own_size_before_it_is_merged() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    let tags: Vec<u32> = (0..150_000).collect();
    let own_bytes = json!({ "tags": tags }).to_string().len();
    let refused = hall.answer(1, update("a", json!({ "tags": tags })));
    let sentence = refused["message"].as_str().unwrap();
    // Merged with the tag and the properties that are there already, it would be larger.
    assert!(sentence.contains(&own_bytes.to_string()), "{sentence}");
}

#[test]
fn a_discovery_asks_for_a_bounded_number_of_things() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    let ask = |count: usize| json!({ "type": "discover_peers", "filters": { "tags": (0..count).collect::<Vec<_>>() } });
    assert_eq!(hall.answer(1, ask(64))["count"], 0);
    assert_eq!(hall.code(1, ask(140_000)), ErrorCode::InvalidMessage);
}

#[test]
fn a_connection_that_registers_as_another_leaves_as_the_first() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.joins(1, "red", "b");
    hall.joins(2, "red", "c");
    assert_eq!(hall.discovers(2, json!({})), ["b"]);
    hall.closes(1);
    assert!(hall.discovers(2, json!({})).is_empty());
}

#[test]
fn the_same_peer_id_may_be_in_two_rooms_and_neither_disturbs_the_other() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.joins(2, "blue", "a");
    hall.joins(3, "red", "b");
    assert_eq!(hall.says(3, message("b", "a")), [Seen::Message(1, message("b", "a"))]);
    hall.closes(2);
    assert_eq!(hall.discovers(3, json!({})), ["a"]);
}
