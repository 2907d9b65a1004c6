//! `rehearsal.toml`: what a project says once in place of every command line. Looked for in the working folder and above.
//! [`load`] is its section about live runs. Neighbours: `source` finds what it names; `commands::new` writes a first one.

pub mod load;

use crate::exit::Failure;
use serde::Deserialize;
use std::path::{Path, PathBuf};

const FILE: &str = "rehearsal.toml";

/// The file's content.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Project {
    /// Files, folders or names, as on a command line.
    scenarios: Vec<String>,
    /// What live runs may do, and what they are handed.
    load: load::LoadSection,
}

/// The scenarios that the project names, for a command that was given none.
pub fn scenarios() -> Result<Vec<String>, Failure> {
    let here = here();
    let Some((folder, project)) = read(&here)? else {
        return Err(Failure::usage(
            "which scenario?",
            format!("name files, folders or embedded scenarios, or write {FILE}; `rehearsal new` makes a first one"),
        ));
    };
    if project.scenarios.is_empty() {
        let message = format!("{} names no scenarios", folder.join(FILE).display());
        return Err(Failure::usage(message, "it says `scenarios = [\"FOLDER\"]`"));
    }
    Ok(project.scenarios.into_iter().map(|name| beside(&folder, &here, name)).collect())
}

/// What the project says about live runs; nothing if there is no project.
pub fn load() -> Result<load::Load, Failure> {
    let found = read(&here())?;
    found.map_or_else(|| Ok(load::Load::default()), |(folder, project)| project.load.resolve(&folder.join(FILE)))
}

fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// The project of this folder, and the folder that it is in.
fn read(here: &Path) -> Result<Option<(PathBuf, Project)>, Failure> {
    let Some(folder) = here.ancestors().find(|folder| folder.join(FILE).is_file()) else { return Ok(None) };
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display()), "check its permissions"))?;
    let project: Project = toml::from_str(&text).map_err(|error| {
        let message = format!("{} is not as expected: {}", path.display(), error.to_string().trim_end());
        Failure::usage(message, "it says `scenarios = [\"FOLDER\"]`, and under `[load]` what live runs may do")
    })?;
    Ok(Some((folder.to_owned(), project)))
}

/// A file or folder is meant from where the project's file lies; anything else is a name.
fn beside(folder: &Path, here: &Path, name: String) -> String {
    if folder == here || !folder.join(&name).exists() { name } else { folder.join(name).display().to_string() }
}
