//! Rehearses a service of your own from a test, in a simulated world and live on this machine:
//!
//! ```no_run
//! use rehearsal::{Network, Plan, Server, System};
//!
//! struct TicketShop;
//!
//! impl System for TicketShop {
//!     fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
//!         vec![Server::new("server-0", |host, stop| async move {
//!             let listener = host.listen().await.expect("the port is free");
//!             // Hand the listener, and `host.surroundings("shop")`, to the service; end when `stop` is asked.
//!             stop.asked().await;
//!             drop(listener);
//!         })]
//!     }
//! }
//!
//! rehearsal::scenario("race.toml").system(TicketShop).seeds(1..=200).run();
//! rehearsal::scenario("race.toml").system(TicketShop).live().run();
//! ```
//!
//! `docs/tutorial.md` walks through a whole example, `docs/scenarios.md` is the language. Neighbours: the program
//! `rehearsal` (`main.rs`) plays scenario files without any Rust. Left out: a target elsewhere, which the program loads.

mod rehearse;
mod scenario_file;

pub use rehearsal_loadgen::system::{Host, Server, Stop, System};
pub use rehearsal_reference::network::{DatagramSocket, Endpoint, Listener, Network, Stream};
pub use rehearsal_reference::surroundings::{Random, Spawn, Surroundings, Task, TaskHandle, Timers, WallClock};
pub use rehearsal_reports::outcome::{Met, Outcome, Overall, Validity};
pub use rehearsal_scenarios::plan::Plan;
pub use rehearse::{Rehearsal, Trouble, scenario};
