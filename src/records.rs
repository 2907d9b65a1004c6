//! Records of simulated seeds: writes the folder that a broken or replayed seed leaves, with its network log. Live runs write their own as they
//! go (`loadgen::live`). Formats are `reports::record`'s.

use crate::exit::Failure;
use crate::source::Source;
use rehearsal_loadgen::live::crew::store::without_secrets;
use rehearsal_loadgen::live::{self, machine, record_dir};
use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::record::network::{Entry, NetworkHeader, NetworkWriter};
use rehearsal_reports::record::{self, EventWriter, Header, Told, VerdictFile};
use rehearsal_scenarios::plan::Plan;
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::netlog::NetworkLog;
use rehearsal_sim::seed::SeedRun;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The folder for records unless another is asked for.
pub fn runs(out: Option<&Path>) -> PathBuf {
    out.map_or_else(|| PathBuf::from(record_dir::RUNS), Path::to_owned)
}

/// Makes the folder of a seed's record below a folder of runs.
pub fn create(runs: &Path, plan: &Plan) -> Result<PathBuf, Failure> {
    let name = format!("seed-{}", plan.seed);
    record_dir::create_below(runs, &plan.scenario, &name).map_err(|error| unwritable(runs, &error))
}

/// Makes the folder of a search for a capacity, beside the records of its steps; `latest` stays at the last of these.
pub fn search_folder(out: Option<&Path>, a_step: Option<&Path>) -> Result<PathBuf, Failure> {
    let (surroundings, _) = machine::surroundings();
    let name = format!("capacity-{}", live::utc(surroundings.clock.now()));
    let beside = a_step.and_then(Path::parent).map_or_else(|| runs(out), Path::to_owned);
    let folder = beside.join(name);
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
    Ok(folder)
}

/// Writes what is known before a seed is played, and opens its network log.
pub fn begin(folder: &Path, source: &Source, plan: &Plan, engine: EngineKind) -> Result<Arc<NetworkFile>, Failure> {
    let begin = || {
        std::fs::write(folder.join("header.json"), header(source, plan, engine).to_bytes())?;
        let file = std::fs::File::create(folder.join("network.jsonl.zst"))?;
        let first_line = NetworkHeader::new(&plan.scenario, plan.seed, engine.name());
        let writer = NetworkWriter::new(io::BufWriter::new(file), &first_line)?;
        Ok(NetworkFile(Mutex::new(Ok(Some(writer)))))
    };
    begin().map(Arc::new).map_err(|error: io::Error| unwritable(folder, &error))
}

/// Writes what a seed came to.
pub fn finish(folder: &Path, run: &SeedRun, outcome: &Outcome, log: &NetworkFile) -> Result<(), Failure> {
    let finish = || {
        log.finish()?;
        let file = std::fs::File::create(folder.join("events.jsonl.zst"))?;
        let mut events = EventWriter::new(io::BufWriter::new(file))?;
        for event in &run.events {
            events.write(event)?;
        }
        let header = std::fs::read(folder.join("header.json"))?;
        let told = Told::new(run.event_count, events.hash(), &header, run.failure.is_none());
        events.finish()?.into_inner()?.sync_all()?;
        std::fs::write(folder.join("verdict.json"), VerdictFile::new(outcome.clone(), told).to_bytes())
    };
    finish().map_err(|error: io::Error| unwritable(folder, &error))
}

/// The network log of a record, written while its seed is played on another thread.
pub struct NetworkFile(Mutex<Writing>);

/// The open file, until it is finished or what went wrong first.
type Writing = io::Result<Option<NetworkWriter<io::BufWriter<std::fs::File>>>>;

impl NetworkFile {
    /// Ends the file; tells what went wrong first, if anything did.
    fn finish(&self) -> io::Result<()> {
        let writer = std::mem::replace(&mut *self.lock(), Ok(None))?;
        if let Some(writer) = writer {
            writer.finish()?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NetworkLog for NetworkFile {
    fn write(&self, entry: Entry) {
        let mut state = self.lock();
        if let Ok(Some(writer)) = state.as_mut()
            && let Err(error) = writer.write(&entry)
        {
            *state = Err(error);
        }
    }
}

fn unwritable(folder: &Path, error: &io::Error) -> Failure {
    Failure::usage(
        format!("the record cannot be written below {}: {error}", folder.display()),
        "--out DIR names another folder",
    )
}

fn header(source: &Source, plan: &Plan, engine: EngineKind) -> Header {
    Header {
        format: record::FORMAT,
        scenario: plan.scenario.clone(),
        text: String::from_utf8_lossy(&source.bytes).into_owned(),
        parameters: plan.parameters.clone(),
        seed: plan.seed,
        world: plan.world,
        engine: Some(engine.name().to_owned()),
        targets: Vec::new(),
        versions: versions(),
        lock_hash: env!("REHEARSAL_LOCK_HASH").to_owned(),
        machine: None,
        arguments: arguments(),
        started_unix_s: None,
        segment: None,
        clock: None,
        merged: Vec::new(),
    }
}

/// The command line after the program's name, without what may be a password in an address.
pub fn arguments() -> Vec<String> {
    std::env::args().skip(1).map(|argument| without_secrets(&argument)).collect()
}

/// Versions by name, for headers.
pub fn versions() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("rehearsal".to_owned(), env!("REHEARSAL_VERSION").to_owned()),
        ("target".to_owned(), format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)),
    ])
}
