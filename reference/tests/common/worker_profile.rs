//! A plain worker, for tests to change what they are about.

use rehearsal_reference::defects::Defects;
use rehearsal_reference::protocol::Object;
use rehearsal_reference::worker::{Strategy, WorkerProfile};
use std::sync::Arc;
use std::time::Duration;

/// A hardened worker that says nothing about itself; each job takes this long.
pub fn worker_profile(job: Duration) -> WorkerProfile {
    WorkerProfile {
        strategy: Strategy::MetadataFirst,
        defects: Defects::none(),
        tags: Vec::new(),
        properties: Object::new(),
        job_duration: Arc::new(move |_| job),
    }
}
