//! The rules of the rooms core as claims, without sockets: every error code, every limit, and every defect of the server
//! both ways. Each module is one matter; `hall` is what they all play in.

#![expect(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod completeness;
mod discovery;
mod hall;
mod leaving;
mod registration;
mod relays;
mod reservations;
