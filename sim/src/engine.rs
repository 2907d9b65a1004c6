//! The engine of a simulated world: it adds hosts, steps them through virtual time, and lets faults begin and end.
//!
//! Everything above (`seed`, `explore`) speaks to [`Engine`] alone, so that another engine can take turmoil's place.
//! Neighbours: `turmoil_engine` and `event_engine` implement it, `host` is what programs see.

use crate::clock::Clock;
use crate::host::{Panic, Program};
use crate::network::link::FaultId;
use crate::{event_engine, feature, turmoil_engine};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::plan::{FaultAction, Plan};
use std::sync::Arc;

/// Which engine plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// turmoil, which steps every host at every tick.
    #[default]
    Turmoil,
    /// The event-driven one, which leaps from event to event.
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
        let lacks = match self {
            EngineKind::Turmoil => turmoil_engine::LACKS,
            EngineKind::Event => event_engine::LACKS,
        };
        feature::refusal(plan, lacks)
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

    /// A fault begins now.
    ///
    /// # Errors
    /// If it names a host that was never added, or cannot be played here.
    fn begin(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError>;

    /// A fault ends now: links heal, hosts start again.
    ///
    /// # Errors
    /// If it names a host that was never added.
    fn end(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError>;

    /// Runs every host up to the next moment that matters to the engine: turmoil's tick, or an event. An engine that knows
    /// no ticks does not go past this virtual time.
    ///
    /// # Errors
    /// If a program panicked, or the engine itself failed.
    fn step(&mut self, until_ns: Nanos) -> Result<(), EngineError>;
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
