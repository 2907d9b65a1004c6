//! The `http` step: one request of the user's own HTTP session, with the statuses that count as success. Rooms and
//! identities that it makes are removed at the end like those that the run made.

use super::interpreter::Interpreter;
use super::node::Node;
use super::scope::Secrets;
use super::verbs::Played;
use crate::journal::{Entry, Resource};
use crate::steward::{error_of, kind_of};
use crate::users::template::{fill, fill_text};
use http::{Method, StatusCode};
use rehearsal_reference::failure::Failure;
use rehearsal_reference::http_client::HttpAnswer;
use rehearsal_reference::network::Network;
use rehearsal_reports::event::{Body, Kind, Name};
use rehearsal_scenarios::plan::{Service, Verb};
use serde_json::Value;
use std::pin::pin;

impl<N: Network> Interpreter<N> {
    pub(super) async fn http(&mut self, node: &Node<'_>) -> Played {
        let Verb::Http { method, path, body, bearer, status } = &node.step.verb else { return Ok(Value::Null) };
        let scope = self.scope(Secrets::Hidden);
        let shown = Name::from(format!("{method} {path}"));
        let path = fill_text(path, &scope).map_err(|error| error.to_string())?;
        let body = match body {
            Some(body) => Some(fill(body, &scope).map_err(|error| error.to_string())?.into_owned()),
            None => None,
        };
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        let message = body.as_ref().unwrap_or(&Value::Null);
        let op_id = self.player.recorder.invoke_saying(&node.name, Body::Empty, message);
        let token = bearer.then(|| self.player.identity.id_token.clone());
        let mut answer = self.ask(&method, &path, token.as_deref(), body.as_ref()).await;
        let is_refused = answer.as_ref().is_ok_and(|answer| answer.status == StatusCode::UNAUTHORIZED);
        if *bearer && is_refused && !status.contains(&401) && self.sign_in_again().await.is_ok() {
            let token = self.player.identity.id_token.clone();
            answer = self.ask(&method, &path, Some(&token), body.as_ref()).await;
        }
        let played = self.http_ended(node, op_id, shown, status, answer);
        let env = &self.player.env;
        let made = played.as_ref().ok().filter(|_| env.plan.system.service == Service::Reference);
        if let Some((what, id)) = made.and_then(|answer| made_at(&path, answer)) {
            env.journal.write(&Entry::Made { what, id: id.to_owned() });
            env.commons.add_other(what, id.to_owned());
        }
        played
    }

    async fn ask(
        &mut self,
        method: &Method,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> Result<HttpAnswer, Failure> {
        let (session, http) = self.session_and_http();
        session.reading(pin!(http.request(method.clone(), path, bearer, body))).await
    }

    fn http_ended(
        &self,
        node: &Node<'_>,
        op_id: u64,
        request: Name,
        wanted: &[u16],
        answer: Result<HttpAnswer, Failure>,
    ) -> Played {
        let recorder = &self.player.recorder;
        let answer = answer.map_err(|failure| {
            recorder.end(kind_of(&failure), &node.name, op_id, error_of(&failure));
            failure.to_string()
        })?;
        let status = answer.status.as_u16();
        let is_wanted = if wanted.is_empty() { answer.status.is_success() } else { wanted.contains(&status) };
        let kind = if is_wanted { Kind::Ok } else { Kind::Failed };
        // What is no JSON has nothing to capture.
        let message = answer.json().unwrap_or_default();
        recorder.end_saying(kind, &node.name, op_id, Body::Http { request, status }, &message);
        if is_wanted { Ok(message) } else { Err(format!("http_{status}: this status was not expected")) }
    }
}

/// What such an answer at this path says was made on the target.
fn made_at<'a>(path: &str, answer: &'a Value) -> Option<(Resource, &'a str)> {
    let (what, key) = match path {
        "/create-room" => (Resource::Room, "room_id"),
        "/anonymous-signin" => (Resource::Identity, "username"),
        _ => return None,
    };
    Some((what, answer.get(key)?.as_str()?))
}
