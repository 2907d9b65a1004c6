//! The highest load at which thresholds and checks hold. Pure: whoever plays pushes what came out and asks what to play next.
//! Start here: [`search::Search`].
//!
//! - [`search`]: which load to play next: steps up, bisection, and both ends once more
//! - [`step`]: one load, second by second: passed, failed or undecided
//! - [`sequential`]: the test behind it; [`binomial`]: the distribution behind that; [`steady`]: whether a step came to rest
//! - [`outcome`]: what a search found, for readers
//!
//! Left out: playing, and drawing (`render`).

pub mod binomial;
pub mod outcome;
pub mod search;
pub mod sequential;
pub mod steady;
pub mod step;
