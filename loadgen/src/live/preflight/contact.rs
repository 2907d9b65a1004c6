//! Addresses, TLS, sign-in, rooms and registration: every walker joins once, does what its built-in flow rests on, and
//! leaves. Neighbours: `walk` goes on from here with the same identities.
//!
//! A holder stays in each room until all is over: a deployed server deletes a room with its last peer.

use super::super::options::{LiveError, hint};
use super::needs;
use super::shape::{Walk, shape};
use crate::commons::{Commons, IdentityCredentials, RoomCredentials};
use crate::steward::Steward;
use crate::target::{http_url, ws_url};
use crate::users::UserEnv;
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reference::network::Network;
use rehearsal_reference::observer::Unobserved;
use rehearsal_reference::peer::{ANSWER_WITHIN, AskError, Credentials, Introduction, Peer};
use rehearsal_reference::protocol::{Metadata, Object};
use rehearsal_scenarios::plan::{Behaviour, Profile, Protocol, Step, UserPlan, Verb};
use serde_json::Value;
use std::sync::Arc;

/// What the first contact needs.
pub(super) struct Contact<'a, N: Network> {
    pub(super) env: &'a UserEnv<N>,
    pub(super) steward: &'a mut Steward<N>,
}

/// Rooms that are kept open, and the walkers' identities.
pub(super) struct Meeting<N: Network> {
    pub(super) walk: Walk,
    pub(super) commons: Commons,
    pub(super) holders: Vec<Peer<N>>,
    pub(super) profile: Option<Profile>,
}

impl<N: Network> Contact<'_, N> {
    /// Makes the walk's rooms and identities, and joins with each.
    pub(super) async fn make(&mut self) -> Result<Meeting<N>, LiveError> {
        let walk = shape(&self.env.plan);
        let mut meeting = Meeting { walk, commons: Commons::new(), holders: Vec::new(), profile: None };
        for index in 0..meeting.walk.plan.rooms.len() {
            self.open_room(&mut meeting, index).await?;
        }
        for &walker in &meeting.walk.walkers {
            let Some(user) = meeting.walk.plan.user(walker) else { continue };
            let identity = self.sign_in().await?;
            if let Some(room) = meeting.commons.room(user.room) {
                self.try_out(user, &identity, &room).await?;
            }
            // The others of the group are stood in for, so that a template that names one of them has a value.
            for other in meeting.walk.plan.users.iter().filter(|other| other.group == user.group) {
                meeting.commons.add_identity(other.number, identity.clone());
            }
        }
        Ok(meeting)
    }

    /// A room of its own, or the one that exists.
    async fn open_room(&mut self, meeting: &mut Meeting<N>, index: usize) -> Result<(), LiveError> {
        let holder = self.sign_in().await?;
        meeting.commons.know(&holder.username);
        let existing = meeting.walk.rooms.get(index).and_then(|room| self.env.commons.existing_room(*room as usize));
        let room = match existing {
            Some(room) => room,
            None => {
                let room = self.steward.create_room(&holder).await;
                room.map_err(|failure| self.http_failed("create a room", failure))?
            }
        };
        let metadata = Metadata::default();
        let introduction = Introduction::V2 { role: HOLDER, metadata: &metadata, is_admin: false };
        let (peer, answer) = self.join(&holder, &room, introduction).await?;
        let profile = *meeting.profile.get_or_insert(profile_of(&answer));
        needs::check(&self.env.plan, profile)?;
        meeting.holders.push(peer);
        meeting.commons.add_room(room);
        Ok(())
    }

    async fn sign_in(&mut self) -> Result<IdentityCredentials, LiveError> {
        self.steward.sign_in().await.map_err(|failure| self.http_failed("sign in", failure))
    }

    /// Joins as this user. A worker then updates its status, and a client looks around.
    async fn try_out(
        &self,
        user: &UserPlan,
        identity: &IdentityCredentials,
        room: &RoomCredentials,
    ) -> Result<(), LiveError> {
        let metadata = Metadata::default();
        let introduction = match user.protocol {
            Protocol::V1 => Introduction::V1,
            Protocol::V2 => Introduction::V2 { role: &user.role, metadata: &metadata, is_admin: false },
        };
        let (mut peer, _) = self.join(identity, room, introduction).await?;
        let asked = match user.behaviour {
            Behaviour::Worker(_) => {
                let status = Metadata::new([], Object::from_iter([("status".to_owned(), "available".into())]));
                let updated = peer.update_metadata(&identity.username, &status, ANSWER_WITHIN).await;
                updated.map_err(|error| self.not_answered("update a status", error))
            }
            Behaviour::Client(_) => {
                let found = peer.discover(&identity.username, &Object::new(), ANSWER_WITHIN).await;
                found.map_err(|error| self.not_answered("discover peers", error))
            }
            Behaviour::Flow(_) => Ok(Value::Null),
        };
        peer.close().await;
        asked.map(drop)
    }

    async fn join(
        &self,
        identity: &IdentityCredentials,
        room: &RoomCredentials,
        introduction: Introduction<'_>,
    ) -> Result<(Peer<N>, Value), LiveError> {
        let mut peer = connect(self.env).await?;
        let credentials = Credentials {
            peer_id: identity.username.clone(),
            id_token: identity.id_token.to_string(),
            room_id: room.id.clone(),
            room_token: room.token.clone(),
        };
        let answer = peer.register(&credentials, introduction, ANSWER_WITHIN).await;
        Ok((peer, answer.map_err(|error| self.not_answered("register", error))?))
    }

    fn not_answered(&self, doing: &'static str, error: AskError) -> LiveError {
        let (class, hint) = match &error {
            AskError::TimedOut => {
                (FailureClass::TimedOut, "it takes connections but does not answer; is it overloaded?")
            }
            AskError::Ended(_) => {
                (FailureClass::Reset, "it ends the connection in place of an answer; is it a signaling server?")
            }
            AskError::Refused { .. } => (
                FailureClass::Other,
                "the server refuses a fresh identity; do both addresses belong to one deployment?",
            ),
        };
        LiveError::Unreachable { target: ws_url(&self.env.target), doing, failure: Failure::new(class, error), hint }
    }

    fn http_failed(&self, doing: &'static str, failure: Failure) -> LiveError {
        LiveError::Unreachable { target: http_url(&self.env.target), doing, hint: hint(failure.class), failure }
    }
}

/// Opens a connection and closes it: the whole first contact with a service of one's own. One to which users speak HTTP only
/// may have no WebSocket.
pub(super) async fn knock<N: Network>(env: &UserEnv<N>) -> Result<(), LiveError> {
    if env.plan.users.iter().any(opens_websockets) {
        connect(env).await?.close().await;
        return Ok(());
    }
    let connected = env.network.connect(&env.target.http).await;
    connected.map(drop).map_err(|error| unreachable(http_url(&env.target), Failure::of_connect(&error)))
}

async fn connect<N: Network>(env: &UserEnv<N>) -> Result<Peer<N>, LiveError> {
    let timers = env.surroundings.timers.clone();
    let connected = Peer::connect(&env.network, timers, &env.target, 1, Arc::new(Unobserved)).await;
    connected.map_err(|failure| unreachable(ws_url(&env.target), failure))
}

fn unreachable(target: String, failure: Failure) -> LiveError {
    let hint = hint(failure.class);
    LiveError::Unreachable { target, doing: "connect", failure, hint }
}

fn opens_websockets(user: &UserPlan) -> bool {
    fn any(steps: &[Step]) -> bool {
        let opens = |step: &Step| {
            matches!(step.verb, Verb::Connect | Verb::Join | Verb::Reconnect { .. })
                || step.verb.inside().into_iter().any(any)
        };
        steps.iter().any(opens)
    }
    match &user.behaviour {
        Behaviour::Flow(steps) => any(steps),
        Behaviour::Worker(_) | Behaviour::Client(_) => true,
    }
}

/// The role of those who keep a room open: no user of a plan looks for it.
const HOLDER: &str = "rehearsal-holder";

/// Only the documents show the others in a room as objects.
fn profile_of(answer: &Value) -> Profile {
    if answer.get("peers").is_some() { Profile::Documented } else { Profile::Deployed }
}
