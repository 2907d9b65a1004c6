//! Reads what a peer says to the server. Payloads, offers and candidates stay the text that they came as: the server
//! passes them on unchanged and never looks inside. Neighbours: `compose` writes the same, `rooms` acts on it. What
//! cannot be read is refused with a sentence that names the field.

use super::Object;
use super::depth::depth_fits;
use super::error_code::{ErrorCode, Refusal, unknown_type};
use super::fields::{missing, optional, parse_text, read_metadata, required_object, required_text};
use super::metadata::Metadata;
use super::secret::Secret;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a peer can say.
#[derive(Clone, Debug)]
pub enum ClientMessage<'a> {
    /// I am this peer of this room.
    Register(Box<Registration>),
    /// Who is there?
    DiscoverPeers {
        /// Who asks; the registered peer if it does not say (operational document).
        from_peer_id: Option<Cow<'a, str>>,
        /// `role`, `tags`, `properties`.
        filters: Object,
    },
    /// This is new about me.
    UpdateMetadata {
        /// Who speaks.
        peer_id: Cow<'a, str>,
        /// What is new.
        metadata: Metadata,
    },
    /// To another peer of the room.
    PeerMessage {
        /// Who speaks.
        from_peer_id: Cow<'a, str>,
        /// To whom.
        to_peer_id: Cow<'a, str>,
        /// A JSON object.
        payload: &'a RawValue,
    },
    /// A signal of version 1, relayed as it is.
    Signal(Signal<'a>),
    /// A signal of the mesh.
    Mesh {
        /// Which one.
        kind: MeshKind,
        /// Who speaks.
        from_peer_id: Cow<'a, str>,
        /// To whom.
        target_peer_id: Cow<'a, str>,
        /// The offer, answer or candidate.
        body: &'a RawValue,
    },
    /// A worker for me alone, for a time (operational document, option B).
    ReserveWorker {
        /// Which one.
        worker_id: Cow<'a, str>,
        /// For how long, in seconds; 30 if it does not say.
        duration_sec: u64,
    },
    /// The worker is no longer mine. Ours.
    ReleaseWorker {
        /// Which one.
        worker_id: Cow<'a, str>,
    },
}

/// A message that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What is wrong with it.
    pub refusal: Refusal,
    /// Whether it is a `register`: the deployed server refuses those in another form.
    pub in_registration: bool,
}

/// What `register` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// The peer.
    pub peer_id: String,
    /// The room.
    pub room_id: String,
    /// The room's token.
    pub token: Secret,
    /// The identity token.
    pub id_token: Secret,
    /// `peer` if it does not say (version 1).
    pub role: String,
    /// `{}` if it does not say (version 1).
    pub metadata: Metadata,
    /// Whether it wants to be the room's admin.
    pub is_admin: bool,
}

/// A signal of version 1.
#[derive(Clone, Debug)]
pub struct Signal<'a> {
    /// Which one.
    pub kind: SignalKind,
    /// Who speaks.
    pub sender: Cow<'a, str>,
    /// To whom.
    pub target: Cow<'a, str>,
    /// `sdp` or `candidate`, if it is there.
    pub body: Option<&'a RawValue>,
}

/// The kinds of signals of version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// `offer`.
    Offer,
    /// `answer`.
    Answer,
    /// `candidate`.
    Candidate,
}

impl SignalKind {
    /// The key of its body.
    pub fn body_key(self) -> &'static str {
        match self {
            SignalKind::Offer | SignalKind::Answer => "sdp",
            SignalKind::Candidate => "candidate",
        }
    }
}

/// The signals of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeshKind {
    /// `mesh_connect`, delivered as `mesh_offer`.
    Connect,
    /// `mesh_answer`.
    Answer,
    /// `ice_candidate`.
    IceCandidate,
}

impl MeshKind {
    /// The `type` under which it is delivered, and the key of its body.
    pub fn delivered_as(self) -> (&'static str, &'static str) {
        match self {
            MeshKind::Connect => ("mesh_offer", "offer"),
            MeshKind::Answer => ("mesh_answer", "answer"),
            MeshKind::IceCandidate => ("ice_candidate", "candidate"),
        }
    }
}

/// How long a reservation lasts if nobody says, in seconds (operational document).
pub const RESERVATION_SEC: u64 = 30;

/// Every field of every message, still as text: nothing is copied before it is known to be needed.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    peer_id: Option<&'a RawValue>,
    #[serde(borrow)]
    room_id: Option<&'a RawValue>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    id_token: Option<&'a RawValue>,
    #[serde(borrow)]
    role: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    is_admin: Option<&'a RawValue>,
    #[serde(borrow)]
    from_peer_id: Option<&'a RawValue>,
    #[serde(borrow)]
    to_peer_id: Option<&'a RawValue>,
    #[serde(borrow)]
    target_peer_id: Option<&'a RawValue>,
    #[serde(borrow)]
    filters: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    #[serde(borrow)]
    sender: Option<&'a RawValue>,
    #[serde(borrow)]
    target: Option<&'a RawValue>,
    #[serde(borrow)]
    sdp: Option<&'a RawValue>,
    #[serde(borrow)]
    offer: Option<&'a RawValue>,
    #[serde(borrow)]
    answer: Option<&'a RawValue>,
    #[serde(borrow)]
    candidate: Option<&'a RawValue>,
    #[serde(borrow)]
    worker_id: Option<&'a RawValue>,
    #[serde(borrow)]
    duration_sec: Option<&'a RawValue>,
}

impl<'a> ClientMessage<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// INVALID_JSON if it is not one JSON object, UNKNOWN_MESSAGE_TYPE, or INVALID_MESSAGE with the field at fault.
    pub fn parse(text: &'a str) -> Result<ClientMessage<'a>, Malformed> {
        let outside = |refusal| Malformed { refusal, in_registration: false };
        let wire = read_object(text).map_err(outside)?;
        let kind = required_text("type", wire.kind).map_err(outside)?;
        Self::of_kind(&kind, &wire).map_err(|refusal| Malformed { refusal, in_registration: kind == "register" })
    }

    fn of_kind(kind: &str, wire: &Wire<'a>) -> Result<ClientMessage<'a>, Refusal> {
        Ok(match kind {
            "register" => ClientMessage::Register(Box::new(wire.registration()?)),
            "discover_peers" => ClientMessage::DiscoverPeers {
                from_peer_id: wire.from_peer_id.map(|raw| parse_text("from_peer_id", raw)).transpose()?,
                filters: optional("filters", "an object", wire.filters)?.unwrap_or_default(),
            },
            "update_metadata" => ClientMessage::UpdateMetadata {
                peer_id: required_text("peer_id", wire.peer_id)?,
                metadata: read_metadata(wire.metadata)?.ok_or_else(|| missing("metadata"))?,
            },
            "peer_message" => ClientMessage::PeerMessage {
                from_peer_id: required_text("from_peer_id", wire.from_peer_id)?,
                to_peer_id: required_text("to_peer_id", wire.to_peer_id)?,
                payload: required_object("payload", wire.payload)?,
            },
            "offer" => wire.signal(SignalKind::Offer)?,
            "answer" => wire.signal(SignalKind::Answer)?,
            "candidate" => wire.signal(SignalKind::Candidate)?,
            "mesh_connect" => wire.mesh(MeshKind::Connect, "offer", wire.offer)?,
            "mesh_answer" => wire.mesh(MeshKind::Answer, "answer", wire.answer)?,
            "ice_candidate" => wire.mesh(MeshKind::IceCandidate, "candidate", wire.candidate)?,
            "reserve_worker" => ClientMessage::ReserveWorker {
                worker_id: required_text("worker_id", wire.worker_id)?,
                duration_sec: wire.duration_sec()?,
            },
            "release_worker" => ClientMessage::ReleaseWorker { worker_id: required_text("worker_id", wire.worker_id)? },
            other => return Err(unknown_type(other)),
        })
    }
}

impl<'a> Wire<'a> {
    fn registration(&self) -> Result<Registration, Refusal> {
        Ok(Registration {
            peer_id: required_text("peer_id", self.peer_id)?.into_owned(),
            room_id: required_text("room_id", self.room_id)?.into_owned(),
            token: required_text("token", self.token)?.into_owned().into(),
            id_token: required_text("id_token", self.id_token)?.into_owned().into(),
            role: optional("role", "a text", self.role)?.unwrap_or_else(|| "peer".to_string()),
            metadata: read_metadata(self.metadata)?.unwrap_or_default(),
            is_admin: optional("is_admin", "true or false", self.is_admin)?.unwrap_or(false),
        })
    }

    fn signal(&self, kind: SignalKind) -> Result<ClientMessage<'a>, Refusal> {
        let sender = required_text("sender", self.sender)?;
        let target = required_text("target", self.target)?;
        let body = match kind {
            SignalKind::Offer | SignalKind::Answer => self.sdp,
            SignalKind::Candidate => self.candidate,
        };
        Ok(ClientMessage::Signal(Signal { kind, sender, target, body }))
    }

    fn mesh(
        &self,
        kind: MeshKind,
        key: &'static str,
        body: Option<&'a RawValue>,
    ) -> Result<ClientMessage<'a>, Refusal> {
        let from_peer_id = required_text("from_peer_id", self.from_peer_id)?;
        let target_peer_id = required_text("target_peer_id", self.target_peer_id)?;
        Ok(ClientMessage::Mesh { kind, from_peer_id, target_peer_id, body: required_object(key, body)? })
    }

    fn duration_sec(&self) -> Result<u64, Refusal> {
        let seconds = optional::<u64>("duration_sec", "a whole number of seconds", self.duration_sec)?;
        match seconds.unwrap_or(RESERVATION_SEC) {
            0 => Err(ErrorCode::InvalidMessage.because("`duration_sec` must be at least 1")),
            seconds => Ok(seconds),
        }
    }
}

fn read_object(text: &str) -> Result<Wire<'_>, Refusal> {
    if !text.trim_start().starts_with('{') {
        return Err(ErrorCode::InvalidJson.because("a message must be a JSON object"));
    }
    depth_fits(text.as_bytes())?;
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ErrorCode::InvalidMessage.because(error.to_string()),
        _ => ErrorCode::InvalidJson.because(format!("this is not JSON: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (ErrorCode, String) {
        let refusal = ClientMessage::parse(text).expect_err("it must be refused").refusal;
        (refusal.code, refusal.message)
    }

    #[test]
    fn a_registration_of_version_1_gets_the_documented_defaults() {
        let text = r#"{"type":"register","peer_id":"a","room_id":"r","token":"t","id_token":"j"}"#;
        let Ok(ClientMessage::Register(registration)) = ClientMessage::parse(text) else { panic!("not read") };
        assert_eq!((registration.role.as_str(), registration.is_admin), ("peer", false));
        assert_eq!(registration.metadata, Metadata::default());
    }

    #[test]
    fn a_payload_keeps_its_own_text() {
        let text =
            r#"{"type":"peer_message","from_peer_id":"a\u0062","to_peer_id":"b","payload":{"z": 1.50, "a":1e400}}"#;
        let Ok(ClientMessage::PeerMessage { from_peer_id, payload, .. }) = ClientMessage::parse(text) else {
            panic!("not read")
        };
        assert_eq!(from_peer_id, "ab");
        assert_eq!(payload.get(), r#"{"z": 1.50, "a":1e400}"#);
    }

    #[test]
    fn what_is_no_json_object_is_invalid_json() {
        for text in ["", "{", "[1]", "\"x\"", "nonsense", "{\"type\":\"offer\"} trailing"] {
            assert_eq!(refused(text).0, ErrorCode::InvalidJson, "{text}");
        }
    }

    #[test]
    fn a_payload_that_is_nested_too_deep_is_refused_although_nobody_looks_inside() {
        let (open, close) = ("[".repeat(125), "]".repeat(125));
        let text = |more: &str, less: &str| {
            format!(
                r#"{{"type":"peer_message","from_peer_id":"a","to_peer_id":"b","payload":{{"x":{more}{open}{close}{less}}}}}"#
            )
        };
        assert!(ClientMessage::parse(&text("", "")).is_ok());
        let (code, message) = refused(&text("[", "]"));
        assert!(code == ErrorCode::InvalidMessage && message.contains("128 levels"), "{message}");
    }

    #[test]
    fn a_registration_hides_its_tokens_from_logs() {
        let text = r#"{"type":"register","peer_id":"a","room_id":"r","token":"key-a1","id_token":"jwt-b2"}"#;
        let shown = format!("{:?}", ClientMessage::parse(text));
        assert!(shown.contains("peer_id") && !shown.contains("key-a1") && !shown.contains("jwt-b2"), "{shown}");
    }

    #[test]
    fn a_field_at_fault_is_named() {
        assert_eq!(refused("{}"), (ErrorCode::InvalidMessage, "`type` is missing".into()));
        assert_eq!(
            refused(r#"{"type":"peer_message","from_peer_id":"a","to_peer_id":"b","payload":3}"#),
            (ErrorCode::InvalidMessage, "`payload` must be an object".into())
        );
        assert_eq!(
            refused(r#"{"type":"update_metadata","peer_id":"a","metadata":{"tags":"gpu"}}"#),
            (ErrorCode::InvalidMessage, "`metadata.tags` must be a list".into())
        );
        assert_eq!(
            refused(r#"{"type":"offer","sender":7,"target":"b"}"#),
            (ErrorCode::InvalidMessage, "`sender` must be a text".into())
        );
    }

    #[test]
    fn an_unknown_type_is_named() {
        let (code, message) = refused(r#"{"type":"dance"}"#);
        assert_eq!(code, ErrorCode::UnknownMessageType);
        assert!(message.contains("`dance`"));
    }
}
