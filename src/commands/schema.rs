//! `rehearsal schema`: the JSON Schema of the scenario language, for editors.

use crate::exit::{Exit, Failure};

/// Prints the schema.
pub fn run() -> Result<Exit, Failure> {
    println!("{:#}", rehearsal_scenarios::schema());
    Ok(Exit::Expected)
}
