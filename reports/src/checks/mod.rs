//! Checks: properties over the history, one file each. A check is a streaming fold over events, its state bounded by what
//! is open, so that it can run beside a live load.
//!
//! To add one: a file here that implements [`Check`], a line in [`all`], tests with one history that breaks it and one
//! near miss. Neighbours: `event` (what is folded), `verdict` (what comes out).

use crate::event::Event;
use crate::verdict::CheckVerdict;
use rehearsal_scenarios::plan::Plan;

/// A property over events, folded one at a time.
pub trait Check: Send {
    /// The name used in scenarios, records and reports.
    fn name(&self) -> &'static str;
    /// Takes the next event into account. Events come in the order in which they were written.
    fn observe(&mut self, event: &Event);
    /// The verdict once the run has ended. `end_ns` is when the record ends; a record that was cut off says so.
    fn finish(self: Box<Self>, end: RunEnd) -> CheckVerdict;
}

/// How a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// Plan time of the last thing known, in nanoseconds.
    pub t_ns: i64,
    /// Whether the run came to its planned end; a killed run did not, and what was open then stays open.
    pub complete: bool,
}

/// All checks that the plan asks for, ready to fold.
pub fn all(_plan: &Plan) -> Vec<Box<dyn Check>> {
    Vec::new()
}
