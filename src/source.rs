//! Finds scenarios: a file, a folder of files, or the name of an embedded scenario. The only place that reads them.

use crate::cli::{Expect, Settings};
use crate::exit::{Exit, Failure};
use crate::scenario_file::ScenarioFile;
use rehearsal_reports::record::Header;
use rehearsal_scenarios::plan::{Expectation, Plan};
use rehearsal_scenarios::{Diagnostics, Overrides, Scenario, library};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A scenario's text, where it comes from, and what is filled in.
#[derive(Clone)]
pub struct Source {
    /// Its name: the file name without ending.
    pub name: String,
    /// As shown in diagnostics and repeat commands: the path as given, or the embedded name.
    pub shown: String,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Files of rows beside it that could not be read, and why.
    pub unreadable_rows: BTreeMap<String, String>,
    /// Parameters and the variant.
    pub settings: Settings,
}

impl Source {
    /// The scenario of a record, with the parameters that it was played with.
    pub fn of_record(header: &Header, shown: String) -> Source {
        let set = header.parameters.clone().into_iter().collect();
        Source::of_text(&header.scenario, &header.text, set, shown)
    }

    /// A scenario by its name, with the variant's behind a dot if it has variants, and its text.
    pub fn of_text(scenario: &str, text: &str, set: Vec<(String, serde_json::Value)>, shown: String) -> Source {
        let bytes = text.as_bytes().to_vec();
        let mut variants = rehearsal_scenarios::variant_names(&bytes).into_iter();
        let named = variants
            .find_map(|variant| Some((scenario.strip_suffix(&variant)?.strip_suffix('.')?.to_owned(), variant)));
        let (name, variant) = match named {
            Some((name, variant)) => (name, Some(variant)),
            None => (scenario.to_owned(), None),
        };
        Source { settings: Settings { set, variant }, ..Source::whole(name, shown, bytes) }
    }

    /// A plan as a scenario of its own, as `keep` writes it. It is shown under the name that is given.
    pub fn pinned(plan: &Plan, comment: &str, shown: String) -> Source {
        let bytes = rehearsal_scenarios::pinned(plan, comment).into_bytes();
        Source::whole(plan.scenario.clone(), shown, bytes)
    }

    /// A text that needs no other file, with nothing set.
    pub fn whole(name: String, shown: String, bytes: Vec<u8>) -> Source {
        Source { name, shown, bytes, unreadable_rows: BTreeMap::new(), settings: Settings::default() }
    }

    /// All variants of it, with all faults at once. Boxed, since diagnostics are large and rare.
    pub fn diagnose(&self) -> Result<Vec<Scenario>, Box<Diagnostics>> {
        rehearsal_scenarios::load_all(&self.name, &self.bytes, &self.overrides(None))
            .map_err(|faults| self.faults(faults))
    }

    /// Parses it, with another expected verdict if one is given. Diagnostics become one failure.
    pub fn scenario(&self, expect: Option<Expect>) -> Result<Scenario, Failure> {
        let expect = expect.map(|expect| match expect {
            Expect::Holds => Expectation::Holds,
            Expect::Broken => Expectation::Broken(Vec::new()),
        });
        rehearsal_scenarios::load(&self.name, &self.bytes, &self.overrides(expect))
            .map_err(|faults| Failure::listed(Exit::Usage, self.faults(faults).to_string().trim_end()))
    }

    /// The words that name it on a command line: its file, its variant, and what was set.
    pub fn words(&self) -> String {
        let variant = self.settings.variant.iter().map(|name| format!(" --variant {name}"));
        let set = self.settings.set.iter().map(|(name, value)| format!(" --set {name}={}", quoted(value)));
        self.shown.clone() + &variant.chain(set).collect::<String>()
    }

    /// The same file with other settings.
    pub fn with(&self, settings: Settings) -> Source {
        Source { settings, ..self.clone() }
    }

    fn overrides(&self, expect: Option<Expectation>) -> Overrides {
        Overrides { expect, unreadable_rows: self.unreadable_rows.clone(), ..overrides(&self.settings) }
    }

    fn faults(&self, faults: Diagnostics) -> Box<Diagnostics> {
        Box::new(faults.at_path(self.shown.as_str()))
    }

    /// One for each variant of the file that is to be played.
    fn variants(self) -> Vec<Source> {
        let names = rehearsal_scenarios::variant_names(&self.bytes);
        if names.is_empty() || self.settings.variant.is_some() {
            return vec![self];
        }
        let of_variant = |name| self.with(Settings { set: self.settings.set.clone(), variant: Some(name) });
        names.into_iter().map(of_variant).collect()
    }
}

fn overrides(settings: &Settings) -> Overrides {
    let Settings { set, variant } = settings.clone();
    Overrides { set: set.into_iter().collect(), variant, ..Overrides::default() }
}

/// A value as a shell takes it.
fn quoted(value: &serde_json::Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.chars().all(|c| c.is_alphanumeric() || "-_.:/%".contains(c)) && !text.is_empty() {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// All scenarios that the arguments name, in their order: files of a folder by name, and of each file its variants.
pub fn find_all(arguments: &[String], settings: &Settings) -> Result<Vec<Source>, Failure> {
    Ok(find_files(arguments, settings)?.into_iter().flat_map(Source::variants).collect())
}

/// The files that the arguments name, in their order; files of a folder by name.
pub fn find_files(arguments: &[String], settings: &Settings) -> Result<Vec<Source>, Failure> {
    let named = if arguments.is_empty() { crate::project::scenarios()? } else { arguments.to_vec() };
    let mut found = Vec::new();
    for argument in &named {
        let path = Path::new(argument);
        if path.is_dir() {
            found.extend(folder(path, settings)?);
        } else {
            found.push(find(argument, settings)?);
        }
    }
    Ok(found)
}

/// Kept failures: a file, or those of a folder, which may have none yet.
pub fn find_kept(argument: &str) -> Result<Vec<Source>, Failure> {
    let path = Path::new(argument);
    let is_empty = |path: &Path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if path.is_dir() && is_empty(path) {
        return Ok(Vec::new());
    }
    find_all(&[argument.to_owned()], &Settings::default())
}

/// The scenario that one argument names: a path first, then an embedded name.
pub fn find(argument: &str, settings: &Settings) -> Result<Source, Failure> {
    let path = Path::new(argument);
    if path.is_file() {
        return read(path, settings);
    }
    let name = argument.strip_suffix(".toml").unwrap_or(argument);
    if let Some(text) = library::get(name) {
        let (shown, bytes) = (name.to_owned(), text.as_bytes().to_vec());
        return Ok(Source { settings: settings.clone(), ..Source::whole(name.to_owned(), shown, bytes) });
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

fn folder(path: &Path, settings: &Settings) -> Result<Vec<Source>, Failure> {
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
    paths.iter().map(|path| read(path, settings)).collect()
}

fn read(path: &Path, settings: &Settings) -> Result<Source, Failure> {
    let unreadable = |error| {
        Failure::usage(format!("cannot read {}: {error}", path.display()), "check its name and its permissions")
    };
    let read = ScenarioFile::read(path, &overrides(settings)).map_err(unreadable)?;
    let ScenarioFile { name, bytes, unreadable_rows } = read;
    Ok(Source { name, shown: path.display().to_string(), bytes, unreadable_rows, settings: settings.clone() })
}
