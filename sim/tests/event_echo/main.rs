//! The same claims as in `echo`, on the event-driven engine: what a fault means does not depend on who plays it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may end a test")]

const ENGINE: rehearsal_sim::engine::EngineKind = rehearsal_sim::engine::EngineKind::Event;

#[path = "../echo/datagrams.rs"]
mod datagrams;
#[path = "../echo/determinism.rs"]
mod determinism;
#[path = "../echo/faults.rs"]
mod faults;
#[path = "../echo/hosts.rs"]
mod hosts;
mod kills;
#[path = "../echo/panics.rs"]
mod panics;
mod real_redis;
mod redis;
mod search;
#[path = "../echo/standing.rs"]
mod standing;
#[path = "../echo/width.rs"]
mod width;
#[path = "../echo/world.rs"]
mod world;
