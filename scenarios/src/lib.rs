//! The scenario language and the plan. Start here: [`plan::Plan`] is what everything else plays.
//!
//! - [`plan`]: a scenario with a seed applied; data only
//! - [`draw`], [`distribution`]: how a seed becomes choices
//!
//! Absent on purpose: tokio, sockets, files, the wall clock. The same input gives the same bytes.

pub mod distribution;
pub mod draw;
pub mod plan;
