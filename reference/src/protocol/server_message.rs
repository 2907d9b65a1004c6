//! Writes what the server says, as text that is ready to be sent. Neighbours: `rooms` calls it, `answer` reads the same
//! on the client's side. Metadata comes in already rendered, since it is sent far more often than it changes.

use super::Profile;
use super::client_message::MeshKind;
use super::error_code::{ErrorCode, Refusal};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fmt::Write;

/// A peer as others see it at registration.
#[derive(Clone, Copy, Debug)]
pub struct OtherPeer<'a> {
    /// Its id.
    pub peer_id: &'a str,
    /// Its metadata, rendered.
    pub metadata_json: &'a str,
    /// Whether it is the room's admin.
    pub is_admin: bool,
}

/// The room that a peer is registered in.
#[derive(Clone, Copy, Debug)]
pub struct RegisteredIn<'a> {
    /// Its id.
    pub room_id: &'a str,
    /// Its token.
    pub token: &'a str,
    /// Its admin, if it has one.
    pub admin_peer_id: Option<&'a str>,
}

/// The answer to `register`: the others both as the registry document shows them (`peers`, which the deployed server does
/// not send) and as deployed (`peer_list` and `peer_metadata`).
pub fn registered_auth(room: RegisteredIn<'_>, peer_id: &str, others: &[OtherPeer<'_>], profile: Profile) -> String {
    let mut text =
        String::with_capacity(256 + others.iter().map(|peer| 64 + 2 * peer.metadata_json.len()).sum::<usize>());
    text.push_str(r#"{"type":"registered_auth","room_id":"#);
    quote(&mut text, room.room_id);
    text.push_str(r#","token":"#);
    quote(&mut text, room.token);
    text.push_str(r#","peer_id":"#);
    quote(&mut text, peer_id);
    text.push_str(r#","admin_peer_id":"#);
    match room.admin_peer_id {
        Some(admin) => quote(&mut text, admin),
        None => text.push_str("null"),
    }
    if profile == Profile::Documented {
        text.push_str(r#","peers":["#);
        separated(&mut text, others, |text, peer| {
            text.push_str(r#"{"peer_id":"#);
            quote(text, peer.peer_id);
            let _ = write!(text, r#","metadata":{},"is_admin":{}}}"#, peer.metadata_json, peer.is_admin);
        });
        text.push(']');
    }
    text.push_str(r#","peer_list":["#);
    separated(&mut text, others, |text, peer| quote(text, peer.peer_id));
    text.push_str(r#"],"peer_metadata":{"#);
    separated(&mut text, others, |text, peer| {
        quote(text, peer.peer_id);
        text.push(':');
        text.push_str(peer.metadata_json);
    });
    text.push_str(r#"},"ice_servers":[],"mesh_ice_servers":[]}"#);
    text
}

/// One peer in the answer to a discovery; `connected_at_sec` is whole in the documents.
pub fn discovered_peer(peer_id: &str, role: &str, metadata_json: &str, connected_at_sec: &str) -> String {
    let mut text = String::with_capacity(64 + peer_id.len() + metadata_json.len());
    text.push_str(r#"{"peer_id":"#);
    quote(&mut text, peer_id);
    text.push_str(r#","role":"#);
    quote(&mut text, role);
    let _ = write!(text, r#","metadata":{metadata_json},"connected_at":{connected_at_sec}}}"#);
    text
}

/// The answer to a discovery, from what [`discovered_peer`] rendered.
pub fn peer_list(to_peer_id: &str, peers: &[&str]) -> String {
    let mut text = String::with_capacity(96 + peers.iter().map(|peer| peer.len() + 1).sum::<usize>());
    text.push_str(r#"{"type":"peer_list","to_peer_id":"#);
    quote(&mut text, to_peer_id);
    text.push_str(r#","peers":["#);
    separated(&mut text, peers, |text, peer| text.push_str(peer));
    let _ = write!(text, r#"],"count":{}}}"#, peers.len());
    text
}

/// The answer to `update_metadata`: the merged result.
pub fn metadata_updated(peer_id: &str, metadata_json: &str) -> String {
    let mut text = String::with_capacity(64 + peer_id.len() + metadata_json.len());
    text.push_str(r#"{"type":"metadata_updated","peer_id":"#);
    quote(&mut text, peer_id);
    let _ = write!(text, r#","metadata":{metadata_json}}}"#);
    text
}

/// A message of another peer: the four keys that it was sent with.
pub fn peer_message(from_peer_id: &str, to_peer_id: &str, payload: &RawValue) -> String {
    let payload = payload.get();
    let mut text = String::with_capacity(80 + from_peer_id.len() + to_peer_id.len() + payload.len());
    text.push_str(r#"{"type":"peer_message","from_peer_id":"#);
    quote(&mut text, from_peer_id);
    text.push_str(r#","to_peer_id":"#);
    quote(&mut text, to_peer_id);
    let _ = write!(text, r#","payload":{payload}}}"#);
    text
}

/// A signal of the mesh: without the target's id.
pub fn mesh(kind: MeshKind, from_peer_id: &str, body: &RawValue) -> String {
    let (delivered_as, key) = kind.delivered_as();
    let mut text = format!(r#"{{"type":"{delivered_as}","from_peer_id":"#);
    quote(&mut text, from_peer_id);
    let _ = write!(text, r#","{key}":{}}}"#, body.get());
    text
}

/// Another peer is the admin already.
pub fn admin_conflict(room_id: &str, current_admin: &str) -> String {
    #[derive(Serialize)]
    struct Conflict<'a> {
        r#type: &'static str,
        room_id: &'a str,
        current_admin: &'a str,
    }
    rendered(&Conflict { r#type: "admin_conflict", room_id, current_admin })
}

/// The worker is the asker's alone until `expires_at_sec`, in seconds since 1970. Ours.
pub fn worker_reserved(worker_id: &str, reserved_by: &str, expires_at_sec: f64) -> String {
    #[derive(Serialize)]
    struct Reserved<'a> {
        r#type: &'static str,
        worker_id: &'a str,
        reserved_by: &'a str,
        expires_at: f64,
    }
    rendered(&Reserved { r#type: "worker_reserved", worker_id, reserved_by, expires_at: expires_at_sec })
}

/// The worker is free again. Ours.
pub fn worker_released(worker_id: &str) -> String {
    let mut text = String::from(r#"{"type":"worker_released","worker_id":"#);
    quote(&mut text, worker_id);
    text.push('}');
    text
}

/// A refusal in the documented form; the documented profile also says whom the refused message was for, unless that is
/// longer than any id may be.
pub fn error(refusal: &Refusal, profile: Profile, id_bytes_max: usize) -> String {
    let mut text = format!(r#"{{"type":"error","code":"{}","message":"#, refusal.code);
    quote(&mut text, &refusal.message);
    let to_peer_id = refusal.to_peer_id.as_deref().filter(|id| id.len() <= id_bytes_max);
    if let (Some(to_peer_id), Profile::Documented) = (to_peer_id, profile) {
        text.push_str(r#","to_peer_id":"#);
        quote(&mut text, to_peer_id);
    }
    text.push('}');
    text
}

/// A refused registration in the deployed form: a `reason`, or no type at all.
pub fn deployed_registration_error(refusal: &Refusal) -> String {
    let reason = match refusal.code {
        ErrorCode::InvalidIdentity => return r#"{"error":"Invalid token"}"#.to_string(),
        ErrorCode::InvalidMessage => "Missing required fields during registration.",
        ErrorCode::RoomNotFound => "Room not found",
        ErrorCode::InvalidToken => "Invalid token",
        ErrorCode::RoomExpired => "Room expired",
        _ => &refusal.message,
    };
    let mut text = String::from(r#"{"type":"error","reason":"#);
    quote(&mut text, reason);
    text.push('}');
    text
}

/// The same JSON with every character past ASCII written as `\uXXXX`, as the deployed server does.
pub fn ascii_only(json: String) -> String {
    if json.is_ascii() {
        return json;
    }
    let mut text = String::with_capacity(json.len() * 2);
    let mut units = [0; 2];
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

fn separated<T>(text: &mut String, items: &[T], mut one: impl FnMut(&mut String, &T)) {
    for (nth, item) in items.iter().enumerate() {
        if nth > 0 {
            text.push(',');
        }
        one(text, item);
    }
}

fn quote(text: &mut String, value: &str) {
    let plain = value.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
    if plain {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&rendered(value));
    }
}

fn rendered<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("texts and numbers always have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_text_is_json_whatever_the_ids_contain() {
        let id = "a\"\\\n\u{1}é";
        let raw = RawValue::from_string(r#"{"x":1}"#.into()).expect("this is JSON");
        let other = OtherPeer { peer_id: id, metadata_json: "{}", is_admin: true };
        let room = RegisteredIn { room_id: id, token: id, admin_peer_id: Some(id) };
        let texts = [
            registered_auth(room, id, &[other, other], Profile::Documented),
            registered_auth(room, id, &[other, other], Profile::Deployed),
            peer_list(id, &[&discovered_peer(id, id, "{}", "1"), &discovered_peer(id, id, "{}", "1.5")]),
            metadata_updated(id, "{}"),
            peer_message(id, id, &raw),
            mesh(MeshKind::Connect, id, &raw),
            admin_conflict(id, id),
            worker_reserved(id, id, 1.5),
            worker_released(id),
            error(&ErrorCode::PeerNotFound.because(id).about(id), Profile::Documented, 256),
            deployed_registration_error(&ErrorCode::RoomFull.because(id)),
        ];
        for text in texts {
            let parsed: Value = serde_json::from_str(&text).expect(&text);
            assert!(parsed["type"].is_string(), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&ascii_only(text)).expect("still JSON"), parsed);
        }
    }

    #[test]
    fn a_character_past_the_basic_plane_becomes_a_surrogate_pair() {
        assert_eq!(ascii_only("\"é😀\"".into()), r#""\u00e9\ud83d\ude00""#);
    }
}
