//! `--each-seed`: a JSON line for every seed, in the order of seeds, for whoever wants to look into an exploration with tools of
//! their own. Left out: what happened in a seed, which its replay tells.

use crate::exit::Failure;
use crate::output;
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::plan::Drawn;
use rehearsal_sim::explore::SeedSummary;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where the lines go.
pub struct SeedLines {
    path: PathBuf,
    out: Box<dyn Write + Send>,
    error: Option<std::io::Error>,
}

impl SeedLines {
    /// Opens the file; `-` is stdout.
    pub fn create(path: &Path) -> Result<SeedLines, Failure> {
        let out: Box<dyn Write + Send> = match path == Path::new("-") {
            true => Box::new(std::io::stdout()),
            false => Box::new(BufWriter::new(File::create(path).map_err(|error| output::unwritable(path, &error))?)),
        };
        Ok(SeedLines { path: path.to_owned(), out, error: None })
    }

    /// Writes what came of a seed.
    pub fn write(&mut self, seed: &SeedSummary<'_>) {
        if self.error.is_none() {
            self.error = writeln!(self.out, "{}", line(seed)).err();
        }
    }

    /// Ends the file; tells what went wrong first, if anything did.
    pub fn finish(mut self) -> Result<(), Failure> {
        match self.error.take().map_or_else(|| self.out.flush(), Err) {
            Ok(()) => Ok(()),
            // A pipe that was closed early (`| head`) is no failure of ours.
            Err(error) if self.path == Path::new("-") && error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(output::unwritable(&self.path, &error)),
        }
    }
}

fn line(seed: &SeedSummary<'_>) -> Value {
    let with = |is: fn(&Verdict) -> bool| -> Vec<&str> {
        seed.verdicts.iter().filter(|check| is(&check.verdict)).map(|check| check.name.as_str()).collect()
    };
    let broken = with(|verdict| matches!(verdict, Verdict::Broken { .. }));
    let unknown = with(|verdict| matches!(verdict, Verdict::Unknown { .. }));
    let verdict = match (seed.failure, broken.as_slice(), unknown.as_slice()) {
        (Some(_), ..) => "failed",
        (None, [], []) => "holds",
        (None, [], _) => "unknown",
        (None, ..) => "broken",
    };
    let drawn: Map<String, Value> =
        seed.plan.drawn.iter().map(|Drawn { what, value }| (what.clone(), Value::from(value.as_str()))).collect();
    json!({
        "format": 1,
        "scenario": seed.plan.scenario,
        "seed": seed.plan.seed,
        "verdict": verdict,
        "broken": broken,
        "unknown": unknown,
        "failure": seed.failure.map(ToString::to_string),
        "events": seed.events,
        "virtual_s": seed.virtual_ns as f64 / 1e9,
        "faults": seed.plan.faults.len(),
        "users": seed.plan.users.len(),
        "drawn": drawn,
        "behaviour": format!("{:016x}", seed.behaviour),
        "new_behaviour": seed.is_new_behaviour,
        "hash": format!("{:016x}", seed.hash),
    })
}
