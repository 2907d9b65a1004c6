//! A user's whole life, the same in both worlds. Start here: [`play_user`].
//!
//! - [`mod@env`]: what a user finds around it
//! - `player`: waits for its start, signs in, and plays its behaviour; `churn`: leaves and comes back
//! - `built_in`: the reference worker and client
//! - [`flow`]: steps of the scenario's own
//! - `template`, [`pattern`]: texts with variables, and messages that match
//!
//! Absent on purpose: clocks (time is `tokio::time` and the sink's), sockets (the `Network` is handed in), and tasks of its
//! own: a user is one future.

mod beat;
mod built_in;
mod churn;
pub mod env;
pub mod flow;
pub mod pattern;
mod player;
mod template;

pub use env::UserEnv;
pub use player::{UserEnd, play_user};
