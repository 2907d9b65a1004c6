//! `verdict.json`: the outcome of the run that the record is of, so that a report can be made again without judging.

use super::{FORMAT, RecordError, Told};
use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};

/// The outcome with the version of its format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictFile {
    /// The version of the record's formats.
    pub format: u32,
    /// The outcome.
    pub outcome: Outcome,
    /// What the run tells of its record.
    #[serde(flatten)]
    pub told: Told,
}

impl VerdictFile {
    /// The file for this outcome of a run that tells so of its record.
    pub fn new(outcome: Outcome, told: Told) -> Self {
        VerdictFile { format: FORMAT, outcome, told }
    }

    /// The file's bytes; the same outcome gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        super::to_json_file(self)
    }

    /// Reads the file.
    pub fn from_bytes(bytes: &[u8]) -> Result<VerdictFile, RecordError> {
        super::from_json_file("verdict", bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_verdict_is_refused_and_rubbish_is_told() {
        let newer = VerdictFile::from_bytes(br#"{"format": 7}"#).unwrap_err().to_string();
        assert!(newer.starts_with("the verdict has format 7, this program reads up to 1"), "{newer}");
        let rubbish = VerdictFile::from_bytes(b"{").unwrap_err().to_string();
        assert!(rubbish.starts_with("the verdict cannot be read: "), "{rubbish}");
    }
}
