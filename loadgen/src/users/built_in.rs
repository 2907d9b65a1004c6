//! The reference worker and client, played as users: the plan's choices become their options, the run's phase their
//! shutdown. Workers serve until the run has ended, since others still finish; clients begin nothing new once it settles.

use super::beat::Beat;
use super::env::UserEnv;
use super::player::{Player, UserEnd, to_plan_time};
use crate::commons::{RunPhase, lock};
use crate::recorder::{Dropped, UserRecorder};
use crate::steward::Steward;
use rehearsal_reference::client::{CancelAfter, ClientOptions, ClientProfile, Think, run_client};
use rehearsal_reference::defects::{Defect, Defects};
use rehearsal_reference::http_client::{RoomKey, SignIn};
use rehearsal_reference::network::Network;
use rehearsal_reference::peer::{MayJoin, SignsIn};
use rehearsal_reference::protocol::Object;
use rehearsal_reference::protocol::job::Requirements;
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::user::{Knows, User, UserError};
use rehearsal_reference::worker::{self, WorkerOptions, WorkerProfile, run_worker};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{ClientPlan, PacePlan, Strategy, WorkerPlan};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a user may take to leave politely once the run has ended.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// Plays a worker.
pub(super) async fn work<N: Network>(player: Player<N>, plan: &WorkerPlan) -> UserEnd {
    let user = player.user();
    let profile = WorkerProfile {
        strategy: strategy(plan.strategy),
        defects: defects(&plan.defects),
        tags: user.tags.clone(),
        properties: object(&user.properties),
        job_duration: sampled(&player, &plan.job, JOB),
    };
    let options = WorkerOptions { user: who(&player), profile };
    let Player { env, recorder, .. } = player;
    until_told(&env, Shutdown::Run, |shutdown| {
        run_worker(options, env.network.clone(), env.surroundings.clone(), recorder, shutdown)
    })
    .await
}

/// Plays a client.
pub(super) async fn ask_for_jobs<N: Network>(player: Player<N>, plan: &ClientPlan) -> UserEnd {
    let user = player.user();
    let paced = plan.pace.as_ref().map(|pace| Arc::new(Paced::new(&player, pace)));
    let profile = ClientProfile {
        strategy: strategy(plan.strategy),
        tags: user.tags.clone(),
        properties: object(&user.properties),
        jobs: u64::from(plan.jobs),
        job_type: JOB_TYPE.into(),
        requirements: Requirements::default(),
        choose: object(&plan.choose),
        ask: plan.ask.max(1) as usize,
        think: rests(&player, plan, paced.clone()),
        cancel_after: cancel_after(&player, plan),
        job_prefix: Some(job_prefix(&player)),
        knows: Some(knows(&player)),
    };
    let options = ClientOptions { user: who(&player), profile };
    let Player { env, recorder, .. } = player;
    let end = until_told(&env, Shutdown::Drain, |shutdown| {
        let (network, surroundings, recorder) = (env.network.clone(), env.surroundings.clone(), recorder.clone());
        // What came of each job is recorded as it ends.
        async { run_client(options, network, surroundings, recorder, shutdown).await.map(drop) }
    })
    .await;
    if let Some(paced) = paced.filter(|_| env.phase() >= RunPhase::Settling) {
        paced.drop_rest(&env, &recorder);
    }
    end
}

/// Runs a program and tells it to leave as the run comes to its end: `when_settling` first, then at once.
async fn until_told<N, T, F: Future<Output = Result<T, UserError>>>(
    env: &UserEnv<N>,
    when_settling: Shutdown,
    run: impl FnOnce(watch::Receiver<Shutdown>) -> F,
) -> UserEnd {
    let (tell, told) = watch::channel(Shutdown::Run);
    let mut running = pin!(run(told));
    for (phase, asked) in [(RunPhase::Settling, when_settling), (RunPhase::Ended, Shutdown::Now)] {
        tokio::select! {
            biased;
            ended = &mut running => return end_of(ended),
            () = env.reached(phase) => drop(tell.send_replace(asked)),
        }
    }
    match timeout(LEAVE_WITHIN, running).await {
        Ok(ended) => end_of(ended),
        Err(_) => UserEnd::Failed("it did not leave within 5 s of the end".into()),
    }
}

fn end_of<T>(ended: Result<T, UserError>) -> UserEnd {
    match ended {
        Ok(_) => UserEnd::Finished,
        Err(error) => UserEnd::Failed(error.to_string()),
    }
}

fn who<N: Network>(player: &Player<N>) -> User {
    User {
        target: player.target(),
        room: RoomKey { room_id: player.room.id.clone(), room_token: player.room.token.clone() },
        sign_in: Some(SignIn {
            id_token: player.identity.id_token.to_string(),
            username: player.identity.username.clone(),
        }),
        signs_in: Some(signs_in(player)),
        peer_id: None,
        first_conn: 1,
        knows: Some(knows(player)),
        may_join: Some(may_join(player)),
    }
}

/// Joins wait while the target is left alone.
fn may_join<N: Network>(player: &Player<N>) -> MayJoin {
    let commons = player.env.commons.clone();
    Arc::new(move || {
        let commons = (!commons.admission.is_free()).then(|| commons.clone())?;
        Some(Box::pin(async move {
            // However long it took: it may now.
            let _ = commons.admission.enter().await;
        }))
    })
}

/// Peers that this run registered: others, which discovery may show, are somebody else's and never sent a message.
fn knows<N: Network>(player: &Player<N>) -> Knows {
    let commons = player.env.commons.clone();
    Arc::new(move |peer| commons.is_ours(peer))
}

/// Signs in again as an operation of this user, so that the new identity is recorded, and removed at the end.
fn signs_in<N: Network>(player: &Player<N>) -> SignsIn {
    let (env, target, number) = (player.env.clone(), player.target(), player.number);
    let recorder = player.recorder.clone();
    let refused = Arc::new(Mutex::new(player.identity.id_token.clone()));
    Arc::new(move || {
        let (env, target, recorder, refused) = (env.clone(), target.clone(), recorder.clone(), refused.clone());
        Box::pin(async move {
            let last = lock(&refused).clone();
            let renewed = Steward::of_user(&env, target, recorder).renew(number, &last).await?;
            lock(&refused).clone_from(&renewed.id_token);
            Ok(SignIn { id_token: renewed.id_token.to_string(), username: renewed.username })
        })
    })
}

/// Draws of a built-in flow are indexed by (user, job, what for).
const JOB: u64 = 0;
const THINK: u64 = 0;
const CANCEL: u64 = 1;
const PACE: u64 = 2;

/// What clients ask for; every reference worker does it.
const JOB_TYPE: &str = "training";

/// The plan's choice for the nth job, whatever happened before.
fn sampled<N>(player: &Player<N>, length: &Distribution, step: u64) -> Arc<dyn Fn(u64) -> Duration + Send + Sync> {
    let (draws, length) = (player.draws(), length.clone());
    Arc::new(move |nth| Duration::from_nanos(length.sample(draws(nth, step))))
}

/// How long a client rests before each job: not before the first, then as long as it thinks; or until the job was planned.
fn rests<N>(player: &Player<N>, plan: &ClientPlan, paced: Option<Arc<Paced>>) -> Think {
    match paced {
        Some(paced) => Arc::new(move |job| paced.rest_before(job)),
        None => {
            let thinks = sampled(player, &plan.think, THINK);
            Arc::new(move |nth| if nth == 0 { Duration::ZERO } else { thinks(nth) })
        }
    }
}

/// Jobs with a pace: a client rests until the next one was planned to begin.
struct Paced {
    recorder: Arc<UserRecorder>,
    late_ns_max: Option<i64>,
    next: Mutex<Planned>,
}

/// The next job that is to be, and the plan, which counts that one as begun.
struct Planned {
    job: u64,
    beat: Beat,
}

impl Paced {
    fn new<N>(player: &Player<N>, pace: &PacePlan) -> Paced {
        let (draws, first, every) = (player.draws(), pace.first.clone(), pace.every.clone());
        let gap = move |nth: u64| if nth == 0 { &first } else { &every }.sample(draws(nth, PACE));
        let (user, recorder) = (player.user(), player.recorder.clone());
        // A later life begins its own plan when it begins.
        let at_ns = if player.incarnation == 0 { to_plan_time(user.start_ns) } else { recorder.now_ns() };
        let mut beat = Beat { past: 0, times: u64::MAX, at_ns, gap: Box::new(gap) };
        beat.advance(beat.next_ns());
        let late_ns_max = user.drop_when_late_ns.map(to_plan_time);
        Paced { recorder, late_ns_max, next: Mutex::new(Planned { job: 0, beat }) }
    }

    /// How long until this job. What comes too late to be done at all is dropped and counted.
    fn rest_before(&self, job: u64) -> Duration {
        let Planned { job: next_job, beat } = &mut *lock(&self.next);
        let late_ns = |beat: &Beat| self.recorder.now_ns().saturating_sub(beat.at_ns);
        if *next_job < job {
            *next_job = job;
            beat.advance(beat.next_ns());
        }
        while self.late_ns_max.is_some_and(|most| late_ns(beat) > most) {
            self.recorder.dropped(beat.at_ns, Dropped::Late);
            beat.advance(beat.next_ns());
        }
        self.recorder.plan_next(beat.at_ns);
        Duration::from_nanos(u64::try_from(-late_ns(beat)).unwrap_or(0))
    }

    /// Counts the jobs that the end of the run left undone.
    fn drop_rest<N>(&self, env: &UserEnv<N>, recorder: &UserRecorder) {
        lock(&self.next).beat.drop_rest(env, recorder);
    }
}

fn cancel_after<N>(player: &Player<N>, plan: &ClientPlan) -> CancelAfter {
    match &plan.cancel_after {
        Some(after) => {
            let after = sampled(player, after, CANCEL);
            Arc::new(move |nth| Some(after(nth)))
        }
        None => Arc::new(|_| None),
    }
}

/// Job ids tell who asked, and differ between the lives of a user that was restarted.
fn job_prefix<N>(player: &Player<N>) -> String {
    match player.incarnation {
        0 => player.user().name.clone(),
        life => format!("{}-life{life}", player.user().name),
    }
}

fn strategy(strategy: Strategy) -> worker::Strategy {
    match strategy {
        Strategy::RejectWhenBusy => worker::Strategy::RejectWhenBusy,
        Strategy::MetadataFirst => worker::Strategy::MetadataFirst,
        Strategy::Reservation => worker::Strategy::Reservation,
    }
}

/// Names that a plan holds were checked when the scenario was read.
fn defects(names: &[String]) -> Defects {
    names.iter().filter_map(|name| name.parse::<Defect>().ok()).collect()
}

fn object(fields: &BTreeMap<String, Value>) -> Object {
    fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}
