//! `rehearsal cleanup`: removes what a run that crashed left on its target, as its journal tells. Neighbours:
//! `journal_file` (reads and goes on with it), `cleanup` (the same at the end of a run).

use super::guard;
use super::journal_file::{JournalFile, left_in};
use super::machine;
use super::network::TcpNetwork;
use super::options::hint;
use super::tls::{TlsError, Trust};
use super::url::{self, BadUrl};
use crate::cleanup::LeftBehind;
use crate::journal::{Entry, Journal, Resource};
use crate::target::{Target, user_agent};
use rehearsal_reference::failure::Failure;
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::target::Headers;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was removed, and what is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Where.
    pub http: String,
    /// How many rooms and identities were removed.
    pub removed: usize,
    /// What could not be removed.
    pub left: LeftBehind,
    /// Why not, for the first of them.
    pub failure: Option<String>,
    /// Creations whose answer never came: they may exist under ids that nobody knows, and expire by themselves.
    pub unknown: u64,
}

/// Why nothing could be removed.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// There is no journal to read.
    #[error("no journal in `{}`: {why}\n  hint: name the folder of a live run's record, such as runs/latest", .folder.display())]
    NoJournal {
        /// Where it was looked for.
        folder: PathBuf,
        /// What was found.
        why: String,
    },
    /// Its address makes no sense.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The target is not this machine, and nobody said that it may be asked.
    #[error(transparent)]
    Refused(#[from] guard::Refused),
}

/// Removes everything that the journal in this folder says is left, with these headers in each request: a balancer may need them.
/// A second time finds nothing to do.
pub async fn finish(
    folder: &Path,
    trust: &Trust,
    allowed_hosts: &[String],
    headers: Headers,
) -> Result<Finished, FinishError> {
    let no_journal = |why: String| FinishError::NoJournal { folder: folder.to_owned(), why };
    let left = left_in(folder).map_err(no_journal)?;
    let target = Target { headers, ..url::http_target(&left.head.http, user_agent(&left.head.run_id))? };
    guard::check_host(&target.http.host, allowed_hosts)?;
    let journal = JournalFile::reopen(folder).map_err(|error| no_journal(error.to_string()))?;
    let (surroundings, _spawner) = machine::surroundings();
    let mut http = HttpClient::new(TcpNetwork::new(trust)?, Arc::new(target), surroundings);
    let mut finished = Finished {
        http: left.head.http,
        removed: 0,
        left: LeftBehind::default(),
        failure: None,
        unknown: left.unknown,
    };
    for (what, id) in left.resources {
        let removed = match (&finished.failure, what) {
            // A target that does not answer is not asked a thousand times.
            (Some(_), _) => None,
            (None, Resource::Room) => Some(http.delete_peers_and_room(&id).await),
            (None, Resource::Identity) => Some(http.delete_peer(&id).await),
        };
        match removed {
            Some(Ok(())) => {
                journal.write(&Entry::Removed { what, id });
                finished.removed += 1;
                continue;
            }
            Some(Err(failure)) => finished.failure = Some(words(&failure)),
            None => {}
        }
        finished.left.add(what, id);
    }
    Ok(finished)
}

fn words(failure: &Failure) -> String {
    format!("{failure}\n  hint: {}", hint(failure.class))
}
