//! Plays a plan in a process of its own, which shares nothing with the one that found the failure, and compares what
//! happened by its hash. Neighbours: `simulated` asks before it tells of a failure.

use crate::cli::Confirm;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::simulated::{self, How};
use rehearsal_scenarios::plan::Plan;
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::seed::{SeedOptions, play};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// The hash of this plan, played by another process of this program.
pub fn hash_in_own_process(plan: &Plan, How { engine, tick }: How) -> Result<u64, Failure> {
    let failed = |why: String| {
        Failure::usage(format!("a failure could not be confirmed in a process of its own: {why}"), "try again")
    };
    let ask = || -> std::io::Result<std::process::Output> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["confirm", "--engine", engine.name(), "--tick", &format!("{}ms", tick.as_secs_f64() * 1e3)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = process.stdin.take() {
            stdin.write_all(&serde_json::to_vec(plan)?)?;
        }
        process.wait_with_output()
    };
    let output = ask().map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    u64::from_str_radix(said.trim(), 16).map_err(|_| {
        failed(format!("it said {:?} and {:?}", said.trim(), String::from_utf8_lossy(&output.stderr).trim()))
    })
}

/// The other process.
pub fn run(arguments: &Confirm) -> Result<Exit, Failure> {
    let mut json = Vec::new();
    std::io::stdin()
        .read_to_end(&mut json)
        .map_err(|error| Failure::usage(format!("cannot read stdin: {error}"), ""))?;
    let plan: Plan = serde_json::from_slice(&json).map_err(|error| {
        Failure::usage(format!("stdin holds no plan: {error}"), "`rehearsal plan --format json` prints one")
    })?;
    let engine = simulated::engine(&arguments.engine)?;
    let run = play(Arc::new(plan), SeedOptions { engine, tick: arguments.tick, keep: Keep::VerdictsOnly });
    output::print_line(&format_args!("{:016x}", run.hash));
    Ok(Exit::Expected)
}
