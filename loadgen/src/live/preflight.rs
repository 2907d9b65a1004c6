//! The first contact: one user of each group joins and leaves, before any load. It shows that addresses, TLS, sign-in and
//! registration work, and which profile the server has. What it makes it removes again, also when it fails.

use super::options::{LiveError, hint};
use crate::commons::{IdentityCredentials, RoomCredentials};
use crate::journal::Resource;
use crate::recorder::UserRecorder;
use crate::sink::{Draft, EventSink};
use crate::steward::{RUN, Steward};
use crate::target::{http_url, ws_url};
use crate::users::UserEnv;
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reference::network::Network;
use rehearsal_reference::observer::Unobserved;
use rehearsal_reference::peer::{ANSWER_WITHIN, AskError, Credentials, Introduction, Peer};
use rehearsal_reference::protocol::Metadata;
use rehearsal_scenarios::plan::{Profile, Protocol, UserPlan};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What the first contact found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// Users that joined, one of each group.
    pub joined: usize,
    /// How the server answers registrations.
    pub profile: Option<Profile>,
}

/// Events of the preflight belong to no record.
pub(super) struct Nowhere;

impl EventSink for Nowhere {
    fn now_ns(&self) -> i64 {
        -1
    }
    fn record(&self, _: Draft) {}
}

/// Joins with the first user of each group.
pub async fn preflight<N: Network>(env: &UserEnv<N>) -> Result<Preflight, LiveError> {
    let mut steward = Steward::new(env, UserRecorder::new(Arc::new(Nowhere), RUN.into(), 0));
    let mut made = Vec::new();
    let result = join_all(env, &mut steward, &mut made).await;
    for (what, id) in made.into_iter().rev() {
        if let Err(failure) = steward.remove(what, &id).await {
            tracing::warn!("the preflight could not remove its {} {id}: {failure}", what.word());
        }
    }
    result
}

async fn join_all<N: Network>(
    env: &UserEnv<N>,
    steward: &mut Steward<N>,
    made: &mut Vec<(Resource, String)>,
) -> Result<Preflight, LiveError> {
    let owner = sign_in(env, steward, made).await?;
    let room = steward.create_room(&owner).await.map_err(|failure| http_failed(env, "create a room", failure))?;
    made.push((Resource::Room, room.id.clone()));
    let mut found = Preflight { joined: 0, profile: None };
    let mut groups = BTreeSet::new();
    // All stay until the last has joined: a deployed server deletes a room with its last peer.
    let mut peers = Vec::new();
    for user in env.plan.users.iter().filter(|user| groups.insert(user.group.clone())) {
        let identity = sign_in(env, steward, made).await?;
        let (peer, answer) = join(env, user, &identity, &room).await?;
        peers.push(peer);
        found.joined += 1;
        found.profile.get_or_insert(profile_of(&answer));
    }
    for peer in peers {
        peer.close().await;
    }
    Ok(found)
}

async fn sign_in<N: Network>(
    env: &UserEnv<N>,
    steward: &mut Steward<N>,
    made: &mut Vec<(Resource, String)>,
) -> Result<IdentityCredentials, LiveError> {
    let identity = steward.sign_in().await.map_err(|failure| http_failed(env, "sign in", failure))?;
    made.push((Resource::Identity, identity.username.clone()));
    Ok(identity)
}

async fn join<N: Network>(
    env: &UserEnv<N>,
    user: &UserPlan,
    identity: &IdentityCredentials,
    room: &RoomCredentials,
) -> Result<(Peer<N>, Value), LiveError> {
    let failed = |doing, failure: Failure| LiveError::Unreachable {
        target: ws_url(&env.target),
        doing,
        hint: hint(failure.class),
        failure,
    };
    let connected = Peer::connect(&env.network, &env.target, 1, Arc::new(Unobserved)).await;
    let mut peer = connected.map_err(|failure| failed("connect", failure))?;
    let credentials = Credentials {
        peer_id: identity.username.clone(),
        id_token: identity.id_token.clone(),
        room_id: room.id.clone(),
        room_token: room.token.clone(),
    };
    let metadata = Metadata::default();
    let introduction = match user.protocol {
        Protocol::V1 => Introduction::V1,
        Protocol::V2 => Introduction::V2 { role: &user.role, metadata: &metadata, is_admin: false },
    };
    let answer = peer.register(&credentials, introduction, ANSWER_WITHIN).await;
    let answer = answer.map_err(|error| registration_failed(env, error))?;
    Ok((peer, answer))
}

fn registration_failed<N>(env: &UserEnv<N>, error: AskError) -> LiveError {
    let (class, hint) = match &error {
        AskError::TimedOut => (FailureClass::TimedOut, "it takes connections but does not answer a registration"),
        AskError::Ended(_) => {
            (FailureClass::Reset, "it ends the connection on a registration; is it a signaling server?")
        }
        AskError::Refused { .. } => {
            (FailureClass::Other, "the server refuses a fresh identity; do both addresses belong to one deployment?")
        }
    };
    LiveError::Unreachable { target: ws_url(&env.target), doing: "register", failure: Failure::new(class, error), hint }
}

fn http_failed<N>(env: &UserEnv<N>, doing: &'static str, failure: Failure) -> LiveError {
    LiveError::Unreachable { target: http_url(&env.target), doing, hint: hint(failure.class), failure }
}

/// Only the documents show the others in a room as objects.
fn profile_of(answer: &Value) -> Profile {
    if answer.get("peers").is_some() { Profile::Documented } else { Profile::Deployed }
}
