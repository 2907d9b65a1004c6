//! What a run tells of its own record at its end, so that an edit of it is noticed: counts and hashes of its files. Neighbours:
//! `verdict_file` keeps it, `judging` compares. Left out: edits of `verdict.json` itself, which is judged anew anyway.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// What a run told of its record. Older records tell less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How many events it wrote: what is not all of them has no end.
    #[serde(default)]
    pub events: Option<u64>,
    /// Hash of their lines.
    #[serde(default)]
    pub events_hash: Option<String>,
    /// Hash of the header's file.
    #[serde(default)]
    pub header_hash: Option<String>,
    /// Whether it came to its end, so that what was open then stayed open. Older records were those of runs that did.
    #[serde(default = "yes")]
    pub complete: bool,
}

fn yes() -> bool {
    true
}

impl Default for Told {
    /// Nothing that contradicts the files.
    fn default() -> Self {
        Told { events: None, events_hash: None, header_hash: None, complete: true }
    }
}

impl Told {
    /// Of a run that wrote so many events with this hash after a header of these bytes, and came to its end or not.
    pub fn new(events: u64, events_hash: String, header: &[u8], complete: bool) -> Told {
        Told { events: Some(events), events_hash: Some(events_hash), header_hash: Some(hash_of(header)), complete }
    }

    /// Whether the header's file holds something else than the run wrote.
    pub fn contradicts_header(&self, bytes: &[u8]) -> bool {
        self.header_hash.as_ref().is_some_and(|told| *told != hash_of(bytes))
    }
}

fn hash_of(bytes: &[u8]) -> String {
    in_words(xxh3_64(bytes))
}

/// A hash as it stands in files.
pub(super) fn in_words(hash: u64) -> String {
    format!("xxh3:{hash:016x}")
}
