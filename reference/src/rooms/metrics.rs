//! What the server counts (`GET /metrics`). Neighbours: `server::metrics` shows it as JSON or for Prometheus.

use super::Rooms;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: u64,
    pub(super) registrations: u64,
    pub(super) messages: u64,
    pub(super) rooms_created: u64,
}

/// The figures of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Rooms with somebody in them.
    pub active_rooms: usize,
    /// Registered peers.
    pub active_connections: usize,
    /// Registered peers by role.
    pub peers_by_role: BTreeMap<String, usize>,
    /// WebSocket connections since the start.
    pub total_connections: u64,
    /// Accepted registrations since the start.
    pub total_registrations: u64,
    /// Relayed messages since the start.
    pub total_messages: u64,
    /// Rooms created since the start.
    pub rooms_created: u64,
}

impl Rooms {
    /// The figures of this moment.
    pub fn metrics(&self) -> Metrics {
        let mut peers_by_role = BTreeMap::new();
        for peer in self.peers.rooms().values().flat_map(|room| room.peers.values()) {
            *peers_by_role.entry(peer.role.clone()).or_default() += 1;
        }
        Metrics {
            active_rooms: self.peers.rooms().len(),
            active_connections: peers_by_role.values().sum(),
            peers_by_role,
            total_connections: self.counters.connections,
            total_registrations: self.counters.registrations,
            total_messages: self.counters.messages,
            rooms_created: self.counters.rooms_created,
        }
    }

    /// A room was created.
    pub fn count_created_room(&mut self) {
        self.counters.rooms_created += 1;
    }
}
