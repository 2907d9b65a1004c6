//! Finds scenarios: a file, a folder of files, or the name of an embedded scenario. The only place that reads them.

use crate::cli::Expect;
use crate::exit::{Exit, Failure};
use rehearsal_scenarios::plan::Expectation;
use rehearsal_scenarios::{Diagnostics, Overrides, Scenario, library};
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
    /// Parses it, with all faults at once. Boxed, since diagnostics are large and rare.
    pub fn diagnose(&self) -> Result<Scenario, Box<Diagnostics>> {
        self.parse(&Overrides::default())
    }

    /// Parses it, with another expected verdict if one is given. Diagnostics become one failure.
    pub fn scenario(&self, expect: Option<Expect>) -> Result<Scenario, Failure> {
        let expect = expect.map(|expect| match expect {
            Expect::Holds => Expectation::Holds,
            Expect::Broken => Expectation::Broken(Vec::new()),
        });
        self.parse(&Overrides { expect, ..Overrides::default() })
            .map_err(|diagnostics| Failure::listed(Exit::Usage, diagnostics.to_string().trim_end()))
    }

    fn parse(&self, overrides: &Overrides) -> Result<Scenario, Box<Diagnostics>> {
        rehearsal_scenarios::load(&self.name, &self.bytes, overrides)
            .map_err(|diagnostics| Box::new(diagnostics.at_path(self.shown.as_str())))
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
    let near = library::names().max_by(|a, b| strsim::jaro(name, a).total_cmp(&strsim::jaro(name, b)));
    match near.filter(|near| strsim::jaro(name, near) > 0.8) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("embedded scenarios are: {}", library::names().collect::<Vec<_>>().join(", ")),
    }
}

fn folder(path: &Path) -> Result<Vec<Source>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(
            format!("cannot read the folder {}: {error}", path.display()),
            "check its name and its permissions",
        )
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
