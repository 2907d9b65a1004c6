//! What peers say to each other, and what they may not.

use super::hall::*;
use rehearsal_reference::protocol::ErrorCode;
use rehearsal_reference::rooms::{ConnectionId, Input};
use serde_json::json;

#[test]
fn every_relay_reaches_its_target_as_documented() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    let offer = json!({ "type": "offer", "sender": "a", "target": "b", "sdp": "v=0", "more": [1] });
    assert_eq!(hall.says(1, offer.clone()), [Seen::Message(2, offer)]);
    let candidate = json!({ "type": "candidate", "sender": "a", "target": "b", "candidate": { "sdpMid": "0" } });
    assert_eq!(hall.says(1, candidate.clone()), [Seen::Message(2, candidate)]);
    let relays = [
        ("mesh_connect", "mesh_offer", "offer"),
        ("mesh_answer", "mesh_answer", "answer"),
        ("ice_candidate", "ice_candidate", "candidate"),
    ];
    for (said, delivered, key) in relays {
        let sent = json!({ "type": said, "from_peer_id": "a", "target_peer_id": "b", key: { "sdp": "v=0" } });
        let expected = json!({ "type": delivered, "from_peer_id": "a", key: { "sdp": "v=0" } });
        assert_eq!(hall.says(1, sent), [Seen::Message(2, expected)]);
    }
    assert_eq!(hall.rooms.metrics().total_messages, 5);
}

#[test]
fn who_cannot_be_reached_is_named() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.joins(2, "blue", "b");
    assert_eq!(hall.code(1, message("a", "nobody")), ErrorCode::PeerNotFound);
    assert_eq!(hall.code(1, message("a", "b")), ErrorCode::PeerNotInRoom);
    let offer = json!({ "type": "offer", "sender": "a", "target": "nobody", "sdp": "" });
    assert_eq!(hall.code(1, offer.clone()), ErrorCode::PeerNotFound);
    let mut deployed = Hall::deployed();
    deployed.joins(1, "red", "a");
    assert_eq!(deployed.says(1, offer), [], "version 1 relays fail in silence when deployed");
}

/// Whether a message reaches a peer of another room.
pub fn message_crosses_rooms(mut hall: Hall) -> bool {
    hall.joins(1, "red", "a");
    hall.joins(2, "blue", "b");
    hall.says(1, message("a", "b")) == [Seen::Message(2, message("a", "b"))]
}

/// Whether a connection is heard as a peer that it did not register.
pub fn speaks_for_another(mut hall: Hall) -> bool {
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    hall.joins(3, "red", "c");
    hall.says(1, message("b", "c")) == [Seen::Message(3, message("b", "c"))]
}

#[test]
fn a_connection_speaks_only_for_the_peer_that_it_registered() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    assert_eq!(hall.code(1, message("b", "a")), ErrorCode::SenderMismatch);
    assert_eq!(hall.code(1, update("b", json!({}))), ErrorCode::SenderMismatch);
    let ask = json!({ "type": "discover_peers", "from_peer_id": "b" });
    assert_eq!(hall.code(1, ask), ErrorCode::SenderMismatch);
    let offer = json!({ "type": "offer", "sender": "b", "target": "a", "sdp": "" });
    assert_eq!(hall.code(1, offer), ErrorCode::SenderMismatch);
}

#[test]
fn a_refused_relay_names_whom_it_was_for_and_only_in_the_documents() {
    let mesh = |to: &str| json!({ "type": "mesh_answer", "from_peer_id": "a", "target_peer_id": to, "answer": {} });
    let offer = |to: &str| json!({ "type": "offer", "sender": "a", "target": to, "sdp": "" });
    for (conn, to, code) in [(1, "nobody", "PEER_NOT_FOUND"), (1, "c", "PEER_NOT_IN_ROOM"), (9, "b", "NOT_IN_ROOM")] {
        let mut hall = Hall::hardened();
        hall.joins(1, "red", "a");
        hall.joins(2, "blue", "c");
        for relay in [message("a", to), mesh(to), offer(to)] {
            let answer = hall.answer(conn, relay);
            assert_eq!((answer["code"].as_str(), answer["to_peer_id"].as_str()), (Some(code), Some(to)));
        }
        assert!(hall.answer(9, json!({ "type": "discover_peers" })).get("to_peer_id").is_none());
    }
    let mut deployed = Hall::deployed();
    deployed.joins(1, "red", "a");
    assert!(deployed.answer(1, message("a", "nobody")).get("to_peer_id").is_none());
}

#[test]
fn a_long_name_is_neither_taken_nor_echoed() {
    let mut hall = Hall::hardened();
    assert_eq!(hall.code(1, register("red", &"a".repeat(257))), ErrorCode::InvalidMessage);
    let mut role = register("red", "a");
    role["role"] = json!("r".repeat(65));
    assert_eq!(hall.code(1, role.clone()), ErrorCode::InvalidMessage);
    role["role"] = json!("r".repeat(64));
    assert_eq!(hall.answer(1, role)["type"], "registered_auth");
    let longest = "b".repeat(256);
    hall.joins(2, "red", &longest);
    hall.says(2, reserve("a", 30));
    let huge = "n".repeat(900_000);
    for refused in [message("a", &huge), message(&huge, "a"), reserve(&huge, 30), reserve("a", 30)] {
        let answer = hall.answer(1, refused).to_string();
        assert!(answer.contains('…') || answer.contains("may not speak"), "{answer}");
        assert!(answer.len() < 300, "{answer}");
    }
}

#[test]
fn a_signal_without_its_body_is_refused_in_the_documents_and_passed_on_when_deployed() {
    for (kind, key) in [("offer", "sdp"), ("answer", "sdp"), ("candidate", "candidate")] {
        let signal = json!({ "type": kind, "sender": "a", "target": "a" });
        let mut hall = Hall::hardened();
        hall.joins(1, "red", "a");
        let refused = hall.answer(1, signal.clone());
        assert_eq!(
            (&refused["code"], &refused["message"]),
            (&json!("INVALID_MESSAGE"), &json!(format!("`{key}` is missing")))
        );
        let mut deployed = Hall::deployed();
        deployed.joins(1, "red", "a");
        assert_eq!(deployed.answer(1, signal.clone()), signal);
    }
}

/// `a` writes to `b`, whose connection does not take it.
pub fn undelivered(hall: &mut Hall) -> Vec<Seen> {
    hall.says(1, message("a", "b"));
    hall.rooms.handle(Input::Undeliverable { to: ConnectionId(2), from: Some(ConnectionId(1)) }, BEGIN);
    hall.seen()
}

#[test]
fn who_cannot_keep_up_is_closed_and_its_sender_told() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    let seen = undelivered(&mut hall);
    let [Seen::Closed(2, 1013), Seen::Message(1, refused)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((&refused["code"], &refused["to_peer_id"]), (&json!("DELIVERY_FAILED"), &json!("b")));
    assert_eq!(hall.rooms.metrics().total_messages, 0, "only what was delivered is counted");
    assert!(hall.discovers(1, json!({})).is_empty());
}
