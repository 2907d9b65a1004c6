//! How a run of the plan is judged: checks, objectives, and the verdict that the scenario expects. Neighbours:
//! `reports`.

use crate::distribution::Nanos;
use crate::plan::declared::{self, DeclaredCheck};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which checks judge the run, and with which bounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChecksPlan {
    /// Checks that the file names (a verdict "not judged" of these becomes unknown); all apply when none is named.
    pub named: Vec<String>,
    /// Checks left out, with the author's reason.
    pub skipped: BTreeMap<String, String>,
    /// Bounds set by the file: check name -> nanoseconds.
    pub within_ns: BTreeMap<String, Nanos>,
    /// Checks of the scenario's own, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declared: Vec<DeclaredCheck>,
}

impl ChecksPlan {
    /// Where the scenario's own checks look into messages, as JSON pointers: recorders keep what stands there.
    pub fn watched(&self) -> Vec<String> {
        declared::watched(&self.declared)
    }
}

/// A service-level objective over one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The operation, such as `discover`.
    pub operation: String,
    /// What is measured.
    pub measure: Measure,
    /// The measured value must be below (or, for throughput, above) this: nanoseconds, a share 0–1, or operations a
    /// second.
    pub limit: f64,
    /// As the author wrote it, such as `p99 < 100ms`.
    pub text: String,
}

/// What a threshold measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A latency percentile, 0–1, from the planned time.
    Percentile(f64),
    /// Failed operations over all, 0–1.
    Errors,
    /// Planned work that was dropped over all that was planned, 0–1; of no single operation.
    Late,
    /// Completed operations a second; the only one that must be above its limit.
    Rate,
}

/// The verdict that the scenario expects: of all checks, or of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Every check holds.
    Holds,
    /// At least one of these checks is broken in at least one seed, and no other is. Empty: any.
    Broken(Vec<String>),
    /// Broken or not, both are fine.
    Either,
    /// What is expected of some checks; all others hold.
    Checks {
        /// At least one of these is broken in at least one seed; none needs to be if there are none here.
        broken: Vec<String>,
        /// Broken or not, both are fine.
        either: Vec<String>,
    },
}

impl Expectation {
    /// The checks of which at least one has to be broken, any if none is named; nothing if none has to.
    pub fn must_break(&self) -> Option<&[String]> {
        match self {
            Expectation::Broken(names) => Some(names),
            Expectation::Checks { broken, .. } if !broken.is_empty() => Some(broken),
            Expectation::Holds | Expectation::Either | Expectation::Checks { .. } => None,
        }
    }

    /// What is expected of this check.
    pub fn of_check(&self, check: &str) -> Expected {
        let names = |list: &[String]| list.iter().any(|name| name == check);
        match self {
            Expectation::Either => Expected::Either,
            Expectation::Broken(list) if list.is_empty() || names(list) => Expected::Broken,
            Expectation::Checks { broken, .. } if names(broken) => Expected::Broken,
            Expectation::Checks { either, .. } if names(either) => Expected::Either,
            Expectation::Holds | Expectation::Broken(_) | Expectation::Checks { .. } => Expected::Holds,
        }
    }
}

/// What is expected of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It holds.
    Holds,
    /// It, or another one of which this is expected, is broken.
    Broken,
    /// Broken or not, both are fine.
    Either,
}

impl Expected {
    /// Its word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Expected::Holds => "holds",
            Expected::Broken => "broken",
            Expected::Either => "either",
        }
    }
}
