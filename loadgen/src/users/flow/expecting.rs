//! The steps that wait for messages, one, one of several, or none, or for the end of the connection. Messages that came
//! earlier and were not asked for count.
//! Neighbours: `verbs` (what users do), `interpreter` (plays the branch that was chosen).

use super::interpreter::Interpreter;
use super::node::Node;
use super::scope::Secrets;
use super::verbs::{Played, ended, peer_of};
use crate::recorder::error;
use crate::users::pattern;
use rehearsal_reference::network::Network;
use rehearsal_reports::event::{Body, Kind};
use rehearsal_scenarios::plan::Branch;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Why a message did not come: the class and the reason.
type Missed = (&'static str, String);

impl<N: Network> Interpreter<N> {
    pub(super) async fn expect(&mut self, node: &Node<'_>, wanted: &Value, within: Duration) -> Played {
        let wanted = self.filled(node, wanted, Secrets::Hidden)?;
        let op_id = self.player.recorder.invoke(&node.name, Body::Empty);
        let received = self.receive(within, |message| pattern::matches(&wanted, message)).await;
        let received = received
            .and_then(|message| message.ok_or_else(|| ("timed_out", format!("no such message within {within:?}"))));
        self.expected(node, op_id, received)
    }

    /// Waits for one of the branches; gives its index and the message.
    pub(super) async fn expect_one_of(
        &mut self,
        node: &Node<'_>,
        branches: &[Branch],
        within: Duration,
    ) -> Result<(usize, Value), String> {
        let patterns = branches.iter().map(|branch| self.filled(node, &branch.pattern, Secrets::Hidden));
        let wanted = patterns.collect::<Result<Vec<_>, _>>()?;
        let chosen = |message: &Value| wanted.iter().position(|wanted| pattern::matches(wanted, message));
        let op_id = self.player.recorder.invoke(&node.name, Body::Empty);
        let received = self.receive(within, |message| chosen(message).is_some()).await;
        let received = received.and_then(|message| {
            message.ok_or_else(|| ("timed_out", format!("none of {} messages within {within:?}", wanted.len())))
        });
        let message = self.expected(node, op_id, received)?;
        Ok((chosen(&message).unwrap_or_default(), message))
    }

    pub(super) async fn expect_none(&mut self, node: &Node<'_>, unwanted: &Value, within: Duration) -> Played {
        let unwanted = self.filled(node, unwanted, Secrets::Hidden)?;
        let op_id = self.player.recorder.invoke(&node.name, Body::Empty);
        let received = match self.receive(within, |message| pattern::matches(&unwanted, message)).await {
            Ok(Some(message)) => Err(("unexpected", format!("this was not to come: {message}"))),
            Ok(None) => Ok(Value::Null),
            Err(missed) => Err(missed),
        };
        self.expected(node, op_id, received)
    }

    pub(super) async fn expect_close(&mut self, node: &Node<'_>, code: Option<u16>, within: Duration) -> Played {
        let op_id = self.player.recorder.invoke(&node.name, Body::Empty);
        let received = self.closed(code, within).await;
        self.expected(node, op_id, received)
    }

    /// How the other side ended the connection; earlier ends count.
    async fn closed(&mut self, code: Option<u16>, within: Duration) -> Result<Value, Missed> {
        let peer = peer_of(self.session.peer()).map_err(|reason| ("closed", reason))?;
        let Ok(end) = timeout(within, peer.idle()).await else {
            return Err(("timed_out", format!("the connection is still there after {within:?}")));
        };
        match code {
            Some(code) if end.code != Some(code) => {
                Err(("unexpected", format!("not with code {code}: {}", ended(&end))))
            }
            _ => Ok(json!({ "code": end.code, "reason": end.reason })),
        }
    }

    /// The first message that is wanted, kept or new; none if it does not come in time.
    async fn receive(&mut self, within: Duration, wanted: impl FnMut(&Value) -> bool) -> Result<Option<Value>, Missed> {
        let until = Instant::now() + within;
        let peer = peer_of(self.session.peer()).map_err(|reason| ("closed", reason))?;
        peer.receive_matching(until, wanted).await.map_err(|end| ("closed", ended(&end)))
    }

    fn expected(&self, node: &Node<'_>, op_id: u64, received: Result<Value, Missed>) -> Played {
        let recorder = &self.player.recorder;
        match received {
            Ok(message) => {
                recorder.end(Kind::Ok, &node.name, op_id, Body::Empty);
                Ok(message)
            }
            Err((class, reason)) => {
                recorder.end(Kind::Failed, &node.name, op_id, error(class, &reason));
                Err(format!("{class}: {reason}"))
            }
        }
    }
}
