//! What a search for a capacity found: everything that a reader may be shown, and the file `capacity.json`. Data only.
//! Neighbours: `search` and `step` fill it, `render` shows it.

use super::search::Answer;
use super::step::{Seen, StepVerdict};
use crate::outcome::{ThresholdVerdict, Validity};
use serde::{Deserialize, Serialize};

/// Version of `capacity.json` and of the JSON line.
pub const FORMAT: u32 = 1;

/// A search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityOutcome {
    /// Version of this shape.
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What it says it is about.
    pub about: String,
    /// What was loaded, without secrets.
    pub targets: Vec<String>,
    /// The parameter that was the load.
    pub parameter: String,
    /// The least and the highest load that were allowed.
    pub between: (f64, f64),
    /// What was found.
    pub answer: Answer,
    /// Whether the answer can be trusted.
    pub validity: Validity,
    /// Why not, as sentences.
    pub reasons: Vec<String>,
    /// Every step, in the order of playing.
    pub steps: Vec<PlayedStep>,
    /// Whether somebody ended the search.
    pub interrupted: bool,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayedStep {
    /// The load.
    pub load: f64,
    /// What came of it.
    pub verdict: StepVerdict,
    /// Whether a check is broken: what is wrong is no capacity, however fast.
    pub is_check_broken: bool,
    /// How long was measured, in seconds.
    pub seconds: u64,
    /// What each objective saw.
    pub seen: Vec<Seen>,
    /// What was measured of each threshold.
    pub thresholds: Vec<ThresholdVerdict>,
    /// Whether the generator kept up.
    pub generator: Validity,
    /// Why not, as sentences.
    pub reasons: Vec<String>,
    /// The step's own record.
    pub record: String,
}
