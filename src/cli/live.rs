//! Arguments of what contacts a target, or gets ready to.

use super::shared::{Expect, Format, Output, Settings};
use crate::exit::Failure;
use clap::Args;
use rehearsal_scenarios::plan::Segment;
use std::path::PathBuf;

/// Play a scenario as load.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rehearsal load steady_discovery_load --target ws://127.0.0.1:8080\n  rehearsal load my.toml \
--target wss://stg.example --http https://stg.example --yes-i-may-load stg.example\n  rehearsal load my.toml --target \
ws://127.0.0.1:8080 --preflight-only\n  rehearsal load my.toml --target ws://127.0.0.1:8001 --target ws://127.0.0.1:8002\n  \
rehearsal load my.toml --target ws://127.0.0.1:8080 --segment 1/4 --start-at 1790000000\n  rehearsal load my.toml \
--target wss://stg.example --yes-i-may-load stg.example --agents 4 --via redis://10.0.0.5"
)]
pub struct Load {
    /// A scenario file, or the name of an embedded scenario.
    #[arg(value_name = "FILE")]
    pub file: String,
    #[command(flatten)]
    pub settings: Settings,
    #[command(flatten)]
    pub deployment: Deployment,
    /// The seed that makes the plan.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Play this part of the plan alone, such as 1/4; `merge` joins the records.
    #[arg(long, value_name = "N/M", conflicts_with_all = ["processes", "agents"])]
    pub segment: Option<Segment>,
    /// Begin at this moment, in seconds since 1970: all segments together.
    #[arg(long, value_name = "UNIX_TIME", conflicts_with_all = ["processes", "agents"])]
    pub start_at: Option<f64>,
    /// Play it by so many processes of this machine; as many as the number of files asks for by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64), conflicts_with = "agents")]
    pub processes: Option<u32>,
    /// Play it by so many agents, which `rehearsal agent` starts elsewhere.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=250), requires = "via")]
    pub agents: Option<u32>,
    /// The Redis through which agents are spoken with, such as redis://10.0.0.5:6379.
    #[arg(long, value_name = "URL", requires = "agents")]
    pub via: Option<String>,
    /// Only walk one user of each group through its flow once, then stop.
    #[arg(long)]
    pub preflight_only: bool,
    /// Expect this verdict in place of the file's.
    #[arg(long, value_enum)]
    pub expect: Option<Expect>,
    #[command(flatten)]
    pub outlets: Outlets,
    #[command(flatten)]
    pub output: Output,
}

/// What is loaded.
#[derive(Debug, Args)]
pub struct Deployment {
    /// WebSocket address of the deployment, such as ws://127.0.0.1:8080. Rooms are spread over several (repeatable).
    #[arg(long, value_name = "URL", required = true)]
    pub target: Vec<String>,
    /// Its HTTP address; the same host and port as the target by default. As often as the target.
    #[arg(long, value_name = "URL")]
    pub http: Vec<String>,
    /// Names a host that you may load; needed for every target that is not loopback.
    #[arg(long, value_name = "HOST")]
    pub yes_i_may_load: Vec<String>,
    /// PEM file of a private certificate authority to trust.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

/// Where numbers go while a run goes on.
#[derive(Debug, Default, Args)]
pub struct Outlets {
    /// Lets Prometheus scrape numbers at this address, such as 127.0.0.1:9100, under /metrics.
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<std::net::SocketAddr>,
    /// Sends numbers to this OTLP collector every 5 s (HTTP, JSON), such as http://127.0.0.1:4318.
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,
}

/// Find the highest load at which thresholds and checks hold.
#[derive(Debug, Args)]
#[command(
    after_help = "The file says what the load is: `[capacity]` with `search = \"PARAMETER\"` and `between = [LEAST, HIGHEST]`. Each \
step is a live run with a record of its own; it ends as soon as its thresholds clearly hold or clearly do not. Exit code 0 if a \
capacity was found, 3 if even the least load misses a threshold, 1 if a check is broken there, 4 if it cannot be told.\n\nExamples:\n  \
rehearsal capacity find_the_capacity --target ws://127.0.0.1:8080\n  rehearsal capacity my.toml --target wss://stg.example \
--yes-i-may-load stg.example --format json"
)]
pub struct Capacity {
    /// A scenario file, or the name of an embedded scenario.
    #[arg(value_name = "FILE")]
    pub file: String,
    #[command(flatten)]
    pub settings: Settings,
    #[command(flatten)]
    pub deployment: Deployment,
    /// The seed that makes the plan of each step.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Form of the results on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Folder for records; `runs` by default.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

impl Deployment {
    /// WebSocket address of the nth target, counted round and round, and its HTTP address if that is named.
    pub fn target_of(&self, nth: usize) -> (&str, Option<&str>) {
        let nth = nth % self.target.len().max(1);
        (self.target.get(nth).map_or("", String::as_str), self.http.get(nth).map(String::as_str))
    }

    /// What no single argument shows to be wrong.
    pub fn check(&self) -> Result<(), Failure> {
        if self.http.is_empty() || self.http.len() == self.target.len() {
            return Ok(());
        }
        Err(Failure::usage(
            format!("there are {} targets and {} HTTP addresses", self.target.len(), self.http.len()),
            "name one HTTP address for each target, in the same order, or none",
        ))
    }
}

/// Say what this machine has for live runs, and what a scenario needs of it.
#[derive(Debug, Args)]
#[command(
    after_help = "Opens no socket. Exit code 2 if the machine is too small for the file.\n\nExamples:\n  rehearsal \
doctor\n  rehearsal doctor steady_discovery_load --target wss://stg.example"
)]
pub struct Doctor {
    /// A scenario file, or the name of an embedded scenario.
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    #[command(flatten)]
    pub settings: Settings,
    /// WebSocket address that it would be played against; this machine by default (repeatable).
    #[arg(long, value_name = "URL", requires = "file")]
    pub target: Vec<String>,
    /// The seed that makes the plan.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
}

/// Remove what a crashed run left on its target.
#[derive(Debug, Args)]
pub struct Cleanup {
    /// The crashed run's folder, which holds its journal.
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// PEM file of a private certificate authority to trust.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Names a host that you may contact; needed for every target that is not loopback.
    #[arg(long, value_name = "HOST")]
    pub yes_i_may_load: Vec<String>,
}
