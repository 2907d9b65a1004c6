//! `rehearsal lint`: checks scenario files without playing them. All faults of all files, then the exit code.

use crate::cli::{Format, Lint};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::source;

/// Checks the files; 0 if all are valid, 2 otherwise.
pub fn run(arguments: &Lint) -> Result<Exit, Failure> {
    let sources = source::find_files(&arguments.files.files, &arguments.settings)?;
    let mut exit = Exit::Expected;
    for source in &sources {
        match source.diagnose() {
            Ok(_) if arguments.format == Format::Json => {
                output::print_line(&serde_json::json!({ "format": 1, "file": source.shown, "faults": [], "more": 0 }));
            }
            Ok(_) => output::print_line(&format_args!("{}: valid", source.shown)),
            Err(diagnostics) => {
                exit = Exit::Usage;
                match arguments.format {
                    Format::Json => output::print_line(&serde_json::json!(*diagnostics)),
                    Format::Text => output::print_to_stdout(&diagnostics),
                }
            }
        }
    }
    Ok(exit)
}
