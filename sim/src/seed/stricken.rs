//! How faults take hold of a simulated world: the engine disturbs links and hosts, programs are told to stop. Neighbours:
//! `loadgen::faults::schedule` says when, `driver` asks it.

use super::programs::Programs;
use crate::engine::{Engine, EngineError};
use rehearsal_loadgen::faults::FaultId;
use rehearsal_loadgen::faults::schedule::Stricken;
use rehearsal_loadgen::faults::sights::Hit;
use rehearsal_loadgen::sink::{Draft, EventSink};
use rehearsal_scenarios::plan::FaultAction;

/// A world and its programs.
pub(super) struct Disturbed<'a> {
    pub(super) engine: &'a mut dyn Engine,
    pub(super) programs: &'a Programs,
}

impl Stricken for Disturbed<'_> {
    type Error = EngineError;

    fn begin(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        self.engine.begin(fault, action)
    }

    fn end(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), EngineError> {
        self.engine.end(fault, action)
    }

    fn stop(&mut self, host: &str) {
        self.programs.stop(host);
    }

    fn start(&mut self, host: &str) {
        self.programs.start(host);
    }

    fn has_exited(&self, host: &str) -> bool {
        self.programs.has_exited(host)
    }

    fn sighted(&mut self) -> Vec<Hit> {
        self.programs.sighted()
    }

    fn record(&mut self, event: Draft) {
        self.programs.log().record(event);
    }
}
