//! Records of simulated seeds: writes the folder that a broken or replayed seed leaves. Live runs write their own as they
//! go (`loadgen::live`). Formats are `reports::record`'s.

use crate::exit::Failure;
use crate::source::Source;
use rehearsal_loadgen::live::record_dir;
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::record::{self, EventWriter, Header, VerdictFile};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::seed::SeedRun;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// The folder for records unless another is asked for.
pub fn runs(out: Option<&Path>) -> PathBuf {
    out.map_or_else(|| PathBuf::from(record_dir::RUNS), Path::to_owned)
}

/// Makes the folder of a seed's record below a folder of runs.
pub fn create(runs: &Path, run: &SeedRun) -> Result<PathBuf, Failure> {
    let name = format!("seed-{}", run.plan.seed);
    record_dir::create_below(runs, &run.plan.scenario, &name).map_err(|error| unwritable(runs, &error))
}

/// Writes a seed's record into its folder.
pub fn write_seed(
    folder: &Path,
    source: &Source,
    run: &SeedRun,
    engine: EngineKind,
    outcome: &Outcome,
) -> Result<(), Failure> {
    write_files(folder, source, run, engine, outcome).map_err(|error| unwritable(folder, &error))
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    Failure::usage(
        format!("the record cannot be written below {}: {error}", folder.display()),
        "--out DIR names another folder",
    )
}

fn write_files(folder: &Path, source: &Source, run: &SeedRun, engine: EngineKind, outcome: &Outcome) -> io::Result<()> {
    std::fs::write(folder.join("header.json"), header(source, run, engine).to_bytes())?;
    let file = std::fs::File::create(folder.join("events.jsonl.zst"))?;
    let mut events = EventWriter::new(io::BufWriter::new(file))?;
    for event in &run.events {
        events.write(event)?;
    }
    events.finish()?.into_inner()?.sync_all()?;
    std::fs::write(folder.join("verdict.json"), VerdictFile::new(outcome.clone()).to_bytes())
}

fn header(source: &Source, run: &SeedRun, engine: EngineKind) -> Header {
    Header {
        format: record::FORMAT,
        scenario: run.plan.scenario.clone(),
        text: String::from_utf8_lossy(&source.bytes).into_owned(),
        parameters: run.plan.parameters.clone(),
        seed: run.plan.seed,
        world: run.plan.world,
        engine: Some(engine.name().to_owned()),
        targets: Vec::new(),
        versions: versions(),
        lock_hash: env!("REHEARSAL_LOCK_HASH").to_owned(),
        machine: None,
        arguments: std::env::args().skip(1).collect(),
        started_unix_s: None,
    }
}

/// Versions by name, for headers.
pub fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("rehearsal".to_owned(), env!("REHEARSAL_VERSION").to_owned()),
        ("target".to_owned(), format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)),
    ])
}
