//! Whole seeds with the real server, worker and client: determinism first, then verdicts, faults on every kind of host,
//! and runs that do not come to their end.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

const ENGINE: rehearsal_sim::engine::EngineKind = rehearsal_sim::engine::EngineKind::Turmoil;

mod clock_skew;
mod determinism;
mod faults;
mod ledger;
mod library;
mod not_deterministic;
mod scenes;
mod verdicts;
mod waiting_faults;
