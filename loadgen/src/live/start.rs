//! When time 0 comes: as soon as everything is prepared, at a planned moment, or when whoever leads several processes says
//! so. Neighbours: `driver` asks once it is ready; `crew` tells.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "live runs read the machine's clock")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// When time 0 of the plan is.
#[derive(Clone, Default)]
pub enum Start {
    /// As soon as rooms and identities are made.
    #[default]
    WhenReady,
    /// At this moment of the machine's wall clock, since 1970 (`--start-at`).
    At(Duration),
    /// When all are ready.
    Together {
        /// Tells that this process is.
        ready: Arc<dyn Fn() + Send + Sync>,
        /// The moment by this machine's wall clock, since 1970, once it is known.
        go: watch::Receiver<Option<Duration>>,
    },
}

/// Time 0 has passed before everything was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it was ready {late:.1?} after the planned start, so that nothing was played: begin to prepare earlier, or name a later start"
)]
pub struct TooLate {
    late: Duration,
}

impl Start {
    /// Tells that everything is prepared, and waits until time 0 is known: a moment, or nothing if it is now.
    pub(super) async fn moment(&self) -> Result<Option<Instant>, TooLate> {
        match self {
            Start::WhenReady => Ok(None),
            Start::At(at) => instant(*at).map(Some),
            Start::Together { ready, go } => {
                ready();
                let mut go = go.clone();
                let told = go.wait_for(Option::is_some).await.ok().and_then(|at| *at);
                match told {
                    Some(at) => instant(at).map(Some),
                    // Whoever leads is gone, and the run is about to be ended.
                    None => std::future::pending().await,
                }
            }
        }
    }
}

/// The moment of a wall clock's time.
fn instant(at: Duration) -> Result<Instant, TooLate> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    match at.checked_sub(now) {
        Some(wait) => Ok(Instant::now() + wait),
        None => Err(TooLate { late: now - at }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
    }

    #[tokio::test]
    async fn a_planned_start_is_a_moment_and_one_that_has_passed_is_too_late() {
        let before = Instant::now();
        let moment = Start::At(now() + Duration::from_secs(5)).moment().await.unwrap().unwrap();
        assert!(moment > before + Duration::from_secs(4) && moment < Instant::now() + Duration::from_secs(6));
        let late = Start::At(now() - Duration::from_secs(5)).moment().await.unwrap_err().to_string();
        assert!(late.contains("5.") && late.contains("a later start"), "{late}");
        assert_eq!(Start::WhenReady.moment().await, Ok(None));
    }

    #[tokio::test]
    async fn who_starts_together_says_that_it_is_ready_and_waits_to_be_told() {
        let (tell, go) = watch::channel(None);
        let ready: Arc<dyn Fn() + Send + Sync> =
            Arc::new(move || _ = tell.send_replace(Some(now() + Duration::from_secs(9))));
        let moment = Start::Together { ready, go }.moment().await.unwrap();
        assert!(moment.unwrap() > Instant::now());
    }
}
