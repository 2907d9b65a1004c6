//! Where a record goes: `runs/<scenario>/<name>/`, with `runs/latest` pointing at the newest one. Used for live runs and
//! for kept seeds. Neighbours: `files` writes into it. Left out: what the files hold.

use std::io;
use std::path::{Path, PathBuf};

/// The folder for records unless another is asked for.
pub const RUNS: &str = "runs";
/// Where a record of several processes keeps theirs: a folder of this name, with one for the number of each segment.
pub const PARTS: &str = "parts";

/// Creates `<scenario>/<name>` below a folder of runs, with a number behind it if that is taken. `latest` then points at it.
pub fn create_below(runs: &Path, scenario: &str, name: &str) -> io::Result<PathBuf> {
    RecordDir::create(runs, scenario, name).map(|made| made.path)
}

/// A new folder that can be taken back as long as nobody needs it.
pub struct RecordDir {
    path: PathBuf,
    runs: PathBuf,
    parents_made: Vec<PathBuf>,
    latest_before: Option<PathBuf>,
}

impl RecordDir {
    /// As [`create_below`].
    pub fn create(runs: &Path, scenario: &str, name: &str) -> io::Result<RecordDir> {
        let parent = runs.join(safe(scenario));
        let parents_made = [&parent, runs].into_iter().filter(|folder| !folder.exists()).map(Path::to_owned).collect();
        std::fs::create_dir_all(&parent)?;
        let path = first_free(&parent, &safe(name))?;
        let latest_before = std::fs::read_link(runs.join(LATEST)).ok();
        if let Ok(inside) = path.strip_prefix(runs) {
            point_latest_at(runs, inside);
        }
        Ok(RecordDir { path, runs: runs.to_owned(), parents_made, latest_before })
    }

    /// Exactly this folder, which nobody points at.
    pub fn at(path: &Path) -> io::Result<RecordDir> {
        std::fs::create_dir_all(path)?;
        let path = path.to_owned();
        Ok(RecordDir { runs: path.clone(), path, parents_made: Vec::new(), latest_before: None })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder and what was made for it; `latest` points where it did before.
    pub fn take_back(self) -> io::Result<()> {
        std::fs::remove_dir_all(&self.path)?;
        let latest = self.runs.join(LATEST);
        // Another run may have begun, or ended, meanwhile.
        if std::fs::read_link(&latest).is_ok_and(|inside| self.runs.join(inside) == self.path) {
            match self.latest_before.filter(|before| self.runs.join(before).exists()) {
                Some(before) => point_latest_at(&self.runs, &before),
                None => drop(std::fs::remove_file(latest)),
            }
        }
        for parent in &self.parents_made {
            // Another run may have put its record there meanwhile.
            let _ = std::fs::remove_dir(parent);
        }
        Ok(())
    }
}

const LATEST: &str = "latest";

fn first_free(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let mut path = parent.join(name);
    let mut again = 2;
    loop {
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = parent.join(format!("{name}-{again}"));
                again += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// `latest` is a convenience: where links cannot be made, the record is there all the same.
fn point_latest_at(runs: &Path, inside: &Path) {
    #[cfg(unix)]
    {
        let fresh = runs.join(format!(".{LATEST}-{}", std::process::id()));
        let _ = std::fs::remove_file(&fresh);
        // Made beside and moved over, so that a reader never finds it missing.
        if std::os::unix::fs::symlink(inside, &fresh).is_ok() && std::fs::rename(&fresh, runs.join(LATEST)).is_err() {
            let _ = std::fs::remove_file(&fresh);
        }
    }
}

/// A name that is one folder, whatever the scenario is called.
fn safe(name: &str) -> String {
    let cleaned: String =
        name.chars().map(|c| if c.is_alphanumeric() || "-_.:".contains(c) { c } else { '_' }).collect();
    match cleaned.trim_start_matches('.') {
        "" => "unnamed".into(),
        rest => rest.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_record_of_one_name_gets_its_own_folder_and_latest_points_at_it() {
        let runs = tempfile::tempdir().unwrap();
        let first = create_below(runs.path(), "race", "seed-4").unwrap();
        let second = create_below(runs.path(), "race", "seed-4").unwrap();
        assert_eq!((first.file_name(), second.file_name()), (Some("seed-4".as_ref()), Some("seed-4-2".as_ref())));
        assert_eq!(runs.path().join("latest").canonicalize().unwrap(), second.canonicalize().unwrap());
    }

    #[test]
    fn a_record_that_is_taken_back_leaves_everything_as_it_was() {
        let runs = tempfile::tempdir().unwrap();
        let kept = create_below(runs.path(), "race", "first").unwrap();
        RecordDir::create(runs.path(), "race", "second").unwrap().take_back().unwrap();
        assert_eq!(runs.path().join("latest").canonicalize().unwrap(), kept.canonicalize().unwrap());
        let fresh = runs.path().join("runs");
        RecordDir::create(&fresh, "race", "only").unwrap().take_back().unwrap();
        assert!(!fresh.exists());
    }

    #[test]
    fn records_that_are_taken_back_in_any_order_leave_no_link_to_nowhere() {
        for first_is_first in [true, false] {
            let out = tempfile::tempdir().unwrap();
            let [first, second] = ["a", "b"].map(|name| RecordDir::create(out.path(), "race", name).unwrap());
            let (now, then) = if first_is_first { (first, second) } else { (second, first) };
            now.take_back().unwrap();
            assert!(out.path().join("latest").exists());
            then.take_back().unwrap();
            assert!(std::fs::read_link(out.path().join("latest")).is_err());
        }
    }

    #[test]
    fn a_scenario_cannot_name_a_folder_outside() {
        assert_eq!(safe("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(safe(".."), "unnamed");
    }
}
