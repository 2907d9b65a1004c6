//! Arguments of what reads or writes files and plays nothing.

use super::shared::{Files, Format, Settings};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Judge an old record again.
#[derive(Debug, Args)]
pub struct Check {
    /// The record's folder, such as runs/latest.
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// Form of the results on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Write the report of a record again.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rehearsal report runs/latest\n  rehearsal report runs/latest --format playback\n  rehearsal report runs/latest --format shiviz > race.log\n  \
rehearsal report runs/latest --format perfetto > race.json"
)]
pub struct Report {
    /// The record's folder, such as runs/latest.
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// Where to write the HTML; report.html or playback.html in the record by default.
    #[arg(long, value_name = "PATH")]
    pub html: Option<PathBuf>,
    /// The report or the playback in HTML, or the events on stdout in another tool's form.
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    pub format: ReportFormat,
}

/// What a report is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A browser.
    Html,
    /// A browser, to step through: who said what to whom, and the state of rooms and jobs at a cursor.
    Playback,
    /// ShiViz: a log with vector clocks.
    Shiviz,
    /// Perfetto: Chrome's trace JSON.
    Perfetto,
}

/// Check scenario files without playing them.
#[derive(Debug, Args)]
pub struct Lint {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub settings: Settings,
    /// Form of the diagnostics on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Write a first scenario, rehearsal.toml and a CI job.
#[derive(Debug, Args)]
pub struct New {
    /// The folder of your project.
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Show what a seed makes of a scenario.
#[derive(Debug, Args)]
pub struct ShowPlan {
    /// A scenario file, or the name of an embedded scenario.
    #[arg(value_name = "FILE")]
    pub file: String,
    #[command(flatten)]
    pub settings: Settings,
    /// The seed.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// For which world.
    #[arg(long, value_enum, default_value_t = WorldName::Simulated)]
    pub world: WorldName,
    /// A time-line for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A world, as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorldName {
    /// The simulated network.
    Simulated,
    /// Real sockets.
    Live,
}
