//! The record of a run before anything is sent: folder, header, empty files and the journal. So a run that is killed in its
//! first contact leaves what `rehearsal cleanup` needs; one that is refused there leaves nothing. Neighbours: `driver`
//! opens it, `files`, `journal_file` and `record_dir` are its parts.

use super::files::Files;
use super::journal_file::JournalFile;
use super::machine_facts;
use super::options::{LiveError, LiveOptions};
use super::record_dir::{RUNS, RecordDir};
use super::timestamp::utc;
use rehearsal_reports::record::{self, Header};
use rehearsal_scenarios::plan::{Plan, World};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A record that nothing is in yet.
pub(super) struct Opened {
    dir: RecordDir,
    files: Files,
    /// Where everything that is made on the target is kept.
    pub(super) journal: Arc<JournalFile>,
}

impl Opened {
    /// Creates it, named by this moment of the wall clock.
    pub(super) fn create(plan: &Plan, options: &LiveOptions, now: Duration) -> Result<Opened, LiveError> {
        let dir = match &options.folder {
            Some(folder) => {
                RecordDir::at(folder).map_err(|error| LiveError::Record { folder: folder.clone(), error })?
            }
            None => {
                let runs = options.out.as_deref().unwrap_or(Path::new(RUNS));
                RecordDir::create(runs, &plan.scenario, &utc(now))
                    .map_err(|error| LiveError::Record { folder: runs.join(&plan.scenario), error })?
            }
        };
        let failed = |error| LiveError::Record { folder: dir.path().to_owned(), error };
        let files = Files::create(dir.path(), header(plan, options)).map_err(failed)?;
        let journal = JournalFile::create(dir.path(), &options.run_id, &options.target).map_err(failed)?;
        Ok(Opened { dir, files, journal: Arc::new(journal) })
    }

    /// The run begins.
    pub(super) fn keep(self) -> (PathBuf, Files) {
        (self.dir.path().to_owned(), self.files)
    }

    /// Nothing was played: the record goes, unless its journal is still needed.
    pub(super) fn discard(self) {
        let folder = self.dir.path().to_owned();
        match self.journal.left() {
            Ok(left) if left.resources.is_empty() => {
                if let Err(error) = self.dir.take_back() {
                    tracing::warn!("an empty record stays in {}: {error}", folder.display());
                }
            }
            _ => tracing::warn!(
                "the first contact left something on the target; `rehearsal cleanup {}` removes it",
                folder.display()
            ),
        }
    }
}

fn header(plan: &Plan, options: &LiveOptions) -> Header {
    Header {
        format: record::FORMAT,
        scenario: plan.scenario.clone(),
        text: options.scenario_text.clone(),
        parameters: options.parameters.clone(),
        seed: plan.seed,
        world: World::Live,
        engine: None,
        targets: options.targets(),
        versions: options.versions.clone(),
        lock_hash: options.lock_hash.clone(),
        machine: Some(machine_facts::machine()),
        arguments: options.arguments.clone(),
        started_unix_s: None,
        segment: options.segment,
        clock: options.clock.clone(),
        merged: Vec::new(),
    }
}
