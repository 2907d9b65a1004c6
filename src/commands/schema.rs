//! `rehearsal schema`: the JSON Schema of the scenario language, for editors.

use crate::exit::{Exit, Failure};
use crate::output;

/// Prints the schema.
pub fn run() -> Result<Exit, Failure> {
    output::print_line(&format_args!("{:#}", rehearsal_scenarios::schema()));
    Ok(Exit::Expected)
}
