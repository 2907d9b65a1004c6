//! Whole seeds on the event-driven engine: the same claims as in `seeds`, then the same verdicts as on turmoil.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

const ENGINE: rehearsal_sim::engine::EngineKind = rehearsal_sim::engine::EngineKind::Event;

#[path = "../seeds/clock_skew.rs"]
mod clock_skew;
#[path = "../seeds/determinism.rs"]
mod determinism;
mod differential;
#[path = "../seeds/faults.rs"]
mod faults;
#[path = "../seeds/ledger.rs"]
mod ledger;
#[path = "../seeds/library.rs"]
mod library;
#[path = "../seeds/not_deterministic.rs"]
mod not_deterministic;
#[path = "../seeds/scenes.rs"]
mod scenes;
#[path = "../seeds/verdicts.rs"]
mod verdicts;
#[path = "../seeds/waiting_faults.rs"]
mod waiting_faults;
