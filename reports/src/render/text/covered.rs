//! What was covered, for the terminal. Neighbour: `render::covered` has the words.

use super::printable;
use crate::outcome::Outcome;
use crate::render::covered;
use rehearsal_scenarios::drawn_text;

/// What the told seed drew, what all of them covered, and where the time went.
pub(super) fn covered(outcome: &Outcome) -> String {
    let mut text = String::new();
    if !outcome.drawn.is_empty() {
        text += &format!("drew    {}\n", printable(&drawn_text(&outcome.drawn)));
    }
    if let Some(coverage) = &outcome.coverage {
        text += &format!("covered {}\n", covered::sentence(coverage));
        let head = covered::head().into_iter().map(str::to_owned).collect();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(coverage.faults.iter().map(covered::row)).collect();
        if rows.len() > 1 {
            text += &table(&rows);
            text += &format!("  {}\n", covered::WHILE_DOING);
        }
    }
    if let Some(time) = &outcome.time {
        text += &format!("time    {}\n", covered::time_spent(time));
    }
    text
}

/// Columns below each other: the first to the left, figures to the right.
fn table(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        text += &format!("  {:width$}", printable(&row[0]), width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            text += &format!("  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}
