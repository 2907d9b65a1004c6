//! Before time 0: the run signs in, makes its rooms, then signs in for every user, at the planned rate in the live world.
//! Neighbours: `cleanup` removes all of it, `steward` does each act.

use crate::recorder::UserRecorder;
use crate::steward::{RUN, Steward};
use crate::users::UserEnv;
use rehearsal_reference::failure::Failure;
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::World;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Why a run could not get ready. What was made so far is in the commons and in the journal, to be removed.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A sign-in failed.
    #[error("cannot sign in ({0})")]
    SignIn(#[source] Failure),
    /// A room could not be made.
    #[error("cannot create a room ({0})")]
    CreateRoom(#[source] Failure),
}

/// What is made before time 0, for progress and estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// Rooms made.
    pub rooms: usize,
    /// Users signed in.
    pub identities: usize,
}

/// The number under which the run's own identity, the owner of all rooms, is kept.
pub const RUN_NUMBER: u32 = u32::MAX;

/// Makes rooms and identities; `progress` hears of each.
pub async fn prepare<N: Network>(
    env: &UserEnv<N>,
    mut progress: impl FnMut(Prepared),
) -> Result<Prepared, PrepareError> {
    let mut steward = Steward::new(env, UserRecorder::new(env.sink.clone(), RUN.into(), 0));
    let mut pace = Pace::new(env);
    let mut made = Prepared::default();
    pace.next().await;
    let owner = steward.sign_in().await.map_err(PrepareError::SignIn)?;
    env.commons.add_identity(RUN_NUMBER, owner.clone());
    for _ in &env.plan.rooms {
        pace.next().await;
        let room = steward.create_room(&owner).await.map_err(PrepareError::CreateRoom)?;
        env.commons.add_room(room);
        made.rooms += 1;
        progress(made);
    }
    for user in &env.plan.users {
        pace.next().await;
        let identity = steward.sign_in().await.map_err(PrepareError::SignIn)?;
        env.commons.add_identity(user.number, identity);
        made.identities += 1;
        progress(made);
    }
    Ok(made)
}

/// Bounds the rate of requests in the live world; virtual time needs no politeness.
struct Pace {
    gap: Duration,
    next_at: Instant,
}

impl Pace {
    fn new<N>(env: &UserEnv<N>) -> Pace {
        let rate = env.plan.prepare.sign_in_rate;
        let gap = match env.plan.world {
            World::Live if rate > 0.0 => Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX),
            _ => Duration::ZERO,
        };
        Pace { gap, next_at: Instant::now() }
    }

    async fn next(&mut self) {
        if !self.gap.is_zero() {
            sleep_until(self.next_at).await;
            self.next_at = Instant::now() + self.gap;
        }
    }
}
