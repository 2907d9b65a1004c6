//! The pulse of a live run: what ended in the last second, over all operations together, for the progress line. The report
//! has its numbers by operation from `reports::numbers`; this is what a person wants to see at a glance.

use crate::steward::RUN;
use hdrhistogram::Histogram;
use rehearsal_reports::event::{Event, Kind, Name};
use std::collections::BTreeMap;

/// Longer ones count as an hour.
const LATENCY_MAX_NS: u64 = 3_600_000_000_000;

/// Counts events between two beats.
pub struct Pulse {
    open: BTreeMap<(Name, u64), i64>,
    latencies: Histogram<u64>,
    connections: u64,
    succeeded: u64,
    errors: u64,
    operations: u64,
}

/// What a beat tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Operations that ended since the last beat.
    pub ended: u64,
    /// Their median response time, in nanoseconds.
    pub p50_ns: Option<u64>,
    /// Their 99th percentile, in nanoseconds.
    pub p99_ns: Option<u64>,
}

impl Default for Pulse {
    fn default() -> Self {
        let latencies = Histogram::new_with_bounds(1, LATENCY_MAX_NS, 2).expect("the bounds are in order");
        Pulse { open: BTreeMap::new(), latencies, connections: 0, succeeded: 0, errors: 0, operations: 0 }
    }
}

impl Pulse {
    /// Takes an event into account.
    pub fn observe(&mut self, event: &Event) {
        match event.kind {
            Kind::Opened => self.connections += 1,
            Kind::Closed => self.connections = self.connections.saturating_sub(1),
            Kind::Invoked => {
                if let Some(op_id) = event.op_id {
                    self.open.insert((event.user.clone(), op_id), event.planned_ns.unwrap_or(event.t_ns));
                }
            }
            Kind::Ok | Kind::Failed | Kind::Unknown => self.ended(event),
            _ => {}
        }
    }

    /// Connections that are open.
    pub fn connections(&self) -> u64 {
        self.connections
    }

    /// Operations from time 0 on: succeeded, failed or unknown, all.
    pub fn totals(&self) -> Totals {
        Totals { succeeded: self.succeeded, errors: self.errors, operations: self.operations }
    }

    /// What ended since the last beat.
    pub fn beat(&mut self) -> Beat {
        let ended = self.latencies.len();
        let at = |quantile| (ended > 0).then(|| self.latencies.value_at_quantile(quantile));
        let beat = Beat { ended, p50_ns: at(0.5), p99_ns: at(0.99) };
        self.latencies.reset();
        beat
    }

    fn ended(&mut self, event: &Event) {
        let Some(op_id) = event.op_id else { return };
        let Some(started_ns) = self.open.remove(&(event.user.clone(), op_id)) else { return };
        self.latencies.saturating_record(u64::try_from(event.t_ns - started_ns).unwrap_or(0));
        // Preparing and cleaning up are the run's own business.
        if event.t_ns < 0 || &*event.user == RUN {
            return;
        }
        self.operations += 1;
        if event.kind == Kind::Ok {
            self.succeeded += 1;
        } else {
            self.errors += 1;
        }
    }
}

/// Operations since time 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// That succeeded.
    pub succeeded: u64,
    /// That failed or stayed unknown.
    pub errors: u64,
    /// All of them.
    pub operations: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_reports::event::Body;

    fn event(kind: Kind, t_ns: i64, planned_ns: Option<i64>) -> Event {
        let (user, op) = ("clients-0".into(), "discover".into());
        Event { n: 0, t_ns, process: 0, user, conn: 1, kind, op, op_id: Some(1), planned_ns, body: Body::Empty }
    }

    #[test]
    fn a_beat_counts_from_the_planned_time_and_only_since_the_last_one() {
        let mut pulse = Pulse::default();
        pulse.observe(&event(Kind::Invoked, 5_000, Some(1_000)));
        pulse.observe(&event(Kind::Failed, 9_000, None));
        let beat = pulse.beat();
        assert_eq!(beat.ended, 1);
        assert!(beat.p50_ns.is_some_and(|p50_ns| (7_900..8_200).contains(&p50_ns)), "{beat:?}");
        assert_eq!(pulse.beat(), Beat { ended: 0, p50_ns: None, p99_ns: None });
        assert_eq!(pulse.totals(), Totals { succeeded: 0, errors: 1, operations: 1 });
    }
}
