//! The record: the files that a run leaves, as formats. Start here: [`EventWriter`] and [`EventReader`] for
//! `events.jsonl.zst`, [`Header`] for `header.json`.
//!
//! - [`header`]: what was played, by what, where
//! - [`writer`], [`reader`]: events, one object a line ([`line`](mod@line)), compressed, readable up to the last flush
//! - [`judging`]: a record, judged again
//! - [`merging`]: several records as one; [`clocks`]: what may be said about the order of their events
//! - [`verdict_file`]: the outcome, `verdict.json`, with what its run tells of the other files ([`told`])
//! - [`network`]: what a simulation did below the events, which no check opens
//! - [`error`]: what can be wrong with a record that somebody hands in
//!
//! Absent on purpose: files and folders. Whoever runs (`loadgen`, the command line) opens them.

pub mod clocks;
pub mod error;
pub mod header;
pub mod judging;
pub mod line;
pub mod merging;
pub mod network;
pub mod reader;
pub mod told;
pub mod verdict_file;
pub mod writer;

pub use error::RecordError;
pub use header::{Header, MergedPart, SharedClock};
pub use judging::{Folding, Judged, judge_record};
pub use merging::Merging;
pub use reader::{EventReader, FileEnd};
pub use told::Told;
pub use verdict_file::VerdictFile;
pub use writer::EventWriter;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of the record's formats that this program writes; it reads this one and older ones.
pub const FORMAT: u32 = 1;

/// The page to step through a record, in its folder.
pub const PLAYBACK: &str = "playback.html";

/// A JSON file for people to look into as well.
fn to_json_file<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("plain data with string keys is always JSON");
    bytes.push(b'\n');
    bytes
}

fn from_json_file<T: DeserializeOwned>(file: &'static str, bytes: &[u8]) -> Result<T, RecordError> {
    let unreadable = |error: serde_json::Error| RecordError::Unreadable { file, why: error.to_string() };
    let found: Format = serde_json::from_slice(bytes).map_err(unreadable)?;
    if found.format > u64::from(FORMAT) {
        return Err(RecordError::Newer { file, found: found.format });
    }
    serde_json::from_slice(bytes).map_err(unreadable)
}

#[derive(Deserialize)]
struct Format {
    format: u64,
}
