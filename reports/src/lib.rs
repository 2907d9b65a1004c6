//! Record, history, checks, verdict, numbers and rendering. Start here: [`event::Event`] is what a run writes down.
//!
//! - [`coverage`]: what an exploration covered, and whether it may stop
//! - [`event`]: the contract between doing and judging
//! - [`checks`]: properties over the events, one file each
//! - [`history`]: operations recovered from events
//! - [`judge`]: runs them over one run
//! - [`linearizable`]: whether operations have an order that explains them
//! - [`numbers`]: latency and errors, second by second and in all
//! - [`metrics`]: pages of metrics of the target and of others
//! - [`record`]: the files that a run leaves, written and read as streams
//! - [`capacity`]: the search for the highest load; [`abort`]: rules that end a run
//! - [`seeds`]: the verdicts of many seeds as one
//! - [`verdict`]: what they say
//! - [`outcome`]: one scenario in one world, everything a reader may be shown
//! - [`unmatched`]: messages that no step asked for; [`few`]: lists that mostly hold one thing
//! - [`story`]: a broken check, told
//! - [`playback`]: a run to step through, event by event
//! - [`exports`]: events for ShiViz and Perfetto
//! - [`render`]: outcomes as text, HTML, JSON, Markdown and JUnit XML
//!
//! Absent on purpose: tokio, sockets, files, the wall clock. The same input gives the same bytes.

pub mod abort;
pub mod capacity;
pub mod checks;
pub mod coverage;
pub mod event;
pub mod exports;
pub mod few;
pub mod history;
pub mod judge;
pub mod linearizable;
pub mod metrics;
pub mod numbers;
pub mod outcome;
pub mod playback;
pub mod record;
pub mod render;
pub mod seeds;
pub mod story;
pub mod unmatched;
pub mod verdict;
