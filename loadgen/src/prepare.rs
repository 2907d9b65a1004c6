//! Before time 0: the run signs in, makes its rooms, then signs in for every user, or for the first of those who share an
//! identity: at the planned rate, several at once, in the live world, and one after the other in the simulated one.
//! Neighbours: `cleanup` removes all of it, `steward` does each act.

use crate::commons::lock;
use crate::recorder::UserRecorder;
use crate::steward::{RUN, Steward};
use crate::users::UserEnv;
use futures_util::future::join_all;
use rehearsal_reference::failure::Failure;
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::{Identities, Plan, Service, UserPlan, World};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep_until, timeout};

/// Why a run could not get ready. What was made so far is in the commons and in the journal, to be removed.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A sign-in failed.
    #[error("cannot sign in ({0})")]
    SignIn(#[source] Failure),
    /// A room could not be made.
    #[error("cannot create a room ({0})")]
    CreateRoom(#[source] Failure),
    /// It took longer than the plan allows.
    #[error("{made} of {of} rooms and identities were made within {within:?}, the length of `prepare` in `[time]`")]
    TooLong {
        /// What was made.
        made: usize,
        /// What there is to make.
        of: usize,
        /// How long it may take.
        within: Duration,
    },
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

impl Prepared {
    /// Rooms and identities together.
    pub fn count(self) -> usize {
        self.rooms + self.identities
    }

    /// What a plan has to make.
    pub fn all(plan: &Plan) -> usize {
        plan.rooms.len() + sign_ins(plan).saturating_sub(usize::from(makes_rooms(plan)))
    }
}

/// Makes rooms and identities, which only the reference service has, within the plan's time for it; `progress` hears of each.
pub async fn prepare<N: Network>(
    env: &UserEnv<N>,
    mut progress: impl FnMut(Prepared),
) -> Result<Prepared, PrepareError> {
    let within = Duration::from_nanos(env.plan.phases.prepare_ns);
    let mut so_far = Prepared::default();
    let making = make(env, |made| {
        so_far = made;
        progress(made);
    });
    match timeout(within, making).await {
        Ok(made) => made,
        Err(_) => Err(PrepareError::TooLong { made: so_far.count(), of: Prepared::all(&env.plan), within }),
    }
}

async fn make<N: Network>(env: &UserEnv<N>, mut progress: impl FnMut(Prepared)) -> Result<Prepared, PrepareError> {
    if env.plan.system.service == Service::Own {
        return Ok(Prepared::default());
    }
    let recorder = UserRecorder::new(env.sink.clone(), RUN.into(), 0);
    let mut steward = Steward::new(env, recorder.clone());
    let mut made = Prepared::default();
    let owner = match makes_rooms(&env.plan) {
        true => Some(steward.sign_in().await.map_err(PrepareError::SignIn)?),
        false => None,
    };
    owner.iter().for_each(|owner| env.commons.add_identity(RUN_NUMBER, owner.clone()));
    for index in 0..env.plan.rooms.len() {
        let room = match (env.commons.existing_room(index), &owner) {
            (Some(room), _) => room,
            (None, Some(owner)) => {
                turn(env).await;
                steward.create_room(owner).await.map_err(PrepareError::CreateRoom)?
            }
            (None, None) => continue,
        };
        env.commons.add_room(room);
        made.rooms += 1;
        progress(made);
    }
    let holders = holders(&env.plan);
    let users = env.plan.users.iter().filter(|user| holders.get(&user.number) == Some(&user.number)).collect();
    let queue = Queue { users, made, failure: None, progress };
    let made = sign_users_in(env, steward, &recorder, queue).await?;
    lend(env, &holders);
    Ok(made)
}

/// A run in rooms that exist makes none.
fn makes_rooms(plan: &Plan) -> bool {
    plan.rooms.len() > plan.live.existing_rooms.len()
}

/// Who signs in for each user: itself, or the first one of those who share an identity.
pub fn holders(plan: &Plan) -> BTreeMap<u32, u32> {
    let mut first: BTreeMap<u32, u32> = BTreeMap::new();
    let holder = |user: &UserPlan| {
        let shared_by = match plan.prepare.identities {
            Identities::PerUser => user.number,
            Identities::PerRoom => user.room,
            Identities::Shared => 0,
        };
        (user.number, *first.entry(shared_by).or_insert(user.number))
    };
    plan.users.iter().map(holder).collect()
}

/// How many sign-ins a run begins with: of the owner of its rooms, and of its users.
pub fn sign_ins(plan: &Plan) -> usize {
    if plan.system.service == Service::Own {
        return 0;
    }
    usize::from(makes_rooms(plan)) + holders(plan).iter().filter(|(user, holder)| user == holder).count()
}

/// Those who did not sign in themselves get what their holder has.
fn lend<N: Network>(env: &UserEnv<N>, holders: &BTreeMap<u32, u32>) {
    for (user, holder) in holders.iter().filter(|(user, holder)| user != holder) {
        if let Some(held) = env.commons.identity(*holder) {
            env.commons.lend_identity(*user, &held);
        }
    }
}

/// Waits for the turn of the next request that makes something: at the planned rate in the live world; virtual time needs no
/// politeness.
pub async fn turn<N: Network>(env: &UserEnv<N>) {
    let rate = env.plan.prepare.sign_in_rate;
    if env.plan.world == World::Live && rate > 0.0 {
        sleep_until(env.commons.turn(Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX))).await;
    }
}

/// Sign-ins under way at once in the live world, so that a slow answer does not lower the planned rate. The simulated
/// world has one session: its order of requests is the plan's.
pub const SESSIONS: usize = 16;

/// Users that have to be signed in, shared by all sessions.
struct Queue<'a, P> {
    users: VecDeque<&'a UserPlan>,
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
        let user = {
            let mut queue = lock(queue);
            let Some(user) = queue.users.pop_front().filter(|_| queue.failure.is_none()) else { return };
            user
        };
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
