//! Live runs: real sockets, the machine's clock, files.
//!
//! - [`network`], [`tls`], [`machine`]: what a live host hands to its programs
//! - [`url`], [`guard`]: what may be loaded, and how much
//! - [`record_dir`], [`journal_file`]: where a run leaves what it knows

pub mod guard;
pub mod journal_file;
pub mod machine;
pub mod network;
pub mod record_dir;
pub mod tls;
pub mod url;
