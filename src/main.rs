//! The command line: reads arguments, calls a command, ends with its exit code. The only place that prints and exits.
//!
//! - [`cli`]: what can be asked; [`commands`]: one file each
//! - [`source`]: finds scenarios; [`project`]: what a project says once; [`asked`]: what an exploration is asked for;
//!   [`exploring`]: does it; [`exit`]: exit codes and failures; [`progress`]: how far long work has come, [`panel`]: how a
//!   live run does
//!
//! Neighbours: every crate. Left out: everything that is not arguments, files, printing and exit codes.

mod asked;
mod bar;
mod cli;
mod commands;
mod confirming;
mod crew;
mod exit;
mod exploring;
mod github;
mod itself;
mod ledger;
mod live;
mod merging;
mod output;
mod panel;
mod progress;
mod project;
mod records;
mod rejudge;
mod scenario_file;
mod screen;
mod shrinking;
mod simulated;
mod source;

use clap::Parser;
use cli::{Cli, Command};
use exit::{Exit, Failure};
use rehearsal_sim::heap::SeedHeap;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

#[global_allocator]
static HEAP: SeedHeap = SeedHeap;

fn main() -> ExitCode {
    log_to_stderr();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ended = match cli.command {
        None => commands::rehearse::run(&cli.main_job),
        Some(Command::Simulate(arguments)) => commands::simulate::run(&arguments),
        Some(Command::Replay(arguments)) => commands::replay::run(&arguments),
        Some(Command::Keep(arguments)) => commands::keep::run(&arguments),
        Some(Command::Score(arguments)) => commands::score::run(&arguments),
        Some(Command::Confirm(arguments)) => confirming::run(&arguments),
        Some(Command::Load(arguments)) => commands::load::run(&arguments),
        Some(Command::Capacity(arguments)) => commands::capacity::run(&arguments),
        Some(Command::Check(arguments)) => commands::check::run(&arguments),
        Some(Command::Report(arguments)) => commands::report::run(&arguments),
        Some(Command::New(arguments)) => commands::new::run(&arguments),
        Some(Command::Lint(arguments)) => commands::lint::run(&arguments),
        Some(Command::Plan(arguments)) => commands::plan::run(&arguments),
        Some(Command::Schema) => commands::schema::run(),
        Some(Command::Serve(arguments)) => commands::serve::run(&arguments),
        Some(Command::Worker(arguments)) => commands::member::worker(&arguments),
        Some(Command::Client(arguments)) => commands::member::client(&arguments),
        Some(Command::Doctor(arguments)) => commands::doctor::run(&arguments),
        Some(Command::Merge(arguments)) => commands::merge::run(&arguments),
        Some(Command::Agent(arguments)) => commands::agent::run(&arguments),
        Some(Command::Cleanup(arguments)) => commands::cleanup::run(&arguments),
        Some(Command::Other(words)) => Err(not_there(&words)),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // A terminal that is gone does not change how it ended.
            let _ = writeln!(std::io::stderr(), "{failure}");
            failure.exit.into()
        }
    }
}

/// Warnings of the libraries go to stderr; `REHEARSAL_LOG=debug` asks for more. Without time stamps: a simulated seed must
/// be the same with and without it.
fn log_to_stderr() {
    let wanted = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into());
    let filter = wanted.with_env_var("REHEARSAL_LOG").from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}

/// clap prints help and version to stdout (exit 0) and faults to stderr (exit 2).
fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done about a terminal that is gone.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Expected.into() }
}

/// Commands that are planned and that this version does not have.
const NOT_THERE_YET: [&str; 2] = ["compare", "advise"];

fn not_there(words: &[String]) -> Failure {
    let word = words.first().map_or("", String::as_str);
    if NOT_THERE_YET.contains(&word) {
        Failure::usage(format!("`{word}` is not there yet in this version"), "`rehearsal --help` lists what is there")
    } else {
        Failure::usage(format!("there is no command `{word}`"), "`rehearsal --help` lists what is there")
    }
}
