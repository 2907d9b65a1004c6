//! `rehearsal cleanup`: removes what a crashed live run left on its target, by the journal in its record.

use super::runtime;
use crate::cli::Cleanup;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::project;
use rehearsal_loadgen::live::record_dir::PARTS;
use rehearsal_loadgen::live::{finish, journal_file, tls::Trust};
use std::path::{Path, PathBuf};

/// Removes everything that the journal says is left: of a record of several processes, that each of their journals says.
pub fn run(arguments: &Cleanup) -> Result<Exit, Failure> {
    let headers = project::load()?.headers;
    let trust = arguments.ca.clone().map_or(Trust::Machine, Trust::Private);
    let runtime = runtime::multi_thread()?;
    let (mut rooms, mut identities, mut failure) = (0, 0, None);
    for folder in with_parts(&arguments.record) {
        let work = finish::finish(&folder, &trust, &arguments.yes_i_may_load, headers.clone());
        let finished = runtime.block_on(work).map_err(|error| Failure::usage(error.to_string(), ""))?;
        output::print_line(&format_args!("removed {} rooms and identities from {}", finished.removed, finished.http));
        if finished.unknown > 0 {
            output::print_line(&format_args!(
                "{} creations had no answer; if they exist, they expire by themselves",
                finished.unknown
            ));
        }
        rooms += finished.left.rooms.len();
        identities += finished.left.identities.len();
        failure = failure.or(finished.failure);
    }
    if rooms + identities == 0 {
        output::print_line(&"left behind nothing");
        return Ok(Exit::Expected);
    }
    output::print_line(&format_args!("left behind {rooms} rooms and {identities} identities"));
    let failure = failure.unwrap_or_else(|| "not everything could be removed".to_owned());
    Err(Failure::new(Exit::Unreachable, failure, ""))
}

/// The folders with a journal: the record's own, or those of its parts.
fn with_parts(record: &Path) -> Vec<PathBuf> {
    let parts = std::fs::read_dir(record.join(PARTS)).into_iter().flatten().flatten().map(|part| part.path());
    let mut folders: Vec<PathBuf> = parts.filter(|part| part.join(journal_file::FILE).exists()).collect();
    folders.sort();
    if folders.is_empty() || record.join(journal_file::FILE).exists() {
        folders.push(record.to_owned());
    }
    folders
}
