//! What a pull request shows by itself when a run is part of a GitHub workflow (`GITHUB_ACTIONS` is set): an annotation for
//! each scenario that is not as expected, and the summary of the step. Neighbours: `output` calls it at the end.

use rehearsal_reports::outcome::Outcome;
use rehearsal_reports::render::{self, Report};
use std::fs::OpenOptions;
use std::io::Write;

/// Writes annotations and summary, if this is such a run. Whoever cannot read them has lost nothing: the results stand on
/// stdout all the same.
pub fn tell(report: &Report) {
    if std::env::var_os("GITHUB_ACTIONS").is_none() {
        return;
    }
    for outcome in &report.outcomes {
        if !outcome.expected {
            eprintln!("{}", annotation(outcome));
        }
        for warning in &outcome.warnings {
            eprintln!("::warning title={}::{}", property(&outcome.scenario), escaped(warning));
        }
    }
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") {
        let summary = OpenOptions::new().create(true).append(true).open(&path);
        let written = summary.and_then(|mut file| file.write_all(render::markdown::report(report).as_bytes()));
        if let Err(error) = written {
            eprintln!("note: the step summary cannot be written: {error}");
        }
    }
}

/// A command of the workflow's runner, which reads them from any output of a step.
fn annotation(outcome: &Outcome) -> String {
    let mut words = outcome.notes.clone();
    words.extend(outcome.repeat.iter().map(|repeat| format!("repeat: {repeat}")));
    format!("::error title={}::{}", property(&outcome.scenario), escaped(&words.join("\n")))
}

/// What the runner would take for the end of the message.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Inside of a title further characters end it.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_or_a_title_ends_the_command() {
        assert_eq!(escaped("50 %\nlower"), "50 %25%0Alower");
        assert_eq!(property("a: b, c"), "a%3A b%2C c");
    }
}
