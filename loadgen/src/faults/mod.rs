//! Faults as both worlds play them. Start here: [`schedule`].
//!
//! - [`schedule`]: when faults begin and end, in a world that lets them take hold; `telling`: what the record says of them
//! - [`sights`]: messages after which faults begin
//! - [`link`]: one direction between two hosts, with what faults do to it
//! - [`gate`]: programs that are held; [`orders`]: hosts that are told to stop; [`lives`]: users that come to an end
//!
//! Absent on purpose: clocks, sockets and tasks. The simulated world has its own; `live::faults` has those of a machine.

pub mod gate;
pub mod link;
pub mod lives;
pub mod orders;
pub mod schedule;
pub mod sights;
mod telling;

/// Names a fault while it is on: its index in the plan.
pub type FaultId = usize;
