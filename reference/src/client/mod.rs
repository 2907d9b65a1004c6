//! The reference client: discovers workers, asks, assigns the best, follows the job to its end, and asks again when nobody
//! is free.
//!
//! [`run_client`] is the shell; the state is in [`ClientCore`], which does no IO. Neighbours: `program` (the loop), `user`
//! (joining), `worker` (the other side).

mod attempt;
mod choice;
mod core;
mod hiring;
mod profile;

pub use self::core::ClientCore;
pub use self::profile::{CancelAfter, ClientProfile, Think};

use crate::network::Network;
use crate::observer::Observer;
use crate::program;
use crate::shutdown::Shutdown;
use crate::surroundings::Surroundings;
use crate::user::{User, UserError};
use std::sync::Arc;
use tokio::sync::watch;

/// A client to run.
#[derive(Clone)]
pub struct ClientOptions {
    /// Where it goes, and as whom.
    pub user: User,
    /// What it wants.
    pub profile: ClientProfile,
}

/// What came of a client's jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobsDone {
    /// How many it wanted.
    pub wanted: u64,
    /// How many a worker has completed; others failed for good, were cancelled, or it had to leave first.
    pub completed: u64,
}

impl JobsDone {
    /// Whether it got what it wanted.
    pub fn is_all(self) -> bool {
        self.completed >= self.wanted
    }
}

/// Runs a client until its jobs are done, or it is told to leave and has left, or it cannot go on. Dropping the future is
/// what a crash does.
pub async fn run_client<N: Network>(
    options: ClientOptions,
    network: N,
    surroundings: Surroundings,
    observer: Arc<dyn Observer>,
    shutdown: watch::Receiver<Shutdown>,
) -> Result<JobsDone, UserError> {
    let ClientOptions { user, profile } = options;
    let credentials = user.credentials(&network, &surroundings).await?;
    let mut core = ClientCore::new(&credentials.peer_id, profile, surroundings.random.clone());
    let link = user.link(credentials, "client", network, surroundings, observer.clone());
    program::run(&mut core, link, &*observer, shutdown).await?;
    Ok(core.jobs_done())
}
