//! A plain client, for tests to change what they are about.

use rehearsal_reference::client::ClientProfile;
use rehearsal_reference::protocol::Object;
use rehearsal_reference::protocol::job::Requirements;
use rehearsal_reference::worker::Strategy;
use std::sync::Arc;
use std::time::Duration;

/// A client that wants so many jobs of any worker, and does not rest between them.
pub fn client_profile(jobs: u64) -> ClientProfile {
    ClientProfile {
        strategy: Strategy::MetadataFirst,
        tags: Vec::new(),
        properties: Object::new(),
        jobs,
        job_type: "training".to_string(),
        requirements: Requirements::default(),
        choose: Object::new(),
        ask: 1,
        think: Arc::new(|_| Duration::ZERO),
        cancel_after: Arc::new(|_| None),
        job_prefix: None,
        knows: None,
    }
}
