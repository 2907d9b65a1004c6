//! Arguments: what can be asked of the program, in clap's words. Each command's doing is in `commands`.
//!
//! - `simulated`, `live`, `several`, `reading`, `members`: the commands' own; `shared`: what several of them take

mod live;
mod members;
mod reading;
mod several;
mod shared;
mod simulated;

pub use live::{Capacity, Cleanup, Deployment, Doctor, Load};
pub use members::{Client, Member, Serve, Worker};
pub use reading::{Check, Lint, New, Report, ReportFormat, ShowPlan, WorldName};
pub use several::{Agent, Merge};
pub(crate) use shared::duration_or_none;
pub use shared::{Expect, Format, Output, Settings, duration};
pub use simulated::{Confirm, Keep, Replay, Score, Shrink, Simulate};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

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
    /// Find the highest load at which thresholds and checks hold.
    Capacity(Capacity),
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
    /// Make one record of the records of segments.
    Merge(Merge),
    /// Play a part of somebody's load.
    Agent(Agent),
    /// Remove what a crashed run left on its target.
    Cleanup(Cleanup),
    /// Play the plan on stdin and print the hash of what happened: how a failure is confirmed in a process of its own.
    #[command(hide = true)]
    Confirm(Confirm),
    /// Not there yet.
    #[command(hide = true, external_subcommand)]
    Other(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
