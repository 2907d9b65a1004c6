//! The main job, without a command: the flagship scenario in both worlds, one report. It ends well if every verdict is the
//! expected one: the naive worker broken, the hardened one whole, in the simulated world and against a real server.

use super::runtime;
use crate::asked::Unmet;
use crate::cli::{Format, MainJob, Settings};
use crate::exit::{Exit, Failure};
use crate::exploring::{Exploring, Known};
use crate::itself;
use crate::live::{self, Where};
use crate::output;
use crate::progress::Verbosity;
use crate::records;
use crate::shrinking::Shrinking;
use crate::simulated;
use crate::source;
use rehearsal_loadgen::live::telemetry::Outlets;
use rehearsal_reports::outcome::Outcome;
use rehearsal_scenarios::plan::World;
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::explore::{ExploreOptions, SeedRange};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// The race with a naive worker, and with a hardened one.
const NAIVE: &str = "two_clients_race_naive_worker";
const HARDENED: &str = "two_clients_race_for_one_worker";

/// Plays everything and writes the report.
pub fn run(arguments: &MainJob) -> Result<Exit, Failure> {
    let runs = records::runs(arguments.out.as_deref());
    let verbosity = Verbosity::of(arguments.quiet);
    let interrupted = runtime::interrupt_flag()?;
    let mut played = Played::default();
    for name in [NAIVE, HARDENED] {
        if !interrupted.load(Ordering::Relaxed) {
            played.add(simulate(name, arguments.seeds, &runs, verbosity, &interrupted)?);
        }
    }
    if interrupted.load(Ordering::Relaxed) {
        played.exits.push(Exit::Interrupted);
    } else {
        played.add(load(HARDENED, &runs, verbosity)?);
    }
    let exit = Exit::worst(played.exits);
    let html = runs.join("report.html");
    let closing = output::closing(exit);
    output::write_html(&html, "Two clients race for one worker", played.outcomes, Some(closing))?;
    output::print_report_path(&html, Format::Text);
    output::print_closing(exit, Format::Text);
    Ok(exit)
}

/// What was played so far.
#[derive(Default)]
struct Played {
    outcomes: Vec<Outcome>,
    exits: Vec<Exit>,
}

impl Played {
    fn add(&mut self, (outcome, exit): (Outcome, Exit)) {
        output::print_outcome(&outcome, Format::Text);
        output::print_to_stdout(&"\n");
        self.outcomes.push(outcome);
        self.exits.push(exit);
    }
}

fn simulate(
    name: &str,
    seeds: u64,
    runs: &Path,
    verbosity: Verbosity,
    interrupted: &AtomicBool,
) -> Result<(Outcome, Exit), Failure> {
    let source = source::find(name, &Settings::default())?;
    let scenario = source.scenario(None)?;
    simulated::refuse_unplayable(&source, &scenario, 1, EngineKind::default())?;
    let exploring = Exploring {
        options: ExploreOptions { seeds: SeedRange::Count { first: 1, count: seeds }, ..ExploreOptions::default() },
        time: None,
        goes_beyond: false,
        shrinking: Shrinking::Never,
        unmet: Unmet::Reported,
        known: &Known::default(),
        runs,
        verbosity,
        interrupted,
    };
    let played = exploring.play(&source, &scenario, None)?;
    Ok((played.outcome, played.exit))
}

/// Plays a scenario against a server of its own, in a process of its own.
fn load(name: &str, runs: &Path, verbosity: Verbosity) -> Result<(Outcome, Exit), Failure> {
    let source = source::find(name, &Settings::default())?;
    let plan = source.scenario(None)?.plan(1, World::Live);
    let server = Server::start()?;
    let place = Where { target: &server.ws, http: Some(&server.http), allowed_hosts: &[], ca: None, out: Some(runs) };
    let options = live::options(&source, &place)?;
    let run = live::play(plan, options, &Outlets::default(), verbosity)?;
    let outcome = live::outcome_of(&run);
    output::write_html(&run.record.join("report.html"), name, vec![outcome.clone()], None)?;
    Ok((outcome, live::exit_of(&run)))
}

/// A reference server as a real process on a free loopback port; ends with this value.
struct Server {
    process: Child,
    ws: String,
    http: String,
}

impl Server {
    fn start() -> Result<Server, Failure> {
        let failed = |why: String| Failure::usage(format!("the reference server cannot be started: {why}"), "");
        let program = itself::program().map_err(|error| failed(error.to_string()))?;
        let mut process = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| failed(error.to_string()))?;
        }
        let mut words = line.split_whitespace().skip(1).map(str::to_owned);
        match (words.next(), words.next()) {
            (Some(ws), Some(http)) => Ok(Server { process, ws, http }),
            _ => {
                let status = process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(failed(format!("it did not say where it listens ({status})")))
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It keeps nothing that a kill could lose.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
