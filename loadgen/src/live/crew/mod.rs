//! Several processes that play one plan together: each plays a segment, one of them leads. Start here: [`lead`].
//!
//! - [`words`]: what they say to each other
//! - [`leader`]: hands out the work, starts all at one moment, and notices who is gone
//! - [`member`]: one of those who play
//! - [`children`]: members as processes of this machine, spoken with through their standard streams
//! - [`store`]: members anywhere, spoken with through Redis; [`clock`]: how far their clocks are off
//!
//! A member that is gone makes the run invalid, never silently smaller; a member whose leader is gone ends politely. Left out:
//! how a plan is split (`Plan::segment`), and making one record of all (the command line, with `reports::record::merging`).

pub mod children;
pub mod clock;
pub mod leader;
pub mod member;
pub mod store;
pub mod words;

pub use leader::{Crew, End, lead};
