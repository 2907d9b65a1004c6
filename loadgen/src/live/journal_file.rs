//! The journal of a live run as a file in its record: a line before and after each creation, written through at once, so
//! that `rehearsal cleanup` knows after a crash what may be left. Neighbours: `journal` (the entries), `finish` (reads it).

use crate::commons::lock;
use crate::journal::{Entry, Journal, Resource};
use crate::target::{Target, http_url};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Its name in the record's folder.
pub const FILE: &str = "journal.jsonl";

/// The first line: where the resources are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    pub format: u32,
    /// The run that made them.
    pub run_id: String,
    /// The HTTP address that removes them.
    pub http: String,
}

/// Writes the journal.
pub struct JournalFile {
    folder: PathBuf,
    file: Mutex<File>,
}

impl JournalFile {
    /// Starts the journal in this folder.
    pub fn create(folder: &Path, run_id: &str, target: &Target) -> io::Result<JournalFile> {
        let mut file = File::options().create_new(true).append(true).open(folder.join(FILE))?;
        write_line(&mut file, &Head { format: 1, run_id: run_id.to_owned(), http: http_url(target) })?;
        Ok(JournalFile { folder: folder.to_owned(), file: Mutex::new(file) })
    }

    /// Goes on with the journal of an earlier run.
    pub fn reopen(folder: &Path) -> io::Result<JournalFile> {
        let file = File::options().append(true).open(folder.join(FILE))?;
        Ok(JournalFile { folder: folder.to_owned(), file: Mutex::new(file) })
    }

    /// What it says is left on the target; the error says why that cannot be read.
    pub fn left(&self) -> Result<Left, String> {
        left_in(&self.folder)
    }
}

impl Journal for JournalFile {
    fn write(&self, entry: &Entry) {
        // A full disk must not keep a run from cleaning up behind itself: it still knows everything in memory.
        if let Err(error) = write_line(&mut lock(&self.file), entry) {
            tracing::warn!("the journal cannot be written: {error}");
        }
    }
}

fn write_line(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}

/// What a journal says is left on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Where.
    pub head: Head,
    /// Rooms and identities that were made and not removed.
    pub resources: BTreeSet<(Resource, String)>,
    /// Creations whose answer never came: they may exist, under an id that nobody knows.
    pub unknown: u64,
}

/// What the journal in this folder says is left; the error says why it cannot be read.
pub fn left_in(folder: &Path) -> Result<Left, String> {
    let bytes = std::fs::read(folder.join(FILE)).map_err(|error| error.to_string())?;
    read(&String::from_utf8_lossy(&bytes))
}

/// Reads a journal. A last line that was cut off is no error: its creation counts as unknown.
pub fn read(text: &str) -> Result<Left, String> {
    let mut lines = text.lines();
    let head: Head = match lines.next().map(serde_json::from_str) {
        Some(Ok(head)) => head,
        Some(Err(error)) => return Err(format!("its first line is no head: {error}")),
        None => return Err("it is empty".into()),
    };
    if head.format > 1 {
        return Err(format!("it has format {}, this program reads up to 1", head.format));
    }
    let mut left = Left { head, resources: BTreeSet::new(), unknown: 0 };
    let mut intended = 0_u64;
    let mut made = 0_u64;
    let mut lines = lines.enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        match serde_json::from_str(line) {
            Ok(Entry::Intend { .. }) => intended += 1,
            Ok(Entry::Made { what, id }) => {
                made += 1;
                left.resources.insert((what, id));
            }
            Ok(Entry::Removed { what, id }) => drop(left.resources.remove(&(what, id))),
            Err(_) if lines.peek().is_none() => {}
            Err(error) => return Err(format!("line {}: {error}", index + 2)),
        }
    }
    left.unknown = intended.saturating_sub(made);
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_was_cut_off_tells_what_is_left_and_what_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::plain("127.0.0.1", 8001, "");
        let journal = JournalFile::create(folder.path(), "r1", &target).unwrap();
        let made = |what, id: &str| Entry::Made { what, id: id.into() };
        for what in [Resource::Room, Resource::Identity] {
            journal.write(&Entry::Intend { what });
            journal.write(&made(what, "a"));
        }
        journal.write(&Entry::Removed { what: Resource::Room, id: "a".into() });
        journal.write(&Entry::Intend { what: Resource::Room });
        let mut text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        text.push_str("{\"did\":\"ma");
        let left = read(&text).unwrap();
        assert_eq!(left.head.http, "http://127.0.0.1:8001");
        assert_eq!((left.resources, left.unknown), ([(Resource::Identity, "a".to_owned())].into(), 1));
    }

    #[test]
    fn rubbish_in_the_middle_is_named_by_its_line() {
        let head = "{\"format\":1,\"run_id\":\"r\",\"http\":\"http://a\"}\n";
        assert!(
            read(&format!("{head}rubbish\n{{\"did\":\"intend\",\"what\":\"room\"}}\n")).unwrap_err().contains("line 2")
        );
        assert!(read("").unwrap_err().contains("empty"));
    }
}
