//! `samples.jsonl`: once a second, what the generator used and what the target's `/metrics` says. Neighbours: `recorder`
//! writes the lines, `driver` runs the probe.

use super::generator::GeneratorSample;
use crate::commons::lock;
use crate::users::UserEnv;
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::network::Network;
use rehearsal_scenarios::plan::Service;
use serde::Serialize;
use serde_json::Value;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// One line.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// Plan time, in nanoseconds.
    pub t_ns: i64,
    /// The generator.
    pub generator: GeneratorSample,
    /// The target's metrics, fetched since the last sample; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Value>,
}

/// Fetches the target's metrics once a second.
#[derive(Default)]
pub struct TargetProbe {
    latest: Mutex<Option<Value>>,
}

/// After this many failures in a row the target has no metrics, or other things to do.
const FAILURES_MAX: u32 = 3;

impl TargetProbe {
    /// Probes until the target does not answer any more.
    /// A service of one's own is asked for nothing that its users do not ask for.
    pub async fn run<N: Network>(&self, env: &UserEnv<N>) {
        if env.plan.system.service == Service::Own {
            return;
        }
        let mut http = HttpClient::new(env.network.clone(), env.target.clone(), env.surroundings.clone());
        let mut failures = 0;
        let mut due = Instant::now();
        while failures < FAILURES_MAX {
            sleep_until(due).await;
            match http.metrics().await {
                Ok(metrics) => {
                    failures = 0;
                    *lock(&self.latest) = Some(metrics);
                }
                Err(_) => failures += 1,
            }
            due = Instant::now() + Duration::from_secs(1);
        }
    }

    /// What was fetched since it was last asked.
    pub fn take(&self) -> Option<Value> {
        lock(&self.latest).take()
    }
}
