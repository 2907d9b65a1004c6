//! The `meet` step: waits until enough users have come to the same point. In a repetition each round is a point of its own.

use super::interpreter::Interpreter;
use super::node::Node;
use super::verbs::Played;
use crate::recorder::error;
use rehearsal_reference::network::Network;
use rehearsal_reports::event::{Body, Kind};
use serde_json::Value;
use std::pin::pin;
use std::time::Duration;
use tokio::time::timeout;

impl<N: Network> Interpreter<N> {
    pub(super) async fn meet(&mut self, node: &Node<'_>, point: &str, count: u32, within: Duration) -> Played {
        let point = format!("{point}, round {}", self.visits(node));
        let commons = self.player.env.commons.clone();
        let meeting = timeout(within, commons.meet(&point, self.player.number, count));
        if self.session.reading(pin!(meeting)).await.is_ok() {
            return Ok(Value::Null);
        }
        let reason = format!("not all {count} came to `{point}` within {within:?}");
        let recorder = &self.player.recorder;
        let op_id = recorder.invoke(&node.name, Body::Empty);
        recorder.end(Kind::Failed, &node.name, op_id, error("timed_out", &reason));
        Err(format!("timed_out: {reason}"))
    }
}
