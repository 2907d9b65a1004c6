//! Metrics of the target and of everything under `[observe]`, fetched once a second, and the target's health where a rule asks for
//! it. What does not answer is counted and asked again; it never disturbs the run. Neighbours: `reports::metrics` reads the two
//! forms, `recorder` takes what is fresh, `driver` runs it.

use super::url;
use crate::commons::lock;
use crate::users::UserEnv;
use futures_util::future::join_all;
use http::Method;
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::network::Network;
use rehearsal_reports::abort::{Metrics, Surroundings};
use rehearsal_reports::metrics;
use rehearsal_scenarios::plan::{ObservedPlan, Service, Watched};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// After this many failures in a row the target has no metrics, or other things to do.
const TARGET_FAILURES_MAX: u32 = 3;
/// A page of metrics that takes longer is no page for every second.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The name of the target among what is observed.
pub const TARGET: &str = "target";

/// What was found, and what is to be found.
#[derive(Default)]
pub struct Probes {
    found: Mutex<Probed>,
}

/// What was found.
#[derive(Clone, Default)]
pub struct Probed {
    /// The target's metrics as it gave them, since the last look.
    pub target: Option<Value>,
    /// Metrics that came since the last look, those of the target among them.
    pub fresh: Metrics,
    /// The newest of everything, for rules.
    pub around: Surroundings,
    /// How often each did not answer.
    pub unanswered: BTreeMap<String, u64>,
}

impl Probes {
    /// What was found; what is fresh is so only once.
    pub fn take(&self) -> Probed {
        let mut found = lock(&self.found);
        let taken = found.clone();
        found.target = None;
        found.fresh.clear();
        taken
    }

    /// Fetches until it is dropped.
    pub async fn run<N: Network>(&self, env: &UserEnv<N>) {
        let observed = join_all(env.plan.live.observe.iter().map(|of| self.observe(env, of)));
        tokio::join!(self.target(env), self.health(env), observed);
    }

    /// A service of one's own is asked for nothing that its users do not ask for.
    async fn target<N: Network>(&self, env: &UserEnv<N>) {
        if env.plan.system.service == Service::Own {
            return;
        }
        let mut http = HttpClient::new(env.network.clone(), env.target.clone(), env.surroundings.clone());
        let mut failures = 0;
        let mut due = Instant::now();
        while failures < TARGET_FAILURES_MAX {
            sleep_until(due).await;
            match http.metrics().await {
                Ok(metrics) => {
                    failures = 0;
                    self.keep(TARGET, metrics::of_json(&metrics));
                    lock(&self.found).target = Some(metrics);
                }
                Err(_) => failures += 1,
            }
            due = Instant::now() + Duration::from_secs(1);
        }
    }

    async fn health<N: Network>(&self, env: &UserEnv<N>) {
        if !env.plan.live.abort.iter().any(|rule| rule.watched == Watched::Health) {
            return;
        }
        let mut http = HttpClient::new(env.network.clone(), env.target.clone(), env.surroundings.clone());
        loop {
            let due = Instant::now() + Duration::from_secs(1);
            let answer = timeout(ANSWER_WITHIN, http.health()).await.ok().and_then(Result::ok);
            let word = answer.as_ref().and_then(|answer| answer.get("status")).and_then(Value::as_str);
            lock(&self.found).around.health = Some(word.unwrap_or("no answer").to_owned());
            sleep_until(due).await;
        }
    }

    async fn observe<N: Network>(&self, env: &UserEnv<N>, of: &ObservedPlan) {
        // The address was looked at before the run began.
        let Ok((target, path)) = url::page(&of.url, env.target.user_agent.clone()) else { return };
        let mut http = HttpClient::new(env.network.clone(), Arc::new(target), env.surroundings.clone());
        loop {
            let due = Instant::now() + Duration::from_secs(1);
            let page = timeout(ANSWER_WITHIN, http.request(Method::GET, &path, None, None)).await;
            let page = page.ok().and_then(Result::ok).filter(|page| page.status.is_success());
            match page.and_then(|page| metrics::of_page(&String::from_utf8_lossy(&page.body))) {
                Some(metrics) => self.keep(&of.name, metrics),
                None => *lock(&self.found).unanswered.entry(of.name.clone()).or_default() += 1,
            }
            sleep_until(due).await;
        }
    }

    fn keep(&self, name: &str, metrics: BTreeMap<String, f64>) {
        let mut found = lock(&self.found);
        found.fresh.insert(name.to_owned(), metrics.clone());
        found.around.metrics.insert(name.to_owned(), metrics);
    }
}
