//! What each step does. Every failure is a reason in words; the recorder has written the operation's own end by then.
//! Neighbours: `session` (connections), `expecting` (messages that should come, or not), `http` and `meeting` (steps off the
//! WebSocket), `interpreter` (what comes next).

use super::interpreter::Interpreter;
use super::node::Node;
use super::scope::Secrets;
use crate::steward::Steward;
use crate::users::player::{Player, to_plan_time};
use crate::users::template::{fill, fill_text};
use rehearsal_reference::network::Network;
use rehearsal_reference::observer::ConnectionEnd;
use rehearsal_reference::peer::{ANSWER_WITHIN, AskError, Introduction, Peer};
use rehearsal_reference::protocol::{ErrorCode, Metadata, Object};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{Ending, Protocol, Retry, Service, Verb, World};
use serde_json::Value;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Where messages name whom they are for.
const RECEIVERS: [&str; 3] = ["to_peer_id", "target_peer_id", "target"];

/// A step's answer, for captures, or why it failed.
pub(super) type Played = Result<Value, String>;

impl<N: Network> Interpreter<N> {
    /// Plays one step that holds no others. Boxed are all but the steps that are played again and again: a user that thinks
    /// takes the memory of thinking, not of connecting.
    pub(super) async fn step(&mut self, node: &Node<'_>) -> Played {
        match &node.step.verb {
            Verb::Join => {
                Box::pin(self.connect(node)).await?;
                Box::pin(self.register(node)).await
            }
            Verb::Connect => Box::pin(self.connect(node)).await,
            Verb::Register => Box::pin(self.register(node)).await,
            Verb::Discover { filters, retry } => Box::pin(self.discover(node, filters, *retry)).await,
            Verb::UpdateMetadata { metadata } => Box::pin(self.update_metadata(node, metadata)).await,
            Verb::Send { to, payload } => self.send(node, to, payload).await,
            Verb::Raw { message } => self.raw(node, message).await,
            Verb::Expect { pattern, within_ns } => self.expect(node, pattern, Duration::from_nanos(*within_ns)).await,
            Verb::ExpectNone { pattern, for_ns } => {
                Box::pin(self.expect_none(node, pattern, Duration::from_nanos(*for_ns))).await
            }
            Verb::ExpectClose { code, within_ns } => {
                Box::pin(self.expect_close(node, *code, Duration::from_nanos(*within_ns))).await
            }
            Verb::Malformed(malformed) => Box::pin(self.malformed(node, *malformed)).await,
            Verb::Http { .. } => Box::pin(self.http(node)).await,
            Verb::At(at_ns) => Box::pin(self.at(to_plan_time(*at_ns))).await,
            Verb::Think(length) => self.think(node, length).await,
            Verb::StopReading(length) => self.stop_reading(node, length).await,
            Verb::Meet { point, count, within_ns } => {
                Box::pin(self.meet(node, point, *count, Duration::from_nanos(*within_ns))).await
            }
            Verb::Disconnect(ending) => {
                Box::pin(self.session.end(*ending)).await;
                Ok(Value::Null)
            }
            Verb::Reconnect { ending, after } => Box::pin(self.reconnect(node, *ending, after)).await,
            // The interpreter plays these itself.
            Verb::Repeat { .. } | Verb::ExpectOneOf { .. } | Verb::Stop => Ok(Value::Null),
        }
    }

    async fn connect(&mut self, node: &Node<'_>) -> Played {
        self.enter().await;
        self.name_next(node);
        let (env, target, recorder) = (&self.player.env, self.player.target(), self.player.recorder.clone());
        let connected = self.session.connect(env, &target, recorder).await;
        connected.map(|()| Value::Null).map_err(|failure| failure.to_string())
    }

    /// Registers; where the identity token is not accepted any more, once again with another one.
    async fn register(&mut self, node: &Node<'_>) -> Played {
        let asked = self.introduce(node).await?;
        match &asked {
            Err(AskError::Refused { code, .. }) if code == ErrorCode::InvalidIdentity.as_str() => {
                self.sign_in_again().await?;
                let asked = self.introduce(node).await?;
                self.answered(asked)
            }
            _ => self.answered(asked),
        }
    }

    async fn introduce(&mut self, node: &Node<'_>) -> Result<Result<Value, AskError>, String> {
        self.name_next(node);
        let credentials = self.player.credentials();
        let user = self.player.user();
        let (protocol, role) = (user.protocol, user.role.clone());
        let properties: Object = user.properties.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let metadata = Metadata::new(user.tags.iter().map(String::as_str), properties);
        let introduction = match protocol {
            Protocol::V1 => Introduction::V1,
            Protocol::V2 => Introduction::V2 { role: &role, metadata: &metadata, is_admin: false },
        };
        Ok(peer_of(self.session.peer())?.register(&credentials, introduction, ANSWER_WITHIN).await)
    }

    /// Takes another identity token, as an operation of this user, and keeps its name.
    pub(super) async fn sign_in_again(&mut self) -> Result<(), String> {
        let target = self.player.target();
        let Player { env, number, recorder, identity, .. } = &mut self.player;
        let mut steward = Steward::of_user(env, target, recorder.clone());
        let renewed = steward.renew(*number, &identity.id_token).await;
        let renewed = renewed.map_err(|failure| format!("signing in again failed: {failure}"))?;
        identity.id_token = renewed.id_token;
        Ok(())
    }

    async fn discover(&mut self, node: &Node<'_>, filters: &Value, retry: Option<Retry>) -> Played {
        let filters =
            object(fill(filters, &self.scope(Secrets::Hidden)).map_err(|error| error.to_string())?.into_owned());
        let peer_id = self.player.identity.username.clone();
        let give_up_at = Instant::now() + Duration::from_nanos(retry.map_or(0, |retry| retry.for_ns));
        loop {
            self.name_next(node);
            let asked = peer_of(self.session.peer())?.discover(&peer_id, &filters, ANSWER_WITHIN).await;
            let answer = self.answered(asked)?;
            let Some(retry) = retry else { return Ok(answer) };
            if answer.get("peers").and_then(Value::as_array).is_some_and(|peers| !peers.is_empty()) {
                return Ok(answer);
            }
            let pause = Duration::from_nanos(retry.every_ns.max(1_000_000));
            if Instant::now() + pause > give_up_at {
                return Err("timed_out: nobody matched in time".into());
            }
            self.session.reading(pin!(sleep(pause))).await;
        }
    }

    async fn update_metadata(&mut self, node: &Node<'_>, metadata: &Value) -> Played {
        let metadata = fill(metadata, &self.scope(Secrets::Hidden)).map_err(|error| error.to_string())?.into_owned();
        self.name_next(node);
        let peer_id = self.player.identity.username.clone();
        let peer = peer_of(self.session.peer())?;
        let asked = peer.update_metadata(&peer_id, &Metadata(object(metadata)), ANSWER_WITHIN).await;
        self.answered(asked)
    }

    async fn send(&mut self, node: &Node<'_>, to: &str, payload: &Value) -> Played {
        let to = fill_text(to, &self.scope(Secrets::Hidden)).map_err(|error| error.to_string())?;
        let payload = self.filled(node, payload, Secrets::Hidden)?.into_owned();
        self.check_receiver(&to)?;
        self.name_next(node);
        let peer_id = &self.player.identity.username;
        let told = peer_of(self.session.peer())?.tell(peer_id, &to, payload).await;
        told.map(|()| Value::Null).map_err(|end| ended(&end))
    }

    async fn raw(&mut self, node: &Node<'_>, message: &Value) -> Played {
        let message = self.filled(node, message, Secrets::Allowed)?;
        if !self.strangers.is_empty() {
            let mut receivers = RECEIVERS.iter().filter_map(|key| message.get(key).and_then(Value::as_str));
            receivers.try_for_each(|receiver| self.check_receiver(receiver))?;
        }
        self.name_next(node);
        let peer = peer_of(self.session.peer())?;
        let sent = match (message.as_ref(), &node.written) {
            (Value::String(text), _) => peer.send_text(text.clone()).await,
            (message, Some(written)) => peer.send_written(message, written).await,
            (message, None) => peer.send(message).await,
        };
        sent.map(|()| Value::Null).map_err(|end| ended(&end))
    }

    /// Refuses a receiver that is somebody else's. Who sends to a peer that nobody is tries out the server, which may.
    fn check_receiver(&self, to: &str) -> Result<(), String> {
        match self.strangers.contains(to) {
            true => Err(format!("stranger: `{to}` was not registered by this run and is sent nothing")),
            false => Ok(()),
        }
    }

    /// Keeps who of those in an answer is somebody else's. The simulated world has nobody else, and of the peers of a service of
    /// one's own a run knows nothing.
    pub(super) fn look_for_strangers(&mut self, answer: &Value) {
        let env = &self.player.env;
        if env.plan.world == World::Simulated || env.plan.system.service == Service::Own {
            return;
        }
        let shown = peers_in(answer);
        if !shown.is_empty() {
            self.strangers.extend(env.commons.strangers_among(shown.into_iter()));
        }
    }

    /// What comes next was planned for this time, also when it is past.
    async fn at(&mut self, planned_ns: i64) -> Played {
        if self.wait_until(planned_ns).await {
            self.player.recorder.plan_next(planned_ns);
        }
        Ok(Value::Null)
    }

    async fn think(&mut self, node: &Node<'_>, length: &Distribution) -> Played {
        let length = self.sample(node, length);
        self.session.reading(pin!(sleep(Duration::from_nanos(length)))).await;
        self.player.recorder.put_off(to_plan_time(length));
        Ok(Value::Null)
    }

    async fn reconnect(&mut self, node: &Node<'_>, ending: Ending, after: &Distribution) -> Played {
        let away = self.sample(node, after);
        self.session.end(ending).await;
        sleep(Duration::from_nanos(away)).await;
        self.player.recorder.put_off(to_plan_time(away));
        let connected = self.connect(node).await?;
        match self.player.env.plan.system.service {
            Service::Reference => self.register(node).await,
            Service::Own => Ok(connected),
        }
    }

    /// Gives the next message or operation the author's own name, and keeps a planned time that waits for it. Steps that
    /// are several operations keep the operations' names.
    fn name_next(&self, node: &Node<'_>) {
        if !matches!(node.step.verb, Verb::Join | Verb::Reconnect { .. }) {
            self.player.recorder.name_next(node.own_name.clone());
        }
    }

    fn answered(&self, asked: Result<Value, AskError>) -> Played {
        asked.map_err(|failure| {
            if failure == AskError::TimedOut {
                self.player.recorder.give_up(self.session.conn(), "no answer in time");
            }
            failure.to_string()
        })
    }
}

/// The peers that an answer or a message shows. Each message is looked through once, since it is asked of all of them.
fn peers_in(answer: &Value) -> Vec<&str> {
    let mut shown = Vec::new();
    for (key, value) in answer.as_object().into_iter().flatten() {
        let items = || value.as_array().into_iter().flatten();
        match key.as_str() {
            "peers" => shown.extend(items().filter_map(|peer| peer.get("peer_id")?.as_str())),
            "peer_list" => shown.extend(items().filter_map(Value::as_str)),
            "from_peer_id" | "sender" => shown.extend(value.as_str()),
            _ => {}
        }
    }
    shown
}

pub(super) fn peer_of<N: Network>(peer: Option<&mut Peer<N>>) -> Result<&mut Peer<N>, String> {
    peer.ok_or_else(|| "closed: not connected".to_owned())
}

pub(super) fn ended(end: &ConnectionEnd) -> String {
    match end.code {
        Some(code) => format!("closed: the connection ended with code {code} {}", end.reason),
        None => format!("closed: the connection ended: {}", end.reason),
    }
}

/// Metadata and filters are objects; anything else is as good as none.
fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}
