//! The rooms core against a model of a few lines, over arbitrary sequences of what connections do: who is discovered is
//! always who registered last and has not left, whatever the order of closes and registrations.

use proptest::prelude::*;
use rehearsal_reference::defects::Defects;
use rehearsal_reference::identity::Claims;
use rehearsal_reference::protocol::{ClientMessage, Profile};
use rehearsal_reference::rooms::{ConnectionId, Input, Limits, Output, Rooms};
use rehearsal_reference::store::{MemoryRoomStore, RoomRecord, RoomStore};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const NOW: Duration = Duration::from_secs(1_762_165_800);
const ROOMS: [&str; 2] = ["red", "blue"];

#[derive(Clone, Debug)]
enum Step {
    Register { conn: u64, room: usize, peer: u8 },
    Close { conn: u64 },
    Overflow { conn: u64 },
    DeletePeer { peer: u8 },
    DeleteRoom { room: usize },
    Reserve { conn: u64, worker: u8 },
    Message { conn: u64, to: u8 },
}

fn any_step() -> impl Strategy<Value = Step> {
    let (conn, peer, room) = (0_u64..6, 0_u8..4, 0_usize..2);
    prop_oneof![
        4 => (conn.clone(), room.clone(), peer.clone()).prop_map(|(conn, room, peer)| Step::Register { conn, room, peer }),
        2 => conn.clone().prop_map(|conn| Step::Close { conn }),
        1 => conn.clone().prop_map(|conn| Step::Overflow { conn }),
        1 => peer.clone().prop_map(|peer| Step::DeletePeer { peer }),
        1 => room.prop_map(|room| Step::DeleteRoom { room }),
        2 => (conn.clone(), peer.clone()).prop_map(|(conn, worker)| Step::Reserve { conn, worker }),
        2 => (conn, peer).prop_map(|(conn, to)| Step::Message { conn, to }),
    ]
}

/// Which connection each peer of each room is on.
type Model = BTreeMap<(usize, u8), u64>;

struct World {
    rooms: Rooms,
    store: Arc<MemoryRoomStore>,
    model: Model,
}

impl World {
    fn new() -> World {
        let store = Arc::new(MemoryRoomStore::new());
        let rooms = Rooms::new(Limits::default(), Defects::none(), Profile::Documented, store.clone());
        World { rooms, store, model: Model::new() }
    }

    fn says(&mut self, conn: u64, message: &Value) -> Vec<Output> {
        let (conn, text) = (ConnectionId(conn), message.to_string());
        let input = match ClientMessage::parse(&text) {
            Ok(ClientMessage::Register(registration)) => {
                let identity = Ok(Claims { username: "ada".into(), expires_at: NOW + Duration::from_secs(60) });
                Input::Register { conn, registration, identity }
            }
            Ok(message) => Input::Said { conn, message, text: &text },
            Err(malformed) => Input::Malformed(conn, malformed),
        };
        self.rooms.handle(input, NOW);
        self.outputs()
    }

    fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.rooms.poll_output()).collect()
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Register { conn, room, peer } => self.register(conn, room, peer),
            Step::Close { conn } => {
                self.rooms.handle(Input::Closed(ConnectionId(conn)), NOW);
                self.model.retain(|_, on| *on != conn);
            }
            Step::Overflow { conn } => {
                self.rooms.handle(Input::Undeliverable { to: ConnectionId(conn), from: None }, NOW);
                self.model.retain(|_, on| *on != conn);
            }
            Step::DeletePeer { peer } => {
                self.rooms.delete_peer(&format!("p{peer}"));
                self.model.retain(|(_, id), _| *id != peer);
            }
            Step::DeleteRoom { room } => {
                self.rooms.delete_room(ROOMS[room]);
                self.model.retain(|(of, _), _| *of != room);
            }
            Step::Reserve { conn, worker } => {
                self.says(conn, &json!({ "type": "reserve_worker", "worker_id": format!("p{worker}") }));
            }
            Step::Message { conn, to } => self.message(conn, to),
        }
        self.outputs();
    }

    fn register(&mut self, conn: u64, room: usize, peer: u8) {
        let expires_at = NOW + Duration::from_secs(7_200);
        let room_id = ROOMS[room].to_string();
        self.store.create(RoomRecord { room_id, token: "key".into(), owner: "o".into(), expires_at });
        let (room_id, peer_id) = (ROOMS[room], format!("p{peer}"));
        self.says(
            conn,
            &json!({ "type": "register", "peer_id": peer_id, "room_id": room_id, "token": "key",
            "id_token": "jwt" }),
        );
        self.model.retain(|_, on| *on != conn);
        self.model.insert((room, peer), conn);
    }

    fn message(&mut self, conn: u64, to: u8) {
        let Some((&(room, from), _)) = self.model.iter().find(|(_, on)| **on == conn) else { return };
        let outputs = self.says(
            conn,
            &json!({ "type": "peer_message", "from_peer_id": format!("p{from}"),
            "to_peer_id": format!("p{to}"), "payload": {} }),
        );
        let [Output::Send { to: reached, text, .. }] = outputs.as_slice() else { panic!("{outputs:?}") };
        match self.model.get(&(room, to)) {
            Some(on) => assert!(*reached == ConnectionId(*on) && !text.contains("error")),
            None => assert!(*reached == ConnectionId(conn) && text.contains("PEER_NOT_")),
        }
    }

    /// Every registered connection discovers the others of its room, and nobody else is heard at all.
    fn agrees(&mut self) {
        for conn in 0..6 {
            let outputs = self.says(conn, &json!({ "type": "discover_peers" }));
            let [Output::Send { text, .. }] = outputs.as_slice() else { panic!("{outputs:?}") };
            let answer: Value = serde_json::from_str(text).expect("an answer is JSON");
            let here = self.model.iter().find(|(_, on)| **on == conn).map(|(place, _)| *place);
            let Some((room, peer)) = here else {
                assert_eq!(answer["code"], "NOT_IN_ROOM");
                continue;
            };
            let others: Vec<String> = self
                .model
                .keys()
                .filter(|(of, id)| *of == room && *id != peer)
                .map(|(_, id)| format!("p{id}"))
                .collect();
            let found: Vec<&str> =
                answer["peers"].as_array().into_iter().flatten().filter_map(|peer| peer["peer_id"].as_str()).collect();
            assert_eq!(found, others);
        }
        assert_eq!(self.rooms.metrics().active_connections, self.model.len());
    }
}

proptest! {
    #[test]
    fn who_is_found_is_who_registered_last_and_has_not_left(steps in proptest::collection::vec(any_step(), 0..60)) {
        let mut world = World::new();
        for step in &steps {
            world.take(step);
            world.agrees();
        }
        for conn in 0..6 {
            world.take(&Step::Close { conn });
        }
        prop_assert_eq!(world.rooms.metrics().active_rooms, 0);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>(), json_like in "[{}\\[\\]\":,a-z0-9\\\\ ]{0,60}") {
        let _ = ClientMessage::parse(&text);
        let _ = ClientMessage::parse(&format!("{{\"type\":\"peer_message\",{json_like}"));
        prop_assert!(ClientMessage::parse(&json_like).is_err());
    }
}
