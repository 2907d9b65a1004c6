//! Two rooms with their clock and their store, driven by hand.

use rehearsal_reference::defects::{Defect, Defects};
use rehearsal_reference::identity::{Claims, IdentityError};
use rehearsal_reference::protocol::{ClientMessage, ErrorCode, Profile};
use rehearsal_reference::rooms::{ConnectionId, Input, Limits, Output, Rooms};
use rehearsal_reference::store::{MemoryRoomStore, RoomRecord, RoomStore};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The wall clock when a test begins.
pub const BEGIN: Duration = Duration::from_secs(1_762_165_800);

/// What came out for a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Message(u64, Value),
    Closed(u64, u16),
}

/// Two rooms, `red` and `blue`, both with the token `key`; red ends after two hours, blue after one.
pub struct Hall {
    pub rooms: Rooms,
    pub store: Arc<MemoryRoomStore>,
    pub now: Duration,
}

impl Hall {
    pub fn new(limits: Limits, defects: &[Defect], profile: Profile) -> Hall {
        let store = Arc::new(MemoryRoomStore::new());
        for (room_id, hours) in [("red", 2), ("blue", 1)] {
            let expires_at = BEGIN + Duration::from_secs(hours * 3_600);
            store.create(RoomRecord { room_id: room_id.into(), token: "key".into(), owner: "o".into(), expires_at });
        }
        let defects: Defects = defects.iter().copied().collect();
        Hall { rooms: Rooms::new(limits, defects, profile, store.clone()), store, now: BEGIN }
    }

    pub fn hardened() -> Hall {
        Hall::new(Limits::default(), &[], Profile::Documented)
    }

    pub fn with(defect: Defect) -> Hall {
        Hall::new(Limits::default(), &[defect], Profile::Documented)
    }

    pub fn deployed() -> Hall {
        Hall::new(Limits::default(), &[], Profile::Deployed)
    }

    pub fn seen(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.rooms.poll_output())
            .map(|output| match output {
                Output::Send { to, text, .. } => Seen::Message(to.0, serde_json::from_str(&text).unwrap()),
                Output::Close { conn, code, .. } => Seen::Closed(conn.0, code),
            })
            .collect()
    }

    pub fn identified(&mut self, conn: u64, text: &str, identity: Result<Claims, IdentityError>) -> Vec<Seen> {
        let conn = ConnectionId(conn);
        let input = match ClientMessage::parse(text) {
            Ok(ClientMessage::Register(registration)) => Input::Register { conn, registration, identity },
            Ok(message) => Input::Said { conn, message, text },
            Err(malformed) => Input::Malformed(conn, malformed),
        };
        self.rooms.handle(input, self.now);
        self.seen()
    }

    pub fn says_text(&mut self, conn: u64, text: &str) -> Vec<Seen> {
        let vouched = Claims { username: "ada".into(), expires_at: self.now + Duration::from_secs(60) };
        self.identified(conn, text, Ok(vouched))
    }

    pub fn says(&mut self, conn: u64, message: Value) -> Vec<Seen> {
        self.says_text(conn, &message.to_string())
    }

    /// The one answer to who said it.
    pub fn answer(&mut self, conn: u64, message: Value) -> Value {
        match self.says(conn, message).as_slice() {
            [Seen::Message(to, answer)] if *to == conn => answer.clone(),
            other => panic!("not one answer: {other:?}"),
        }
    }

    pub fn code(&mut self, conn: u64, message: Value) -> ErrorCode {
        let answer = self.answer(conn, message);
        assert_eq!(answer["type"], "error", "{answer}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
        answer["code"].as_str().unwrap().parse().unwrap()
    }

    pub fn joins_as(&mut self, conn: u64, room: &str, peer: &str, role: &str, metadata: Value) -> Vec<Seen> {
        let mut message = register(room, peer);
        message["role"] = json!(role);
        message["metadata"] = metadata;
        self.says(conn, message)
    }

    pub fn joins(&mut self, conn: u64, room: &str, peer: &str) {
        let seen = self.joins_as(conn, room, peer, "worker", json!({ "tags": ["t"], "properties": { "p": 1 } }));
        assert!(
            seen.iter().any(|seen| matches!(seen, Seen::Message(_, answer) if answer["type"] == "registered_auth"))
        );
    }

    pub fn closes(&mut self, conn: u64) -> Vec<Seen> {
        self.rooms.handle(Input::Closed(ConnectionId(conn)), self.now);
        self.seen()
    }

    pub fn discovers(&mut self, conn: u64, filters: Value) -> Vec<String> {
        let answer = self.answer(conn, json!({ "type": "discover_peers", "filters": filters }));
        let peers = answer["peers"].as_array().unwrap();
        assert_eq!(answer["count"], peers.len());
        peers.iter().map(|peer| peer["peer_id"].as_str().unwrap().to_string()).collect()
    }
}

pub fn register(room: &str, peer: &str) -> Value {
    json!({ "type": "register", "peer_id": peer, "room_id": room, "token": "key", "id_token": "jwt" })
}

pub fn message(from: &str, to: &str) -> Value {
    json!({ "type": "peer_message", "from_peer_id": from, "to_peer_id": to, "payload": { "n": 1 } })
}

pub fn update(peer: &str, metadata: Value) -> Value {
    json!({ "type": "update_metadata", "peer_id": peer, "metadata": metadata })
}

pub fn reserve(worker: &str, duration_sec: u64) -> Value {
    json!({ "type": "reserve_worker", "worker_id": worker, "duration_sec": duration_sec })
}
