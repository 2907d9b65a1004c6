//! When faults begin and end. A fault of a server that names no end of its own ends when the server has had time to start
//! again; after measure everything that still lasts ends, except what was taken down for good.
//!
//! A fault waits, lasts and is over; one that stops a program waits in between until the program has exited, and kills it
//! when its grace is over. Neighbours: `driver` asks at every step, `sights` says after which message, `engine` plays,
//! `telling` puts it into the record.

use super::programs::Programs;
use super::telling::{Told, tell};
use crate::engine::{Engine, EngineError};
use rehearsal_scenarios::plan::{FaultAction, FaultPlan, Plan};
use std::sync::Arc;

/// The faults of a plan and how far each of them is.
pub(super) struct Schedule {
    plan: Arc<Plan>,
    stages: Vec<Stage>,
}

/// How far a fault is. Times are nanoseconds of plan time.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    /// It waits for a message, or for its time.
    Waiting(Option<Due>),
    /// Programs were told to stop; those that have not exited by then are killed.
    Leaving { action: FaultAction, kill_ns: i64 },
    /// It lasts, without a known end if none is given.
    On { action: FaultAction, until_ns: Option<i64> },
    /// It happens no more.
    Over,
}

/// When a fault begins, and whom it hits.
#[derive(Clone, Debug, PartialEq)]
struct Due {
    at_ns: i64,
    action: FaultAction,
}

impl Schedule {
    pub(super) fn new(plan: Arc<Plan>) -> Schedule {
        let due = |fault: &FaultPlan| Some(Due { at_ns: as_plan_time(fault.at_ns()?), action: fault.action.clone() });
        let stages = plan.faults.iter().map(|fault| Stage::Waiting(due(fault))).collect();
        Schedule { plan, stages }
    }

    /// Whether nothing will ever run again on this host.
    pub(super) fn is_gone(&self, host: &str) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::On { action, until_ns: None } if downs(action, host)))
    }

    /// Begins and ends what is due at this plan time. Ends come first: a fault may follow another at once.
    pub(super) fn play(
        &mut self,
        now_ns: i64,
        engine: &mut dyn Engine,
        programs: &Programs,
    ) -> Result<(), EngineError> {
        self.look(programs);
        for id in 0..self.stages.len() {
            if matches!(&self.stages[id], Stage::On { until_ns: Some(until_ns), .. } if *until_ns <= now_ns) {
                self.end(id, engine, programs)?;
            }
        }
        for id in 0..self.stages.len() {
            match &self.stages[id] {
                Stage::Waiting(Some(due)) if due.at_ns <= now_ns => self.begin(id, due.clone(), engine, programs)?,
                Stage::Leaving { action, kill_ns }
                    if *kill_ns <= now_ns || action.hosts().all(|host| programs.has_exited(host)) =>
                {
                    self.take_down(id, now_ns, engine, programs)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Plan time at which the next fault begins or ends, if any is known.
    pub(super) fn next_ns(&self) -> Option<i64> {
        let next = |stage: &Stage| match stage {
            Stage::Waiting(due) => due.as_ref().map(|due| due.at_ns),
            Stage::Leaving { kill_ns, .. } => Some(*kill_ns),
            Stage::On { until_ns, .. } => *until_ns,
            Stage::Over => None,
        };
        self.stages.iter().filter_map(next).min()
    }

    /// Ends everything that lasts, and lets nothing begin any more. Who is still leaving has no more time for it.
    pub(super) fn heal(
        &mut self,
        now_ns: i64,
        engine: &mut dyn Engine,
        programs: &Programs,
    ) -> Result<(), EngineError> {
        for id in 0..self.stages.len() {
            self.take_down(id, now_ns, engine, programs)?;
            match &self.stages[id] {
                Stage::On { action, until_ns: None } if action.takes_down() => {}
                Stage::On { .. } => self.end(id, engine, programs)?,
                Stage::Waiting(_) | Stage::Leaving { .. } | Stage::Over => self.stages[id] = Stage::Over,
            }
        }
        Ok(())
    }

    /// Faults whose message has come become due.
    fn look(&mut self, programs: &Programs) {
        for hit in programs.sighted() {
            let user = self.plan.users.iter().find(|user| *user.name == *hit.user);
            let action = &self.plan.faults[hit.fault].action;
            let action = user.map_or_else(|| action.clone(), |user| action.narrowed_to(&user.host));
            self.stages[hit.fault] = Stage::Waiting(Some(Due { at_ns: hit.begins_ns, action }));
        }
    }

    fn begin(
        &mut self,
        id: usize,
        Due { at_ns, action }: Due,
        engine: &mut dyn Engine,
        programs: &Programs,
    ) -> Result<(), EngineError> {
        // Told before it happens: what users see in the same moment is its consequence.
        tell(programs, &self.plan.faults[id].name, Told::Begins, &action);
        if let FaultAction::Stop { grace_ns, hosts } = &action {
            hosts.iter().for_each(|host| programs.stop(host));
            let kill_ns = at_ns.saturating_add_unsigned(*grace_ns);
            self.stages[id] = Stage::Leaving { action, kill_ns };
            return Ok(());
        }
        engine.begin(id, &action)?;
        let until_ns = self.until_ns(id, &action, at_ns);
        self.stages[id] = Stage::On { action, until_ns };
        Ok(())
    }

    /// Programs that were told to stop have exited, or have no more time to.
    fn take_down(
        &mut self,
        id: usize,
        now_ns: i64,
        engine: &mut dyn Engine,
        programs: &Programs,
    ) -> Result<(), EngineError> {
        let Stage::Leaving { action, .. } = &self.stages[id] else { return Ok(()) };
        let action = action.clone();
        let name = &self.plan.faults[id].name;
        let late: Vec<String> = action.hosts().filter(|host| !programs.has_exited(host)).cloned().collect();
        match late.is_empty() {
            true => tell(programs, name, Told::Exited, &action),
            false => tell(programs, name, Told::Begins, &FaultAction::Kill { hosts: late }),
        }
        engine.begin(id, &FaultAction::Kill { hosts: action.hosts().cloned().collect() })?;
        let until_ns = self.until_ns(id, &action, now_ns);
        self.stages[id] = Stage::On { action, until_ns };
        Ok(())
    }

    fn end(&mut self, id: usize, engine: &mut dyn Engine, programs: &Programs) -> Result<(), EngineError> {
        let Stage::On { mut action, .. } = std::mem::replace(&mut self.stages[id], Stage::Over) else { return Ok(()) };
        if action.takes_down() {
            // Whom another fault keeps down starts again when that one ends.
            let hosts: Vec<String> = action.hosts().filter(|host| !self.is_down(host)).cloned().collect();
            if hosts.is_empty() {
                return Ok(());
            }
            hosts.iter().for_each(|host| programs.start(host));
            action = match action {
                FaultAction::Lose { .. } => FaultAction::Lose { hosts },
                _ => FaultAction::Kill { hosts },
            };
        }
        tell(programs, &self.plan.faults[id].name, Told::Ends, &action);
        engine.end(id, &action)
    }

    fn is_down(&self, host: &str) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::On { action, .. } if downs(action, host)))
    }

    /// When a fault that took hold then ends by itself.
    fn until_ns(&self, id: usize, action: &FaultAction, since_ns: i64) -> Option<i64> {
        let is_server = action.takes_down() && action.hosts().all(|host| host.starts_with("server-"));
        let restarts = is_server.then_some(self.plan.system.restart_takes_ns);
        Some(since_ns.saturating_add_unsigned(self.plan.faults[id].for_ns.or(restarts)?))
    }
}

fn downs(action: &FaultAction, host: &str) -> bool {
    action.takes_down() && action.hosts().any(|named| named == host)
}

fn as_plan_time(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}
