//! Failures made smaller: the same failure, nothing left that is not needed, the same result for the same number of trials,
//! and small enough over all known defects.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

mod catalogue;
mod search;
