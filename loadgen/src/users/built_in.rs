//! The reference worker and client, played as users: the plan's choices become their options, the run's phase their
//! shutdown. Workers serve until the run has ended, since others still finish; clients begin nothing new once it settles.

use super::env::UserEnv;
use super::player::{Player, UserEnd};
use crate::commons::RunPhase;
use crate::steward::Steward;
use rehearsal_reference::client::{CancelAfter, ClientOptions, ClientProfile, run_client};
use rehearsal_reference::defects::{Defect, Defects};
use rehearsal_reference::http_client::{RoomKey, SignIn};
use rehearsal_reference::network::Network;
use rehearsal_reference::peer::SignsIn;
use rehearsal_reference::protocol::Object;
use rehearsal_reference::protocol::job::Requirements;
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::user::{User, UserError};
use rehearsal_reference::worker::{self, WorkerOptions, WorkerProfile, run_worker};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{ClientPlan, Strategy, WorkerPlan};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
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
    let profile = ClientProfile {
        strategy: strategy(plan.strategy),
        tags: user.tags.clone(),
        properties: object(&user.properties),
        jobs: u64::from(plan.jobs),
        job_type: JOB_TYPE.into(),
        requirements: Requirements::default(),
        choose: object(&plan.choose),
        ask: plan.ask.max(1) as usize,
        think: sampled(&player, &plan.think, THINK),
        cancel_after: cancel_after(&player, plan),
        job_prefix: Some(job_prefix(&player)),
    };
    let options = ClientOptions { user: who(&player), profile };
    let Player { env, recorder, .. } = player;
    until_told(&env, Shutdown::Drain, |shutdown| {
        let (network, surroundings) = (env.network.clone(), env.surroundings.clone());
        // What came of each job is recorded as it ends.
        async { run_client(options, network, surroundings, recorder, shutdown).await.map(drop) }
    })
    .await
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
        target: player.env.target.clone(),
        room: RoomKey { room_id: player.room.id.clone(), room_token: player.room.token.clone() },
        sign_in: Some(SignIn {
            id_token: player.identity.id_token.clone(),
            username: player.identity.username.clone(),
        }),
        signs_in: Some(signs_in(player)),
        peer_id: None,
        first_conn: 1,
    }
}

/// Signs in again as an operation of this user, so that the new identity is recorded, and removed at the end.
fn signs_in<N: Network>(player: &Player<N>) -> SignsIn {
    let (env, recorder, number) = (player.env.clone(), player.recorder.clone(), player.number);
    Arc::new(move || {
        let (env, recorder) = (env.clone(), recorder.clone());
        Box::pin(async move {
            let made = Steward::new(&env, recorder).sign_in().await?;
            env.commons.renew_identity(number, made.clone());
            Ok(SignIn { id_token: made.id_token, username: made.username })
        })
    })
}

/// Draws of a built-in flow are indexed by (user, job, what for).
const JOB: u64 = 0;
const THINK: u64 = 0;
const CANCEL: u64 = 1;

/// What clients ask for; every reference worker does it.
const JOB_TYPE: &str = "training";

/// The plan's choice for the nth job, whatever happened before.
fn sampled<N>(player: &Player<N>, length: &Distribution, step: u64) -> Arc<dyn Fn(u64) -> Duration + Send + Sync> {
    let (plan, number, length) = (player.env.plan.clone(), player.number, length.clone());
    Arc::new(move |nth| Duration::from_nanos(length.sample(plan.draw(number, nth, step))))
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
