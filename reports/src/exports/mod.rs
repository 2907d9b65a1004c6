//! A record for the tools of others. Neighbours: `story` (what one event says, and which message arrived when), `record`
//! (where events come from). Left out: files.
//!
//! - [`shiviz()`]: a log with vector clocks, for ShiViz: who could know of what
//! - [`trace()`]: Chrome's trace JSON, for Perfetto: what took how long

mod shiviz;
mod trace;

pub use shiviz::shiviz;
pub use trace::trace;

use crate::event::{Event, Kind};

/// Events by time; of one moment a sending comes before what arrives.
fn by_time(events: &[Event]) -> Vec<&Event> {
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| (event.t_ns, event.kind == Kind::Received, event.n));
    sorted
}
