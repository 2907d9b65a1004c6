//! One operation's numbers. Operations that were planned (or, following another, invoked) within the measure phase are kept
//! apart from the others: tables and thresholds show those, unless there are none, as for sign-ins.

use super::latency;
use crate::event::Name;
use crate::outcome::{Model, OperationNumbers, Period};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::ops::Range;

/// Folds the ends of one operation.
pub struct OperationFold {
    measured: Sample,
    outside: Sample,
    /// How many of those outside of the measure phase lie before it.
    before: u64,
    model: Model,
    error_classes: BTreeMap<Name, u64>,
}

/// One operation that ended.
pub struct Ended<'a> {
    /// When it was planned, in nanoseconds of plan time, if it was.
    pub planned_ns: Option<i64>,
    /// When it was invoked.
    pub invoked_ns: i64,
    /// When it ended.
    pub ended_ns: i64,
    /// The class of its error, if it failed or stayed unknown.
    pub error: Option<&'a Name>,
}

impl Ended<'_> {
    /// From when its response time counts.
    pub fn start_ns(&self) -> i64 {
        self.planned_ns.unwrap_or(self.invoked_ns)
    }

    /// From the planned time to its end, in nanoseconds.
    pub fn response_ns(&self) -> u64 {
        super::span(self.start_ns(), self.ended_ns)
    }

    /// From its sending to its end, in nanoseconds.
    pub fn service_ns(&self) -> u64 {
        super::span(self.invoked_ns, self.ended_ns)
    }
}

/// What one phase gave.
pub struct Sample {
    /// From the planned time to the answer.
    pub response: Histogram<u64>,
    /// From the invocation to the answer.
    pub service: Histogram<u64>,
    /// How many failed or stayed unknown.
    pub errors: u64,
}

impl OperationFold {
    /// Nothing ended yet.
    pub fn new() -> Self {
        OperationFold {
            measured: Sample::new(),
            outside: Sample::new(),
            before: 0,
            model: Model::Closed,
            error_classes: BTreeMap::new(),
        }
    }

    /// One ended; `measured` is the measure phase, in nanoseconds of plan time.
    pub fn count(&mut self, ended: &Ended<'_>, measured: &Range<i64>) {
        if ended.planned_ns.is_some() {
            self.model = Model::Planned;
        }
        let start_ns = ended.start_ns();
        let sample = if measured.contains(&start_ns) { &mut self.measured } else { &mut self.outside };
        self.before += u64::from(start_ns < measured.start);
        match ended.error {
            Some(class) => {
                sample.errors += 1;
                match self.error_classes.get_mut(class) {
                    Some(count) => *count += 1,
                    None => drop(self.error_classes.insert(class.clone(), 1)),
                }
            }
            None => {
                sample.response.saturating_record(ended.response_ns());
                sample.service.saturating_record(ended.service_ns());
            }
        }
    }

    /// What was planned within the measure phase: what thresholds judge.
    pub fn measured(&self) -> &Sample {
        &self.measured
    }

    /// How many succeeded, in all phases.
    pub fn succeeded(&self) -> u64 {
        self.measured.response.len() + self.outside.response.len()
    }

    /// The row of a table; `measured` is the measure phase.
    pub fn numbers(&self, name: &Name, measured: &Range<i64>) -> OperationNumbers {
        let sample = if self.measured.count() > 0 { &self.measured } else { &self.outside };
        OperationNumbers {
            name: name.to_string(),
            period: self.period(measured),
            error_classes: self.error_classes.iter().map(|(class, count)| (class.to_string(), *count)).collect(),
            model: self.model,
            count: sample.count(),
            errors: sample.errors,
            response: latency::latency(&sample.response),
            service: latency::latency(&sample.service),
            curve: latency::curve(&sample.response),
        }
    }

    fn period(&self, measured: &Range<i64>) -> Period {
        match (self.before, self.outside.count()) {
            _ if self.measured.count() > 0 => Period::Measure,
            _ if measured.is_empty() => Period::Whole,
            (0, _) => Period::After,
            (before, all) if before == all => Period::Before,
            _ => Period::Outside,
        }
    }
}

impl Default for OperationFold {
    fn default() -> Self {
        OperationFold::new()
    }
}

impl Sample {
    fn new() -> Self {
        Sample { response: latency::histogram(), service: latency::histogram(), errors: 0 }
    }

    /// How many ended, errors included.
    pub fn count(&self) -> u64 {
        self.response.len() + self.errors
    }
}
