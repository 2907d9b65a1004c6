//! Plays a walk: workers serve, clients ask for one job, flows go through their steps. It ends when all flows have, or after
//! 10 s. Neighbours: `shape` made it short, `troubles` says what a failure means.

use super::super::options::{LiveError, hint};
use super::shape::Walk;
use super::troubles::{Trouble, Troubles};
use crate::commons::{Commons, RunPhase};
use crate::target::{http_url, ws_url};
use crate::users::{UserEnd, UserEnv, play_user};
use futures_util::future::join_all;
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::Behaviour;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// How long flows may take.
const FLOWS_WITHIN: Duration = Duration::from_secs(10);
/// How long clients may look for a worker: there may be none for them.
const CLIENTS_WITHIN: Duration = Duration::from_secs(2);

/// How far the walkers are.
#[derive(Clone, Copy, Default)]
struct Left {
    flows: usize,
    clients: usize,
}

/// Walks once. Gives remarks, or the first reason why the target cannot be used.
pub(super) async fn walk<N: Network>(
    env: &UserEnv<N>,
    walk: &Walk,
    commons: Commons,
) -> Result<Vec<String>, LiveError> {
    let troubles = Arc::new(Troubles::new());
    let (tell, phase) = watch::channel(RunPhase::Playing);
    let (left, _) = watch::channel(Left::default());
    let env = Arc::new(UserEnv {
        plan: Arc::new(walk.plan.clone()),
        sink: troubles.clone(),
        commons: Arc::new(commons),
        phase,
        ..env.clone()
    });
    let walkers = walk.walkers.iter().map(|&walker| walk_one(&env, walker, &left));
    let walkers = join_all(walkers);
    let (ends, ()) = tokio::join!(walkers, end_in_time(&left, &tell));
    let mut remarks = Vec::new();
    for (walker, end) in walk.walkers.iter().zip(ends) {
        let name = &env.user(*walker).name;
        match (end, troubles.of(name)) {
            (Walked::Ended(UserEnd::Failed(_)), Some(Trouble::Target { class, words })) => {
                return Err(unusable(&env, name, class, &words));
            }
            (Walked::Ended(UserEnd::Failed(reason)), _) => {
                remarks
                    .push(format!("on its first walk, alone of its group, `{name}` did not come to its end: {reason}"));
            }
            (Walked::CutOff, _) => {
                remarks.push(format!("`{name}` did not come to its end within 10 s on its first walk"))
            }
            (Walked::Ended(_), _) => {}
        }
    }
    Ok(remarks)
}

/// How a walk ended.
enum Walked {
    /// By itself, or a client or worker when it was told to.
    Ended(UserEnd),
    /// A flow that took too long.
    CutOff,
}

async fn walk_one<N: Network>(env: &Arc<UserEnv<N>>, walker: u32, left: &watch::Sender<Left>) -> Walked {
    let is_flow = matches!(env.user(walker).behaviour, Behaviour::Flow(_));
    let is_client = matches!(env.user(walker).behaviour, Behaviour::Client(_));
    left.send_modify(|left| {
        left.flows += usize::from(is_flow);
        left.clients += usize::from(is_client);
    });
    let end = play_user(env.clone(), walker, 0).await;
    let is_cut_off = is_flow && end == UserEnd::CutShort;
    left.send_modify(|left| {
        left.flows -= usize::from(is_flow);
        left.clients -= usize::from(is_client);
    });
    if is_cut_off { Walked::CutOff } else { Walked::Ended(end) }
}

/// Ends the walk: workers and clients would go on for ever.
async fn end_in_time(left: &watch::Sender<Left>, tell: &watch::Sender<RunPhase>) {
    let start = Instant::now();
    let mut left = left.subscribe();
    let _ = timeout(FLOWS_WITHIN, left.wait_for(|left| left.flows == 0)).await;
    let _ = timeout_at(start + CLIENTS_WITHIN, left.wait_for(|left| left.clients == 0)).await;
    tell.send_replace(RunPhase::Ended);
}

fn unusable<N>(env: &UserEnv<N>, name: &str, class: FailureClass, words: &str) -> LiveError {
    let is_http = matches!(class, FailureClass::Status(_) | FailureClass::NotHttp);
    LiveError::Unreachable {
        target: if is_http { http_url(&env.target) } else { ws_url(&env.target) },
        doing: "walk a flow once",
        failure: Failure::new(class, format_args!("`{name}`: {words}")),
        hint: match class {
            FailureClass::Status(_) => "the step does not want this status; is the path right, and served there?",
            FailureClass::Reset => "the target ended a connection in the middle of a flow; its log may say why",
            class => hint(class),
        },
    }
}
