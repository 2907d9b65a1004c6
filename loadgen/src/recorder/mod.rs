//! One user's recorder: what the reference client side lets an observer see becomes events. Start here:
//! [`UserRecorder`], which is handed to `Peer`, `run_worker` and `run_client` as their observer.
//!
//! - `user`: what flows tell; `observed`: what the client side observes
//!
//! Neighbours: `awaited` remembers which answers are owed, `wire` reads and words messages, `names` shares strings.
//! Left out: secrets. A token is never read here, so it cannot reach an event.

mod awaited;
mod dropped;
mod names;
mod observed;
#[cfg(test)]
mod tests;
mod user;
mod wire;

pub use dropped::Dropped;
pub use names::PeerNames;
pub use user::UserRecorder;
pub(crate) use user::error;
