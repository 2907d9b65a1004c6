//! `GET /metrics`: JSON as documented, or Prometheus text. Neighbours: `rooms::Metrics`, `negotiate` (which of
//! the two).

use crate::rooms::Metrics;
use serde_json::{Value, json};
use std::fmt::Write;

/// The documented JSON.
pub(super) fn as_json(metrics: &Metrics, timestamp: &str) -> Value {
    json!({
        "timestamp": timestamp,
        "active_rooms": metrics.active_rooms,
        "active_connections": metrics.active_connections,
        "peers_by_role": metrics.peers_by_role,
        "total_connections": metrics.total_connections,
        "total_messages": metrics.total_messages,
        "rooms_created": metrics.rooms_created,
    })
}

/// Prometheus' text format, version 0.0.4.
pub(super) fn as_prometheus(metrics: &Metrics) -> String {
    let mut text = String::new();
    let mut one = |name: &str, kind: &str, help: &str, value: u64| {
        let _ =
            writeln!(text, "# HELP signaling_{name} {help}\n# TYPE signaling_{name} {kind}\nsignaling_{name} {value}");
    };
    one("active_rooms", "gauge", "Rooms with somebody in them.", metrics.active_rooms as u64);
    one("active_connections", "gauge", "Registered peers.", metrics.active_connections as u64);
    one("connections_total", "counter", "WebSocket connections since the start.", metrics.total_connections);
    one("registrations_total", "counter", "Accepted registrations since the start.", metrics.total_registrations);
    one("messages_total", "counter", "Relayed messages since the start.", metrics.total_messages);
    one("rooms_created_total", "counter", "Rooms created since the start.", metrics.rooms_created);
    text.push_str("# HELP signaling_peers Registered peers by role.\n# TYPE signaling_peers gauge\n");
    for (role, peers) in &metrics.peers_by_role {
        let _ = writeln!(text, "signaling_peers{{role=\"{}\"}} {peers}", escaped(role));
    }
    text
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_cannot_break_out_of_its_label() {
        let peers_by_role = [("a\"} 1\nx".to_string(), 2)].into();
        let text = as_prometheus(&Metrics { peers_by_role, ..Metrics::default() });
        assert!(text.ends_with("signaling_peers{role=\"a\\\"} 1\\nx\"} 2\n"), "{text}");
    }
}
