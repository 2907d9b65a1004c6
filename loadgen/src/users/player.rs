//! [`play_user`]: one life of a user. It waits for its start, signs in unless that is done, plays its behaviour and
//! leaves. What goes wrong for it is recorded and ends it, never the run.

use super::built_in;
use super::churn;
use super::env::UserEnv;
use super::flow;
use crate::admission::Entered;
use crate::commons::{IdentityCredentials, RoomCredentials, RunPhase};
use crate::recorder::{Dropped, UserRecorder, error};
use crate::steward::Steward;
use crate::target::Target;
use rehearsal_reference::cookies::Cookies;
use rehearsal_reference::network::Network;
use rehearsal_reference::peer::Credentials;
use rehearsal_reports::event::{Body, CUT_SHORT, Kind, Name};
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{Behaviour, Service, UserPlan};
use std::sync::Arc;

/// How a user's life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserEnd {
    /// It did all it wanted.
    Finished,
    /// A step said to stop.
    Stopped,
    /// The run was over before it did.
    CutShort,
    /// Something went wrong, in words.
    Failed(String),
    /// Its start came after the last moment to begin.
    NeverStarted,
}

/// A user's life in events.
const USER: &str = "user";

/// Everything that playing one user needs.
pub(super) struct Player<N> {
    pub(super) env: Arc<UserEnv<N>>,
    pub(super) cookies: Cookies,
    pub(super) number: u32,
    pub(super) incarnation: u32,
    pub(super) recorder: Arc<UserRecorder>,
    pub(super) identity: IdentityCredentials,
    pub(super) room: RoomCredentials,
}

impl<N> Player<N> {
    pub(super) fn user(&self) -> &UserPlan {
        self.env.user(self.number)
    }

    /// The target, with this user's own jar. Made for each connection: between them a user takes no memory for it.
    pub(super) fn target(&self) -> Arc<Target> {
        Arc::new(self.env.target.for_one_user(self.cookies.clone()))
    }

    /// Where the draws of one repetition and step are made; each life has its own.
    pub(super) fn draw(&self, repetition: u64, step: u64) -> Draw {
        self.draws()(repetition, step)
    }

    /// The same, for programs that outlive this value.
    pub(super) fn draws(&self) -> impl Fn(u64, u64) -> Draw + Send + Sync + 'static {
        let (plan, number, incarnation) = (self.env.plan.clone(), self.number, self.incarnation);
        move |repetition, step| {
            let draw = plan.draw(number, repetition, step);
            if incarnation == 0 { draw } else { draw.named("life").at(incarnation.into()) }
        }
    }

    pub(super) fn credentials(&self) -> Credentials {
        Credentials {
            peer_id: self.identity.username.clone(),
            id_token: self.identity.id_token.to_string(),
            room_id: self.room.id.clone(),
            room_token: self.room.token.clone(),
        }
    }
}

/// Plays the user with this number. `incarnation` is 0 for the first and counts restarts of its host: a later
/// life starts at once, with the identity of the first. Ends by itself when the run has ended.
pub async fn play_user<N: Network>(env: Arc<UserEnv<N>>, number: u32, incarnation: u32) -> UserEnd {
    // Boxed, here and below: a user takes the memory of what it does, not of all that it might do.
    if !Box::pin(wait_for_start(&env, number, incarnation)).await {
        return UserEnd::NeverStarted;
    }
    match &env.user(number).churn {
        Some(churn) => Box::pin(churn::play_lives(&env, churn, number, incarnation)).await,
        None => play_life(&env, number, incarnation).await,
    }
}

/// Plays one life from its first event to its last.
pub(super) async fn play_life<N: Network>(env: &Arc<UserEnv<N>>, number: u32, incarnation: u32) -> UserEnd {
    let name = Name::from(env.user(number).name.as_str());
    let (watched, peers) = (env.commons.watched(&env.plan), env.commons.peer_names.clone());
    let recorder = UserRecorder::among(env.sink.clone(), name, incarnation, watched, peers);
    recorder.note(Kind::Began, &Name::from(USER), Body::Empty);
    let end = live(env, number, incarnation, &recorder).await;
    let body = match &end {
        UserEnd::Failed(reason) => error("user_failed", reason),
        UserEnd::Stopped => Body::Text { text: "stopped".into() },
        UserEnd::CutShort => Body::Text { text: CUT_SHORT.into() },
        UserEnd::Finished | UserEnd::NeverStarted => Body::Text { text: "finished".into() },
    };
    recorder.note(Kind::Ended, &Name::from(USER), body);
    end
}

async fn wait_for_start<N: Network>(env: &UserEnv<N>, number: u32, incarnation: u32) -> bool {
    env.reached(RunPhase::Playing).await;
    if incarnation == 0 {
        tokio::select! {
            biased;
            () = env.reached(RunPhase::Settling) => {}
            () = env.sleep_until(to_plan_time(env.user(number).start_ns)) => {}
        }
        return env.phase() < RunPhase::Settling;
    }
    env.phase() < RunPhase::Ended
}

async fn live<N: Network>(
    env: &Arc<UserEnv<N>>,
    number: u32,
    incarnation: u32,
    recorder: &Arc<UserRecorder>,
) -> UserEnd {
    let entered = match Box::pin(enter(env, incarnation)).await {
        Ok(entered) => entered,
        Err(end) => return end,
    };
    let (room, identity) = match Box::pin(credentials(env, number, recorder)).await {
        Ok(credentials) => credentials,
        Err(end) => return end,
    };
    let start_ns = to_plan_time(env.user(number).start_ns);
    match entered {
        _ if incarnation > 0 => {}
        Entered::AtOnce => recorder.plan_next(start_ns),
        // The start that was planned did not take place; this is another.
        Entered::Late => recorder.dropped(start_ns, Dropped::HeldBack),
    }
    let (cookies, recorder) = (Cookies::default(), recorder.clone());
    let player = Player { env: env.clone(), cookies, number, incarnation, recorder, identity, room };
    match &env.user(number).behaviour {
        Behaviour::Worker(plan) => Box::pin(built_in::work(player, plan)).await,
        Behaviour::Client(plan) => Box::pin(built_in::ask_for_jobs(player, plan)).await,
        Behaviour::Flow(steps) => Box::pin(flow::play(player, steps)).await,
    }
}

/// Comes in once users may begin something new; the error is how its life ends before that.
async fn enter<N: Network>(env: &UserEnv<N>, incarnation: u32) -> Result<Entered, UserEnd> {
    tokio::select! {
        biased;
        () = env.reached(RunPhase::Settling), if incarnation == 0 => Err(UserEnd::NeverStarted),
        () = env.reached(RunPhase::Ended) => Err(UserEnd::CutShort),
        entered = env.commons.admission.enter() => Ok(entered),
    }
}

/// Where a user plays, and as whom; the error is how its life ends without that.
async fn credentials<N: Network>(
    env: &UserEnv<N>,
    number: u32,
    recorder: &Arc<UserRecorder>,
) -> Result<(RoomCredentials, IdentityCredentials), UserEnd> {
    if env.plan.system.service == Service::Own {
        return Ok(nobody_in_particular(env.user(number)));
    }
    let Some(room) = env.commons.room(env.user(number).room) else {
        return Err(UserEnd::Failed("its room was not made".into()));
    };
    tokio::select! {
        biased;
        () = env.reached(RunPhase::Ended) => Err(UserEnd::CutShort),
        identity = identity_of(env, number, recorder) => match identity {
            Ok(identity) => Ok((room, identity)),
            Err(reason) => Err(UserEnd::Failed(reason)),
        },
    }
}

/// Who a user is to a service that has neither rooms nor sign-ins: `${user.peer_id}` is its name.
fn nobody_in_particular(user: &UserPlan) -> (RoomCredentials, IdentityCredentials) {
    let room = RoomCredentials { id: String::new(), token: String::new() };
    (room, IdentityCredentials { username: user.name.clone(), id_token: "".into() })
}

async fn identity_of<N: Network>(
    env: &UserEnv<N>,
    number: u32,
    recorder: &Arc<UserRecorder>,
) -> Result<IdentityCredentials, String> {
    if let Some(identity) = env.commons.identity(number) {
        return Ok(identity);
    }
    let identity = Steward::new(env, recorder.clone()).sign_in().await.map_err(|failure| failure.to_string())?;
    env.commons.add_identity(number, identity.clone());
    Ok(identity)
}

/// A planned time as events write it.
pub(super) fn to_plan_time(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}
