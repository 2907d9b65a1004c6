//! When faults begin and end. A fault of a server that names no end of its own ends when the server has had time to start
//! again; after measure everything that still lasts ends, except what was taken down for good.
//!
//! A fault waits, lasts and is over; one that stops a program waits in between until the program has exited, and kills it
//! when its grace is over. Neighbours: the driver of either world asks, `sights` says after which message, a [`Stricken`]
//! world plays, `telling` puts it into the record.

use super::sights::Hit;
use super::telling::{Told, told};
use crate::faults::FaultId;
use crate::sink::Draft;
use rehearsal_scenarios::plan::{FaultAction, FaultPlan, Plan, is_server};
use std::sync::Arc;

/// A world in which faults happen.
pub trait Stricken {
    /// Why a fault cannot begin or end.
    type Error;

    /// A fault takes hold now.
    ///
    /// # Errors
    /// If this world cannot play it.
    fn begin(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), Self::Error>;

    /// A fault is over now: links heal, hosts start again.
    ///
    /// # Errors
    /// If this world cannot play it.
    fn end(&mut self, fault: FaultId, action: &FaultAction) -> Result<(), Self::Error>;

    /// Tells the programs of a host to stop.
    fn stop(&mut self, host: &str);

    /// The programs of a host are about to start again.
    fn start(&mut self, host: &str);

    /// Whether every program of a host that was told to stop has done so.
    fn has_exited(&self, host: &str) -> bool;

    /// Messages that faults have waited for, since the last call.
    fn sighted(&mut self) -> Vec<Hit>;

    /// Puts an event into the record.
    fn record(&mut self, event: Draft);
}

/// The faults of a plan and how far each of them is.
pub struct Schedule {
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
    /// Nothing has happened yet.
    pub fn new(plan: Arc<Plan>) -> Schedule {
        let due = |fault: &FaultPlan| Some(Due { at_ns: as_plan_time(fault.at_ns()?), action: fault.action.clone() });
        let stages = plan.faults.iter().map(|fault| Stage::Waiting(due(fault))).collect();
        Schedule { plan, stages }
    }

    /// Whether nothing will ever run again on this host.
    pub fn is_gone(&self, host: &str) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::On { action, until_ns: None } if downs(action, host)))
    }

    /// Begins and ends what is due at this plan time. Ends come first: a fault may follow another at once.
    pub fn play<W: Stricken>(&mut self, now_ns: i64, world: &mut W) -> Result<(), W::Error> {
        self.look(world);
        for id in 0..self.stages.len() {
            if matches!(&self.stages[id], Stage::On { until_ns: Some(until_ns), .. } if *until_ns <= now_ns) {
                self.end(id, world)?;
            }
        }
        for id in 0..self.stages.len() {
            match &self.stages[id] {
                Stage::Waiting(Some(due)) if due.at_ns <= now_ns => self.begin(id, due.clone(), world)?,
                Stage::Leaving { action, kill_ns }
                    if *kill_ns <= now_ns || action.hosts().all(|host| world.has_exited(host)) =>
                {
                    self.take_down(id, now_ns, world)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Plan time at which the next fault begins or ends, if any is known.
    pub fn next_ns(&self) -> Option<i64> {
        let next = |stage: &Stage| match stage {
            Stage::Waiting(due) => due.as_ref().map(|due| due.at_ns),
            Stage::Leaving { kill_ns, .. } => Some(*kill_ns),
            Stage::On { until_ns, .. } => *until_ns,
            Stage::Over => None,
        };
        self.stages.iter().filter_map(next).min()
    }

    /// Ends everything that lasts, and lets nothing begin any more. Who is still leaving has no more time for it.
    pub fn heal<W: Stricken>(&mut self, now_ns: i64, world: &mut W) -> Result<(), W::Error> {
        for id in 0..self.stages.len() {
            self.take_down(id, now_ns, world)?;
            match &self.stages[id] {
                Stage::On { action, until_ns: None } if action.takes_down() => {}
                Stage::On { .. } => self.end(id, world)?,
                Stage::Waiting(_) | Stage::Leaving { .. } | Stage::Over => self.stages[id] = Stage::Over,
            }
        }
        Ok(())
    }

    /// Faults whose message has come become due.
    fn look<W: Stricken>(&mut self, world: &mut W) {
        for hit in world.sighted() {
            let user = self.plan.users.iter().find(|user| *user.name == *hit.user);
            let action = &self.plan.faults[hit.fault].action;
            let action = user.map_or_else(|| action.clone(), |user| action.narrowed_to(&user.host));
            self.stages[hit.fault] = Stage::Waiting(Some(Due { at_ns: hit.begins_ns, action }));
        }
    }

    fn begin<W: Stricken>(&mut self, id: usize, Due { at_ns, action }: Due, world: &mut W) -> Result<(), W::Error> {
        // Told before it happens: what users see in the same moment is its consequence.
        world.record(self.tell(id, Told::Begins, &action));
        if let FaultAction::Stop { grace_ns, hosts } = &action {
            hosts.iter().for_each(|host| world.stop(host));
            let kill_ns = at_ns.saturating_add_unsigned(*grace_ns);
            self.stages[id] = Stage::Leaving { action, kill_ns };
            return Ok(());
        }
        world.begin(id, &action)?;
        let until_ns = self.until_ns(id, &action, at_ns);
        self.stages[id] = Stage::On { action, until_ns };
        Ok(())
    }

    /// Programs that were told to stop have exited, or have no more time to.
    fn take_down<W: Stricken>(&mut self, id: usize, now_ns: i64, world: &mut W) -> Result<(), W::Error> {
        let Stage::Leaving { action, .. } = &self.stages[id] else { return Ok(()) };
        let action = action.clone();
        let late: Vec<String> = action.hosts().filter(|host| !world.has_exited(host)).cloned().collect();
        match late.is_empty() {
            true => world.record(self.tell(id, Told::Exited, &action)),
            false => world.record(self.tell(id, Told::Begins, &FaultAction::Kill { hosts: late })),
        }
        world.begin(id, &FaultAction::Kill { hosts: action.hosts().cloned().collect() })?;
        let until_ns = self.until_ns(id, &action, now_ns);
        self.stages[id] = Stage::On { action, until_ns };
        Ok(())
    }

    fn end<W: Stricken>(&mut self, id: usize, world: &mut W) -> Result<(), W::Error> {
        let Stage::On { mut action, .. } = std::mem::replace(&mut self.stages[id], Stage::Over) else { return Ok(()) };
        if action.takes_down() {
            // Whom another fault keeps down starts again when that one ends.
            let hosts: Vec<String> = action.hosts().filter(|host| !self.is_down(host)).cloned().collect();
            if hosts.is_empty() {
                return Ok(());
            }
            hosts.iter().for_each(|host| world.start(host));
            action = match action {
                FaultAction::Lose { .. } => FaultAction::Lose { hosts },
                _ => FaultAction::Kill { hosts },
            };
        }
        world.record(self.tell(id, Told::Ends, &action));
        world.end(id, &action)
    }

    fn tell(&self, id: usize, part: Told, action: &FaultAction) -> Draft {
        told(&self.plan, &self.plan.faults[id].name, part, action)
    }

    fn is_down(&self, host: &str) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::On { action, .. } if downs(action, host)))
    }

    /// When a fault that took hold then ends by itself.
    fn until_ns(&self, id: usize, action: &FaultAction, since_ns: i64) -> Option<i64> {
        let is_server = action.takes_down() && action.hosts().all(|host| is_server(host));
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
