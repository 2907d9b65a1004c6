//! The scenario language and the plan. Start here: [`load`] reads a file, [`Scenario::plan`] applies a seed, and
//! [`plan::Plan`] is what everything else plays.
//!
//! - [`load`], [`load_all`], [`setting`], [`schema`], [`reference`](fn@reference): the language (`language` holds one
//!   file per section)
//! - [`pinned`]: a plan as a scenario file of its own
//! - [`check_names`], [`defect_names`]: words that other parts must know as well
//! - [`diagnostics`]: what is wrong with a file, the way a compiler says it
//! - [`scenario`]: a valid file, choices still open
//! - [`plan`]: a scenario with a seed applied; [`timeline`] prints one
//! - [`library`]: the files that come with the program
//! - [`draw`], [`distribution`]: how a seed becomes choices
//!
//! Absent on purpose: tokio, sockets, files, the wall clock. The same input gives the same bytes.

mod csv;
pub mod diagnostics;
pub mod distribution;
pub mod draw;
mod language;
pub mod library;
pub mod plan;
pub mod scenario;
mod source;
mod synonyms;
mod tree;

pub use diagnostics::{Diagnostic, Diagnostics};
pub use language::checks::names as check_names;
pub use language::defects::names as defect_names;
pub use language::params::{setting, variant_names};
pub use language::pinned::pinned;
pub use language::reference::reference;
pub use language::rows::with_rows;
pub use language::schema::schema;
pub use language::{load, load_all};
pub use plan::timeline::{drawn_text, timeline};
pub use scenario::{Overrides, Scenario};
pub use source::SOURCE_BYTES_MAX;
