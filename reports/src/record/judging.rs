//! Judging a record again: the checks of its plan over its events, as if the run were going on. Neighbours: `reader`, and the
//! judge and the numbers that a live run folds.

use super::{EventReader, FileEnd, RecordError};
use crate::checks::RunEnd;
use crate::judge::Judge;
use crate::numbers::{Numbers, Totals};
use crate::verdict::CheckVerdict;
use rehearsal_scenarios::plan::Plan;
use std::io::Read;

/// What an old record says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// By check.
    pub verdicts: Vec<CheckVerdict>,
    /// Latency and errors.
    pub totals: Totals,
    /// How many events were read.
    pub events: u64,
    /// Whether the file was whole.
    pub file: FileEnd,
    /// Plan time of the last event; incomplete if the file was cut off.
    pub end: RunEnd,
}

/// Judges the events of a record by the checks and thresholds of its plan (the header's scenario, seed and world give it).
pub fn judge_record<R: Read>(plan: &Plan, mut events: EventReader<R>) -> Result<Judged, RecordError> {
    let mut judge = Judge::new(plan);
    let mut numbers = Numbers::new(plan);
    let (mut count, mut t_ns) = (0, 0);
    for event in events.by_ref() {
        let event = event?;
        judge.observe(&event);
        numbers.observe(&event);
        count += 1;
        t_ns = event.t_ns;
    }
    let file = events.end().unwrap_or(FileEnd::Truncated);
    let end = RunEnd { t_ns, complete: file == FileEnd::Finished };
    let (totals, _) = numbers.finish(plan, end);
    Ok(Judged { verdicts: judge.finish(end), totals, events: count, file, end })
}
