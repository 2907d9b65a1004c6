//! Rehearses a service of your own in a simulated world, from a test:
//!
//! ```no_run
//! use rehearsal::{Network, Plan, Server, System};
//!
//! struct TicketShop;
//!
//! impl System for TicketShop {
//!     fn deploy(&self, _: &Plan) -> Vec<Server> {
//!         vec![Server::new("server-0", |host, stop| async move {
//!             let listener = host.network.bind("0.0.0.0:8080").await.expect("a simulated port is free");
//!             // Hand the listener, and `host.surroundings("shop")`, to the service; end when `stop` is asked.
//!             stop.asked().await;
//!             drop(listener);
//!         })]
//!     }
//! }
//!
//! rehearsal::scenario("race.toml").system(TicketShop).seeds(1..=200).run();
//! ```
//!
//! `docs/tutorial.md` walks through a whole example, `docs/scenarios.md` is the language. Neighbours: the program
//! `rehearsal` (`main.rs`) plays scenario files without any Rust. Left out: live runs, which are the program's.

mod rehearse;

pub use rehearsal_reference::network::{Listener, Network, Stream};
pub use rehearsal_reference::surroundings::{Random, Spawn, Surroundings, Task, TaskHandle, Timers, WallClock};
pub use rehearsal_reports::outcome::Outcome;
pub use rehearsal_scenarios::plan::Plan;
pub use rehearsal_sim::host::Host;
pub use rehearsal_sim::network::{SimListener, SimNetwork, SimStream};
pub use rehearsal_sim::system::{Server, Stop, System};
pub use rehearse::{Rehearsal, Trouble, scenario};
