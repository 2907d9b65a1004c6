//! Users that play a plan, in both worlds, and live runs. Start here: [`users::play_user`].
//!
//! - [`system`]: what is under test, as either world deploys it
//! - [`target`]: what is played against, and who says so in each request
//! - [`sink`]: where events go; [`recorder`]: one user's observations become events
//! - [`admission`]: who may begin something new
//! - [`commons`]: what the users of a run share: rooms, identities, meeting points, the phase of the run
//! - [`users`]: a user's whole life: start, sign-in, worker, client or the steps of a flow
//! - [`faults`]: what goes wrong, and when, for either world to play
//! - [`prepare`], [`cleanup`], [`journal`]: what is made on the target before time 0, and removed at the end
//! - [`tokens`]: identities that are handed in
//! - [`live`]: real sockets, the machine's clock, files: the only place here that knows them
//!
//! Absent on purpose: the simulated world (it uses this crate), rendering, and exit codes.

pub mod admission;
pub mod cleanup;
pub mod commons;
pub mod faults;
pub mod journal;
pub mod live;
pub mod prepare;
pub mod recorder;
pub mod sink;
pub mod steward;
pub mod system;
pub mod target;
pub mod tokens;
pub mod users;
