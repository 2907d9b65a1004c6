//! What ended in each second of a live run, and who was connected. The second that is going on has a histogram for each
//! operation; when it ends, its row and its intervals for the log are made, and the histograms start over.

use super::latency;
use super::operation::Ended;
use crate::checks::names::Names;
use crate::event::Name;
use crate::outcome::{Second, SecondOfOperation};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

const SECOND_NS: i64 = 1_000_000_000;
/// A gap longer than this (a record with an edited or foreign clock) is not filled with empty seconds.
const GAP_SECONDS_MAX: i64 = 86_400;

/// The times of one operation that ended in one second.
pub struct Interval {
    /// Which second, from time 0 of the plan.
    pub second: i64,
    /// The operation.
    pub operation: Name,
    /// Which of its times.
    pub time: Time,
    /// Their histogram, in nanoseconds.
    pub histogram: Histogram<u64>,
}

/// The two times of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// From the planned time to the answer.
    Response,
    /// From sending to the answer.
    Service,
}

impl Time {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Time::Response => "response",
            Time::Service => "service",
        }
    }
}

/// Folds what ends, second by second.
pub struct Seconds {
    now: Option<i64>,
    operations: BTreeMap<Name, Fold>,
    lag_max_ns: u64,
    users: Names,
    /// Open connections by user.
    connections: Vec<u32>,
    connected: u64,
    done: Vec<Second>,
    intervals: Vec<Interval>,
}

struct Fold {
    response: Histogram<u64>,
    service: Histogram<u64>,
    errors: u64,
}

impl Fold {
    fn new() -> Self {
        Fold { response: latency::histogram(), service: latency::histogram(), errors: 0 }
    }
}

impl Seconds {
    /// Before the first second.
    pub fn new() -> Self {
        Seconds {
            now: None,
            operations: BTreeMap::new(),
            lag_max_ns: 0,
            users: Names::default(),
            connections: Vec::new(),
            connected: 0,
            done: Vec::new(),
            intervals: Vec::new(),
        }
    }

    /// It is this time now: seconds before it have ended.
    pub fn reach(&mut self, t_ns: i64) {
        let second = t_ns.div_euclid(SECOND_NS);
        let Some(now) = self.now else {
            self.now = Some(second);
            return;
        };
        if second <= now {
            return;
        }
        self.end_second(now);
        if second - now <= GAP_SECONDS_MAX {
            (now + 1..second).for_each(|empty| self.end_second(empty));
        }
        self.now = Some(second);
    }

    /// An operation ended.
    pub fn count(&mut self, name: &Name, ended: &Ended<'_>) {
        let fold = match self.operations.get_mut(name) {
            Some(fold) => fold,
            None => self.operations.entry(name.clone()).or_insert_with(Fold::new),
        };
        if ended.error.is_some() {
            fold.errors += 1;
        } else {
            fold.response.saturating_record(ended.response_ns());
            fold.service.saturating_record(ended.service_ns());
        }
    }

    /// An operation was invoked this much later than planned.
    pub fn lag(&mut self, lag_ns: u64) {
        self.lag_max_ns = self.lag_max_ns.max(lag_ns);
    }

    /// A user's connection was opened or ended.
    pub fn connected(&mut self, user: &Name, is_open: bool) {
        let user = self.users.id(user).index();
        if user >= self.connections.len() {
            self.connections.resize(user + 1, 0);
        }
        let count = &mut self.connections[user];
        let was_connected = *count > 0;
        *count = if is_open { *count + 1 } else { count.saturating_sub(1) };
        match (was_connected, *count > 0) {
            (false, true) => self.connected += 1,
            (true, false) => self.connected -= 1,
            _ => {}
        }
    }

    /// Users with an open connection.
    pub fn connected_users(&self) -> u64 {
        self.connected
    }

    /// The seconds that have ended.
    pub fn done(&self) -> &[Second] {
        &self.done
    }

    /// Intervals of the seconds that ended since the last call.
    pub fn drain_intervals(&mut self) -> Vec<Interval> {
        std::mem::take(&mut self.intervals)
    }

    /// Ends the second that was going on; its intervals.
    pub fn finish(&mut self) -> Vec<Interval> {
        if let Some(now) = self.now.take() {
            self.end_second(now);
        }
        self.drain_intervals()
    }

    /// All seconds.
    pub fn into_done(self) -> Vec<Second> {
        self.done
    }

    fn end_second(&mut self, second: i64) {
        let mut operations = BTreeMap::new();
        for (name, fold) in &mut self.operations {
            let response = &fold.response;
            let count = response.len() + fold.errors;
            if count == 0 {
                continue;
            }
            operations.insert(
                name.to_string(),
                SecondOfOperation {
                    count,
                    errors: fold.errors,
                    p50_ns: latency::quantile(response, 0.5),
                    p99_ns: latency::quantile(response, 0.99),
                    max_ns: (!response.is_empty()).then(|| response.max()),
                },
            );
            for (time, histogram) in [(Time::Response, &mut fold.response), (Time::Service, &mut fold.service)] {
                if !histogram.is_empty() {
                    let (operation, histogram) = (name.clone(), histogram.clone());
                    self.intervals.push(Interval { second, operation, time, histogram });
                }
                histogram.reset();
            }
            fold.errors = 0;
        }
        let lag_max_ns = std::mem::take(&mut self.lag_max_ns);
        self.done.push(Second { second, users: self.connected, operations, lag_max_ns });
    }
}

impl Default for Seconds {
    fn default() -> Self {
        Seconds::new()
    }
}
