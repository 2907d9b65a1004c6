//! Where a record goes: `runs/<scenario>/<name>/`, with `runs/latest` pointing at the newest one. Used for live runs and
//! for kept seeds. Neighbours: `files` writes into it. Left out: what the files hold.

use std::io;
use std::path::{Path, PathBuf};

/// The folder for records unless another is asked for.
pub const RUNS: &str = "runs";

/// Creates `<scenario>/<name>` below a folder of runs, with a number behind it if that is taken. `latest` then points at it.
pub fn create_below(runs: &Path, scenario: &str, name: &str) -> io::Result<PathBuf> {
    let parent = runs.join(safe(scenario));
    std::fs::create_dir_all(&parent)?;
    let mut path = parent.join(safe(name));
    let mut again = 2;
    loop {
        match std::fs::create_dir(&path) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                path = parent.join(format!("{}-{again}", safe(name)));
                again += 1;
            }
            Err(error) => return Err(error),
        }
    }
    point_latest_at(runs, &path);
    Ok(path)
}

/// `latest` is a convenience: where links cannot be made, the record is there all the same.
fn point_latest_at(runs: &Path, record: &Path) {
    #[cfg(unix)]
    {
        let Ok(inside) = record.strip_prefix(runs) else { return };
        let fresh = runs.join(format!(".latest-{}", std::process::id()));
        let _ = std::fs::remove_file(&fresh);
        // Made beside and moved over, so that a reader never finds it missing.
        if std::os::unix::fs::symlink(inside, &fresh).is_ok() && std::fs::rename(&fresh, runs.join("latest")).is_err() {
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
    fn a_scenario_cannot_name_a_folder_outside() {
        assert_eq!(safe("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(safe(".."), "unnamed");
    }
}
