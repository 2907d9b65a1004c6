//! The engine on turmoil 0.7: each host has a runtime of its own, every tick steps every host.
//!
//! turmoil gives hosts, their clocks and seeded runtimes, crash and restart; everything between hosts is in `network`, as on
//! the event engine. Neighbours: `engine` (the trait), `entropy`.

use crate::clock::Clock;
use crate::engine::{Engine, EngineError};
use crate::entropy::{NotInterposed, Simulating};
use crate::feature::Feature;
use crate::host::{EPOCH, Host, Life, Panics, Polls, Program, message_of, watched};
use crate::host_clock::Clocks;
use crate::network::fabric::Fabric;
use crate::network::{HostId, SimNetwork, Wakes};
use crate::standing::Standing;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::NetworkPlan;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use turmoil::{Builder, Sim};

/// The engine's word in results.
pub const NAME: &str = "turmoil";

/// What plans may need and this engine lacks.
pub const LACKS: &[Feature] = &[Feature::DelayPoints];

/// A world on turmoil. Belongs to the thread it was made on.
pub struct TurmoilEngine {
    // Dropped in this order: hosts first, while the thread still simulates.
    sim: Sim<'static>,
    fabric: Arc<Fabric>,
    clock: Arc<Clock>,
    panics: Arc<Panics>,
    draw: Draw,
    hosts: Vec<HostRun>,
    simulating: Simulating,
}

/// A host, as turmoil knows it by name.
struct HostRun {
    name: Arc<str>,
    standing: Arc<Standing>,
}

impl TurmoilEngine {
    /// A world without hosts. Call it first thing on a fresh thread, or the same seed may play differently.
    ///
    /// # Errors
    /// If the machine's clock and entropy cannot be taken over.
    pub fn new(seed: u64, tick: Duration, network: NetworkPlan) -> Result<TurmoilEngine, NotInterposed> {
        let simulating = Simulating::begin(seed, EPOCH)?;
        let sim = Builder::new()
            .rng_seed(seed)
            .epoch(UNIX_EPOCH + EPOCH)
            .tick_duration(tick)
            .simulation_duration(Duration::MAX)
            .build();
        let clock = Arc::new(Clock::default());
        let fabric = Arc::new(Fabric::new(seed, network, clock.clone(), Wakes::ByThemselves));
        let draw = Draw::of_seed(seed).named("hosts");
        Ok(TurmoilEngine { sim, fabric, clock, panics: Arc::default(), draw, hosts: Vec::new(), simulating })
    }
}

impl Engine for TurmoilEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn add_host(&mut self, name: &str, program: Program) {
        let id = self.fabric.add_host(name);
        let (fabric, clock, panics) = (self.fabric.clone(), self.clock.clone(), self.panics.clone());
        let (name, place): (Arc<str>, _) = (name.into(), self.draw.named(name));
        let standing = Arc::new(Standing::new(clock.clone(), Clocks::MayErr));
        self.hosts.push(HostRun { name: name.clone(), standing: standing.clone() });
        self.sim.host(&*name.clone(), move || {
            let incarnation = fabric.incarnation(id);
            let life = Arc::new(Life {
                clock: clock.clone(),
                panics: panics.clone(),
                host: name.clone(),
                draw: place.at(incarnation.into()),
                polls: Polls::default(),
                standing: standing.clone(),
                roster: None,
            });
            let network = SimNetwork::new(fabric.clone(), id, life.clone());
            let host = Host { name: name.clone(), incarnation, network, life: life.clone() };
            let program = watched(life, "program", program(host));
            async move {
                program.await;
                // turmoil stops to step a host whose program has ended, with all its other tasks.
                std::future::pending().await
            }
        });
    }

    fn clock(&self) -> Arc<Clock> {
        self.clock.clone()
    }

    fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    fn standing(&self, host: HostId) -> &Standing {
        &self.hosts[host].standing
    }

    fn end_programs(&mut self, host: HostId) -> Result<(), EngineError> {
        self.sim.crash(self.hosts[host].name.as_ref());
        Ok(())
    }

    fn start_programs(&mut self, host: HostId) {
        self.sim.bounce(self.hosts[host].name.as_ref());
    }

    fn step(&mut self, _: Nanos) -> Result<(), EngineError> {
        self.simulating.set_elapsed(self.sim.elapsed());
        self.clock.step_begins();
        let stepped = catch_unwind(AssertUnwindSafe(|| self.sim.step().map_err(|error| error.to_string())));
        self.clock.step_ended(self.sim.elapsed());
        if let Some(panic) = self.panics.take() {
            return Err(panic.into());
        }
        match stepped {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(EngineError::Failed(error)),
            // A task that came past its host's spawner: a library spawned it by itself.
            Err(payload) => Err(EngineError::Failed(message_of(payload.as_ref()))),
        }
    }
}
