//! The simulated world: scenarios played in virtual time, seed by seed. Start here: [`explore::explore`].
//!
//! - [`explore`]: many seeds on all cores, and one seed twice
//! - [`shrink`]: what fails, made as small as it can be
//! - [`seed`]: one seed, from plan to verdicts; [`event_log`]: what happened in it
//! - [`engine`]: what a simulated world can do; [`feature`]: what not every engine can; [`turmoil_engine`]: the one on turmoil
//! - [`event_engine`]: the event-driven one
//! - [`system`]: what is under test, as this world deploys it; the reference is the first ([`reference_system`])
//! - [`host`]: what a program finds on its host; [`standing`]: whether it is held, and how wrong its clock is
//! - [`network`]: everything between hosts: streams, links and faults on them
//! - [`clock`]: virtual time; [`host_clock`]: what a host takes for it
//! - [`entropy`]: what a simulating thread gets when it asks the machine for randomness or the time, and who asked
//! - [`heap`]: where the memory of a seed comes from
//! - [`netlog`]: packets, draws and turns of tasks, for whoever looks into a seed
//!
//! Absent on purpose: terminals, files and exit codes. Only this crate names turmoil, and only [`turmoil_engine`] and
//! [`clock`] in it.
//!
//! One seed of a scenario that comes with the program:
//!
//! ```
//! use rehearsal_scenarios::{Overrides, library, load, plan::World};
//! use rehearsal_sim::seed::{SeedOptions, play};
//! use std::sync::Arc;
//!
//! let text = library::get("two_clients_race_for_one_worker").expect("it comes with the program");
//! let scenario = load("race", text.as_bytes(), &Overrides::default()).expect("it is valid");
//! let run = play(Arc::new(scenario.plan(4, World::Simulated)), SeedOptions::default());
//! assert!(!run.is_broken());
//! assert_eq!(run.hash, play(run.plan.clone(), SeedOptions::default()).hash);
//! ```

#[cfg(not(tokio_unstable))]
compile_error!(
    "rehearsal-sim needs tokio's seeded scheduler: build with `--cfg tokio_unstable`. The workspace's .cargo/config.toml \
     sets it; an outer RUSTFLAGS replaces that value, so add the flag there: RUSTFLAGS=\"$RUSTFLAGS --cfg tokio_unstable\""
);

pub mod clock;
pub mod engine;
pub mod entropy;
pub mod event_engine;
pub mod event_log;
pub mod explore;
pub mod feature;
pub mod heap;
pub mod host;
pub mod host_clock;
pub mod netlog;
pub mod network;
pub mod reference_system;
pub mod seed;
pub mod shrink;
pub mod standing;
pub mod system;
pub mod turmoil_engine;

/// Why this machine cannot simulate, if so: another platform than Linux with the GNU C library.
pub fn unsupported() -> Option<String> {
    (!entropy::supported()).then(|| entropy::NotInterposed.to_string())
}
