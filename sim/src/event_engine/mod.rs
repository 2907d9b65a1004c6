//! The event-driven engine: virtual time leaps from event to event, so that a run costs what happens in it, not how long it
//! lasts.
//!
//! - `pump`: tasks run dry, the clock leaps, whoever waits is woken. Start there
//! - `turns`: the one runtime, and what happens around each turn of a task
//! - `roster`: who owns a task, and how all of a host's end at once; `holding`: letting others go first
//! - `network` beside this folder: everything between hosts; its `agenda` is what the pump leaps to
//!
//! Invariants: one thread, one paused runtime, one network for a whole world; nothing asks the machine for time or
//! randomness; the runtime ends before the network does, since streams that are dropped call into it. Neighbours: `engine`
//! (the trait), `turmoil_engine` (the same network, host by host and tick by tick).

mod holding;
mod pump;
mod roster;
mod turns;

pub use crate::network::Manner;
pub(crate) use roster::Roster;

use crate::clock::{Clock, nanos};
use crate::engine::{Engine, EngineError};
use crate::entropy::Simulating;
use crate::feature::Feature;
use crate::host::{EPOCH, Host, Life, Panics, Polls, Program, watched};
use crate::host_clock::Clocks;
use crate::network::fabric::Fabric;
use crate::network::{HostId, SimNetwork, Wakes};
use crate::standing::Standing;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{DelayPoint, NetworkPlan};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// The engine's word in results.
pub const NAME: &str = "event";

/// What plans may need and this engine lacks.
pub const LACKS: &[Feature] = &[];

/// A world whose clock leaps. Belongs to the thread it was made on.
pub struct EventEngine {
    // Dropped in this order: tasks first, while the thread still simulates.
    runtime: Runtime,
    hosts: Vec<HostRun>,
    fabric: Arc<Fabric>,
    clock: Arc<Clock>,
    panics: Arc<Panics>,
    draw: Draw,
    step: Duration,
    manner: Manner,
    delay_points: Vec<DelayPoint>,
    clocks: Clocks,
    _simulating: Simulating,
}

/// A host and what its newest incarnation runs.
struct HostRun {
    name: Arc<str>,
    program: Program,
    standing: Arc<Standing>,
    /// None before it starts for the first time.
    roster: Option<Arc<Roster>>,
}

impl EventEngine {
    /// A world without hosts, whose steps end with the first moment that comes so long after their beginning. Call it
    /// first thing on a fresh thread, or the same seed may play differently.
    ///
    /// # Errors
    /// If the machine's clock and entropy cannot be taken over.
    pub fn new(seed: u64, step: Duration, network: NetworkPlan) -> Result<EventEngine, EngineError> {
        let failed = |error: &dyn std::fmt::Display| EngineError::Failed(error.to_string());
        let simulating = Simulating::begin(seed, EPOCH).map_err(|error| failed(&error))?;
        let runtime = turns::runtime(seed).map_err(|error| failed(&error))?;
        let clock = Arc::new(Clock::of_thread());
        Ok(EventEngine {
            runtime,
            hosts: Vec::new(),
            fabric: Arc::new(Fabric::new(seed, network, clock.clone(), Wakes::ByAgenda)),
            clock,
            panics: Arc::default(),
            draw: Draw::of_seed(seed).named("hosts"),
            step,
            manner: Manner::default(),
            delay_points: Vec::new(),
            clocks: Clocks::default(),
            _simulating: simulating,
        })
    }

    /// Lets streams and tasks behave in another manner than the usual one. Call it before hosts are added.
    #[must_use]
    pub fn with_manner(self, manner: Manner) -> EventEngine {
        self.fabric.set_manner(manner);
        EventEngine { manner, ..self }
    }

    /// Holds tasks back at these places. Call it before hosts are added.
    #[must_use]
    pub fn with_delay_points(self, delay_points: Vec<DelayPoint>) -> EventEngine {
        EventEngine { delay_points, ..self }
    }

    /// Says whether a fault of clocks may come. Call it before hosts are added.
    #[must_use]
    pub fn with_clocks(self, clocks: Clocks) -> EventEngine {
        EventEngine { clocks, ..self }
    }

    /// Starts the newest incarnation of a host.
    fn start(&mut self, id: HostId) {
        let incarnation = self.fabric.incarnation(id);
        let host = &mut self.hosts[id];
        let draw = self.draw.named(&host.name).at(incarnation.into());
        let points = self.delay_points.iter().filter(|point| incarnation == 0 && *point.host == *host.name).cloned();
        let (fabric, tasks) = (self.fabric.clone(), draw.named("tasks"));
        let roster = Arc::new(Roster::new(fabric, tasks, self.manner, points.collect()));
        host.roster = Some(roster.clone());
        let life = Arc::new(Life {
            clock: self.clock.clone(),
            panics: self.panics.clone(),
            host: host.name.clone(),
            draw,
            polls: Polls::default(),
            standing: host.standing.clone(),
            roster: Some(roster.clone()),
        });
        let network = SimNetwork::new(self.fabric.clone(), id, life.clone());
        let seen = Host { name: host.name.clone(), incarnation, network, life: life.clone() };
        let _in_runtime = self.runtime.enter();
        let program = watched(life, "program", (host.program)(seen));
        roster.spawn(host.name.clone(), Box::pin(program)).detach();
    }

    fn broken(&self) -> Result<(), EngineError> {
        match (self.panics.take(), turns::stray()) {
            (Some(panic), _) => Err(panic.into()),
            (None, Some(stray)) => Err(EngineError::Failed(stray)),
            (None, None) => Ok(()),
        }
    }
}

impl Engine for EventEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn add_host(&mut self, name: &str, program: Program) {
        self.fabric.add_host(name);
        let standing = Arc::new(Standing::new(self.clock.clone(), self.clocks));
        self.hosts.push(HostRun { name: name.into(), program, standing, roster: None });
    }

    fn clock(&self) -> Arc<Clock> {
        self.clock.clone()
    }

    fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    fn standing(&self, id: HostId) -> &Standing {
        &self.hosts[id].standing
    }

    fn end_programs(&mut self, id: HostId) -> Result<(), EngineError> {
        let host = &self.hosts[id];
        let _in_runtime = self.runtime.enter();
        let Some(message) = host.roster.as_ref().and_then(|roster| roster.end()) else { return Ok(()) };
        let (name, after_s) = (&host.name, pump::elapsed() as f64 / 1e9);
        Err(EngineError::Failed(format!(
            "a task on {name} panicked while it was killed after {after_s:.3} s: {message}"
        )))
    }

    fn start_programs(&mut self, id: HostId) {
        self.start(id);
    }

    fn step(&mut self, until_ns: Nanos) -> Result<(), EngineError> {
        for id in 0..self.hosts.len() {
            if self.hosts[id].roster.is_none() {
                self.start(id);
            }
        }
        let enough_ns = pump::elapsed().saturating_add(nanos(self.step)).min(until_ns);
        self.runtime.block_on(pump::step(&self.fabric, enough_ns, until_ns));
        self.broken()
    }
}
