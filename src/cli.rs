//! Arguments: what can be asked of the program, in clap's words. Each command's doing is in `commands`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use rehearsal_sim::engine::EngineKind;
use std::path::PathBuf;
use std::time::Duration;

/// Rehearse a real-time service before it goes on stage: one scenario file, played in a simulated world (thousands of
/// seeds, virtual time, faults) and as load against a real deployment, judged by the same checks.
///
/// Without a command it plays the flagship scenario in both worlds on this machine and writes one report.
#[derive(Debug, Parser)]
#[command(name = "rehearsal", version = env!("REHEARSAL_VERSION"), max_term_width = 110, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the main job.
    #[command(flatten)]
    pub main_job: MainJob,
}

const EXAMPLES: &str = "\
Examples:
  rehearsal                                                  the flagship scenario in both worlds, with a report
  rehearsal simulate two_clients_race_naive_worker           an embedded scenario, 100 seeds
  rehearsal simulate my.toml --seed 1 --seeds 5000 --jobs 2  a file of yours
  rehearsal replay my.toml --seed 4                          one seed again, with its whole story
  rehearsal serve                                            the reference server, on a free port
  rehearsal load steady_discovery_load --target ws://127.0.0.1:8080
  rehearsal check runs/latest                                judge an old record again
Exit codes: 0 as expected, 1 unexpected verdict, 2 usage, 3 threshold missed, 4 cannot be judged, 5 target unreachable,
7 not deterministic, 130 interrupted.";

/// Options of the main job.
#[derive(Debug, Args)]
pub struct MainJob {
    /// Folder for the record and the report.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How many seeds to simulate of each variant.
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub seeds: u64,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play scenarios in the simulated world, over many seeds.
    Simulate(Simulate),
    /// Play one seed again, with the full event log and its story.
    Replay(Replay),
    /// Keep a failure as a scenario file, which is played again from then on.
    Keep(Keep),
    /// Find every known defect of the reference system, as the harness's own score.
    Score(Score),
    /// Play a scenario as load against a real deployment.
    Load(Load),
    /// Judge an old record again.
    Check(Check),
    /// Write the report of a record again.
    Report(Report),
    /// Write a first scenario, rehearsal.toml and a CI job.
    New(New),
    /// Check scenario files without playing them.
    Lint(Lint),
    /// Show what a seed makes of a scenario: a time-line, or JSON.
    Plan(ShowPlan),
    /// Print the JSON Schema of the scenario language, for editors.
    Schema,
    /// Run the reference signaling server.
    Serve(Serve),
    /// Run the reference worker.
    Worker(Worker),
    /// Run the reference client.
    Client(Client),
    /// Say what this machine has for live runs, and what a scenario needs of it.
    Doctor(Doctor),
    /// Remove what a crashed run left on its target.
    Cleanup(Cleanup),
    /// Play the plan on stdin and print the hash of what happened: how a failure is confirmed in a process of its own.
    #[command(hide = true)]
    Confirm(Confirm),
    /// Not there yet.
    #[command(hide = true, external_subcommand)]
    Other(Vec<String>),
}

/// Where scenarios come from.
#[derive(Debug, Args)]
pub struct Files {
    /// Scenario files, folders of them, or names of embedded scenarios; those that rehearsal.toml names if left out.
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
}

/// What is filled into the scenario.
#[derive(Clone, Debug, Default, Args)]
pub struct Settings {
    /// Gives a parameter of the file another value (repeatable), such as clients=500.
    #[arg(long, value_name = "NAME=VALUE", value_parser = rehearsal_scenarios::setting)]
    pub set: Vec<(String, serde_json::Value)>,
    /// Only this variant of the file; all of them, or the first where there can be only one.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
}

/// How results are given out.
#[derive(Debug, Args)]
pub struct Output {
    /// Form of the results on stdout.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Also write JUnit XML to this file.
    #[arg(long, value_name = "PATH")]
    pub junit: Option<PathBuf>,
    /// Also write Markdown for a pull request to this file.
    #[arg(long, value_name = "PATH")]
    pub markdown: Option<PathBuf>,
    /// Folder for records; `runs` by default.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Form of the results on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object per file and line, for scripts.
    Json,
}

/// The verdict that is expected, in place of the file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Expect {
    /// Every check holds.
    Holds,
    /// At least one check is broken.
    Broken,
}

/// Play scenarios in the simulated world.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rehearsal simulate two_clients_race_naive_worker\n  rehearsal simulate scenarios/files \
--seeds 20 --format json\n  rehearsal simulate my.toml --for 60s --stop-at-first"
)]
pub struct Simulate {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub settings: Settings,
    /// The first seed.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// How many seeds, from the first on.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// Play new seeds until this much real time is over, such as 60s; in place of --seeds.
    #[arg(long = "for", value_name = "TIME", value_parser = duration, conflicts_with = "seeds")]
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
    /// How long to do that at most, over all failures of a scenario; 0s leaves them as they are.
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = duration_or_none)]
    pub shrink_for: Duration,
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

/// Play a scenario as load.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rehearsal load steady_discovery_load --target ws://127.0.0.1:8080\n  rehearsal load my.toml \
--target wss://stg.example --http https://stg.example --yes-i-may-load stg.example\n  rehearsal load my.toml --target \
ws://127.0.0.1:8080 --preflight-only"
)]
pub struct Load {
    /// A scenario file, or the name of an embedded scenario.
    #[arg(value_name = "FILE")]
    pub file: String,
    #[command(flatten)]
    pub settings: Settings,
    /// WebSocket address of the deployment, such as ws://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    pub target: String,
    /// Its HTTP address; the same host and port as the target by default.
    #[arg(long, value_name = "URL")]
    pub http: Option<String>,
    /// Names a host that you may load; needed for every target that is not loopback.
    #[arg(long, value_name = "HOST")]
    pub yes_i_may_load: Vec<String>,
    /// PEM file of a private certificate authority to trust.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// The seed that makes the plan.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Only walk one user of each group through its flow once, then stop.
    #[arg(long)]
    pub preflight_only: bool,
    /// Expect this verdict in place of the file's.
    #[arg(long, value_enum)]
    pub expect: Option<Expect>,
    #[command(flatten)]
    pub output: Output,
}

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
    after_help = "Examples:\n  rehearsal report runs/latest\n  rehearsal report runs/latest --format shiviz > race.log\n  \
rehearsal report runs/latest --format perfetto > race.json"
)]
pub struct Report {
    /// The record's folder, such as runs/latest.
    #[arg(value_name = "RECORD")]
    pub record: PathBuf,
    /// Where to write the HTML; report.html in the record by default.
    #[arg(long, value_name = "PATH")]
    pub html: Option<PathBuf>,
    /// The report in HTML, or the events on stdout in another tool's form.
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    pub format: ReportFormat,
}

/// What a report is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A browser.
    Html,
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

/// Run the reference server.
#[derive(Debug, Args)]
#[command(
    after_help = "Prints `listening ws://HOST:PORT http://HOST:PORT` once it accepts.\n\nExamples:\n  rehearsal serve\n  \
rehearsal serve --listen 127.0.0.1:8080 --http-listen 127.0.0.1:8001\n  rehearsal serve --defect sender_not_checked"
)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub listen: String,
    /// A second address for HTTP alone.
    #[arg(long, value_name = "ADDRESS")]
    pub http_listen: Option<String>,
    /// A known flaw to have (repeatable).
    #[arg(long = "defect", value_name = "NAME")]
    pub defects: Vec<String>,
    /// Show the quirks of a deployed server in place of the documented behaviour.
    #[arg(long)]
    pub deployed: bool,
    /// Verify identity tokens with the keys of this JWKS file, of another issuer; sign-in is then that issuer's.
    #[arg(long, value_name = "FILE", requires = "issuer", requires = "client_id")]
    pub jwks: Option<PathBuf>,
    /// The `iss` claim that identity tokens must have.
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,
    /// The application that identity tokens must be for (`aud`, or `client_id`).
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// PEM file of an RSA private key to sign identity tokens with; a new one is made at each start without it.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks")]
    pub identity_key: Option<PathBuf>,
}

/// Where a reference program finds its server.
#[derive(Debug, Args)]
pub struct Member {
    /// WebSocket address of the server.
    #[arg(long, value_name = "URL")]
    pub target: String,
    /// Its HTTP address; the same host and port as the target by default.
    #[arg(long, value_name = "URL")]
    pub http: Option<String>,
    /// PEM file of a private certificate authority to trust.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Room to join as ID:TOKEN; a new one is made and printed without it.
    #[arg(long, value_name = "ID:TOKEN")]
    pub room: Option<String>,
    /// How workers protect themselves: reject_when_busy, metadata_first or reservation.
    #[arg(long, default_value = "metadata_first", value_name = "NAME")]
    pub strategy: String,
}

/// Run the reference worker.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rehearsal worker --target ws://127.0.0.1:8080\n  rehearsal worker --target \
ws://127.0.0.1:8080 --room 1a2b3c4d:5e6f70 --job 30s\n  rehearsal worker --target ws://127.0.0.1:8080 --property \
gpu_memory_mb=24576 --property 'gpu_model=\"A100\"'")]
pub struct Worker {
    #[command(flatten)]
    pub member: Member,
    /// How long each job takes.
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = duration)]
    pub job: Duration,
    /// A tag to announce (repeatable); sleap-rtc, training-worker and inference-worker by default.
    #[arg(long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// A property to announce beside the usual ones, or in place of one (repeatable), such as gpu_memory_mb=24576.
    #[arg(long = "property", value_name = "NAME=JSON")]
    pub properties: Vec<String>,
    /// A known flaw to have (repeatable).
    #[arg(long = "defect", value_name = "NAME")]
    pub defects: Vec<String>,
}

/// Run the reference client.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rehearsal client --target ws://127.0.0.1:8080 --room 1a2b3c4d:5e6f70 --jobs 3")]
pub struct Client {
    #[command(flatten)]
    pub member: Member,
    /// How many jobs to get done, one after the other.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub jobs: u32,
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
    /// WebSocket address that it would be played against; this machine by default.
    #[arg(long, value_name = "URL", requires = "file")]
    pub target: Option<String>,
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

/// A duration such as 250ms, 5s, 10m or 2h.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return Err("expected a number with a unit, such as 250ms, 5s, 10m or 2h".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| "expected a number before the unit, such as 5s".to_owned())?;
    let total = number * seconds;
    if total > 0.0 && total < 1e8 {
        Ok(Duration::from_secs_f64(total))
    } else {
        Err("expected more than nothing and less than three years".to_owned())
    }
}

/// A step of the turmoil engine: hosts see each other's messages at its ends, so that a long one stands still for users.
/// As [`duration`], or nothing at all.
fn duration_or_none(text: &str) -> Result<Duration, String> {
    if text == "0s" { Ok(Duration::ZERO) } else { duration(text) }
}

fn tick(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        tick if (Duration::from_millis(1)..=Duration::from_secs(1)).contains(&tick) => Ok(tick),
        _ => Err("expected a tick from 1ms to 1s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_need_a_unit_and_a_positive_number() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7_200)));
        for rubbish in ["", "5", "s", "-1s", "0s", "1e300s", "..s", "5 parsecs"] {
            assert!(duration(rubbish).is_err(), "{rubbish}");
        }
    }
}
