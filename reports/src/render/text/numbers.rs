//! The numbers of a live run in columns: thresholds, operations, errors, and how the generator did.
//!
//! Simulated times are virtual and no performance, so of a simulated run nothing is shown here.

use super::{Style, Tone, printable};
use crate::outcome::{Generator, Met, Model, OperationNumbers, Outcome, Validity};
use crate::render::errors::{class_meaning, class_operations};
use crate::render::units::{bytes, share, span, span_or_none, thousands};
use crate::render::words::validity_word;
use crate::render::words::{measured, met_word, period_note, threshold_basis};
use rehearsal_scenarios::plan::World;

/// All tables of a live outcome; nothing for a simulated one.
pub(super) fn numbers(outcome: &Outcome, style: Style) -> String {
    if outcome.world == World::Simulated {
        return String::new();
    }
    let mut text = thresholds(outcome, style);
    if !outcome.operations.is_empty() {
        text += &operations(&outcome.operations);
    }
    text += &errors(outcome);
    if let Some(it) = &outcome.generator {
        text += &generator(it, style);
    }
    text
}

fn thresholds(outcome: &Outcome, style: Style) -> String {
    let names: Vec<String> = outcome.thresholds.iter().map(|it| printable(&it.name)).collect();
    let name_width = names.iter().map(|it| it.chars().count()).max().unwrap_or(0);
    let measured_width = outcome.thresholds.iter().map(|it| measured(it).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (threshold, name) in outcome.thresholds.iter().zip(names) {
        let tone = match threshold.verdict {
            Met::Met => Tone::Good,
            Met::Missed => Tone::Bad,
            Met::Unknown => Tone::Doubtful,
        };
        let word = style.paint(tone, &format!("{:7}", met_word(threshold.verdict)));
        let basis = printable(&threshold_basis(threshold));
        let measured = measured(threshold);
        text += &format!("threshold  {name:name_width$}  {word}  {measured:measured_width$}  {basis}\n");
    }
    text
}

/// Response times, from the planned time, and service times, from sending; a star marks operations that had no planned
/// time.
fn operations(operations: &[OperationNumbers]) -> String {
    let heading = ["operation", "count", "errors", "response p50", "p90", "p99", "p99.9", "max", "service p50", "p99"];
    let heading = heading.map(str::to_owned);
    let mut rows = vec![heading];
    rows.extend(operations.iter().map(|it| {
        let star = if it.model == Model::Closed { "*" } else { "" };
        let times = &it.response;
        [
            match period_note(it.period) {
                Some(note) => format!("{}{star} ({note})", printable(&it.name)),
                None => format!("{}{star}", printable(&it.name)),
            },
            thousands(it.count),
            if it.count == 0 { thousands(it.errors) } else { share(it.errors as f64 / it.count as f64) },
            span_or_none(times.p50_ns),
            span_or_none(times.p90_ns),
            span_or_none(times.p99_ns),
            span_or_none(times.p999_ns),
            span_or_none(times.max_ns),
            span_or_none(it.service.p50_ns),
            span_or_none(it.service.p99_ns),
        ]
    }));
    let mut text = aligned(&rows);
    if operations.iter().any(|it| it.model == Model::Closed) {
        text += "* closed: each one starts when the one before has ended, so a stalled server hides in its times\n";
    }
    text
}

/// Errors by class: how many, of which operations, and what the class means.
fn errors(outcome: &Outcome) -> String {
    let width = outcome.errors.keys().map(|it| it.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (class, count) in &outcome.errors {
        let operations = class_operations(outcome, class);
        let of = if operations.is_empty() { String::new() } else { format!(" ({operations})") };
        let meaning = class_meaning(class).map(|it| format!("  {it}")).unwrap_or_default();
        let class = format!("{:width$}", printable(class));
        text += &format!("errors     {class}  {}{}{meaning}\n", thousands(*count), printable(&of));
    }
    text
}

/// Of the table of operations.
const COLUMNS: usize = 10;

fn aligned(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for row in rows {
        text += &format!("{:width$}", row[0], width = widths[0]);
        for column in 1..COLUMNS {
            text += &format!("  {:>width$}", row[column], width = widths[column]);
        }
        text.push('\n');
    }
    text
}

fn generator(generator: &Generator, style: Style) -> String {
    let tone = match generator.validity {
        Validity::Valid => Tone::Good,
        Validity::Suspect => Tone::Doubtful,
        Validity::Invalid => Tone::Bad,
    };
    let mut text = format!(
        "generator  {}; lag p99 {}, at most {}; {:.2} cores, {}; machine load {:.2}\n",
        style.paint(tone, validity_word(generator.validity)),
        span(generator.lag_p99_ns),
        span(generator.lag_max_ns),
        generator.cpu_cores_max,
        bytes(generator.rss_bytes_max),
        generator.machine_load,
    );
    for reason in &generator.reasons {
        text += &format!("           {}\n", printable(reason));
    }
    text
}
