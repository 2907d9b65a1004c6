//! A broken check as a short story. Neighbours: `story` tells it, `render` shows it. Data only.

use crate::event::Name;
use serde::{Deserialize, Serialize};

/// A broken check as a short story: lanes, rows in order of time, and what went wrong meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// The broken check.
    pub check: String,
    /// Its evidence, as a sentence.
    pub sentence: String,
    /// Who takes part, in the order of lanes.
    pub lanes: Vec<Name>,
    /// What happened, by time.
    pub rows: Vec<StoryRow>,
    /// Faults as spans over the story's time.
    pub faults: Vec<StoryFault>,
    /// Work as spans in its lane: two that overlap in one lane are two jobs at once.
    #[serde(default)]
    pub spans: Vec<StorySpan>,
    /// Whether times are virtual.
    pub is_virtual: bool,
}

/// One row of a story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryRow {
    /// Number of its event; of a message, of its sending if that was seen.
    #[serde(default)]
    pub n: u64,
    /// When, in nanoseconds of plan time.
    pub t_ns: i64,
    /// The lane where it happens or where a message starts.
    pub from: Name,
    /// The lane where a message ends; absent for what happens in one lane.
    pub to: Option<Name>,
    /// When the message arrived, if it did.
    pub arrived_ns: Option<i64>,
    /// In few words: `job_request`, `discover: sees workers-0 available`.
    pub text: String,
    /// Why this row matters; empty for most.
    pub mark: String,
}

/// A fault as a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryFault {
    /// Its name.
    pub name: String,
    /// From when, in nanoseconds of plan time.
    pub from_ns: i64,
    /// Until when; to the end of the story if absent.
    pub until_ns: Option<i64>,
    /// The lanes concerned; all if empty.
    pub lanes: Vec<Name>,
    /// Number of the event that tells of its beginning: of one moment it is in its order among the rows.
    #[serde(default)]
    pub from_n: u64,
    /// Number of the event that tells of its end.
    #[serde(default)]
    pub until_n: Option<u64>,
}

/// A job, or other work with a beginning and an end, as a span in a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorySpan {
    /// The lane where it ran.
    pub lane: Name,
    /// What it was: the job's id.
    pub text: String,
    /// From when, in nanoseconds of plan time.
    pub from_ns: i64,
    /// Until when; it was still running where the story ends if absent.
    pub until_ns: Option<i64>,
}
