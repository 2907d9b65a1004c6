//! How late the generator itself is: at waking users for planned sends, and at noticing a tick of its own, which tells how
//! long its event loop stood still. A slow *target* makes operations late, never these. Neighbours: `pacer` wakes,
//! `generator` judges.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "live runs read the machine's clock")]

use super::pacer::Pacer;
use crate::commons::lock;
use hdrhistogram::Histogram;
use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Distance between two ticks.
const TICK: Duration = Duration::from_millis(10);
/// Checks with a time bound allow for less than this, and not for more.
const STANDSTILL: Duration = Duration::from_millis(100);
/// Ticks that fell into a standstill are counted as far back as this.
const CATCH_UP: Duration = Duration::from_secs(10);
/// Longer lags count as an hour.
const LAG_MAX_NS: u64 = 3_600_000_000_000;

/// Measures lag.
pub struct LagMeter {
    lags: Mutex<Lags>,
}

struct Lags {
    sends: Histogram<u64>,
    ticks: Histogram<u64>,
    max_since_asked_ns: u64,
}

/// How late this machine wakes planned sends while nothing else is asked of it: so many of them, 5 ms apart.
pub async fn try_out(sends: u32) -> io::Result<LagTotals> {
    const GAP: Duration = Duration::from_millis(5);
    let (meter, pacer) = (LagMeter::default(), Pacer::start()?);
    let start = Instant::now();
    for at in (1..=sends).map(|nth| start + GAP * nth) {
        // One that the machine slept over was late by that.
        let late = pacer.until(at).await.unwrap_or_else(|| at.elapsed());
        meter.sent(late);
    }
    Ok(meter.totals())
}

/// What was measured so far, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LagTotals {
    /// Planned sends that waited for their time.
    pub sends: u64,
    /// Median of how late they left.
    pub send_p50_ns: u64,
    /// 99th percentile of it.
    pub send_p99_ns: u64,
    /// The latest one.
    pub send_max_ns: u64,
    /// 99th percentile of how late the event loop noticed a tick.
    pub hiccup_p99_ns: u64,
    /// The longest standstill.
    pub hiccup_max_ns: u64,
}

impl LagTotals {
    /// The larger of both 99th percentiles.
    pub fn p99_ns(self) -> u64 {
        self.send_p99_ns.max(self.hiccup_p99_ns)
    }
}

impl Default for LagMeter {
    fn default() -> Self {
        LagMeter { lags: Mutex::new(Lags { sends: histogram(), ticks: histogram(), max_since_asked_ns: 0 }) }
    }
}

impl LagMeter {
    /// Ticks for ever, on the runtime of the users; `stood_still` is told of each standstill that may matter to a check.
    pub async fn run(&self, pacer: &Pacer, stood_still: impl Fn(Duration)) {
        let mut due = Instant::now() + TICK;
        loop {
            pacer.until(due).await;
            let now = Instant::now();
            if let Some(standstill) = now.checked_duration_since(due).filter(|late| *late > STANDSTILL) {
                stood_still(standstill);
            }
            due = self.noticed(due, now);
        }
    }

    /// Counts the ticks that were due by now; the next one. Those that fell into a standstill are counted each with its own
    /// lag, as coordinated omission would hide them.
    fn noticed(&self, mut due: Instant, now: Instant) -> Instant {
        while due <= now {
            self.keep(now - due, |lags| &mut lags.ticks);
            due += TICK;
            if now.saturating_duration_since(due) > CATCH_UP {
                due = now + TICK;
            }
        }
        due
    }

    /// A planned send left this late.
    pub fn sent(&self, late: Duration) {
        self.keep(late, |lags| &mut lags.sends);
    }

    fn keep(&self, late: Duration, of: impl FnOnce(&mut Lags) -> &mut Histogram<u64>) {
        let late_ns = u64::try_from(late.as_nanos()).unwrap_or(LAG_MAX_NS);
        let mut lags = lock(&self.lags);
        lags.max_since_asked_ns = lags.max_since_asked_ns.max(late_ns);
        of(&mut lags).saturating_record(late_ns);
    }

    /// The largest lag since it was last asked, in nanoseconds.
    pub fn take_max_ns(&self) -> u64 {
        std::mem::take(&mut lock(&self.lags).max_since_asked_ns)
    }

    /// Everything so far.
    pub fn totals(&self) -> LagTotals {
        let lags = lock(&self.lags);
        LagTotals {
            sends: lags.sends.len(),
            send_p50_ns: lags.sends.value_at_quantile(0.5),
            send_p99_ns: lags.sends.value_at_quantile(0.99),
            send_max_ns: lags.sends.max(),
            hiccup_p99_ns: lags.ticks.value_at_quantile(0.99),
            hiccup_max_ns: lags.ticks.max(),
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LAG_MAX_NS, 3).expect("the bounds are in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_that_fell_into_a_standstill_are_counted_each() {
        let meter = LagMeter::default();
        let due = Instant::now();
        let next = meter.noticed(due, due + Duration::from_millis(495));
        assert_eq!(next, due + Duration::from_millis(500));
        let ticks = &lock(&meter.lags).ticks;
        assert_eq!((ticks.len(), ticks.max() / 1_000_000), (50, 495));
        assert_eq!(ticks.value_at_quantile(0.5) / 1_000_000, 245, "not one late tick, but all that were due");
    }

    #[test]
    fn a_machine_that_slept_for_an_hour_is_one_standstill() {
        let meter = LagMeter::default();
        let due = Instant::now();
        meter.noticed(due, due + Duration::from_secs(3_600));
        let ticks = &lock(&meter.lags).ticks;
        assert_eq!(ticks.len(), 1);
        assert!(ticks.max() >= 3_600_000_000_000);
    }

    #[tokio::test]
    async fn a_trial_measures_every_send() {
        let tried = try_out(3).await.unwrap();
        assert_eq!((tried.sends, tried.send_p50_ns <= tried.send_max_ns), (3, true));
    }

    #[tokio::test]
    async fn a_meter_on_a_live_pacer_ticks() {
        let meter = LagMeter::default();
        let pacer = Pacer::start().unwrap();
        let until = pacer.until(Instant::now() + TICK * 5);
        tokio::select! { () = meter.run(&pacer, |_| {}) => {}, _ = until => {} }
        assert!(meter.totals().hiccup_max_ns > 0);
    }

    #[test]
    fn late_sends_are_kept_apart_from_standstills() {
        let meter = LagMeter::default();
        meter.sent(Duration::from_millis(7));
        let totals = meter.totals();
        assert_eq!((totals.sends, totals.send_max_ns / 1_000_000, totals.hiccup_max_ns), (1, 7, 0));
        assert_eq!((meter.take_max_ns() / 1_000_000, meter.take_max_ns()), (7, 0));
    }
}
