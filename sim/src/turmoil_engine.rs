//! The engine on turmoil 0.7: each host has a runtime of its own, every tick steps every host.
//!
//! turmoil gives hosts, their clocks and seeded runtimes, crash and restart, addresses, and carries bytes. Its latency is
//! zero and its faults stay off: what the network does is in `network`. Neighbours: `engine` (the trait), `entropy`.

use crate::clock::Clock;
use crate::engine::{Engine, EngineError};
use crate::entropy::{NotInterposed, Simulating};
use crate::feature::Feature;
use crate::host::{EPOCH, Host, Life, Panics, Polls, Program, message_of, watched};
use crate::network::fabric::{Condition, Fabric, HostId};
use crate::network::link::FaultId;
use crate::network::{SimNetwork, TurmoilNetwork};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{FaultAction, NetworkPlan, Way};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use turmoil::{Builder, Sim};

/// Connects and segments that one tick may bring; turmoil's own 64 panics when a room fills up at once.
const TCP_CAPACITY: usize = 4_096;

/// The engine's word in results.
pub const NAME: &str = "turmoil";

/// What plans may need and this engine lacks.
pub const LACKS: &[Feature] =
    &[Feature::Pause, Feature::ClockSkew, Feature::Bandwidth, Feature::Links, Feature::Datagrams, Feature::DelayPoints];

/// A world on turmoil. Belongs to the thread it was made on.
pub struct TurmoilEngine {
    // Dropped in this order: hosts first, while the thread still simulates.
    sim: Sim<'static>,
    fabric: Arc<Fabric>,
    clock: Arc<Clock>,
    panics: Arc<Panics>,
    draw: Draw,
    simulating: Simulating,
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
            .min_message_latency(Duration::ZERO)
            .max_message_latency(Duration::ZERO)
            .fail_rate(0.0)
            .tcp_capacity(TCP_CAPACITY)
            .build();
        let clock = Arc::new(Clock::default());
        let fabric = Arc::new(Fabric::new(seed, network, clock.clone()));
        let draw = Draw::of_seed(seed).named("hosts");
        Ok(TurmoilEngine { sim, fabric, clock, panics: Arc::default(), draw, simulating })
    }

    fn hosts(&self, names: &[String]) -> Result<Vec<(HostId, String)>, EngineError> {
        let host = |name: &String| match self.fabric.resolve(name) {
            Ok(host) => Ok((host, name.clone())),
            Err(_) => Err(EngineError::UnknownHost(name.clone())),
        };
        names.iter().map(host).collect()
    }

    /// All directed links between two sets of hosts, in the directions that are concerned.
    fn links(&self, left: &[String], right: &[String], way: Way) -> Result<Vec<(HostId, HostId)>, EngineError> {
        let (left, right) = (self.hosts(left)?, self.hosts(right)?);
        let mut links = Vec::new();
        for (one, _) in &left {
            for (other, _) in &right {
                if way != Way::RightToLeft {
                    links.push((*one, *other));
                }
                if way != Way::LeftToRight {
                    links.push((*other, *one));
                }
            }
        }
        Ok(links)
    }

    fn stop(&mut self, names: &[String], condition: Condition) -> Result<(), EngineError> {
        for (host, name) in self.hosts(names)? {
            if self.fabric.condition(host) == Condition::Running {
                self.fabric.set_condition(host, condition);
                self.sim.crash(name);
                self.fabric.programs_ended(host);
            }
        }
        Ok(())
    }

    fn start(&mut self, names: &[String]) -> Result<(), EngineError> {
        for (host, name) in self.hosts(names)? {
            if self.fabric.condition(host) != Condition::Running {
                self.fabric.set_condition(host, Condition::Running);
                self.sim.bounce(name);
            }
        }
        Ok(())
    }
}

impl Engine for TurmoilEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn add_host(&mut self, name: &str, program: Program) {
        let address = self.sim.lookup(name);
        let id = self.fabric.add_host(name, address);
        let (fabric, clock, panics) = (self.fabric.clone(), self.clock.clone(), self.panics.clone());
        let (name, place): (Arc<str>, _) = (name.into(), self.draw.named(name));
        let started = Cell::new(0);
        self.sim.host(&*name.clone(), move || {
            let incarnation = started.replace(started.get() + 1);
            let life = Arc::new(Life {
                clock: clock.clone(),
                panics: panics.clone(),
                host: name.clone(),
                draw: place.at(incarnation.into()),
                polls: Polls::default(),
                roster: None,
            });
            let network = SimNetwork::Turmoil(TurmoilNetwork::new(fabric.clone(), id, incarnation));
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

    fn begin(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        match action {
            FaultAction::Partition { left, right, way } => {
                self.links(left, right, *way)?.into_iter().for_each(|(from, to)| self.fabric.cut(fault, from, to));
            }
            FaultAction::Latency { left, right, added } => {
                for (from, to) in self.links(left, right, Way::Both)? {
                    self.fabric.link(from, to, |link| link.slow_down(fault, added.clone()));
                }
            }
            FaultAction::Loss { left, right, share } => {
                for (from, to) in self.links(left, right, Way::Both)? {
                    self.fabric.link(from, to, |link| link.lose(fault, *share));
                }
            }
            FaultAction::Kill { hosts } => self.stop(hosts, Condition::Killed)?,
            FaultAction::Lose { hosts } => self.stop(hosts, Condition::Lost)?,
            FaultAction::Bandwidth { .. }
            | FaultAction::Stop { .. }
            | FaultAction::Pause { .. }
            | FaultAction::ClockSkew { .. } => return Err(EngineError::CannotPlay(NAME)),
        }
        Ok(())
    }

    fn end(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        match action {
            FaultAction::Partition { left, right, .. }
            | FaultAction::Latency { left, right, .. }
            | FaultAction::Loss { left, right, .. } => {
                let links = self.links(left, right, Way::Both)?;
                links.into_iter().for_each(|(from, to)| self.fabric.end_fault(fault, from, to));
                Ok(())
            }
            FaultAction::Kill { hosts } | FaultAction::Lose { hosts } => self.start(hosts),
            FaultAction::Bandwidth { .. }
            | FaultAction::Stop { .. }
            | FaultAction::Pause { .. }
            | FaultAction::ClockSkew { .. } => Err(EngineError::CannotPlay(NAME)),
        }
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
