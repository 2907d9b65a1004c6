//! What a client wants: how many jobs, of which workers, how it goes about it. Neighbours: `core` acts on it.

use crate::protocol::Object;
use crate::protocol::job::Requirements;
use crate::user::Knows;
use crate::worker::Strategy;
use std::sync::Arc;
use std::time::Duration;

/// The pause before the nth job, counted from 0; not asked for the first.
pub type Think = Arc<dyn Fn(u64) -> Duration + Send + Sync>;
/// When to cancel the nth job, counted from when it began to run; never if `None`.
pub type CancelAfter = Arc<dyn Fn(u64) -> Option<Duration> + Send + Sync>;

/// What a client wants.
#[derive(Clone)]
pub struct ClientProfile {
    /// Whether it reserves a worker before it asks.
    pub strategy: Strategy,
    /// Tags in its metadata.
    pub tags: Vec<String>,
    /// Properties in its metadata.
    pub properties: Object,
    /// Jobs to get done, one after the other.
    pub jobs: u64,
    /// `training` or `inference`.
    pub job_type: String,
    /// What the job needs.
    pub requirements: Requirements,
    /// Properties that a worker must have besides `status = available`, in filter form.
    pub choose: Object,
    /// How many workers it asks at once, at least 1. With reservations it asks the one that it reserved.
    pub ask: usize,
    /// How long it rests before each job, the first (number 0) included.
    pub think: Think,
    /// When it changes its mind.
    pub cancel_after: CancelAfter,
    /// Job ids begin with this, or with the peer id; must differ between clients, and between lives of one client.
    pub job_prefix: Option<String>,
    /// Whom it may ask; anybody if absent.
    pub knows: Option<Knows>,
}
