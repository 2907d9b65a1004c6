//! When faults begin and end, and what the record says about it. A fault of a server that names no end of its own ends
//! when the server has had time to start again; after measure everything that still lasts ends, except what was killed
//! for good. Neighbours: `driver` asks at every step, `engine` plays.

use crate::engine::{Engine, EngineError};
use crate::event_log::EventLog;
use rehearsal_loadgen::sink::{Draft, EventSink};
use rehearsal_reports::event::{Body, Kind, Name};
use rehearsal_scenarios::plan::{FaultAction, FaultPlan, Plan};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The faults of a plan and which of them are on.
pub(super) struct Schedule {
    plan: Arc<Plan>,
    log: Arc<EventLog>,
    begun: BTreeSet<usize>,
    ended: BTreeSet<usize>,
}

impl Schedule {
    pub(super) fn new(plan: Arc<Plan>, log: Arc<EventLog>) -> Schedule {
        Schedule { plan, log, begun: BTreeSet::new(), ended: BTreeSet::new() }
    }

    /// Whether nothing will ever run again on this host.
    pub(super) fn is_gone(&self, host: &String) -> bool {
        let faults = self.plan.faults.iter().enumerate();
        faults.filter(|(id, fault)| self.is_on(*id) && is_for_good(fault)).any(|(_, fault)| names(&fault.action, host))
    }

    /// Begins and ends what is due at this plan time. Ends come first: a fault may follow another at once.
    pub(super) fn play(&mut self, now_ns: i64, engine: &mut dyn Engine) -> Result<(), EngineError> {
        let plan = self.plan.clone();
        for (id, fault) in plan.faults.iter().enumerate() {
            if self.is_on(id) && self.ends_ns(fault).is_some_and(|until| until <= now_ns) {
                self.end(id, engine)?;
            }
        }
        for (id, fault) in plan.faults.iter().enumerate() {
            if !self.begun.contains(&id) && fault.at_ns().is_some_and(|at_ns| as_plan_time(at_ns) <= now_ns) {
                self.begin(id, engine)?;
            }
        }
        Ok(())
    }

    /// Plan time at which the next fault begins or ends, if any does.
    pub(super) fn next_ns(&self) -> Option<i64> {
        let faults = self.plan.faults.iter().enumerate();
        let next = faults.filter_map(|(id, fault)| {
            if self.is_on(id) {
                self.ends_ns(fault)
            } else {
                fault.at_ns().filter(|_| !self.begun.contains(&id)).map(as_plan_time)
            }
        });
        next.min()
    }

    /// When a fault ends by itself.
    fn ends_ns(&self, fault: &FaultPlan) -> Option<i64> {
        let restarts = || is_server(&fault.action).then_some(self.plan.system.restart_takes_ns);
        let lasts = fault.for_ns.or_else(restarts)?;
        Some(as_plan_time(fault.at_ns()?.saturating_add(lasts)))
    }

    /// Ends everything that lasts, and lets nothing begin any more.
    pub(super) fn heal(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        let plan = self.plan.clone();
        for (id, fault) in plan.faults.iter().enumerate() {
            if self.is_on(id) && !is_for_good(fault) {
                self.end(id, engine)?;
            }
            if self.begun.insert(id) {
                self.ended.insert(id);
            }
        }
        Ok(())
    }

    fn is_on(&self, id: usize) -> bool {
        self.begun.contains(&id) && !self.ended.contains(&id)
    }

    fn begin(&mut self, id: usize, engine: &mut dyn Engine) -> Result<(), EngineError> {
        let plan = self.plan.clone();
        let fault = &plan.faults[id];
        self.begun.insert(id);
        // Told before it happens: what users see in the same moment is its consequence.
        self.tell(&fault.name, words(&fault.action).0, &fault.action);
        engine.begin(id, &fault.action)
    }

    fn end(&mut self, id: usize, engine: &mut dyn Engine) -> Result<(), EngineError> {
        let plan = self.plan.clone();
        let fault = &plan.faults[id];
        self.ended.insert(id);
        let mut action = fault.action.clone();
        if let FaultAction::Kill { hosts } | FaultAction::Lose { hosts } = &mut action {
            // Whom another fault keeps down starts again when that one ends.
            hosts.retain(|host| !self.is_down(host));
            if hosts.is_empty() {
                return Ok(());
            }
        }
        self.tell(&fault.name, words(&action).1, &action);
        engine.end(id, &action)
    }

    fn is_down(&self, host: &String) -> bool {
        let mut faults = self.plan.faults.iter().enumerate();
        faults.any(|(id, fault)| self.is_on(id) && fault.action.takes_down() && names(&fault.action, host))
    }

    fn tell(&self, name: &str, what: &str, action: &FaultAction) {
        let concerned: BTreeSet<&String> = action.hosts().collect();
        let users = self.plan.users.iter().filter(|user| concerned.contains(&user.host));
        let body = Body::Fault {
            name: name.into(),
            what: what.into(),
            hosts: concerned.iter().map(|host| Name::from(host.as_str())).collect(),
            users: users.map(|user| Name::from(user.name.as_str())).collect(),
        };
        self.log.record(Draft::new("run".into(), Kind::Fault, "".into(), body));
    }
}

/// How a fault's beginning and end are told; the checks know these words.
fn words(action: &FaultAction) -> (&'static str, &'static str) {
    match action {
        FaultAction::Partition { .. } => ("partition begins", "partition ends"),
        FaultAction::Latency { .. } => ("added latency begins", "added latency ends"),
        FaultAction::Loss { .. } => ("packet loss begins", "packet loss ends"),
        FaultAction::Bandwidth { .. } => ("low bandwidth begins", "low bandwidth ends"),
        FaultAction::Stop { .. } => ("told to stop", "restarted"),
        FaultAction::Pause { .. } => ("pause begins", "pause ends"),
        FaultAction::ClockSkew { .. } => ("clock skew begins", "clock skew ends"),
        FaultAction::Kill { .. } => ("killed", "restarted"),
        FaultAction::Lose { .. } => ("machine lost", "restarted"),
    }
}

fn names(action: &FaultAction, host: &String) -> bool {
    action.hosts().any(|named| named == host)
}

/// A user's host that is taken down without an end stays down; a server is always started again.
fn is_for_good(fault: &FaultPlan) -> bool {
    fault.for_ns.is_none() && fault.action.takes_down() && !is_server(&fault.action)
}

fn is_server(action: &FaultAction) -> bool {
    action.takes_down() && action.hosts().all(|host| host.starts_with("server-"))
}

fn as_plan_time(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}
