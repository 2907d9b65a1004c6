//! The engine under unmodified hyper, axum and tungstenite: the same seed twice first, then each fault with its near
//! miss.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

const ENGINE: rehearsal_sim::engine::EngineKind = rehearsal_sim::engine::EngineKind::Turmoil;

mod datagrams;
mod determinism;
mod faults;
mod hosts;
mod panics;
mod standing;
mod width;
mod world;
