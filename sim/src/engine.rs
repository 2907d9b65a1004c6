//! The engine of a simulated world: it adds hosts, steps them through virtual time, and lets faults begin and end.
//!
//! Everything above (`seed`, `explore`) speaks to [`Engine`] alone, so that another engine can take turmoil's place.
//! Neighbours: `turmoil_engine` and `event_engine` implement it, `host` is what programs see.

use crate::clock::Clock;
use crate::feature::{self, Feature};
use crate::host::{Panic, Program};
use crate::host_clock::Skew;
use crate::network::fabric::Fabric;
use crate::network::{Condition, HostId};
use crate::standing::Standing;
use crate::{event_engine, turmoil_engine};
use rehearsal_loadgen::faults::FaultId;
use rehearsal_loadgen::faults::link::Link;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::plan::{FaultAction, Plan, Way};
use std::sync::Arc;

/// Which engine plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// turmoil, which steps every host at every tick.
    Turmoil,
    /// The event-driven one, which leaps from event to event.
    #[default]
    Event,
}

impl EngineKind {
    /// Both.
    pub const ALL: [EngineKind; 2] = [EngineKind::Turmoil, EngineKind::Event];

    /// Its word in results.
    pub fn name(self) -> &'static str {
        match self {
            EngineKind::Turmoil => turmoil_engine::NAME,
            EngineKind::Event => event_engine::NAME,
        }
    }

    /// What of a plan this engine cannot play, in words; none if it can play all.
    pub fn refuses(self, plan: &Plan) -> Option<String> {
        feature::refusal(plan, self.lacks())
    }

    /// What this engine lacks.
    pub fn lacks(self) -> &'static [Feature] {
        match self {
            EngineKind::Turmoil => turmoil_engine::LACKS,
            EngineKind::Event => event_engine::LACKS,
        }
    }
}

/// A simulated world that can be stepped.
pub trait Engine {
    /// Its word in results: `turmoil` or `event`.
    fn name(&self) -> &'static str;

    /// Adds a host that starts its program in the next step.
    fn add_host(&mut self, name: &str, program: Program);

    /// Virtual time.
    fn clock(&self) -> Arc<Clock>;

    /// Everything between hosts, where faults act.
    fn fabric(&self) -> &Fabric;

    /// How a host stands apart from its programs.
    fn standing(&self, host: HostId) -> &Standing;

    /// Ends all programs of a host, whose machine is down by now.
    ///
    /// # Errors
    /// If a program panicked while it was dropped.
    fn end_programs(&mut self, host: HostId) -> Result<(), EngineError>;

    /// Starts the program of a host's next incarnation.
    fn start_programs(&mut self, host: HostId);

    /// Runs every host up to the next moment that matters to the engine: turmoil's tick, or an event. An engine that knows
    /// no ticks does not go past this virtual time.
    ///
    /// # Errors
    /// If a program panicked, or the engine itself failed.
    fn step(&mut self, until_ns: Nanos) -> Result<(), EngineError>;

    /// A fault begins now.
    ///
    /// # Errors
    /// If it names a host that was never added, or cannot be played here.
    fn begin(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        let fabric = self.fabric();
        match action {
            FaultAction::Partition { left, right, way } => {
                links(fabric, left, right, *way)?.for_each(|(from, to)| fabric.cut(fault, from, to));
            }
            FaultAction::Latency { left, right, added } => {
                let slow_down = |link: &mut Link| link.slow_down(fault, added.clone());
                links(fabric, left, right, Way::Both)?.for_each(|(from, to)| fabric.disturb(from, to, slow_down));
            }
            FaultAction::Loss { left, right, share } => {
                let lose = |link: &mut Link| link.lose(fault, *share);
                links(fabric, left, right, Way::Both)?.for_each(|(from, to)| fabric.disturb(from, to, lose));
            }
            FaultAction::Bandwidth { left, right, bytes_per_s } => {
                let narrow = |link: &mut Link| link.narrow(fault, *bytes_per_s);
                links(fabric, left, right, Way::Both)?.for_each(|(from, to)| fabric.disturb(from, to, narrow));
            }
            FaultAction::Kill { hosts } => take_down(self, hosts, Condition::Killed)?,
            FaultAction::Lose { hosts } => take_down(self, hosts, Condition::Lost)?,
            FaultAction::Pause { hosts: names } => {
                hosts(fabric, names)?.into_iter().for_each(|host| self.standing(host).gate.close(fault));
            }
            FaultAction::ClockSkew { hosts: names, offset_ns, drift_ppm } => {
                let skew = Skew { offset_ns: *offset_ns, drift_ppm: *drift_ppm };
                hosts(fabric, names)?.into_iter().for_each(|host| self.standing(host).clock.begin(fault, skew));
            }
            FaultAction::Stop { .. } => return Err(EngineError::CannotPlay(self.name())),
        }
        Ok(())
    }

    /// A fault ends now: links heal, hosts start again.
    ///
    /// # Errors
    /// If it names a host that was never added, or cannot be played here.
    fn end(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        let fabric = self.fabric();
        match action {
            FaultAction::Partition { left, right, .. }
            | FaultAction::Latency { left, right, .. }
            | FaultAction::Loss { left, right, .. }
            | FaultAction::Bandwidth { left, right, .. } => {
                links(fabric, left, right, Way::Both)?.for_each(|(from, to)| fabric.end_fault(fault, from, to));
            }
            FaultAction::Kill { hosts } | FaultAction::Lose { hosts } => bring_up(self, hosts)?,
            FaultAction::Pause { hosts: names } => {
                hosts(fabric, names)?.into_iter().for_each(|host| self.standing(host).gate.open(fault));
            }
            FaultAction::ClockSkew { hosts: names, .. } => {
                hosts(fabric, names)?.into_iter().for_each(|host| self.standing(host).clock.end(fault));
            }
            FaultAction::Stop { .. } => return Err(EngineError::CannotPlay(self.name())),
        }
        Ok(())
    }
}

fn take_down<E: Engine + ?Sized>(engine: &mut E, names: &[String], condition: Condition) -> Result<(), EngineError> {
    for host in hosts(engine.fabric(), names)? {
        if engine.fabric().take_down(host, condition) {
            engine.end_programs(host)?;
        }
    }
    Ok(())
}

fn bring_up<E: Engine + ?Sized>(engine: &mut E, names: &[String]) -> Result<(), EngineError> {
    for host in hosts(engine.fabric(), names)? {
        if engine.fabric().bring_up(host) {
            engine.start_programs(host);
        }
    }
    Ok(())
}

fn hosts(fabric: &Fabric, names: &[String]) -> Result<Vec<HostId>, EngineError> {
    names.iter().map(|name| fabric.resolve(name).map_err(|_| EngineError::UnknownHost(name.clone()))).collect()
}

/// All directed links between two sets of hosts, in the directions that are concerned.
fn links(
    fabric: &Fabric,
    left: &[String],
    right: &[String],
    way: Way,
) -> Result<impl Iterator<Item = (HostId, HostId)>, EngineError> {
    let (left, right) = (hosts(fabric, left)?, hosts(fabric, right)?);
    let pairs = left.into_iter().flat_map(move |one| right.clone().into_iter().map(move |other| (one, other)));
    Ok(pairs.flat_map(move |(one, other)| {
        let there = (way != Way::RightToLeft).then_some((one, other));
        there.into_iter().chain((way != Way::LeftToRight).then_some((other, one)))
    }))
}

/// Why a world cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A program panicked.
    #[error(transparent)]
    Panicked(#[from] Panic),
    /// A fault names a host that does not exist.
    #[error("no simulated host is called {0}; hosts are server-0 … and those of the groups that a fault names")]
    UnknownHost(String),
    /// Whoever asks has not asked [`EngineKind::refuses`] before.
    #[error("the {0} engine cannot play this fault")]
    CannotPlay(&'static str),
    /// The engine failed.
    #[error("the simulation engine failed: {0}")]
    Failed(String),
}
