//! Live runs: real sockets, the machine's clock, files. Start here: [`run`].
//!
//! - [`options`]: what a run is asked for and gives back; [`progress`]: what it tells meanwhile
//! - [`url`], [`guard`], [`startup`], [`preflight`]: what may be loaded, how much, on this machine, and the first contact
//! - `driver`: the phases of a run, in order; `opening`: its record before the first; [`start`]: when time 0 is;
//!   `outcome`: what comes of it
//! - `faults`: what goes wrong with the run's own users
//! - [`deployment`]: a system in a thread of this process, for a test that has no other target
//! - [`crew`]: several processes that play one plan together
//! - [`sink`], [`recorder`]: events are stamped by users, and folded and written by a thread of its own
//! - [`pacer`]: wakes users at their planned times; [`lag`]: how late it was about that
//! - [`umpires`]: who may end a run before its time; [`probes`]: metrics that are fetched meanwhile
//! - [`capacity`]: run after run, in search of the highest load
//! - [`policy`], [`secrets`]: what a project allows, and what it hands in
//! - [`files`], [`samples`], [`record_dir`], [`journal_file`]: what a run leaves; [`finish`] cleans up after a crash
//! - [`telemetry`]: numbers for Prometheus and OTLP while a run goes on
//! - [`vitals`], [`starved`]: what the kernel says about this process, and what the machine refused to it; [`reached`]: which
//!   addresses of a name were connected to
//! - [`generator`], `pulse`, `transport`: how the generator does, and how the run does
//! - [`breaker`], [`holding_back`]: a target that is not reached is left alone, tried again, and given up
//! - [`network`], [`tls`], [`machine`]: what a live host hands to its programs; `serve` uses them as well
//! - [`threads`], [`heap`]: how the threads of a load share processors and memory

pub mod breaker;
pub mod capacity;
pub mod crew;
pub mod deployment;
mod driver;
mod faults;
pub mod files;
pub mod finish;
pub mod generator;
pub mod guard;
pub mod heap;
pub mod holding_back;
pub mod journal_file;
pub mod lag;
pub mod machine;
mod machine_facts;
pub mod network;
mod opening;
pub mod options;
pub mod outcome;
pub mod pacer;
pub mod policy;
pub mod preflight;
pub mod probes;
pub mod progress;
mod pulse;
pub mod reached;
pub mod record_dir;
pub mod recorder;
pub mod samples;
pub mod secrets;
pub mod sink;
pub mod start;
pub mod startup;
pub mod starved;
pub mod telemetry;
pub mod threads;
mod timestamp;
pub mod tls;
mod transport;
pub mod umpires;
pub mod url;
pub mod vitals;

pub use driver::{preflight_only, run};
pub use machine_facts::machine as machine_facts;
pub use outcome::INTERRUPTED;
pub use timestamp::utc;
