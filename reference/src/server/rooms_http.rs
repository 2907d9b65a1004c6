//! Rooms and peers over HTTP: create, extend, delete, and the deprecated discovery. Neighbours: `http` has the routes,
//! `store` the rooms, `rooms` the peers.

use super::Shared;
use super::http::{Asked, Fault, bearer, body_object, json_response};
use crate::protocol::{Object, Profile, shortened};
use crate::rooms::Removed;
use crate::store::{EXPIRED_ROOM_KEPT, ROOM_LIVES, RoomRecord};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Since when the HTTP discovery is deprecated (2025-11-03), and when it may go: six months later (registry tasks, 8.5).
const DEPRECATED: [(&str, &str); 2] = [("deprecation", "@1762128000"), ("sunset", "Sun, 03 May 2026 00:00:00 GMT")];

/// How many ids are tried for a new room. There are four thousand million; more tries would hide a broken random stream.
const ROOM_ID_ATTEMPTS: u32 = 16;

pub(super) fn create_room(shared: &Shared, asked: &Asked<'_>) -> Result<Response, Fault> {
    let owner = bearer(asked.headers, shared)?.username;
    let now = shared.surroundings.clock.now();
    shared.store.delete_expired_before(now.saturating_sub(EXPIRED_ROOM_KEPT));
    let token = shared.surroundings.random_hex(6);
    let expires_at = now + ROOM_LIVES;
    for _ in 0..ROOM_ID_ATTEMPTS {
        let (room_id, token, owner) = (shared.surroundings.random_hex(8), token.clone(), owner.clone());
        if shared.store.create(RoomRecord { room_id: room_id.clone(), token: token.clone().into(), owner, expires_at })
        {
            shared.hub.with_rooms(|rooms| rooms.count_created_room());
            return Ok(json_response(&json!({ "room_id": room_id, "token": token })));
        }
    }
    Err(Fault::Unavailable("no room id is free".to_string()))
}

/// Moves the end of a room to two hours from now, for its owner (operational document; the deployed server does not have
/// it).
pub(super) fn extend_room(shared: &Shared, asked: &Asked<'_>) -> Result<Response, Fault> {
    if shared.options.profile == Profile::Deployed {
        return Err(Fault::NotFound("Not Found"));
    }
    let asker = bearer(asked.headers, shared)?.username;
    let body = body_object(asked.body)?;
    let room_id = field(&body, "room_id")?;
    let now = shared.surroundings.clock.now();
    let no_such_room = || Fault::NotFound("there is no room with this id");
    let room = shared.store.get(room_id).ok_or_else(no_such_room)?;
    if room.owner != asker {
        return Err(Fault::Forbidden("only who created a room may extend it"));
    }
    if room.expires_at <= now {
        return Err(Fault::Gone("the time of this room is over"));
    }
    let expires_at = now + ROOM_LIVES;
    if !shared.store.extend(room_id, expires_at) {
        return Err(no_such_room());
    }
    Ok(json_response(&json!({ "room_id": room_id, "expires_at": expires_at.as_secs() })))
}

pub(super) fn delete_peer(shared: &Shared, asked: &Asked<'_>) -> Result<Response, Fault> {
    let body = body_object(asked.body)?;
    let peer_id = field(&body, "peer_id")?;
    let removed = shared.hub.with_rooms(|rooms| rooms.delete_peer(peer_id));
    let peer_id = shortened(peer_id);
    Ok(status(match removed.peers {
        0 => format!("peer {peer_id} was in no room, nothing to delete"),
        _ => format!("peer {peer_id} deleted"),
    }))
}

pub(super) fn delete_peers_and_room(shared: &Shared, asked: &Asked<'_>) -> Result<Response, Fault> {
    let body = body_object(asked.body)?;
    if body.contains_key("room_id") {
        let room_id = field(&body, "room_id")?;
        let removed = shared.hub.with_rooms(|rooms| rooms.delete_room(room_id));
        return Ok(status(sentence(room_id, removed)));
    }
    let peer_id = field(&body, "peer_id").map_err(|_| Fault::Unprocessable {
        place: "body",
        field: "room_id",
        message: "either `room_id` or `peer_id` is needed".to_string(),
    })?;
    let sentences = shared.hub.with_rooms(|rooms| {
        let of_peer = rooms.rooms_of(peer_id);
        of_peer.iter().map(|room_id| sentence(room_id, rooms.delete_room(room_id))).collect::<Vec<_>>()
    });
    Ok(status(match sentences.as_slice() {
        [] => format!("peer {} was in no room, nothing to delete", shortened(peer_id)),
        some => some.join("; "),
    }))
}

/// The workers of a room with filters (registry tasks, 6.4): deprecated, and says so in its headers.
pub(super) fn discover_workers(shared: &Shared, asked: &Asked<'_>) -> Result<Response, Fault> {
    let body = body_object(asked.body)?;
    let room_id = field(&body, "room_id")?;
    let no_filters = Object::new();
    let filters = match body.get("filters") {
        None | Some(Value::Null) => &no_filters,
        Some(Value::Object(filters)) => filters,
        Some(_) => return Err(unprocessable("filters", "an object is needed".to_string())),
    };
    let workers = shared.hub.with_rooms(|rooms| rooms.workers(room_id, filters));
    let workers = workers.map_err(|refusal| unprocessable("filters", refusal.message))?;
    let text = format!(r#"{{"workers":[{}],"count":{}}}"#, workers.join(","), workers.len());
    Ok((DEPRECATED, [(http::header::CONTENT_TYPE, "application/json")], text).into_response())
}

fn field<'a>(body: &'a Object, name: &'static str) -> Result<&'a str, Fault> {
    body.get(name).and_then(Value::as_str).ok_or_else(|| unprocessable(name, "a text is needed".to_string()))
}

fn unprocessable(field: &'static str, message: String) -> Fault {
    Fault::Unprocessable { place: "body", field, message }
}

fn status(sentence: String) -> Response {
    json_response(&json!({ "status": sentence }))
}

fn sentence(room_id: &str, removed: Removed) -> String {
    let room_id = shortened(room_id);
    match removed {
        Removed { peers: 0, room: false } => format!("there is no room {room_id}, nothing to delete"),
        Removed { peers, .. } => format!("room {room_id} deleted with {peers} peers"),
    }
}
