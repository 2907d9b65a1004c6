//! What a terminal shows after a run: verdicts first, then the story of what broke, the numbers, and how to go on.
//!
//! Neighbours: `words` (how verdicts are put), `text/story`, `text/numbers` and `text/covered` (columns). Left out: progress, and the
//! closing line's wording, which the command line decides.

mod covered;
mod numbers;
mod story;

use super::words::{Standing, check_detail, checks_by_weight, evidence, overall_word, played_where, verdict_word};
use super::{Report, words};
use crate::outcome::{CheckSummary, Outcome, Story};
use crate::verdict::Verdict;

/// Whether the text may hold colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences: for files, pipes and `NO_COLOR`.
    Plain,
    /// ANSI colours for verdict words.
    Coloured,
}

/// What a word means, for its colour.
#[derive(Clone, Copy)]
enum Tone {
    Good,
    Bad,
    Doubtful,
    Quiet,
}

impl Style {
    fn paint(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31;1",
            Tone::Doubtful => "33",
            Tone::Quiet => "2",
        };
        match self {
            Style::Plain => text.to_owned(),
            Style::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// How many violations of one check are printed; the record has more.
const EVIDENCE_SHOWN_MAX: usize = 3;

/// The whole report, ending with its closing line.
pub fn report(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for outcome in &report.outcomes {
        text += &self::outcome(outcome, style);
        text.push('\n');
    }
    if report.outcomes.len() > 1 {
        text += &format!("{}\n", words::report_sentence(report));
    }
    if let Some(html) = &report.html {
        text += &format!("report  {}\n", printable(html));
    }
    if let Some(closing) = &report.closing {
        text += &format!("{}\n", printable(closing));
    }
    text
}

/// One outcome in one line: `race: 100 seeds from 1, event engine; holds, as expected`.
pub fn headline(outcome: &Outcome) -> String {
    format!(
        "{}: {}; {}{}\n",
        printable(&outcome.scenario),
        printable(&played_where(outcome)),
        overall_word(outcome.verdict),
        match words::standing(outcome) {
            Standing::Doubtful => ", cannot be judged",
            _ if outcome.expected => ", as expected",
            _ => ", not as expected",
        },
    )
}

/// One outcome: its verdicts, its story, its numbers, what was covered, where its record is and how to repeat it.
pub fn outcome(outcome: &Outcome, style: Style) -> String {
    let mut text = headline(outcome);
    if let Some(parameters) = words::parameters(outcome) {
        text += &format!("params  {}\n", printable(&parameters));
    }
    let width = outcome.checks.iter().map(|it| label(it).chars().count()).max().unwrap_or(0);
    for summary in checks_by_weight(outcome) {
        text += &check(outcome, summary, width, style);
    }
    text += &numbers::numbers(outcome, style);
    text += &covered::covered(outcome);
    for warning in &outcome.warnings {
        text += &format!("{} {}\n", style.paint(Tone::Doubtful, "warning"), printable(warning));
    }
    for note in &outcome.notes {
        text += &format!("note    {}\n", printable(note));
    }
    for (name, value) in [("record", &outcome.record), ("browse", &outcome.page), ("repeat", &outcome.repeat)] {
        if let Some(value) = value {
            text += &format!("{name}  {}\n", printable(value));
        }
    }
    text
}

/// A story in plain columns, for other formats to quote.
pub fn story_columns(story: &Story) -> String {
    story::columns(story, Style::Plain)
}

fn label(summary: &CheckSummary) -> String {
    format!("{:6}  {}", verdict_word(&summary.check.verdict).to_uppercase(), printable(&summary.check.property))
}

fn check(outcome: &Outcome, summary: &CheckSummary, width: usize, style: Style) -> String {
    let tone = match (&summary.check.verdict, outcome.expected) {
        (Verdict::Holds, _) => Tone::Good,
        (Verdict::Broken { .. }, true) => Tone::Doubtful,
        (Verdict::Broken { .. }, false) => Tone::Bad,
        (Verdict::Unknown { .. }, _) => Tone::Doubtful,
        (Verdict::NotJudged { .. }, _) => Tone::Quiet,
    };
    let word = verdict_word(&summary.check.verdict).to_uppercase();
    let label = format!("{:width$}", label(summary)).replacen(&word, &style.paint(tone, &word), 1);
    let mut text = format!("{label}  {}\n", printable(&check_detail(outcome, summary)));
    let evidence = evidence(summary);
    for violation in evidence.iter().take(EVIDENCE_SHOWN_MAX) {
        text += &format!("  {}\n", printable(&violation.sentence));
        // The story tells the first violation of one check, and stands below its sentence.
        if let Some(story) = outcome.story.as_ref().filter(|it| it.check == summary.check.name)
            && story.sentence == violation.sentence
        {
            text += &story::columns(story, style);
        }
    }
    let hidden = summary.check.violations.saturating_sub(evidence.len().min(EVIDENCE_SHOWN_MAX) as u64);
    if hidden > 0 && !evidence.is_empty() {
        text += &format!("  and {hidden} more\n");
    }
    text
}

/// Text from a file or the network without what would move a terminal's cursor or break the line.
fn printable(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
