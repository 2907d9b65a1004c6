//! Whole seeds on the event-driven engine: determinism first, then the same verdicts as on turmoil.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

mod verdicts;
