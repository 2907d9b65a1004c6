//! A scenario file as it lies on the disk: its text with the rows of the files beside it, and its name. Both the program and the
//! library read files with it. Neighbours: `source` (the program's), `rehearse` (the library's); `scenarios` reads the text.

use rehearsal_scenarios::{Overrides, with_rows};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// What was read.
pub struct ScenarioFile {
    /// The name of the file without its ending.
    pub name: String,
    /// Its text, with all rows behind it, so that a record holds all that was played.
    pub bytes: Vec<u8>,
    /// Files of rows beside it that could not be read, and why.
    pub unreadable_rows: BTreeMap<String, String>,
}

impl ScenarioFile {
    /// Reads it, and the files that it names when this is set.
    ///
    /// # Errors
    /// If the file itself cannot be read.
    pub fn read(path: &Path, overrides: &Overrides) -> io::Result<ScenarioFile> {
        let bytes = std::fs::read(path)?;
        let beside = |file: &str| {
            let beside = path.parent().unwrap_or(Path::new(".")).join(file);
            std::fs::read_to_string(beside).map_err(|error| error.to_string())
        };
        let (bytes, unreadable_rows) = with_rows(&bytes, overrides, beside);
        let name = path.file_stem().map_or_else(|| "scenario".to_owned(), |stem| stem.to_string_lossy().into_owned());
        Ok(ScenarioFile { name, bytes, unreadable_rows })
    }
}
