//! One operation's numbers. Operations that were planned (or, following another, invoked) within the measure phase are kept
//! apart from the others: tables and thresholds show those, unless there are none, as for sign-ins.

use super::latency;
use crate::event::Name;
use crate::outcome::{Model, OperationNumbers};
use hdrhistogram::Histogram;

/// Folds the ends of one operation.
pub struct OperationFold {
    measured: Sample,
    outside: Sample,
    model: Model,
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
        OperationFold { measured: Sample::new(), outside: Sample::new(), model: Model::Closed }
    }

    /// One ended.
    pub fn count(&mut self, is_measured: bool, is_planned: bool, response_ns: u64, service_ns: u64, is_error: bool) {
        if is_planned {
            self.model = Model::Planned;
        }
        let sample = if is_measured { &mut self.measured } else { &mut self.outside };
        if is_error {
            sample.errors += 1;
        } else {
            sample.response.saturating_record(response_ns);
            sample.service.saturating_record(service_ns);
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

    /// The row of a table.
    pub fn numbers(&self, name: &Name) -> OperationNumbers {
        let sample = if self.measured.count() > 0 { &self.measured } else { &self.outside };
        OperationNumbers {
            name: name.to_string(),
            model: self.model,
            count: sample.count(),
            errors: sample.errors,
            response: latency::latency(&sample.response),
            service: latency::latency(&sample.service),
            curve: latency::curve(&sample.response),
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
