//! Users that leave and come back: one life after the other, each with a recorder, connections and draws of its own.
//!
//! A user that leaves cleanly is told that the run has ended; one that leaves abruptly is dropped, as a killed process is; one
//! that leaves silently is not polled any more, so that its connection stays open and nobody answers on it.
//! Neighbours: `player` (one life). Left out: faults that end lives from outside; they count as restarts.

use super::env::UserEnv;
use super::player::{UserEnd, play_life};
use crate::commons::RunPhase;
use crate::sink::Draft;
use crate::steward::RUN;
use rehearsal_reference::network::Network;
use rehearsal_reports::event::{Body, Kind, Name};
use rehearsal_scenarios::distribution::pick_index;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{ChurnPlan, Ending};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Lives between two restarts of the host: numbers of lives of both kinds must not meet.
const LIVES_MAX: u32 = 1_000;

type Life<'a> = Pin<Box<dyn Future<Output = UserEnd> + Send + 'a>>;

/// Plays lives until the run settles, one of them comes to its own end, or the user stays away for good.
pub(super) async fn play_lives<N: Network>(
    env: &Arc<UserEnv<N>>,
    churn: &ChurnPlan,
    number: u32,
    incarnation: u32,
) -> UserEnd {
    let mut left_open: Vec<Life<'_>> = Vec::new();
    for nth in 0..LIVES_MAX {
        let draw = env.plan.draw(number, (incarnation * LIVES_MAX + nth).into(), 0).named("churn");
        let (tell, phase) = watch::channel(env.phase());
        let life_env = Arc::new(UserEnv { phase, ..UserEnv::clone(env) });
        let life = incarnation * LIVES_MAX + nth;
        let mut playing: Life<'_> = Box::pin(async move { play_life(&life_env, number, life).await });
        let stay = Duration::from_nanos(churn.stay.sample(draw.named("stay")));
        tokio::select! {
            biased;
            end = &mut playing => return end,
            () = pass_on(env, &tell) => {}
            () = stay_until_settling(env, stay) => {}
        }
        if env.phase() >= RunPhase::Settling {
            return until_the_end(env, playing, &tell).await;
        }
        match way(churn, draw) {
            Ending::Clean => {
                tell.send_replace(RunPhase::Ended);
                playing.await;
            }
            Ending::Abrupt => drop(playing),
            Ending::Silent => {
                fall_silent(env, number, nth);
                left_open.push(playing);
            }
        }
        if !stays_away(env, churn, draw).await {
            break;
        }
    }
    if !left_open.is_empty() {
        env.reached(RunPhase::Ended).await;
    }
    UserEnd::Stopped
}

/// Tells the life how far the run is; ends never.
async fn pass_on<N>(env: &UserEnv<N>, tell: &watch::Sender<RunPhase>) {
    let mut phase = env.phase.clone();
    while phase.changed().await.is_ok() {
        tell.send_replace(*phase.borrow());
    }
    std::future::pending().await
}

/// Nobody leaves once the run settles: all leave then.
async fn stay_until_settling<N>(env: &UserEnv<N>, stay: Duration) {
    tokio::select! {
        biased;
        () = env.reached(RunPhase::Settling) => {}
        () = sleep(stay) => {}
    }
}

async fn until_the_end<N>(env: &UserEnv<N>, mut playing: Life<'_>, tell: &watch::Sender<RunPhase>) -> UserEnd {
    tell.send_replace(env.phase());
    tokio::select! {
        biased;
        end = &mut playing => end,
        () = pass_on(env, tell) => UserEnd::Stopped,
    }
}

/// Waits until it comes back; false if it does not any more.
async fn stays_away<N>(env: &UserEnv<N>, churn: &ChurnPlan, draw: Draw) -> bool {
    let Some(back) = &churn.back else { return false };
    let away = Duration::from_nanos(back.sample(draw.named("back")));
    stay_until_settling(env, away).await;
    env.phase() < RunPhase::Settling
}

fn way(churn: &ChurnPlan, draw: Draw) -> Ending {
    let weights: Vec<f64> = churn.leave.iter().map(|(_, weight)| *weight).collect();
    churn.leave.get(pick_index(&weights, weights.len(), draw.named("leave"))).map_or(Ending::Clean, |(way, _)| *way)
}

/// The record says that nobody answers there any more: checks would take the open connection for a living one.
fn fall_silent<N>(env: &UserEnv<N>, number: u32, life: u32) {
    let user = Name::from(env.user(number).name.as_str());
    let name = Name::from(format!("{user} falls silent in life {life}"));
    let body = Body::Fault { name: name.clone(), what: "lost".into(), hosts: vec![user.clone()], users: vec![user] };
    env.sink.record(Draft::new(RUN.into(), Kind::Fault, name, body));
}
