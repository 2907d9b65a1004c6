//! The reference worker: joins a room, answers requests, runs one job at a time, comes back after a loss.
//!
//! [`run_worker`] is the shell; the state is in [`WorkerCore`], which does no IO. Neighbours: `program` (the loop), `user`
//! (joining). Left out: what a job computes; it only takes its time.

mod core;
mod leaving;
mod offers;
mod profile;
mod reports;
mod status;
mod suitability;
mod work;

pub use self::core::WorkerCore;
pub use self::profile::{JobDuration, WorkerProfile, default_properties, default_tags};
pub use self::status::WorkerStatus;

use crate::network::Network;
use crate::observer::Observer;
use crate::program;
use crate::shutdown::Shutdown;
use crate::surroundings::Surroundings;
use crate::user::{User, UserError};
use std::sync::Arc;
use tokio::sync::watch;

/// How workers and clients protect themselves from two jobs at once (operational document).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Answers first, refuses whoever comes while it is not available.
    RejectWhenBusy,
    /// Updates its status and waits for the acknowledgement before it answers (recommended).
    #[default]
    MetadataFirst,
    /// Clients reserve the worker at the server before they ask (`reserve_worker`, 30 s); it answers at once.
    Reservation,
}

/// A worker to run.
#[derive(Clone)]
pub struct WorkerOptions {
    /// Where it goes, and as whom.
    pub user: User,
    /// What it is.
    pub profile: WorkerProfile,
}

/// Runs a worker until it is told to leave and has left, or cannot go on. Dropping the future is what a crash does.
pub async fn run_worker<N: Network>(
    options: WorkerOptions,
    network: N,
    surroundings: Surroundings,
    observer: Arc<dyn Observer>,
    shutdown: watch::Receiver<Shutdown>,
) -> Result<(), UserError> {
    let WorkerOptions { user, profile } = options;
    let credentials = user.credentials(&network, &surroundings).await?;
    let mut core = WorkerCore::new(&credentials.peer_id, profile);
    let link = user.link(credentials, "worker", network, surroundings, observer.clone());
    Ok(program::run(&mut core, link, &*observer, shutdown).await?)
}
