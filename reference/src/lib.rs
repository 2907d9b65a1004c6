//! The reference signaling system: server, worker and client. Start here: [`network::Network`] is how they meet the world.
//!
//! - [`network`], [`surroundings`]: what is handed in (streams, clock, randomness, tasks)
//! - [`protocol`]: the words on the wire, both sides
//! - [`server`]: HTTP and WebSockets around the rooms core
//! - [`rooms`], [`store`], [`identity`]: the core of the server, where rooms are written down, who a user is
//! - [`defects`]: known flaws that can be switched on
//! - [`peer`], [`http_client`]: one connection of a user to a [`target`], and how it fails ([`failure`])
//! - [`worker`], [`client`]: the programs, each a core without IO ([`program`]) run as a [`user`] on a [`peer::Link`]
//! - [`observer`]: how worker and client tell what they do
//!
//! Absent on purpose: the simulation, the harness, plans and records. It does not know that it is tested.

pub mod alarm;
pub mod backoff;
pub mod client;
pub mod cookies;
pub mod defects;
pub mod failure;
pub mod http_client;
pub mod identity;
pub mod network;
pub mod observer;
pub mod peer;
pub mod program;
pub mod protocol;
pub mod rooms;
pub mod server;
pub mod shutdown;
pub mod store;
pub mod surroundings;
pub mod target;
pub mod user;
pub mod worker;
