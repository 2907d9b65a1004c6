//! After the run: every room and identity that it made is removed again. Neighbours: `prepare` made them, `live::finish`
//! does the same from a journal after a crash. Left out: what other people made.

use crate::commons::Commons;
use crate::journal::Resource;
use crate::recorder::UserRecorder;
use crate::steward::{RUN, Steward};
use crate::users::UserEnv;
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reference::network::Network;
use std::time::Duration;
use tokio::time::timeout;

/// What could not be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Ids of rooms.
    pub rooms: Vec<String>,
    /// User names of identities.
    pub identities: Vec<String>,
}

impl LeftBehind {
    /// Whether everything was removed.
    pub fn is_nothing(&self) -> bool {
        self.rooms.is_empty() && self.identities.is_empty()
    }

    /// Adds one.
    pub fn add(&mut self, what: Resource, id: String) {
        match what {
            Resource::Room => self.rooms.push(id),
            Resource::Identity => self.identities.push(id),
        }
    }
}

/// Removes all rooms, with the peers in them, then all identities, within the plan's time for it. A target that is gone is not
/// asked a thousand times: after the first refused connection the rest is left behind.
pub async fn clean_up<N: Network>(env: &UserEnv<N>) -> LeftBehind {
    let within = Duration::from_nanos(env.plan.phases.cleanup_ns);
    // A time-out of no length would still let it begin.
    if !within.is_zero() {
        // What was not removed in time is still in the commons.
        let _ = timeout(within, remove_all(env)).await;
    }
    everything(&env.commons)
}

async fn remove_all<N: Network>(env: &UserEnv<N>) {
    let mut steward = Steward::new(env, UserRecorder::new(env.sink.clone(), RUN.into(), 1));
    for (what, id) in resources(&env.commons) {
        match steward.remove(what, &id).await {
            Ok(()) => env.commons.removed(what, &id),
            Err(failure) if is_gone(&failure) => break,
            Err(_) => {}
        }
    }
}

fn is_gone(failure: &Failure) -> bool {
    matches!(failure.class, FailureClass::Refused | FailureClass::TimedOut | FailureClass::Dns)
}

/// Everything that a run made and has not removed, when it must end at once.
pub fn everything(commons: &Commons) -> LeftBehind {
    let mut left = LeftBehind::default();
    for (what, id) in resources(commons) {
        left.add(what, id);
    }
    left
}

fn resources(commons: &Commons) -> Vec<(Resource, String)> {
    let rooms = commons.room_ids().into_iter().map(|id| (Resource::Room, id));
    let identities = commons.usernames().into_iter().map(|id| (Resource::Identity, id));
    rooms.chain(identities).collect()
}
