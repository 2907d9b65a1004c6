//! The bounds that keep one peer from costing the others. Neighbours: `register` and the queues of the server hold to
//! them. Left out: bounds that no deployment would change (terms of a discovery, nesting of JSON).

/// Bounds that the server enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest incoming message, in bytes; past it the connection is closed with 1009.
    pub message_bytes_max: usize,
    /// Largest metadata of one peer, in bytes of JSON.
    pub metadata_bytes_max: usize,
    /// Longest id of a peer, in bytes.
    pub id_bytes_max: usize,
    /// Longest role of a peer, in bytes.
    pub role_bytes_max: usize,
    /// Most peers in one room.
    pub room_peers_max: usize,
    /// Messages that wait for one slow receiver before its connection is closed with 1013.
    pub outbound_queue_max: usize,
    /// Bytes of messages that wait for one slow receiver before the same. One message may always wait, however large.
    pub outbound_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_bytes_max: 1 << 20,
            metadata_bytes_max: 64 << 10,
            id_bytes_max: 256,
            role_bytes_max: 64,
            room_peers_max: 2_000,
            outbound_queue_max: 1_024,
            outbound_bytes_max: 4 << 20,
        }
    }
}
