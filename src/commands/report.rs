//! `rehearsal report`: writes the report of a record again, or its events for another tool.

use crate::cli::{Format, Report, ReportFormat};
use crate::exit::{Exit, Failure};
use crate::output;
use crate::rejudge::{events_of, rejudge, run_of};
use rehearsal_reports::exports;
use rehearsal_reports::record::PLAYBACK;

/// Writes what is asked for. The report is the result: its verdict does not change the exit code.
pub fn run(arguments: &Report) -> Result<Exit, Failure> {
    let export = match arguments.format {
        ReportFormat::Html => return html(arguments),
        ReportFormat::Playback => return playback(arguments),
        ReportFormat::Shiviz => exports::shiviz,
        ReportFormat::Perfetto => exports::trace,
    };
    if arguments.html.is_some() {
        return Err(Failure::usage(
            "`--html` names a file for the formats html and playback alone",
            "write `> FILE` behind the others",
        ));
    }
    output::print_to_stdout(&export(&events_of(&arguments.record)?));
    Ok(Exit::Expected)
}

/// Judges the record and writes its HTML.
fn html(arguments: &Report) -> Result<Exit, Failure> {
    let (outcome, exit) = rejudge(&arguments.record)?;
    let path = arguments.html.clone().unwrap_or_else(|| arguments.record.join("report.html"));
    output::write_html(&path, &outcome.scenario.clone(), vec![outcome], Some(output::closing(exit)))?;
    output::print_report_path(&path, Format::Text);
    Ok(Exit::Expected)
}

/// Judges the record and writes the page to step through it.
fn playback(arguments: &Report) -> Result<Exit, Failure> {
    let (outcome, events, repeat) = run_of(&arguments.record)?;
    let path = arguments.html.clone().unwrap_or_else(|| arguments.record.join(PLAYBACK));
    output::write_playback(&path, &outcome, &events, repeat.as_deref())?;
    output::print_report_path(&path, Format::Text);
    Ok(Exit::Expected)
}
