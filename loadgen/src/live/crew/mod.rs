//! Several processes that play one plan together: each plays a segment, one of them leads. Start here: [`lead`].
//!
//! - [`words`]: what they say to each other
//! - [`leader`]: hands out the work, starts all at one moment, and notices who is gone
//! - [`member`]: one of those who play
//! - [`children`]: members as processes of this machine, spoken with through their standard streams
//! - [`store`]: a Redis in which members anywhere are met: `gathering` is the leader's side, `waiting` theirs; [`clock`]: how
//!   far their clocks are off
//!
//! A member that is gone makes the run invalid, never silently smaller; a member whose leader is gone ends politely. Left out:
//! how a plan is split (`Plan::segment`), and making one record of all (the command line, with `reports::record::merging`).

pub mod children;
pub mod clock;
mod gathering;
pub mod leader;
pub mod member;
pub mod store;
mod waiting;
pub mod words;

pub use leader::{Crew, End, lead};
