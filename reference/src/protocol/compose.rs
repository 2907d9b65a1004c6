//! What peers say to the server, composed as JSON. Neighbours: `client_message` reads the same on the server's side.
//!
//! Whole values are put in behind the rest: `json!` would copy them by serializing them, which takes several times as long.

use super::{Metadata, Object};
use serde_json::{Value, json};

/// A registration in the words of version 2.
pub fn register(room_id: &str, token: &str, id_token: &str, peer: RegisterAs<'_>) -> Value {
    let RegisterAs { peer_id, role, metadata, is_admin } = peer;
    let mut message = json!({ "type": "register", "peer_id": peer_id, "room_id": room_id, "token": token,
                              "id_token": id_token, "role": role, "is_admin": is_admin });
    message["metadata"] = Value::Object(metadata.0.clone());
    message
}

/// Who registers, in the words of version 2.
#[derive(Clone, Copy, Debug)]
pub struct RegisterAs<'a> {
    /// Its id.
    pub peer_id: &'a str,
    /// `worker`, `client`, `peer`.
    pub role: &'a str,
    /// What it says about itself.
    pub metadata: &'a Metadata,
    /// Whether it wants to be the room's admin.
    pub is_admin: bool,
}

/// A registration in the words of version 1: without role and metadata.
pub fn register_v1(room_id: &str, token: &str, id_token: &str, peer_id: &str) -> Value {
    json!({ "type": "register", "peer_id": peer_id, "room_id": room_id, "token": token, "id_token": id_token })
}

/// Who is there? `filters` may hold `role`, `tags` and `properties`.
pub fn discover_peers(from_peer_id: &str, filters: &Object) -> Value {
    let mut message = json!({ "type": "discover_peers", "from_peer_id": from_peer_id });
    message["filters"] = Value::Object(filters.clone());
    message
}

/// Filters for peers of a role whose properties match.
pub fn filters(role: Option<&str>, properties: Object) -> Object {
    let mut filters = Object::new();
    if let Some(role) = role {
        filters.insert("role".into(), role.into());
    }
    if !properties.is_empty() {
        filters.insert("properties".into(), Value::Object(properties));
    }
    filters
}

/// This is new about me.
pub fn update_metadata(peer_id: &str, metadata: &Metadata) -> Value {
    let mut message = json!({ "type": "update_metadata", "peer_id": peer_id });
    message["metadata"] = Value::Object(metadata.0.clone());
    message
}

/// A message to another peer of the room.
pub fn peer_message(from_peer_id: &str, to_peer_id: &str, payload: Value) -> Value {
    let mut message = json!({ "type": "peer_message", "from_peer_id": from_peer_id, "to_peer_id": to_peer_id });
    message["payload"] = payload;
    message
}

/// A worker for me alone, for a time (operational document, option B).
pub fn reserve_worker(worker_id: &str, duration_sec: u64) -> Value {
    json!({ "type": "reserve_worker", "worker_id": worker_id, "duration_sec": duration_sec })
}

/// The worker is no longer mine. Ours.
pub fn release_worker(worker_id: &str) -> Value {
    json!({ "type": "release_worker", "worker_id": worker_id })
}
