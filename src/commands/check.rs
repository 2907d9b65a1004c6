//! `rehearsal check`: judges an old record again.

use crate::cli::Check;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::rejudge::rejudge;

/// Judges the record and prints its verdicts.
pub fn run(arguments: &Check) -> Result<Exit, Failure> {
    let (outcome, exit) = rejudge(&arguments.record)?;
    output::print_outcome(&outcome, arguments.format);
    output::print_closing(exit, arguments.format);
    Ok(exit)
}
