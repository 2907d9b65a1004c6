//! Numbers: latency and errors of each operation, second by second and in all. Start here: [`Numbers`] folds events;
//! [`Totals`] comes out.
//!
//! - [`operation`]: one operation's histograms
//! - [`seconds`]: what ended in each second
//! - [`deliveries`]: how long relayed messages took, which nobody acknowledges; [`fan_outs`]: until the last recipient
//! - [`presence`]: how long a status change stayed unseen; [`outages`]: how long many users were away at once
//! - [`strangers`]: peers of others that discovery shows
//! - [`planned_work`]: how much of it was dropped
//! - [`limits`]: how much of what ended was beyond a limit, for those who decide meanwhile
//! - [`latency`]: percentiles, and when there are too few samples for one
//! - [`thresholds`]: service-level objectives
//! - [`hlog`]: the interval log, `latency.hlog`
//!
//! Response time counts from the planned time, so that a stalled server cannot hide (coordinated omission); service time from
//! the sending. Only operations that succeeded have a latency; the others are counted as errors by class.

pub mod deliveries;
pub mod fan_outs;
pub mod hlog;
pub mod latency;
pub mod limits;
pub mod operation;
pub mod outages;
pub mod planned_work;
pub mod presence;
pub mod seconds;
pub mod strangers;
pub mod thresholds;

#[cfg(test)]
mod tests;

use crate::checks::RunEnd;
use crate::checks::names::Names;
use crate::event::{Body, Closer, Event, Kind, Name};
use crate::history::{End, History, Operation};
use crate::outcome::{OperationNumbers, Second, ThresholdVerdict};
use crate::unmatched::Unmatched;
use deliveries::{Deliveries, Delivery};
use fan_outs::{FanOut, FanOuts};
use hdrhistogram::Histogram;
use limits::{Limit, Limits, Tally};
use operation::{Ended, OperationFold};
use outages::{Outage, Outages};
use planned_work::PlannedWork;
use presence::Presence;
use rehearsal_scenarios::plan::{Plan, World};
use seconds::{Interval, Seconds};
use std::collections::BTreeMap;
use std::ops::Range;
use strangers::Strangers;

/// The operation by whose end a live run says that users begin nothing new any more.
pub const MEASURE: &str = "measure";

/// Folds events into numbers, while the run goes on or afterwards.
pub struct Numbers {
    history: History,
    peers: Names,
    deliveries: Deliveries,
    fan_outs: FanOuts,
    presence: Presence,
    outages: Outages,
    /// Only live: a simulated world has nobody else.
    strangers: Option<Strangers>,
    unmatched: Unmatched,
    measured: Range<i64>,
    /// When users began nothing new any more, if the record says so.
    ended_ns: Option<i64>,
    operations: BTreeMap<Name, OperationFold>,
    errors: BTreeMap<Name, u64>,
    /// Only live: seconds of virtual time say nothing about performance.
    seconds: Option<Seconds>,
    lag: Histogram<u64>,
    work: PlannedWork,
    limits: Limits,
    rows: Rows,
}

/// Names of the rows that are no operation of a single user.
struct Rows {
    /// From sending a relayed message to its arrival.
    deliver: Name,
    /// From sending the first of equal messages to several receivers to the arrival of the last one.
    deliver_to_all: Name,
    /// From asking for a status change to the first discovery that shows it.
    status_seen: Name,
}

/// All numbers of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// By operation, in the order of their names.
    pub operations: Vec<OperationNumbers>,
    /// Each second; live only.
    pub seconds: Vec<Second>,
    /// Errors by class, over all operations and connections.
    pub errors: BTreeMap<String, u64>,
    /// When many users lost their connections at once, and the round of retries after that.
    pub outages: Vec<Outage>,
    /// Peers that discovery showed and that no user of the run registered; live only.
    pub strangers: u64,
    /// Service-level objectives; live only.
    pub thresholds: Vec<ThresholdVerdict>,
    /// 99th percentile of the distance between planned and invoked, in nanoseconds.
    pub lag_p99_ns: u64,
    /// The largest such distance.
    pub lag_max_ns: u64,
    /// Messages that no step asked for.
    pub unmatched: Unmatched,
    /// How many operations succeeded: a run in which nothing ever did never reached its target.
    pub succeeded: u64,
}

impl Numbers {
    /// Nothing happened yet.
    pub fn new(plan: &Plan) -> Self {
        let measured = plan.phases.measured();
        Numbers {
            history: History::new(),
            peers: Names::default(),
            deliveries: Deliveries::default(),
            fan_outs: FanOuts::default(),
            presence: Presence::default(),
            outages: Outages::default(),
            strangers: (plan.world == World::Live).then(Strangers::default),
            unmatched: Unmatched::default(),
            measured: to_i64(measured.start)..to_i64(measured.end),
            ended_ns: None,
            operations: BTreeMap::new(),
            errors: BTreeMap::new(),
            seconds: (plan.world == World::Live).then(Seconds::new),
            lag: latency::histogram(),
            work: PlannedWork::new(plan),
            limits: Limits::default(),
            rows: Rows {
                deliver: "deliver".into(),
                deliver_to_all: "deliver_to_all".into(),
                status_seen: "status_seen".into(),
            },
        }
    }

    /// The same, which also counts what is beyond these limits.
    pub fn counting(self, limits: Vec<Limit>) -> Self {
        Numbers { limits: Limits::new(limits), ..self }
    }

    /// What ended since the last call, in the order of the limits.
    pub fn take_tallies(&mut self) -> Vec<Tally> {
        self.limits.take()
    }

    /// Takes the next event into account.
    pub fn observe(&mut self, event: &Event) {
        self.unmatched.observe(event);
        if let Some(seconds) = &mut self.seconds {
            seconds.reach(event.t_ns);
        }
        if let Some((name, ended)) = self.work.observe(event, &self.measured) {
            self.limits.count(&name, &ended, &self.measured);
        }
        match (event.kind, &event.body) {
            (Kind::Invoked, _) => self.lag(event),
            (Kind::Sent | Kind::Received, Body::Message { from, to, digest, .. }) => {
                self.relayed(event, from, to, *digest);
            }
            (Kind::Received, Body::Error { code, .. }) => self.error(code),
            // Of several processes the last one counts.
            (Kind::Ended, _) if *event.op == *MEASURE => self.ended_ns = self.ended_ns.max(Some(event.t_ns)),
            (Kind::Opened, _) => self.connected(event, true),
            (Kind::Closed, Body::Closed { by, .. }) => {
                self.connected(event, false);
                match by {
                    Closer::Network => self.error(&"connection_lost".into()),
                    Closer::Peer => self.error(&"closed_by_server".into()),
                    Closer::Us | Closer::Fault => {}
                }
            }
            _ => {}
        }
        self.status_seen(event);
        self.outages.observe(event);
        if let Some(strangers) = &mut self.strangers {
            strangers.observe(event);
        }
        if let Some(operation) = self.history.observe(event) {
            self.ended(&operation);
        }
    }

    /// What ended in the newest full second, for a progress line; live only.
    pub fn last_second(&self) -> Option<&Second> {
        self.seconds.as_ref()?.done().last()
    }

    /// Users that are connected now; live only.
    pub fn connected_users(&self) -> u64 {
        self.seconds.as_ref().map_or(0, Seconds::connected_users)
    }

    /// How many errors there were so far.
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Errors by class so far.
    pub fn errors(&self) -> BTreeMap<String, u64> {
        self.errors.iter().map(|(class, count)| (class.to_string(), *count)).collect()
    }

    /// How many operations succeeded so far.
    pub fn succeeded(&self) -> u64 {
        self.operations.values().map(OperationFold::succeeded).sum()
    }

    /// Histograms of the seconds that ended since the last call, for `latency.hlog`; live only.
    pub fn drain_intervals(&mut self) -> Vec<Interval> {
        self.seconds.as_mut().map(Seconds::drain_intervals).unwrap_or_default()
    }

    /// All numbers, once the run has ended, and the intervals that were not drained before.
    pub fn finish(mut self, plan: &Plan, end: RunEnd) -> (Totals, Vec<Interval>) {
        for open in std::mem::take(&mut self.history).finish(end.t_ns) {
            self.ended(&open);
        }
        let last: Vec<FanOut> = self.fan_outs.finish().collect();
        self.fanned_out(&last);
        let intervals = self.seconds.as_mut().map(Seconds::finish).unwrap_or_default();
        let totals = Totals {
            operations: self.operations.iter().map(|(name, fold)| fold.numbers(name, &self.measured)).collect(),
            thresholds: thresholds::judge(plan, &self.operations, &self.work, self.measured_ns(end)),
            errors: self.errors.iter().map(|(class, count)| (class.to_string(), *count)).collect(),
            outages: std::mem::take(&mut self.outages).finish(),
            strangers: self.strangers.as_ref().map_or(0, Strangers::count),
            lag_p99_ns: self.lag.value_at_quantile(0.99),
            lag_max_ns: self.lag.max(),
            unmatched: std::mem::take(&mut self.unmatched),
            succeeded: self.succeeded(),
            seconds: self.seconds.map(Seconds::into_done).unwrap_or_default(),
        };
        (totals, intervals)
    }

    /// How long it was really measured: a run may end before its time.
    fn measured_ns(&self, end: RunEnd) -> u64 {
        let until_ns = self.ended_ns.unwrap_or(end.t_ns).min(self.measured.end);
        span(self.measured.start, until_ns)
    }

    fn ended(&mut self, operation: &Operation) {
        let error = if operation.end == End::Ok { None } else { operation.error.as_ref() };
        let (planned_ns, invoked_ns, ended_ns) = (operation.planned_ns, operation.invoked_ns, operation.ended_ns);
        self.count(&operation.op, &Ended { planned_ns, invoked_ns, ended_ns, error });
        if let Some(class) = error {
            self.error(class);
        }
    }

    /// A relayed message left or arrived.
    fn relayed(&mut self, event: &Event, from: &Name, to: &Name, digest: u64) {
        let (from, to) = (self.peers.id(from), self.peers.id(to));
        self.fan_outs.observe(event, from, to, digest);
        if let Some(delivery) = self.deliveries.observe(event, from, to, digest) {
            let row = self.rows.deliver.clone();
            self.count(&row, &delivered(delivery, event.t_ns));
        }
        let ended: Vec<FanOut> = self.fan_outs.drain().collect();
        self.fanned_out(&ended);
    }

    fn fanned_out(&mut self, ended: &[FanOut]) {
        for fan_out in ended {
            let row = self.rows.deliver_to_all.clone();
            self.count(&row, &delivered(fan_out.first, fan_out.last_ns));
        }
    }

    fn status_seen(&mut self, event: &Event) {
        let mut presence = std::mem::take(&mut self.presence);
        presence.observe(event, |change| {
            let (planned_ns, invoked_ns) = (change.planned_ns, change.invoked_ns);
            let row = self.rows.status_seen.clone();
            self.count(&row, &Ended { planned_ns, invoked_ns, ended_ns: event.t_ns, error: None });
        });
        self.presence = presence;
    }

    fn count(&mut self, name: &Name, ended: &Ended<'_>) {
        let fold = match self.operations.get_mut(name) {
            Some(fold) => fold,
            None => self.operations.entry(name.clone()).or_default(),
        };
        fold.count(ended, &self.measured);
        self.limits.count(name, ended, &self.measured);
        if let Some(seconds) = &mut self.seconds {
            seconds.count(name, ended);
        }
    }

    fn error(&mut self, class: &Name) {
        match self.errors.get_mut(class) {
            Some(count) => *count += 1,
            None => {
                self.errors.insert(class.clone(), 1);
            }
        }
    }

    fn lag(&mut self, event: &Event) {
        let Some(planned_ns) = event.planned_ns else { return };
        let lag_ns = span(planned_ns, event.t_ns);
        self.lag.saturating_record(lag_ns);
        if let Some(seconds) = &mut self.seconds {
            seconds.lag(lag_ns);
        }
    }

    fn connected(&mut self, event: &Event, is_open: bool) {
        if let Some(seconds) = &mut self.seconds {
            seconds.connected(&event.user, is_open);
        }
    }
}

fn delivered(delivery: Delivery, ended_ns: i64) -> Ended<'static> {
    Ended { planned_ns: delivery.planned_ns, invoked_ns: delivery.sent_ns, ended_ns, error: None }
}

fn span(from_ns: i64, until_ns: i64) -> u64 {
    u64::try_from(until_ns.saturating_sub(from_ns)).unwrap_or(0)
}

fn to_i64(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}
