//! Rendering: one or several outcomes as text, HTML, JSON, Markdown or JUnit XML. Strings in, strings out.
//!
//! - [`text`]: what a terminal shows after a run
//! - [`html`]: one file that a lead decides from, offline, on a phone and in print
//! - [`playback`]: one file to step through one run
//! - [`json`]: one line for scripts
//! - [`markdown`]: a comment on a pull request
//! - [`junit`]: for a build server
//! - [`capacity`]: a search for a capacity
//! - [`units`], [`words`], [`covered`] and [`errors`]: how figures, verdicts, coverage and error classes are put, the same in
//!   all of them
//!
//! Neighbours: `outcome` (all that is shown), `story` (a broken check, told). Left out: files, terminals, exit codes;
//! the command line decides the closing line and hands it in.

pub mod capacity;
pub mod covered;
pub mod errors;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod playback;
pub mod text;
pub mod units;
pub mod words;

use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};

/// What one report shows: scenarios that were played, in the order of playing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What the report is about: a scenario's name, or `The flagship in both worlds`.
    pub title: String,
    /// The command that made it.
    pub command: String,
    /// Version of rehearsal, with its commit.
    pub version: String,
    /// The machine in few words: processors, operating system, load.
    pub machine: String,
    /// One for each scenario and world.
    pub outcomes: Vec<Outcome>,
    /// The last line, such as `exit 0: the expected verdict`, if there is one.
    pub closing: Option<String>,
    /// Where the HTML report is, for the other formats to point at.
    pub html: Option<String>,
}

impl Report {
    /// Whether every outcome is the expected one and no threshold is missed.
    pub fn is_as_expected(&self) -> bool {
        self.standing() == words::Standing::Good
    }

    /// What the report comes to: the worst of its outcomes.
    pub fn standing(&self) -> words::Standing {
        self.outcomes.iter().map(words::standing).max().unwrap_or(words::Standing::Good)
    }
}
