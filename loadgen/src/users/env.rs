//! What a user finds around it: the plan, a network, the surroundings of its host, and what it shares with the others.

use crate::commons::{Commons, RunPhase};
use crate::journal::Journal;
use crate::sink::EventSink;
use crate::target::Target;
use crate::tokens::Tokens;
use rehearsal_reference::surroundings::Surroundings;
use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::{Plan, UserPlan};
use std::sync::Arc;
use tokio::sync::watch;

/// Everything that playing needs, for one host of the simulated world or for a whole live run. Cheap to clone.
#[derive(Clone)]
pub struct UserEnv<N> {
    /// What is played.
    pub plan: Arc<Plan>,
    /// How the target is reached.
    pub network: N,
    /// Clock, randomness and spawner of the host.
    pub surroundings: Surroundings,
    /// The target, with the `User-Agent` of the run.
    pub target: Arc<Target>,
    /// Where events go; also the clock of the plan.
    pub sink: Arc<dyn EventSink>,
    /// Rooms, identities and meeting points.
    pub commons: Arc<Commons>,
    /// Keeps what is made on the target.
    pub journal: Arc<dyn Journal>,
    /// Identity tokens that are handed in; none if users sign in.
    pub tokens: Option<Arc<dyn Tokens>>,
    /// Where the run stands.
    pub phase: watch::Receiver<RunPhase>,
    /// The run's id: in requests, and as `${run.id}`.
    pub run_id: Name,
}

impl<N> UserEnv<N> {
    /// A user of the plan.
    pub fn user(&self, number: u32) -> &UserPlan {
        self.plan.user(number).expect("whoever plays a user was given its number by this plan")
    }

    /// Waits until the run has come this far. A run whose driver is gone has ended.
    pub async fn reached(&self, phase: RunPhase) {
        let mut receiver = self.phase.clone();
        // An error means that the driver is gone: then every phase is reached.
        let _ = receiver.wait_for(|now| *now >= phase).await;
    }

    /// Where the run stands.
    pub fn phase(&self) -> RunPhase {
        *self.phase.borrow()
    }

    /// Sleeps until this plan time, not at all if it has passed.
    pub async fn sleep_until(&self, plan_ns: i64) {
        self.sink.sleep_until(plan_ns).await;
    }
}
