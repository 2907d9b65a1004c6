//! `rehearsal report`: writes the report of a record again.

use crate::cli::{Format, Report};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::rejudge::rejudge;

/// Judges the record and writes its HTML. The report is the result: its verdict does not change the exit code.
pub fn run(arguments: &Report) -> Result<Exit, Failure> {
    let (outcome, exit) = rejudge(&arguments.record)?;
    let path = arguments.html.clone().unwrap_or_else(|| arguments.record.join("report.html"));
    output::write_html(&path, &outcome.scenario.clone(), vec![outcome], Some(output::closing(exit)))?;
    output::print_report_path(&path, Format::Text);
    Ok(Exit::Expected)
}
