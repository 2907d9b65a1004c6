//! Finds scenarios: a file, a folder of files, or the name of an embedded scenario. The only place that reads them.

use crate::exit::Failure;
use rehearsal_scenarios::{Scenario, library};
use std::path::{Path, PathBuf};

/// A scenario's text and where it comes from.
pub struct Source {
    /// Its name: the file name without ending.
    pub name: String,
    /// As shown in diagnostics and repeat commands: the path as given, or the embedded name.
    pub shown: String,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

impl Source {
    /// Parses it. Diagnostics become one failure, with the whole list as its message.
    pub fn scenario(&self) -> Result<Scenario, Failure> {
        rehearsal_scenarios::load(&self.name, &self.bytes)
            .map_err(|diagnostics| Failure::usage(diagnostics.render(&self.shown).trim_end().to_owned(), ""))
    }

    /// The text, for a record's header.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// All scenarios that the arguments name, in their order; files of a folder by name.
pub fn find_all(arguments: &[String]) -> Result<Vec<Source>, Failure> {
    let mut found = Vec::new();
    for argument in arguments {
        let path = Path::new(argument);
        if path.is_dir() {
            found.extend(folder(path)?);
        } else {
            found.push(find(argument)?);
        }
    }
    Ok(found)
}

/// The scenario that one argument names: a path first, then an embedded name.
pub fn find(argument: &str) -> Result<Source, Failure> {
    let path = Path::new(argument);
    if path.is_file() {
        return read(path);
    }
    let name = argument.strip_suffix(".toml").unwrap_or(argument);
    if let Some(text) = library::get(name) {
        return Ok(Source { name: name.to_owned(), shown: name.to_owned(), bytes: text.as_bytes().to_vec() });
    }
    Err(Failure::usage(format!("there is no file and no embedded scenario named {argument:?}"), nearest(name)))
}

fn nearest(name: &str) -> String {
    let names: Vec<_> = library::names().collect();
    match rehearsal_scenarios::nearest_name(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("embedded scenarios are: {}", names.join(", ")),
    }
}

fn folder(path: &Path) -> Result<Vec<Source>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("cannot read the folder {}: {error}", path.display()), "check its name and its permissions")
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Failure::usage(
            format!("the folder {} holds no .toml file", path.display()),
            "scenario files end in .toml",
        ));
    }
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Source, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()), "check its name and its permissions")
    })?;
    let name = path.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(Source { name, shown: path.display().to_string(), bytes })
}
