//! `rehearsal.toml`: what a project says once in place of every command line. Looked for in the working folder and above.
//!
//! - [`profiles`]: named ways to explore, such as `pr` and `nightly`
//! - [`load`]: what live runs may do, and what they are handed
//!
//! Neighbours: `source` finds what it names; `commands::new` writes a first one.

pub mod load;
pub mod profiles;

use crate::exit::Failure;
use profiles::Profile;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILE: &str = "rehearsal.toml";

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Files, folders or names, as on a command line.
    #[serde(default)]
    scenarios: Vec<String>,
    /// Ways to explore, by name.
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
    /// What live runs may do, and what they are handed.
    #[serde(default)]
    load: load::LoadSection,
}

/// A project: its file, and the folder in which the file lies.
struct Project {
    folder: PathBuf,
    content: Content,
}

/// The scenarios that the project names, for a command that was given none.
pub fn scenarios() -> Result<Vec<String>, Failure> {
    let project = read()?.ok_or_else(|| {
        Failure::usage(
            "which scenario?",
            format!("name files, folders or embedded scenarios, or write {FILE}; `rehearsal new` makes a first one"),
        )
    })?;
    if project.content.scenarios.is_empty() {
        let message = format!("{} names no scenarios", project.folder.join(FILE).display());
        return Err(Failure::usage(message, "it says `scenarios = [\"FOLDER\"]`"));
    }
    Ok(project.content.scenarios.iter().map(|name| project.beside(name)).collect())
}

/// What the project says about live runs; nothing if there is no project.
pub fn load() -> Result<load::Load, Failure> {
    read()?
        .map_or_else(|| Ok(load::Load::default()), |project| project.content.load.resolve(&project.folder.join(FILE)))
}

impl Project {
    /// A file or folder is meant from where the project's file lies; anything else is a name.
    fn beside(&self, name: &str) -> String {
        let path = self.folder.join(name);
        if self.folder == here() || !path.exists() { name.to_owned() } else { path.display().to_string() }
    }
}

/// The project of the working folder, if there is one.
fn read() -> Result<Option<Project>, Failure> {
    let here = here();
    let Some(folder) = here.ancestors().find(|folder| folder.join(FILE).is_file()) else { return Ok(None) };
    let path = folder.join(FILE);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display()), "check its permissions"))?;
    let content = toml::from_str(&text).map_err(|error| {
        let message = format!("{} is not as expected: {}", path.display(), error.to_string().trim_end());
        Failure::usage(message, "it says `scenarios = [\"FOLDER\"]`; `rehearsal new` writes one that shows the rest")
    })?;
    Ok(Some(Project { folder: folder.to_owned(), content }))
}

fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| Path::new(".").to_owned())
}
