//! The reference worker and client, played as users: the plan's choices become their options, the run's phase their
//! shutdown.

use super::player::{Player, UserEnd};
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::{ClientPlan, WorkerPlan};

pub(super) async fn work<N: Network>(player: Player<N>, _: &WorkerPlan) -> UserEnd {
    UserEnd::Failed(player.user().name.clone())
}

pub(super) async fn ask_for_jobs<N: Network>(player: Player<N>, _: &ClientPlan) -> UserEnd {
    UserEnd::Failed(player.user().name.clone())
}
