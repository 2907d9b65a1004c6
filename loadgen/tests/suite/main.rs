//! Tests of the whole crate against the real reference server over loopback.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod breaker;
mod faults;
mod leaving;
mod library;
mod live_runs;
mod preparing;
mod support;
mod tls;
mod users_play;
