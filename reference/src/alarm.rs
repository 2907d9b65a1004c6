//! A time-out that is put off again and again. Most of what is waited for comes long before its time, and setting a timer
//! costs more than it: an alarm that is set stays set, and looks when it rings whether its time has been put off since.
//!
//! Neighbours: `peer` (the next message), `peer::link` (a silence that is too long). Left out: what a clock is, which each
//! of them says.

use std::future::Future;
use std::pin::Pin;

/// A wait until some time of a clock.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A time-out over some clock.
pub struct Alarm<T> {
    /// Set for a time that is no later than the one that is waited for.
    set: Option<(T, Wait)>,
}

impl<T> Default for Alarm<T> {
    fn default() -> Self {
        Alarm { set: None }
    }
}

impl<T: Copy + Ord> Alarm<T> {
    /// Waits until then. Dropped before, it stays set for whoever waits next.
    pub async fn until(&mut self, at: T, wait: impl Fn(T) -> Wait) {
        loop {
            if self.set.as_ref().is_none_or(|(set, _)| *set > at) {
                self.set = Some((at, wait(at)));
            }
            let Some((set, rings)) = &mut self.set else { return };
            let rang = *set;
            rings.await;
            self.set = None;
            if rang == at {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;
    use tokio::time::{Instant, sleep_until, timeout};

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_the_time_of_the_moment_and_is_set_no_oftener_than_needed() {
        let settings = AtomicUsize::new(0);
        let wait = |at: Instant| -> Wait {
            settings.fetch_add(1, Ordering::Relaxed);
            Box::pin(sleep_until(at))
        };
        let began = Instant::now();
        let mut alarm = Alarm::default();
        // Put off each second, a hundred times.
        for _ in 0..100 {
            let put_off = alarm.until(Instant::now() + Duration::from_secs(10), wait);
            assert!(timeout(Duration::from_secs(1), put_off).await.is_err());
        }
        let settings = settings.load(Ordering::Relaxed);
        assert!((10..=12).contains(&settings), "once each time that it rang, not {settings} times");
        alarm.until(began + Duration::from_secs(105), wait).await;
        assert_eq!(began.elapsed(), Duration::from_secs(105));
        // An earlier time than the one that it is set for.
        let _ = timeout(Duration::from_secs(1), alarm.until(began + Duration::from_secs(900), wait)).await;
        alarm.until(began + Duration::from_secs(107), wait).await;
        assert_eq!(began.elapsed(), Duration::from_secs(107));
        alarm.until(began, wait).await;
        assert_eq!(began.elapsed(), Duration::from_secs(107), "what has passed rings at once");
    }
}
