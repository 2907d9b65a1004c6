//! The rules of the rooms core as claims, without sockets: every error code, every limit, and every defect of the server
//! both ways.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

use rehearsal_reference::defects::{Defect, DefectSide, Defects};
use rehearsal_reference::identity::{Claims, IdentityError};
use rehearsal_reference::protocol::{ClientMessage, ErrorCode, Profile};
use rehearsal_reference::rooms::{ConnectionId, Input, Limits, Output, Rooms};
use rehearsal_reference::store::{MemoryRoomStore, RoomRecord, RoomStore};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The wall clock when a test begins.
const BEGIN: Duration = Duration::from_secs(1_762_165_800);

/// What came out for a connection.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Message(u64, Value),
    Closed(u64, u16),
}

/// Two rooms, `red` and `blue`, both with the token `key`; red ends after two hours, blue after one.
struct Hall {
    rooms: Rooms,
    store: Arc<MemoryRoomStore>,
    now: Duration,
}

impl Hall {
    fn new(limits: Limits, defects: &[Defect], profile: Profile) -> Hall {
        let store = Arc::new(MemoryRoomStore::new());
        for (room_id, hours) in [("red", 2), ("blue", 1)] {
            let expires_at = BEGIN + Duration::from_secs(hours * 3_600);
            store.create(RoomRecord { room_id: room_id.into(), token: "key".into(), owner: "o".into(), expires_at });
        }
        let defects: Defects = defects.iter().copied().collect();
        Hall { rooms: Rooms::new(limits, defects, profile, store.clone()), store, now: BEGIN }
    }

    fn hardened() -> Hall {
        Hall::new(Limits::default(), &[], Profile::Documented)
    }

    fn with(defect: Defect) -> Hall {
        Hall::new(Limits::default(), &[defect], Profile::Documented)
    }

    fn deployed() -> Hall {
        Hall::new(Limits::default(), &[], Profile::Deployed)
    }

    fn seen(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.rooms.poll_output())
            .map(|output| match output {
                Output::Send { to, text, .. } => Seen::Message(to.0, serde_json::from_str(&text).unwrap()),
                Output::Close { conn, code, .. } => Seen::Closed(conn.0, code),
            })
            .collect()
    }

    fn identified(&mut self, conn: u64, text: &str, identity: Result<Claims, IdentityError>) -> Vec<Seen> {
        let conn = ConnectionId(conn);
        let input = match ClientMessage::parse(text) {
            Ok(ClientMessage::Register(registration)) => Input::Register { conn, registration, identity },
            Ok(message) => Input::Said { conn, message, text },
            Err(malformed) => Input::Malformed(conn, malformed),
        };
        self.rooms.handle(input, self.now);
        self.seen()
    }

    fn says_text(&mut self, conn: u64, text: &str) -> Vec<Seen> {
        let vouched = Claims { username: "ada".into(), expires_at: self.now + Duration::from_secs(60) };
        self.identified(conn, text, Ok(vouched))
    }

    fn says(&mut self, conn: u64, message: Value) -> Vec<Seen> {
        self.says_text(conn, &message.to_string())
    }

    /// The one answer to who said it.
    fn answer(&mut self, conn: u64, message: Value) -> Value {
        match self.says(conn, message).as_slice() {
            [Seen::Message(to, answer)] if *to == conn => answer.clone(),
            other => panic!("not one answer: {other:?}"),
        }
    }

    fn code(&mut self, conn: u64, message: Value) -> ErrorCode {
        let answer = self.answer(conn, message);
        assert_eq!(answer["type"], "error", "{answer}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
        answer["code"].as_str().unwrap().parse().unwrap()
    }

    fn joins_as(&mut self, conn: u64, room: &str, peer: &str, role: &str, metadata: Value) -> Vec<Seen> {
        let mut message = register(room, peer);
        message["role"] = json!(role);
        message["metadata"] = metadata;
        self.says(conn, message)
    }

    fn joins(&mut self, conn: u64, room: &str, peer: &str) {
        let seen = self.joins_as(conn, room, peer, "worker", json!({ "tags": ["t"], "properties": { "p": 1 } }));
        assert!(
            seen.iter().any(|seen| matches!(seen, Seen::Message(_, answer) if answer["type"] == "registered_auth"))
        );
    }

    fn closes(&mut self, conn: u64) -> Vec<Seen> {
        self.rooms.handle(Input::Closed(ConnectionId(conn)), self.now);
        self.seen()
    }

    fn discovers(&mut self, conn: u64, filters: Value) -> Vec<String> {
        let answer = self.answer(conn, json!({ "type": "discover_peers", "filters": filters }));
        let peers = answer["peers"].as_array().unwrap();
        assert_eq!(answer["count"], peers.len());
        peers.iter().map(|peer| peer["peer_id"].as_str().unwrap().to_string()).collect()
    }
}

fn register(room: &str, peer: &str) -> Value {
    json!({ "type": "register", "peer_id": peer, "room_id": room, "token": "key", "id_token": "jwt" })
}

fn message(from: &str, to: &str) -> Value {
    json!({ "type": "peer_message", "from_peer_id": from, "to_peer_id": to, "payload": { "n": 1 } })
}

fn update(peer: &str, metadata: Value) -> Value {
    json!({ "type": "update_metadata", "peer_id": peer, "metadata": metadata })
}

fn reserve(worker: &str, duration_sec: u64) -> Value {
    json!({ "type": "reserve_worker", "worker_id": worker, "duration_sec": duration_sec })
}

// --- registration

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

// --- leaving, and coming back

#[test]
fn a_second_registration_replaces_the_first_and_closes_its_socket() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "a");
    let seen = hall.says(2, register("red", "a"));
    assert!(matches!(seen.as_slice(), [Seen::Closed(1, 4001), Seen::Message(2, _)]), "{seen:?}");
    assert_eq!(hall.code(1, message("a", "a")), ErrorCode::NotInRoom);
}

/// Registers `a` twice, lets the old connection end late, and says whether `b` still finds it.
fn found_after_a_late_close(mut hall: Hall) -> bool {
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

// --- discovery and metadata

#[test]
fn a_discovery_lists_who_matches_in_the_room_and_never_the_asker() {
    let mut hall = Hall::hardened();
    hall.joins_as(1, "red", "w1", "worker", json!({ "properties": { "gpu_memory_mb": 8192, "status": "available" } }));
    hall.joins_as(2, "red", "w2", "worker", json!({ "properties": { "gpu_memory_mb": 24576, "status": "busy" } }));
    hall.joins_as(3, "red", "c", "client", json!({}));
    hall.joins_as(4, "blue", "w3", "worker", json!({}));
    assert_eq!(hall.discovers(3, json!({})), ["w1", "w2"]);
    assert_eq!(hall.discovers(1, json!({ "role": "worker" })), ["w2"]);
    let free = json!({ "role": "worker", "properties": { "gpu_memory_mb": { "$gte": 8192 }, "status": "available" } });
    assert_eq!(hall.discovers(3, free), ["w1"]);
    assert_eq!(hall.code(3, json!({ "type": "discover_peers", "filters": { "tags": 1 } })), ErrorCode::InvalidMessage);
}

#[test]
fn connected_at_is_whole_in_the_documents_and_has_a_fraction_when_deployed() {
    for (mut hall, expected) in [(Hall::hardened(), json!(1_762_165_800)), (Hall::deployed(), json!(1_762_165_800.25))]
    {
        hall.now = BEGIN + Duration::from_millis(250);
        hall.joins(1, "red", "a");
        hall.joins(2, "red", "b");
        let answer = hall.answer(2, json!({ "type": "discover_peers", "from_peer_id": "b" }));
        assert_eq!(answer["peers"][0]["connected_at"], expected);
    }
}

#[test]
fn a_mistyped_comparison_is_no_match_and_ends_the_connection_only_when_deployed() {
    let ask = json!({ "type": "discover_peers", "filters": { "properties": { "p": { "$gte": "much" } } } });
    for (mut hall, ends) in [(Hall::hardened(), false), (Hall::deployed(), true)] {
        hall.joins(1, "red", "a");
        hall.joins(2, "red", "b");
        match hall.says(2, ask.clone()).as_slice() {
            [Seen::Closed(2, 1000)] => assert!(ends),
            [Seen::Message(2, answer)] => assert!(!ends && answer["count"] == 0, "{answer}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Updates one property and says which are left.
fn left_after_an_update(mut hall: Hall) -> Value {
    hall.joins(1, "red", "a");
    let answer = hall.answer(1, update("a", json!({ "tags": ["u"], "properties": { "q": 2 } })));
    assert_eq!((&answer["type"], &answer["peer_id"]), (&json!("metadata_updated"), &json!("a")));
    hall.joins(2, "red", "b");
    let seen = hall.answer(2, json!({ "type": "discover_peers" }))["peers"][0]["metadata"].clone();
    assert_eq!(seen, answer["metadata"], "the answer and later discoveries say the same");
    seen
}

#[test]
fn an_update_merges_into_what_was_there() {
    let merged = json!({ "tags": ["t", "u"], "properties": { "p": 1, "q": 2 } });
    assert_eq!(left_after_an_update(Hall::hardened()), merged);
    let replaced = json!({ "tags": ["u"], "properties": { "q": 2 } });
    assert_eq!(left_after_an_update(Hall::with(Defect::MetadataReplacesInsteadOfMerges)), replaced);
}

// --- relays

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
fn message_crosses_rooms(mut hall: Hall) -> bool {
    hall.joins(1, "red", "a");
    hall.joins(2, "blue", "b");
    hall.says(1, message("a", "b")) == [Seen::Message(2, message("a", "b"))]
}

/// Whether a connection is heard as a peer that it did not register.
fn speaks_for_another(mut hall: Hall) -> bool {
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

// --- reservations

#[test]
fn a_reserved_worker_is_refused_to_others_until_it_is_released() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "w");
    hall.joins(2, "red", "a");
    hall.joins(3, "red", "b");
    let expected = json!({ "type": "worker_reserved", "worker_id": "w", "reserved_by": "a",
        "expires_at": (BEGIN + Duration::from_secs(30)).as_secs_f64() });
    assert_eq!(hall.answer(2, json!({ "type": "reserve_worker", "worker_id": "w" })), expected);
    assert_eq!(hall.code(3, reserve("w", 30)), ErrorCode::WorkerReserved);
    assert_eq!(hall.answer(2, reserve("w", 60))["type"], "worker_reserved", "the holder may prolong it");
    assert_eq!(hall.code(3, json!({ "type": "release_worker", "worker_id": "w" })), ErrorCode::NotReserved);
    let release = json!({ "type": "release_worker", "worker_id": "w" });
    assert_eq!(hall.answer(2, release), json!({ "type": "worker_released", "worker_id": "w" }));
    assert_eq!(hall.answer(3, reserve("w", 30))["reserved_by"], "b");
    assert_eq!(hall.code(2, reserve("nobody", 30)), ErrorCode::PeerNotFound);
    assert_eq!(hall.code(2, reserve("w", 0)), ErrorCode::InvalidMessage);
}

#[test]
fn nobody_has_deployed_reservations() {
    let mut hall = Hall::deployed();
    hall.joins(1, "red", "w");
    assert_eq!(hall.code(1, reserve("w", 30)), ErrorCode::UnknownMessageType);
    assert_eq!(hall.code(1, json!({ "type": "release_worker", "worker_id": "w" })), ErrorCode::UnknownMessageType);
}

/// Whether another may reserve the worker when the time of the first reservation is over.
fn free_after_its_time(mut hall: Hall) -> bool {
    hall.joins(1, "red", "w");
    hall.joins(2, "red", "a");
    hall.joins(3, "red", "b");
    hall.answer(2, reserve("w", 30));
    hall.now = BEGIN + Duration::from_secs(30) - Duration::from_nanos(1);
    assert_eq!(hall.code(3, reserve("w", 30)), ErrorCode::WorkerReserved);
    hall.now = BEGIN + Duration::from_secs(30);
    hall.answer(3, reserve("w", 30))["type"] == "worker_reserved"
}

#[test]
fn a_reservation_ends_at_its_time() {
    assert!(free_after_its_time(Hall::hardened()));
    assert!(!free_after_its_time(Hall::with(Defect::ReservationNeverExpires)));
}

#[test]
fn a_reservation_ends_when_its_holder_or_its_worker_leaves() {
    for leaves in [1, 2] {
        let mut hall = Hall::hardened();
        hall.joins(1, "red", "w");
        hall.joins(2, "red", "a");
        hall.joins(3, "red", "b");
        hall.answer(2, reserve("w", 30));
        hall.closes(leaves);
        hall.joins(4, "red", "w");
        assert_eq!(hall.answer(3, reserve("w", 30))["type"], "worker_reserved", "connection {leaves} left");
    }
}

#[test]
fn a_holder_that_reconnects_keeps_its_reservation() {
    let mut hall = Hall::hardened();
    hall.joins(1, "red", "w");
    hall.joins(2, "red", "a");
    hall.answer(2, reserve("w", 30));
    hall.joins(3, "red", "a");
    hall.closes(2);
    hall.joins(4, "red", "b");
    assert_eq!(hall.code(4, reserve("w", 30)), ErrorCode::WorkerReserved);
}

// --- completeness

#[test]
fn what_cannot_be_read_is_refused_with_its_code() {
    let mut hall = Hall::hardened();
    let mut code = |text: &str| match hall.says_text(1, text).as_slice() {
        [Seen::Message(1, answer)] => answer["code"].as_str().unwrap().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code("rubbish"), "INVALID_JSON");
    assert_eq!(code("{}"), "INVALID_MESSAGE");
    assert_eq!(code(r#"{"type":"dance"}"#), "UNKNOWN_MESSAGE_TYPE");
}

/// Makes the server answer with this code; what it really answered with.
fn provoked(code: ErrorCode) -> ErrorCode {
    let mut hall = Hall::new(Limits { room_peers_max: 2, ..Limits::default() }, &[], Profile::Documented);
    hall.joins(1, "red", "a");
    hall.joins(2, "red", "b");
    hall.joins(3, "blue", "elsewhere");
    let refused = |hall: &mut Hall, text: &str| match hall.says_text(1, text).as_slice() {
        [Seen::Message(1, answer)] => answer["code"].as_str().unwrap().parse().unwrap(),
        other => panic!("{other:?}"),
    };
    match code {
        ErrorCode::NotInRoom => hall.code(4, message("a", "b")),
        ErrorCode::RoomNotFound => hall.code(4, register("green", "c")),
        ErrorCode::PeerNotInRoom => hall.code(1, message("a", "elsewhere")),
        ErrorCode::PeerNotFound => hall.code(1, message("a", "nobody")),
        ErrorCode::InvalidMessage => refused(&mut hall, "{}"),
        ErrorCode::DeliveryFailed => {
            let Seen::Message(_, answer) = undelivered(&mut hall).remove(1) else { panic!("no refusal") };
            answer["code"].as_str().unwrap().parse().unwrap()
        }
        ErrorCode::UnknownMessageType => refused(&mut hall, r#"{"type":"dance"}"#),
        ErrorCode::InvalidJson => refused(&mut hall, "rubbish"),
        ErrorCode::InvalidToken => {
            let mut wrong_token = register("red", "a");
            wrong_token["token"] = json!("other");
            hall.code(4, wrong_token)
        }
        ErrorCode::InvalidIdentity => {
            let seen = hall.identified(4, &register("red", "a").to_string(), Err(IdentityError::Expired));
            let [Seen::Message(4, refused)] = seen.as_slice() else { panic!("{seen:?}") };
            refused["code"].as_str().unwrap().parse().unwrap()
        }
        ErrorCode::RoomExpired => {
            hall.now = BEGIN + Duration::from_secs(2 * 3_600);
            hall.code(4, register("red", "c"))
        }
        ErrorCode::RoomFull => hall.code(4, register("red", "c")),
        ErrorCode::MetadataTooLarge => hall.code(1, update("a", json!({ "properties": { "x": "x".repeat(70_000) } }))),
        ErrorCode::SenderMismatch => hall.code(1, message("b", "a")),
        ErrorCode::WorkerReserved => {
            hall.answer(2, reserve("b", 30));
            hall.code(1, reserve("b", 30))
        }
        ErrorCode::NotReserved => hall.code(1, json!({ "type": "release_worker", "worker_id": "b" })),
    }
}

/// `a` writes to `b`, whose connection does not take it.
fn undelivered(hall: &mut Hall) -> Vec<Seen> {
    hall.says(1, message("a", "b"));
    hall.rooms.handle(Input::Undeliverable { to: ConnectionId(2), from: Some(ConnectionId(1)) }, BEGIN);
    hall.seen()
}

#[test]
fn each_error_code_is_what_the_server_answers_in_its_case() {
    for code in ErrorCode::ALL {
        assert_eq!(provoked(code), code);
    }
}

/// Whether a server shows the flaw.
fn is_flawed(hall: Hall, defect: Defect) -> bool {
    match defect {
        Defect::LateCloseRemovesNewRegistration => !found_after_a_late_close(hall),
        Defect::MetadataReplacesInsteadOfMerges => left_after_an_update(hall)["properties"]["p"].is_null(),
        Defect::SenderNotChecked => speaks_for_another(hall),
        Defect::MessageCrossesRooms => message_crosses_rooms(hall),
        Defect::ReservationNeverExpires => !free_after_its_time(hall),
        Defect::StatusAfterAccept | Defect::NoBusyRejection | Defect::AssignmentTimeoutNeverFires => {
            panic!("{defect} is no defect of the server")
        }
    }
}

#[test]
fn each_defect_of_the_server_shows_when_it_is_on_and_only_then() {
    for defect in Defect::ALL.into_iter().filter(|defect| defect.side() == DefectSide::Server) {
        assert!(is_flawed(Hall::with(defect), defect), "{defect} is on and does not show");
        assert!(!is_flawed(Hall::hardened(), defect), "{defect} is off and shows");
    }
}
