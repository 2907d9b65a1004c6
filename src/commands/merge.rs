//! `rehearsal merge`: one record of the records of segments, judged by the whole plan.

use crate::cli::Merge;
use crate::exit::{Exit, Failure};
use crate::merging::{self, Part};
use crate::output;
use crate::records;

/// Merges, judges and writes the report.
pub fn run(arguments: &Merge) -> Result<Exit, Failure> {
    let mut parts = arguments.records.iter().map(|folder| Part::read(folder)).collect::<Result<Vec<_>, _>>()?;
    merging::check_together(&parts)?;
    parts.sort_by_key(|part| part.segment);
    let runs = records::runs(arguments.out.as_deref());
    let folder = merging::create(&runs, &parts)?;
    let outcome = merging::merge(&parts, &folder, records::arguments(), Vec::new())?;
    let exit = output::exit_of(&outcome);
    let html = folder.join("report.html");
    output::write_html(&html, &outcome.scenario, vec![outcome.clone()], Some(output::closing(exit)))?;
    output::print_outcome(&outcome, arguments.format);
    output::print_report_path(&html, arguments.format);
    output::print_closing(exit, arguments.format);
    Ok(exit)
}
