//! Why a seed did not come to its end, in words that name who waits for what. Neighbours: `driver` notices, `explore` tells.

use crate::event_log::PendingOperation;
use std::fmt;

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedFailure {
    /// The world broke: a program panicked, or a fault could not be played.
    #[error("seed {seed}: {reason}")]
    Broke {
        /// The seed.
        seed: u64,
        /// What happened, with host, origin and virtual time.
        reason: String,
    },
    /// The run could not get ready.
    #[error("seed {seed}: the run could not get ready: {reason}")]
    NotPrepared {
        /// The seed.
        seed: u64,
        /// Why.
        reason: String,
    },
    /// Virtual time went on and on without the run coming to its end.
    #[error("seed {seed}: the run is stuck {} at {:.3} s; pending: {pending}", stage, *t_ns as f64 / 1e9)]
    Stuck {
        /// The seed.
        seed: u64,
        /// What it was at.
        stage: &'static str,
        /// Plan time, in nanoseconds.
        t_ns: i64,
        /// What every user waits for.
        pending: Pending,
    },
}

/// What everybody waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Operations without an end.
    pub operations: Vec<PendingOperation>,
    /// Users that have not ended.
    pub users: Vec<String>,
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for PendingOperation { user, op, since_ns } in &self.operations {
            write!(f, "{user} waits for {op} since {:.3} s, ", *since_ns as f64 / 1e9)?;
        }
        match self.users.as_slice() {
            [] => write!(f, "all users have ended"),
            users => write!(f, "not ended: {}", users.join(", ")),
        }
    }
}
