//! Reads what a server says, of either profile: both forms of the peer list at registration and all three forms of errors.
//! Neighbours: `peer`, `worker` and `client` use it; `server_message` writes the documented forms. It borrows from the
//! parsed JSON, so that a message is parsed once and can be shown to an observer as well.

use super::{ErrorCode, Metadata, Object};
use serde_json::Value;

/// What a server can say.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage<'a> {
    /// The registration is accepted.
    Registered(Registered<'a>),
    /// Another peer is the admin; the registration follows, as a plain peer.
    AdminConflict {
        /// Who is.
        current_admin: &'a str,
    },
    /// Who was discovered.
    PeerList {
        /// They match the filters.
        peers: Vec<DiscoveredPeer<'a>>,
    },
    /// The metadata is changed.
    MetadataUpdated {
        /// Of whom.
        peer_id: &'a str,
        /// The merged result.
        metadata: &'a Value,
    },
    /// A message of another peer.
    PeerMessage {
        /// Who sent it.
        from_peer_id: &'a str,
        /// To whom: us.
        to_peer_id: &'a str,
        /// What it says.
        payload: &'a Value,
    },
    /// The worker is reserved.
    WorkerReserved {
        /// Which one.
        worker_id: &'a str,
        /// For whom.
        reserved_by: &'a str,
        /// Until when, in seconds since 1970.
        expires_at: f64,
    },
    /// The reservation is given up.
    WorkerReleased {
        /// Of which worker.
        worker_id: &'a str,
    },
    /// It refuses.
    Error(ServerError<'a>),
    /// Anything else: relays of version 1 and of the mesh, and what is not known.
    Other {
        /// The `type`, or nothing.
        kind: &'a str,
        /// The whole message.
        message: &'a Value,
    },
}

/// An accepted registration.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered<'a> {
    /// The peer.
    pub peer_id: &'a str,
    /// The room.
    pub room_id: &'a str,
    /// The room's admin, if there is one.
    pub admin_peer_id: Option<&'a str>,
    /// The others in the room: id and, where the server tells it, metadata.
    pub others: Vec<(&'a str, Option<&'a Value>)>,
}

/// A peer in the answer to a discovery.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveredPeer<'a> {
    /// Its id.
    pub peer_id: &'a str,
    /// Its role.
    pub role: &'a str,
    /// What it says about itself.
    pub metadata: Option<&'a Object>,
    /// Since when it is connected, in seconds since 1970: whole in the documents, with a fraction when deployed.
    pub connected_at: Option<f64>,
}

impl<'a> DiscoveredPeer<'a> {
    /// One of its properties.
    pub fn property(&self, name: &str) -> Option<&'a Value> {
        self.metadata?.get("properties")?.as_object()?.get(name)
    }

    /// Its metadata, as a copy.
    pub fn metadata(&self) -> Metadata {
        Metadata(self.metadata.cloned().unwrap_or_default())
    }
}

/// A refusal of the server, in whichever form it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError<'a> {
    /// The code as it came, or the one that the deployed form means; empty if neither is known.
    pub code: &'a str,
    /// In words.
    pub message: &'a str,
    /// Whom the refused message was for, if the server says so.
    pub to_peer_id: Option<&'a str>,
}

impl ServerError<'_> {
    /// The code, if it is one of ours.
    pub fn known(&self) -> Option<ErrorCode> {
        self.code.parse().ok()
    }

    /// Whether it says that another peer could not be reached: it answers a relay or a reservation.
    pub fn is_about_a_peer(&self) -> bool {
        let about_a_peer = [ErrorCode::PeerNotFound, ErrorCode::PeerNotInRoom, ErrorCode::DeliveryFailed];
        self.known().is_some_and(|code| about_a_peer.contains(&code))
    }
}

impl<'a> ServerMessage<'a> {
    /// Reads a message. What is not understood is `Other`, never an error.
    pub fn of(message: &'a Value) -> ServerMessage<'a> {
        let kind = text(message, "type");
        Self::known(kind, message).unwrap_or(ServerMessage::Other { kind, message })
    }

    fn known(kind: &str, message: &'a Value) -> Option<ServerMessage<'a>> {
        Some(match kind {
            "registered_auth" => ServerMessage::Registered(registered(message)),
            "admin_conflict" => ServerMessage::AdminConflict { current_admin: text(message, "current_admin") },
            "peer_list" => {
                let peers = message.get("peers")?.as_array()?;
                ServerMessage::PeerList { peers: peers.iter().filter_map(discovered).collect() }
            }
            "metadata_updated" => ServerMessage::MetadataUpdated {
                peer_id: text(message, "peer_id"),
                metadata: message.get("metadata").unwrap_or(&Value::Null),
            },
            "peer_message" => ServerMessage::PeerMessage {
                from_peer_id: message.get("from_peer_id")?.as_str()?,
                to_peer_id: text(message, "to_peer_id"),
                payload: message.get("payload")?,
            },
            "worker_reserved" => ServerMessage::WorkerReserved {
                worker_id: message.get("worker_id")?.as_str()?,
                reserved_by: text(message, "reserved_by"),
                expires_at: message.get("expires_at").and_then(Value::as_f64).unwrap_or_default(),
            },
            "worker_released" => ServerMessage::WorkerReleased { worker_id: message.get("worker_id")?.as_str()? },
            "error" => ServerMessage::Error(refusal(message)),
            // The deployed server answers a bad identity token without any type.
            "" => {
                let message = message.get("error")?.as_str()?;
                let code = if message == "Invalid token" { ErrorCode::InvalidIdentity.as_str() } else { "" };
                ServerMessage::Error(ServerError { code, message, to_peer_id: None })
            }
            _ => return None,
        })
    }
}

fn text<'a>(message: &'a Value, key: &str) -> &'a str {
    message.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn registered(message: &Value) -> Registered<'_> {
    let metadata_of = |id: &str| message.get("peer_metadata").and_then(|by_id| by_id.get(id));
    // The registry document shows the others as objects, the deployed server as ids with metadata beside.
    let objects = message.get("peers").and_then(Value::as_array);
    let ids = message.get("peer_list").and_then(Value::as_array);
    let others = match (objects, ids) {
        (Some(objects), _) => {
            objects.iter().filter_map(|peer| Some((peer.get("peer_id")?.as_str()?, peer.get("metadata")))).collect()
        }
        (None, Some(ids)) => ids.iter().filter_map(Value::as_str).map(|id| (id, metadata_of(id))).collect(),
        (None, None) => Vec::new(),
    };
    Registered {
        peer_id: text(message, "peer_id"),
        room_id: text(message, "room_id"),
        admin_peer_id: message.get("admin_peer_id").and_then(Value::as_str),
        others,
    }
}

fn discovered(peer: &Value) -> Option<DiscoveredPeer<'_>> {
    Some(DiscoveredPeer {
        peer_id: peer.get("peer_id")?.as_str()?,
        role: text(peer, "role"),
        metadata: peer.get("metadata").and_then(Value::as_object),
        connected_at: peer.get("connected_at").and_then(Value::as_f64),
    })
}

fn refusal(message: &Value) -> ServerError<'_> {
    if let Some(code) = message.get("code").and_then(Value::as_str) {
        let to_peer_id = message.get("to_peer_id").and_then(Value::as_str);
        return ServerError { code, message: text(message, "message"), to_peer_id };
    }
    let reason = text(message, "reason");
    let code = match reason {
        "Missing required fields during registration." => ErrorCode::InvalidMessage.as_str(),
        "Room not found" => ErrorCode::RoomNotFound.as_str(),
        "Invalid token" => ErrorCode::InvalidToken.as_str(),
        "Room expired" => ErrorCode::RoomExpired.as_str(),
        _ => "",
    };
    ServerError { code, message: reason, to_peer_id: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_three_forms_of_errors_are_read() {
        let documented = json!({ "type": "error", "code": "PEER_NOT_FOUND", "message": "nobody" });
        let with_reason = json!({ "type": "error", "reason": "Room expired" });
        let untyped = json!({ "error": "Invalid token" });
        let code = |message: &Value| match ServerMessage::of(message) {
            ServerMessage::Error(error) => error.known(),
            _ => None,
        };
        assert_eq!(code(&documented), Some(ErrorCode::PeerNotFound));
        assert_eq!(code(&with_reason), Some(ErrorCode::RoomExpired));
        assert_eq!(code(&untyped), Some(ErrorCode::InvalidIdentity));
    }

    #[test]
    fn both_forms_of_the_others_in_a_room_are_read() {
        let objects = json!({ "type": "registered_auth", "peers": [{ "peer_id": "a", "metadata": { "tags": [] } }] });
        let ids = json!({ "type": "registered_auth", "peer_list": ["a"], "peer_metadata": { "a": { "tags": [] } } });
        for message in [objects, ids] {
            let ServerMessage::Registered(registered) = ServerMessage::of(&message) else { panic!("{message}") };
            assert_eq!(registered.others, vec![("a", Some(&json!({ "tags": [] })))]);
        }
    }

    #[test]
    fn what_is_not_known_is_other_and_never_lost() {
        let message = json!({ "type": "peer_list", "peers": 3 });
        assert_eq!(ServerMessage::of(&message), ServerMessage::Other { kind: "peer_list", message: &message });
        assert!(matches!(ServerMessage::of(&json!(7)), ServerMessage::Other { kind: "", .. }));
    }
}
