//! Verdicts: what a check says after the run, and how several become one. Three values, as in every honest checker, and
//! "not judged" for what nothing exercised. Neighbours: `checks` produce them, `render` shows them.

use crate::event::Name;
use serde::{Deserialize, Serialize};

/// What a check says about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The property holds over everything that was judged (at least one operation).
    Holds,
    /// The property is broken.
    Broken {
        /// The violations found, first one first; at most [`Verdict::EVIDENCE_MAX`].
        evidence: Vec<Evidence>,
    },
    /// It cannot be said, since an operation's outcome is unknown and both outcomes stay possible.
    Unknown {
        /// Why, as a sentence.
        reason: String,
    },
    /// Nothing in this run exercised the property.
    NotJudged {
        /// Why, as a sentence.
        reason: String,
    },
}

impl Verdict {
    /// How many violations a verdict keeps; all are counted.
    pub const EVIDENCE_MAX: usize = 10;

    /// The stable word for scripts: `holds`, `broken`, `unknown`, `not_judged`.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Broken { .. } => "broken",
            Verdict::Unknown { .. } => "unknown",
            Verdict::NotJudged { .. } => "not_judged",
        }
    }
}

/// One violation: a sentence, when, who, and the events that show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What is wrong, as a sentence that names users and offsets in seconds.
    pub sentence: String,
    /// From when, in nanoseconds of plan time.
    pub from_ns: i64,
    /// Until when.
    pub until_ns: i64,
    /// The users concerned: the lanes of the story.
    pub users: Vec<Name>,
    /// Numbers (`n`) of the events that show it, in order; the last one is the one that breaks the property.
    pub events: Vec<u64>,
}

/// A check's verdict with its name and how much it judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckVerdict {
    /// The check's name, such as `worker_runs_one_job_at_a_time`.
    pub name: String,
    /// The property as a sentence, such as `a worker runs one job at a time`.
    pub property: String,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How many operations it judged.
    pub judged: u64,
    /// What was judged, in the plural: `jobs`, `discoveries`.
    pub judged_what: String,
    /// How many violations there were in all.
    pub violations: u64,
}
