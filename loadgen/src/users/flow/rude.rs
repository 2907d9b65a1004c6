//! The steps of users that servers have to be protected from: those that read nothing, and those that send what no client may
//! (RFC 6455, section 5). Neighbours: `verbs` (what polite users do), `expecting` (how the server ends it).
//! Left out: messages of the right form that are too large or no JSON, which `raw` sends.

use super::interpreter::Interpreter;
use super::node::Node;
use super::verbs::{Played, ended, peer_of};
use crate::recorder::error;
use rehearsal_reference::network::Network;
use rehearsal_reports::event::{Body, Kind};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::Malformed;
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

impl<N: Network> Interpreter<N> {
    /// Nobody reads the connection meanwhile, unlike when a user thinks.
    pub(super) async fn stop_reading(&mut self, node: &Node<'_>, length: &Distribution) -> Played {
        sleep(Duration::from_nanos(self.sample(node, length))).await;
        Ok(Value::Null)
    }

    pub(super) async fn malformed(&mut self, node: &Node<'_>, malformed: Malformed) -> Played {
        let body = Body::Text { text: malformed.word().into() };
        let op_id = self.player.recorder.invoke(&node.name, body);
        let sent = match peer_of(self.session.peer()) {
            Ok(peer) => peer.send_bytes(&bytes(malformed)).await.map_err(|end| ended(&end)),
            Err(reason) => Err(reason),
        };
        let recorder = &self.player.recorder;
        match &sent {
            Ok(()) => recorder.end(Kind::Ok, &node.name, op_id, Body::Empty),
            Err(reason) => recorder.end(Kind::Failed, &node.name, op_id, error("closed", reason)),
        }
        sent.map(|()| Value::Null)
    }
}

/// A mask of zeros leaves what it masks as it is.
const MASK: [u8; 4] = [0; 4];

/// What goes over the wire.
fn bytes(malformed: Malformed) -> Vec<u8> {
    match malformed {
        Malformed::Unmasked => vec![0x81, 0x02, b'{', b'}'],
        Malformed::ReservedBit => masked(&[0xc1, 0x82], b"{}"),
        Malformed::ReservedOpcode => masked(&[0x83, 0x82], b"{}"),
        Malformed::Endless => masked(&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0], b""),
        Malformed::StrayContinuation => masked(&[0x80, 0x82], b"{}"),
        Malformed::LongPing => masked(&[0x89, 0xfe, 0, 126], &[b'.'; 126]),
        Malformed::NotUtf8 => masked(&[0x81, 0x82], &[0xc3, 0x28]),
    }
}

fn masked(head: &[u8], payload: &[u8]) -> Vec<u8> {
    [head, &MASK, payload].concat()
}
