//! A registered peer as the server keeps it, with its answers rendered ahead: metadata is sent far more often than it
//! changes. Neighbours: `membership` keeps peers in rooms, `discover` and `register` send what is rendered here.

use super::ConnectionId;
use super::tags::Tags;
use crate::protocol::{Metadata, Profile, server_message};
use std::time::Duration;

/// A registered peer.
#[derive(Debug)]
pub(super) struct Peer {
    /// The connection that registered it last.
    pub(super) conn: ConnectionId,
    pub(super) role: String,
    metadata: Metadata,
    tags: Tags,
    metadata_json: String,
    connected_at: String,
    discovered_json: String,
}

impl Peer {
    /// A peer that registers `now`, which is time since 1970.
    pub(super) fn new(conn: ConnectionId, id: &str, role: String, metadata: Metadata, now: Stamp) -> Peer {
        let mut peer = Peer {
            conn,
            role,
            metadata: Metadata::default(),
            tags: Tags::default(),
            metadata_json: String::new(),
            connected_at: now.0,
            discovered_json: String::new(),
        };
        peer.set_metadata(id, Rendered::new(metadata));
        peer
    }

    /// A peer for tests of what is asked about peers.
    #[cfg(test)]
    pub(super) fn example(role: &str, metadata: Metadata) -> Peer {
        let now = Stamp::new(Duration::ZERO, Profile::Documented);
        Peer::new(ConnectionId(1), "example", role.to_string(), metadata, now)
    }

    pub(super) fn set_metadata(&mut self, id: &str, rendered: Rendered) {
        self.metadata = rendered.metadata;
        self.tags = Tags::of(self.metadata.tags());
        self.metadata_json = rendered.json;
        self.discovered_json = server_message::discovered_peer(id, &self.role, &self.metadata_json, &self.connected_at);
    }

    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(super) fn tags(&self) -> &Tags {
        &self.tags
    }

    pub(super) fn metadata_json(&self) -> &str {
        &self.metadata_json
    }

    /// As it stands in the answer to a discovery.
    pub(super) fn discovered_json(&self) -> &str {
        &self.discovered_json
    }
}

/// Metadata and its JSON text.
pub(super) struct Rendered {
    metadata: Metadata,
    json: String,
}

impl Rendered {
    pub(super) fn new(metadata: Metadata) -> Rendered {
        let json = serde_json::to_string(&metadata).expect("a JSON object always has a text");
        Rendered { metadata, json }
    }

    /// The metadata back, without its text.
    pub(super) fn metadata(self) -> Metadata {
        self.metadata
    }

    pub(super) fn bytes(&self) -> usize {
        self.json.len()
    }
}

/// A time of the wall clock as it is shown: whole seconds in the documents, a fraction when deployed.
pub(super) struct Stamp(String);

impl Stamp {
    pub(super) fn new(now: Duration, profile: Profile) -> Stamp {
        Stamp(match profile {
            Profile::Documented => now.as_secs().to_string(),
            Profile::Deployed => format!("{}.{:06}", now.as_secs(), now.subsec_micros()),
        })
    }
}
