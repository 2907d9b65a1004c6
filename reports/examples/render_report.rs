//! Writes the report that the tests render into a folder, in all formats, to look at it: `render_report FOLDER`.

#[path = "../tests/render_all/fixture.rs"]
mod fixture;
#[path = "../tests/render_all/race.rs"]
mod race;

use rehearsal_reports::render::text::Style;
use rehearsal_reports::render::{html, json, junit, markdown, text};
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    let report = fixture::report();
    let lines: Vec<String> = report.outcomes.iter().map(json::line).collect();
    std::fs::write(folder.join("report.html"), html::report(&report))?;
    std::fs::write(folder.join("report.json"), lines.join("\n"))?;
    std::fs::write(folder.join("report.md"), markdown::report(&report))?;
    std::fs::write(folder.join("report.txt"), text::report(&report, Style::Plain))?;
    std::fs::write(folder.join("report.xml"), junit::report(&report))
}
