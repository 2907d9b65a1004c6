//! What can be wrong with a record that somebody hands in: one clear message with a hint, never a panic.

use thiserror::Error;

/// Why a record cannot be read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// Written by a newer program.
    #[error(
        "the {file} has format {found}, this program reads up to {}\n  hint: use the version of rehearsal that wrote it",
        super::FORMAT
    )]
    Newer {
        /// Which file.
        file: &'static str,
        /// The format it says it has.
        found: u64,
    },
    /// Not what it should be.
    #[error("the {file} cannot be read: {why}\n  hint: a record is the folder that a run leaves, unedited")]
    Unreadable {
        /// Which file.
        file: &'static str,
        /// What was found.
        why: String,
    },
    /// A line of the events makes no sense.
    #[error(
        "line {line} of the events {why}\n  hint: the record was edited or damaged; play the run again for a new one"
    )]
    BadLine {
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it, as the rest of the sentence.
        why: String,
    },
    /// The reading itself failed.
    #[error("the events cannot be read: {0}\n  hint: a record is the folder that a run leaves, unedited")]
    Io(#[from] std::io::Error),
}
