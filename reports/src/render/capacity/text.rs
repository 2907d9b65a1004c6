//! A search as a terminal shows it. Neighbours: `render::text` (a run).

use super::{load, sentence, step_detail, step_size, step_word};
use crate::capacity::outcome::{CapacityOutcome, PlayedStep};

/// One step, as a line of its own.
pub fn step(nth: usize, step: &PlayedStep) -> String {
    let word = step_word(&step.verdict);
    let line =
        format!("{:>4}  {:>10}  {word:9}  {:22}  {}", nth + 1, load(step.load), step_size(step), step_detail(step));
    format!("{}\n", printable(line.trim_end()))
}

/// The head of the steps' columns.
pub fn head(parameter: &str) -> String {
    format!("step  {:>10}  {:9}  {:22}  found\n", parameter, "verdict", "measured")
}

/// What was found.
pub fn answer(outcome: &CapacityOutcome) -> String {
    let mut text = format!("{}: {}\n", printable(&outcome.scenario), printable(&sentence(outcome)));
    for reason in &outcome.reasons {
        text += &format!("note    {}\n", printable(reason));
    }
    text
}

/// Text from a file or the network without what would move a terminal's cursor or break the line.
fn printable(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
