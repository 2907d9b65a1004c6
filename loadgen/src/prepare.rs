//! Before time 0: the run signs in, makes its rooms, then signs in for every user: at the planned rate, several at
//! once, in the live world, and one after the other in the simulated one.
//! Neighbours: `cleanup` removes all of it, `steward` does each act.

use crate::commons::lock;
use crate::recorder::UserRecorder;
use crate::steward::{RUN, Steward};
use crate::users::UserEnv;
use futures_util::future::join_all;
use rehearsal_reference::failure::Failure;
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::{Service, UserPlan, World};
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Makes rooms and identities, which only the reference service has; `progress` hears of each.
pub async fn prepare<N: Network>(
    env: &UserEnv<N>,
    mut progress: impl FnMut(Prepared),
) -> Result<Prepared, PrepareError> {
    if env.plan.system.service == Service::Own {
        return Ok(Prepared::default());
    }
    let recorder = UserRecorder::new(env.sink.clone(), RUN.into(), 0);
    let mut steward = Steward::new(env, recorder.clone());
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
    let queue = Queue { users: env.plan.users.iter(), pace, made, failure: None, progress };
    sign_users_in(env, steward, &recorder, queue).await
}

/// Sign-ins under way at once in the live world, so that a slow answer does not lower the planned rate. The simulated
/// world has one session: its order of requests is the plan's.
pub const SESSIONS: usize = 16;

/// Users that have to be signed in, shared by all sessions.
struct Queue<'a, P> {
    users: slice::Iter<'a, UserPlan>,
    pace: Pace,
    made: Prepared,
    failure: Option<Failure>,
    progress: P,
}

async fn sign_users_in<N: Network>(
    env: &UserEnv<N>,
    first: Steward<N>,
    recorder: &Arc<UserRecorder>,
    queue: Queue<'_, impl FnMut(Prepared)>,
) -> Result<Prepared, PrepareError> {
    let more = match env.plan.world {
        World::Live => SESSIONS.min(env.plan.users.len()).saturating_sub(1),
        World::Simulated => 0,
    };
    let mut sessions = vec![first];
    // One recorder for all: it numbers their operations.
    sessions.extend((0..more).map(|_| Steward::new(env, recorder.clone())));
    let queue = Mutex::new(queue);
    join_all(sessions.iter_mut().map(|steward| sign_in_from(&queue, env, steward))).await;
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.failure.map_or(Ok(queue.made), |failure| Err(PrepareError::SignIn(failure)))
}

/// One session, until nobody is left or a sign-in failed. The others then end what they have begun, so that it is known.
async fn sign_in_from<N: Network, P: FnMut(Prepared)>(
    queue: &Mutex<Queue<'_, P>>,
    env: &UserEnv<N>,
    steward: &mut Steward<N>,
) {
    loop {
        let (user, at) = {
            let mut queue = lock(queue);
            let Some(user) = queue.users.next().filter(|_| queue.failure.is_none()) else { return };
            (user, queue.pace.take())
        };
        if let Some(at) = at {
            sleep_until(at).await;
        }
        let signed_in = steward.sign_in().await;
        let mut guard = lock(queue);
        let queue = &mut *guard;
        match signed_in {
            Ok(identity) => {
                env.commons.add_identity(user.number, identity);
                queue.made.identities += 1;
                (queue.progress)(queue.made);
            }
            Err(failure) => queue.failure = queue.failure.take().or(Some(failure)),
        }
    }
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

    /// When the next request may be sent; none means at once.
    fn take(&mut self) -> Option<Instant> {
        if self.gap.is_zero() {
            return None;
        }
        let at = self.next_at.max(Instant::now());
        self.next_at = at + self.gap;
        Some(at)
    }

    async fn next(&mut self) {
        if let Some(at) = self.take() {
            sleep_until(at).await;
        }
    }
}
