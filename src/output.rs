//! Gives results out: text or JSON lines on stdout, files for a build server or a pull request, reports beside records, and
//! the closing line with the exit code.

use crate::cli::{Format, Output};
use crate::exit::{Exit, Failure};
use crate::github;
use crate::records;
use crate::source::Source;
use rehearsal_reports::event::Event;
use rehearsal_reports::outcome::{Met, Outcome, Overall, Validity};
use rehearsal_reports::render::words::is_as_expected;
use rehearsal_reports::render::{self, Report, text::Style};
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Opens the files that are to be written at the end, so that a wrong path is told before the work and not after it.
pub fn prepare(output: &Output) -> Result<(), Failure> {
    for path in [&output.junit, &output.markdown].into_iter().flatten() {
        OpenOptions::new().create(true).append(true).open(path).map_err(|error| unwritable(path, &error))?;
    }
    Ok(())
}

/// Prints one outcome as soon as it is there, so that long work over many files is seen as it goes.
pub fn print_outcome(outcome: &Outcome, format: Format) {
    match format {
        Format::Text => print_to_stdout(&render::text::outcome(outcome, style())),
        Format::Json => print_to_stdout(&format!("{}\n", render::json::line(outcome))),
    }
}

/// The same where somebody asked for quiet: what holds as expected is one line, and so is a kept failure that still fails as its
/// file says.
pub fn print_outcome_quietly(outcome: &Outcome, format: Format, is_kept: bool) {
    match format {
        Format::Text if (is_kept || outcome.verdict == Overall::Holds) && is_as_expected(outcome) => {
            print_to_stdout(&render::text::headline(outcome));
        }
        _ => print_outcome(outcome, format),
    }
}

/// Writes the files that were asked for, prints the closing line, and returns the exit code.
pub fn conclude(title: &str, outcomes: Vec<Outcome>, exit: Exit, output: &Output) -> Result<Exit, Failure> {
    let report = report(title, outcomes, Some(closing(exit)), None);
    if let Some(path) = &output.junit {
        write(path, &render::junit::report(&report))?;
    }
    if let Some(path) = &output.markdown {
        write(path, &render::markdown::report(&report))?;
    }
    github::tell(&report);
    print_closing(exit, output.format);
    Ok(exit)
}

/// Prints where a report is, for people.
pub fn print_report_path(path: &Path, format: Format) {
    if format == Format::Text {
        print_to_stdout(&format!("report  {}\n", path.display()));
    }
}

/// Prints the closing line, for people.
pub fn print_closing(exit: Exit, format: Format) {
    if format == Format::Text {
        print_to_stdout(&format!("{}\n", closing(exit)));
    }
}

/// `exit 0: the expected verdict`.
pub fn closing(exit: Exit) -> String {
    format!("exit {}: {}", exit.code(), exit.meaning())
}

/// A report over outcomes, with the command and the machine that made it.
pub fn report(title: &str, outcomes: Vec<Outcome>, closing: Option<String>, html: Option<String>) -> Report {
    let machine = rehearsal_loadgen::live::machine_facts();
    Report {
        title: title.to_owned(),
        command: std::iter::once("rehearsal".to_owned()).chain(std::env::args().skip(1)).collect::<Vec<_>>().join(" "),
        version: env!("REHEARSAL_VERSION").to_owned(),
        machine: format!("{} cores, {}, {}, load {:.2}", machine.cores, machine.cpu, machine.system, machine.load),
        outcomes,
        closing,
        html,
    }
}

/// Writes the HTML report of some outcomes to a file.
pub fn write_html(path: &Path, title: &str, outcomes: Vec<Outcome>, closing: Option<String>) -> Result<(), Failure> {
    write(path, &render::html::report(&report(title, outcomes, closing, None)))
}

/// Writes the page to step through one run.
pub fn write_playback(path: &Path, outcome: &Outcome, events: &[Event], repeat: Option<&str>) -> Result<(), Failure> {
    let run = render::playback::Run { outcome, events, version: env!("REHEARSAL_VERSION"), repeat };
    write(path, &render::playback::page(run))
}

/// One report with all variants of a file side by side, below the folder for records; nothing if there are none.
pub fn write_side_by_side(
    sources: &[Source],
    outcomes: &[Outcome],
    exit: Exit,
    output: &Output,
) -> Result<(), Failure> {
    let Some(first) = sources.iter().find(|source| source.settings.variant.is_some()) else { return Ok(()) };
    if outcomes.len() < 2 {
        return Ok(());
    }
    let runs = records::runs(output.out.as_deref());
    std::fs::create_dir_all(&runs).map_err(|error| unwritable(&runs, &error))?;
    let path = runs.join("report.html");
    write_html(&path, &first.name, outcomes.to_vec(), Some(closing(exit)))?;
    print_report_path(&path, output.format);
    Ok(())
}

/// Writes a file that the user asked for.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| unwritable(path, &error))
}

/// A file that cannot be written.
pub fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot write {}: {error}", path.display()), "check the folder and its permissions")
}

/// Prints a result. A pipe that was closed early (`| head`) is no failure of ours.
pub fn print_to_stdout(text: &dyn Display) {
    let mut stdout = std::io::stdout().lock();
    let _ = write!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Prints a result as a line of its own.
pub fn print_line(text: &dyn Display) {
    print_to_stdout(&format_args!("{text}\n"));
}

/// Colours on a terminal, unless `NO_COLOR` is set.
pub fn style() -> Style {
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        Style::Coloured
    } else {
        Style::Plain
    }
}

/// The exit code that an outcome alone asks for.
pub fn exit_of(outcome: &Outcome) -> Exit {
    let mut exits = vec![match (outcome.expected, outcome.verdict) {
        (true, _) => Exit::Expected,
        (false, Overall::Unknown) => Exit::CannotJudge,
        (false, _) => Exit::Unexpected,
    }];
    if outcome.interrupted {
        exits.push(Exit::Interrupted);
    }
    if outcome.generator.as_ref().is_some_and(|generator| generator.validity == Validity::Invalid) {
        exits.push(Exit::CannotJudge);
    }
    exits.extend(outcome.thresholds.iter().map(|threshold| match threshold.verdict {
        Met::Met => Exit::Expected,
        Met::Missed => Exit::ThresholdMissed,
        Met::Unknown => Exit::CannotJudge,
    }));
    Exit::worst(exits)
}
