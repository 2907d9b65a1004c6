//! Arguments of what is played in the simulated world.

use super::shared::{Expect, Files, Format, Output, Settings, duration, duration_or_none, tick};
use clap::Args;
use rehearsal_sim::engine::EngineKind;
use std::path::PathBuf;
use std::time::Duration;

/// Play scenarios in the simulated world.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rehearsal simulate two_clients_race_naive_worker\n  rehearsal simulate scenarios/files \
--seeds 20 --format json\n  rehearsal simulate my.toml --for 60s --stop-at-first\n  rehearsal simulate --profile nightly\n  \
rehearsal simulate my.toml --each-seed seeds.jsonl"
)]
pub struct Simulate {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub settings: Settings,
    /// A named way to explore, `[profiles.NAME]` in rehearsal.toml; what else is said here outweighs it.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The first seed; 1 by default.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// How many seeds, from the first on, a fixed set; 100 by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: Option<u64>,
    /// Explore until this much real time is over, such as 60s: finding, confirming and shrinking, over all scenarios. Beside
    /// fixed seeds (--seeds, or those of the profile): after those, and what is found then is only a warning.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub time: Option<Duration>,
    /// How many seeds to play at once; all cores by default.
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u64).range(1..=256))]
    pub jobs: Option<u64>,
    /// Length of one step of the turmoil engine.
    #[arg(long, default_value = "5ms", value_name = "TIME", value_parser = tick)]
    pub tick: Duration,
    /// Which engine plays: turmoil or event.
    #[arg(long, default_value = EngineKind::default().name(), value_name = "NAME")]
    pub engine: String,
    /// Stop at the first broken seed.
    #[arg(long)]
    pub stop_at_first: bool,
    /// Play each seed twice and compare event by event.
    #[arg(long)]
    pub twice: bool,
    /// Expect this verdict in place of the file's.
    #[arg(long, value_enum)]
    pub expect: Option<Expect>,
    /// How many broken seeds per check leave a record.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub records: usize,
    /// End with exit 1 if a `sometimes` was seen in no seed.
    #[arg(long)]
    pub unmet_fails: bool,
    /// Also write a JSON line for each seed to this file; - is stdout.
    #[arg(long, value_name = "PATH")]
    pub each_seed: Option<PathBuf>,
    #[command(flatten)]
    pub shrink: Shrink,
    #[command(flatten)]
    pub output: Output,
}

/// Whether failures are made smaller.
#[derive(Clone, Copy, Debug, Args)]
pub struct Shrink {
    /// Make what breaks as small as it can be, even where it is expected to break.
    #[arg(long)]
    pub shrink: bool,
    /// How long to do that at most, over all failures of a scenario, 60s by default; 0s leaves them as they are.
    #[arg(long, value_name = "TIME", value_parser = duration_or_none)]
    pub shrink_for: Option<Duration>,
}

/// How long failures are made smaller if nobody says how long.
const SHRINK_FOR: Duration = Duration::from_secs(60);

impl Shrink {
    /// How long at most.
    pub fn time(self) -> Duration {
        self.shrink_for.unwrap_or(SHRINK_FOR)
    }
}

/// Play one seed again.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rehearsal replay runs/latest\n  rehearsal replay two_clients_race_naive_worker --seed 4"
)]
pub struct Replay {
    /// A record's folder, or a scenario as for simulate.
    #[arg(value_name = "RECORD|FILE")]
    pub what: String,
    #[command(flatten)]
    pub settings: Settings,
    /// The seed, with a scenario.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Which engine plays: turmoil or event; the record's own by default.
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// Length of one step of the turmoil engine.
    #[arg(long, default_value = "5ms", value_name = "TIME", value_parser = tick)]
    pub tick: Duration,
    /// Print every event, one JSON object a line, in place of the story.
    #[arg(long)]
    pub events: bool,
    #[command(flatten)]
    pub shrink: Shrink,
    #[command(flatten)]
    pub output: Output,
}

/// Keep a failure.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rehearsal keep runs/latest --name busy_worker_is_asked_again\n  rehearsal simulate \
scenarios/regressions"
)]
pub struct Keep {
    /// The record of a broken seed, such as runs/latest.
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// Name of the file, without ending.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Folder of kept failures.
    #[arg(long, value_name = "DIR", default_value = "scenarios/regressions")]
    pub folder: PathBuf,
}

/// Find every known defect.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rehearsal score\n  rehearsal score --starts 20 --control 10000")]
pub struct Score {
    /// From how many first seeds each defect is looked for; medians and worst cases are over these.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub starts: u64,
    /// How many seeds of systems without a defect are played, in which no check may break.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub control: u64,
    /// The most seeds from one start.
    #[arg(long, default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// How long each defect's failure is made smaller.
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = duration_or_none)]
    pub shrink_for: Duration,
    /// Form of the results on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Play the plan on stdin.
#[derive(Debug, Args)]
pub struct Confirm {
    /// Which engine plays.
    #[arg(long, default_value = EngineKind::default().name(), value_name = "NAME")]
    pub engine: String,
    /// Length of one step of the turmoil engine.
    #[arg(long, default_value = "5ms", value_name = "TIME", value_parser = tick)]
    pub tick: Duration,
}
