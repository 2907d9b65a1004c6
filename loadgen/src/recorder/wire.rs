//! Words for messages: which operation a sent message invokes, what an answer tells, and what is a relay between peers.
//! Neighbours: `awaited` keeps what is open. Field names are the API document's.

use super::awaited::Asked;
use super::names::Names;
use rehearsal_reference::protocol::{Registered, ServerMessage};
use rehearsal_reports::event::{
    Body, Content, JobMessage, Name, SAID_BYTES_MAX, Said, Seconds, Seen, digest, digest_and_bytes,
};
use serde_json::Value;
use std::sync::Arc;

/// What a sent message is.
pub enum Outgoing {
    /// It invokes an operation that the server answers.
    Operation {
        /// Which one.
        asked: Asked,
        /// Its name unless the step has one.
        op: &'static str,
        /// What its event tells.
        body: Body,
    },
    /// It is relayed to another peer.
    Relay {
        /// Whom it is for.
        to: Name,
        /// What its event tells.
        body: Body,
    },
    /// Anything else.
    Other(Body),
}

/// The text under a key, or nothing.
pub fn text<'a>(message: &'a Value, key: &str) -> &'a str {
    message.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Reads a message that a user sends.
pub fn outgoing(message: &Value, names: &mut Names) -> Outgoing {
    let kind = text(message, "type");
    let part = |key: &str| Arc::new(message.get(key).cloned().unwrap_or_default());
    let (asked, op, body) = match kind {
        "register" => {
            let role = message.get("role").and_then(Value::as_str).unwrap_or("peer");
            let body = Body::Register {
                peer: names.share_with_all(text(message, "peer_id")),
                room: names.share_with_all(text(message, "room_id")),
                role: names.share_with_all(role),
                metadata: part("metadata"),
            };
            (Asked::Register, "register", body)
        }
        "discover_peers" => (Asked::Discover, "discover", Body::Discover { filters: part("filters") }),
        "update_metadata" => (Asked::Update, "update_metadata", Body::Update { metadata: part("metadata") }),
        "reserve_worker" => {
            let duration_sec = message.get("duration_sec").and_then(Value::as_f64).unwrap_or(RESERVATION_SEC);
            let duration_sec = Seconds(duration_sec);
            let body = Body::Reserve { worker: names.share(text(message, "worker_id")), duration_sec };
            (Asked::Reserve { duration_ns: duration_sec.nanos() }, "reserve_worker", body)
        }
        _ => {
            return match relay(kind, message, None, names) {
                Some((to, body)) => Outgoing::Relay { to, body },
                None => Outgoing::Other(Body::Other { kind: names.share(kind) }),
            };
        }
    };
    Outgoing::Operation { asked, op, body }
}

/// A reservation's length when the message names none (operational document, option B).
const RESERVATION_SEC: f64 = 30.0;

/// A message that is relayed between peers: its receiver and what the event tells. `own` is the receiver where the wire
/// form names none.
pub fn relay(kind: &str, message: &Value, own: Option<&Name>, names: &mut Names) -> Option<(Name, Body)> {
    let Relayed { from, to, content } = relayed(kind, message)?;
    let to = match (to, own) {
        ("", Some(own)) => own.clone(),
        (to, _) => names.share(to),
    };
    let (digest, bytes) = digest_and_bytes(content);
    let body = Body::Message {
        kind: names.share(kind),
        from: names.share(from),
        to: to.clone(),
        digest,
        bytes,
        job: job_message(content, names),
    };
    Some((to, body))
}

/// What a message carries: of a relayed one its content, else all of it.
pub fn content(message: &Value) -> Content {
    Content::of(relayed(text(message, "type"), message).map_or(message, |relayed| relayed.content))
}

/// A relayed message's parts.
struct Relayed<'a> {
    from: &'a str,
    /// Empty where the wire form names none.
    to: &'a str,
    content: &'a Value,
}

fn relayed<'a>(kind: &str, message: &'a Value) -> Option<Relayed<'a>> {
    let (from, to, content) = match kind {
        "peer_message" => ("from_peer_id", "to_peer_id", message.get("payload")),
        "offer" | "answer" | "candidate" if message.get("sender").is_some() => {
            ("sender", "target", message.get("sdp").or_else(|| message.get("candidate")))
        }
        "mesh_connect" | "mesh_offer" => ("from_peer_id", "target_peer_id", message.get("offer")),
        "mesh_answer" => ("from_peer_id", "target_peer_id", message.get("answer")),
        "ice_candidate" => ("from_peer_id", "target_peer_id", message.get("candidate")),
        _ => return None,
    };
    Some(Relayed { from: text(message, from), to: text(message, to), content: content.unwrap_or(&Value::Null) })
}

fn job_message(content: &Value, names: &mut Names) -> Option<JobMessage> {
    let says = content.get("app_message_type")?.as_str()?;
    Some(JobMessage {
        says: names.share(says),
        job: content.get("job_id").and_then(Value::as_str).map(|job| names.share(job)),
        accepted: content.get("accepted").and_then(Value::as_bool),
    })
}

/// What a message says at the watched places. Tables and lists say nothing there, and what could be a secret is not kept.
pub fn said(message: &Value, watched: &[String], names: &mut Names) -> Said {
    if watched.is_empty() {
        return Said::new();
    }
    let said = watched.iter().filter_map(|pointer| {
        let value = match message.pointer(pointer)? {
            Value::Object(_) | Value::Array(_) => return None,
            Value::String(text) if text.len() > SAID_BYTES_MAX => {
                format!("xxh3:{:016x}", digest(&text.as_str().into())).into()
            }
            scalar => scalar.clone(),
        };
        let is_secret = pointer.ends_with("/token") || pointer.ends_with("/id_token");
        (!is_secret).then(|| (names.share(pointer), value))
    });
    said.collect()
}

/// What `registered_auth` tells.
pub fn registered(registered: &Registered<'_>, names: &mut Names) -> Body {
    Body::Registered {
        peers: registered.others.iter().map(|(peer, _)| names.share_with_all(peer)).collect(),
        admin: registered.admin_peer_id.map(|admin| names.share(admin)),
    }
}

/// What `peer_list` tells.
pub fn discovered(message: &Value, names: &mut Names) -> Body {
    let peers = message.get("peers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let seen = peers.iter().filter_map(|peer| {
        let metadata = peer.get("metadata").unwrap_or(&Value::Null);
        let status = metadata.get("properties").and_then(|properties| properties.get("status")).and_then(Value::as_str);
        Some(Seen {
            peer: names.share_with_all(peer.get("peer_id")?.as_str()?),
            status: status.map(|status| names.share(status)),
            metadata: digest(metadata),
        })
    });
    Body::Discovered { peers: seen.collect() }
}

/// Whether words name this peer: as a word of its own, since one id may begin like another.
pub fn mentions(words: &str, peer: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let mut places = words.match_indices(peer);
    !peer.is_empty()
        && places.any(|(at, _)| !words[..at].ends_with(is_part) && !words[at + peer.len()..].starts_with(is_part))
}

/// What an error tells; `to` is whom the refused message was for.
pub fn refusal(message: &Value, to: Option<Name>, names: &mut Names) -> Body {
    let (code, words) = match ServerMessage::of(message) {
        ServerMessage::Error(error) => (error.code, error.message),
        _ => ("", ""),
    };
    let code = if code.is_empty() { "error" } else { code };
    Body::Error { code: names.share(code), message: names.share(words), to }
}
