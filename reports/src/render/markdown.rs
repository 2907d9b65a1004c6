//! A comment for a pull request: a table of outcomes, then what is not as it should be, with the story folded away.
//!
//! Neighbours: `words` (how verdicts are put), `text` (whose story columns stand in a code block here). What comes from
//! files or the network is escaped, so that it is shown and never interpreted.

use super::units::{counted, share, span_or_none, thousands};
use super::words::{self, Standing, check_detail, checks_by_weight, evidence, period_note, standing, verdict_word};
use super::{Report, covered, text};
use crate::outcome::{Met, Outcome};
use crate::verdict::Verdict;
use rehearsal_scenarios::plan::World;

/// The whole report.
pub fn report(report: &Report) -> String {
    let mut text = format!("### {}\n\n**{}**\n\n", escaped(&report.title), words::report_sentence(report));
    text += "| | scenario | played | verdict |\n| --- | --- | --- | --- |\n";
    for outcome in &report.outcomes {
        text += &format!(
            "| {} | {} | {} | {} |\n",
            match standing(outcome) {
                Standing::Good => "✅",
                Standing::Doubtful => "⚠️",
                Standing::Bad => "❌",
            },
            escaped(&outcome.scenario),
            escaped(&words::played_where(outcome)),
            escaped(&words::sentence(outcome)),
        );
    }
    for outcome in &report.outcomes {
        text += &details(outcome);
    }
    if let Some(closing) = &report.closing {
        text += &format!("\n{}\n", escaped(closing));
    }
    text += &format!("\n<sub>{} · {}</sub>\n", escaped(&report.version), escaped(&report.machine));
    text
}

fn details(outcome: &Outcome) -> String {
    let mut text = format!("\n#### {} ({})\n\n", escaped(&outcome.scenario), words::world_word(outcome.world));
    if let Some(parameters) = words::parameters(outcome) {
        text += &format!("with {}\n\n", escaped(&parameters));
    }
    for summary in checks_by_weight(outcome) {
        let word = verdict_word(&summary.check.verdict);
        let word = if matches!(summary.check.verdict, Verdict::Broken { .. }) {
            format!("**{word}**")
        } else {
            word.to_owned()
        };
        let detail = escaped(&check_detail(outcome, summary));
        text += &format!("- {word}: {} — {detail}\n", escaped(&summary.check.property));
        if let Some(first) = evidence(summary).first() {
            text += &format!("  - {}\n", escaped(&first.sentence));
        }
    }
    if let Some(story) = &outcome.story {
        let columns = text::story_columns(story);
        text += &format!("\n<details><summary>What happened</summary>\n\n{}\n</details>\n", code_block(&columns));
    }
    text += &thresholds(outcome);
    if outcome.world == World::Live && !outcome.operations.is_empty() {
        text += &operations(outcome);
    }
    if let Some(coverage) = &outcome.coverage {
        text += &format!("- covered: {}\n", escaped(&covered::sentence(coverage)));
    }
    for warning in &outcome.warnings {
        text += &format!("- **warning**: {}\n", escaped(warning));
    }
    for note in &outcome.notes {
        text += &format!("- note: {}\n", escaped(note));
    }
    if let Some(repeat) = &outcome.repeat {
        text += &format!("\nRepeat it:\n\n{}", code_block(repeat));
    }
    text
}

fn thresholds(outcome: &Outcome) -> String {
    let mut text = String::new();
    for it in &outcome.thresholds {
        let word = match it.verdict {
            Met::Missed => "**missed**",
            met => words::met_word(met),
        };
        let (name, basis) = (escaped(&it.name), escaped(&words::threshold_basis(it)));
        text += &format!("- {word}: {name} — {} ({basis})\n", words::measured(it));
    }
    text
}

fn operations(outcome: &Outcome) -> String {
    let mut text =
        String::from("\n| operation | count | errors | p50 | p99 | p99.9 |\n| --- | --: | --: | --: | --: | --: |\n");
    for it in &outcome.operations {
        let errors = if it.count == 0 { thousands(it.errors) } else { share(it.errors as f64 / it.count as f64) };
        let times = [it.response.p50_ns, it.response.p99_ns, it.response.p999_ns].map(span_or_none).join(" | ");
        let note = period_note(it.period).map(|note| format!(" ({note})")).unwrap_or_default();
        text += &format!("| {}{note} | {} | {errors} | {times} |\n", escaped(&it.name), thousands(it.count));
    }
    if !outcome.errors.is_empty() {
        let classes: Vec<String> = outcome
            .errors
            .iter()
            .map(|(class, count)| counted(*count, &format!("{} errors", escaped(class))))
            .collect();
        text += &format!("\n{}\n", classes.join(", "));
    }
    text.push('\n');
    text
}

/// A fence longer than any run of back-ticks inside, so that nothing can end it early.
fn code_block(content: &str) -> String {
    let longest = content.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", content.trim_end())
}

/// Text with everything that Markdown or HTML would interpret made harmless, on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '#' => escaped.extend(['\\', character]),
            // A mention would notify somebody who has nothing to do with the run.
            '@' => escaped += "@\u{200b}",
            '_' => escaped += "\\_",
            it if it.is_control() => escaped.push(' '),
            it => escaped.push(it),
        }
    }
    escaped
}
