//! Arguments of what several processes take: playing a part of a load, and making one record of all.

use super::shared::{Format, duration};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Make one record of the records of segments.
#[derive(Debug, Args)]
#[command(
    after_help = "Events are put into one order, checks and thresholds judge them by the whole plan, and histograms are those of a \
run in one process. What came first in two processes is only claimed outside of the bound of their clocks.\n\nExamples:\n  rehearsal \
merge runs/a runs/b runs/c runs/d\n  rehearsal merge */runs/latest --out merged"
)]
pub struct Merge {
    /// The folders of all segments.
    #[arg(value_name = "RECORD", required = true)]
    pub records: Vec<PathBuf>,
    /// Folder for the merged record; `runs` by default.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Form of the results on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Play a part of somebody's load.
#[derive(Debug, Args)]
#[command(
    after_help = "Waits for `rehearsal load … --agents N --via URL`, plays one segment, sends its record back and ends. It loads \
loopback and the hosts that are named here, whoever asks.\n\nExamples:\n  rehearsal agent --via redis://10.0.0.5:6379 \
--yes-i-may-load stg.example"
)]
pub struct Agent {
    /// The Redis through which it is spoken with.
    #[arg(long, value_name = "URL")]
    pub via: String,
    /// Names a host that it may load; needed for every target that is not loopback.
    #[arg(long, value_name = "HOST")]
    pub yes_i_may_load: Vec<String>,
    /// PEM file of a private certificate authority to trust.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Folder for its own copy of the record; `runs` by default.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Ends without work after this long; waits for ever by default.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub patience: Option<Duration>,
}
