//! The stages of a run: prepare, play, settle, leave, clean up. One loop, one step of the engine at a time.
//!
//! Safety first, then liveness: faults and work until measure ends or nobody has anything left to do, then everything heals and the system
//! must come to rest and serve. Neighbours: `programs` runs on the hosts and is told the phase, `stricken` plays faults.

use super::programs::{Director, Programs};
use super::stricken::Disturbed;
use super::{Pending, SeedFailure};
use crate::clock::nanos;
use crate::engine::{Engine, EngineError};
use crate::event_log::EventLog;
use rehearsal_loadgen::commons::RunPhase;
use rehearsal_loadgen::faults::schedule::Schedule;
use rehearsal_scenarios::plan::{Behaviour, Plan, UserPlan};
use std::sync::Arc;
use std::time::Duration;

const SECOND_NS: i64 = 1_000_000_000;

/// A run in which nobody has anything left to do still settles this long, so that what is under way arrives.
const SETTLE_AT_LEAST_NS: i64 = SECOND_NS;

/// Time-outs ring a little late.
const A_MOMENT_NS: u64 = 1_000_000_000;

/// Plays a plan to its end.
pub(super) fn drive(engine: &mut dyn Engine, programs: Programs, patience: Duration) -> Result<(), SeedFailure> {
    programs.add_hosts(engine);
    let (plan, log) = (programs.plan(), programs.log());
    let schedule = Schedule::new(plan.clone());
    let rooms_and_users = u64::try_from(plan.rooms.len() + plan.users.len()).unwrap_or(u64::MAX);
    let patience_ns = nanos(patience).saturating_mul(rooms_and_users);
    Drive { engine, plan, log, programs, schedule, patience_ns }.run()
}

struct Drive<'a> {
    engine: &'a mut dyn Engine,
    plan: Arc<Plan>,
    log: Arc<EventLog>,
    programs: Programs,
    schedule: Schedule,
    /// How long users may take to leave.
    patience_ns: u64,
}

impl Drive<'_> {
    fn run(mut self) -> Result<(), SeedFailure> {
        self.prepare()?;
        self.play()?;
        self.settle()?;
        self.leave()?;
        self.clean_up()
    }

    fn prepare(&mut self) -> Result<(), SeedFailure> {
        let prepare_ns = self.plan.phases.prepare_ns;
        self.step_until("preparing", prepare_ns, |drive| drive.programs.director() != Director::Preparing)?;
        if let Director::Failed(reason) = self.programs.director() {
            return Err(SeedFailure::NotPrepared { seed: self.plan.seed, reason });
        }
        self.log.time_0_is_now();
        self.programs.enter(RunPhase::Playing);
        Ok(())
    }

    fn play(&mut self) -> Result<(), SeedFailure> {
        let phases = self.plan.phases;
        let until_ns = as_plan_time(phases.measured().end);
        while self.now_ns() < until_ns && !self.nobody_has_work() {
            let now_ns = self.now_ns();
            let mut world = Disturbed { engine: self.engine, programs: &self.programs };
            self.schedule.play(now_ns, &mut world).map_err(|error| self.broke(&error))?;
            let next_fault_ns = self.schedule.next_ns().unwrap_or(until_ns);
            self.step_to(until_ns.min(next_fault_ns))?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), SeedFailure> {
        let now_ns = self.now_ns();
        let mut world = Disturbed { engine: self.engine, programs: &self.programs };
        self.schedule.heal(now_ns, &mut world).map_err(|error| self.broke(&error))?;
        self.programs.enter(RunPhase::Settling);
        // Whoever leaves keeps no processor busy here, so that nobody has to wait for that.
        self.programs.enter(RunPhase::Leaving);
        let began_ns = self.now_ns();
        let at_most_ns = as_plan_time(self.plan.phases.settle_ns);
        let at_least_ns = SETTLE_AT_LEAST_NS.min(at_most_ns);
        loop {
            let settled_ns = self.now_ns() - began_ns;
            if settled_ns >= at_most_ns || (settled_ns >= at_least_ns && self.nobody_has_work()) {
                return Ok(());
            }
            let next_look_ns = if settled_ns < at_least_ns { at_least_ns } else { at_most_ns };
            self.step_to(began_ns.saturating_add(next_look_ns))?;
        }
    }

    fn leave(&mut self) -> Result<(), SeedFailure> {
        self.programs.enter(RunPhase::Ended);
        self.step_until("leaving", self.patience_ns, |drive| {
            !drive.plan.users.iter().any(|user| drive.is_at_work(user))
        })
    }

    fn clean_up(&mut self) -> Result<(), SeedFailure> {
        self.programs.let_clean_up();
        self.step_until("cleaning up", self.plan.phases.cleanup_ns, |drive| {
            drive.programs.director() == Director::CleanedUp
        })
    }

    /// Goes on until this is done. Who prepares and cleans up gives up by itself when its time is over, a moment before this does.
    fn step_until(
        &mut self,
        stage: &'static str,
        within_ns: u64,
        is_done: impl Fn(&Self) -> bool,
    ) -> Result<(), SeedFailure> {
        let clock = self.engine.clock();
        let gives_up_ns = clock.now_ns().saturating_add(within_ns).saturating_add(A_MOMENT_NS);
        while !is_done(self) {
            if clock.now_ns() > gives_up_ns {
                return Err(self.stuck(stage));
            }
            self.step(gives_up_ns.saturating_add(1))?;
        }
        Ok(())
    }

    /// A step that does not go past this plan time.
    fn step_to(&mut self, plan_ns: i64) -> Result<(), SeedFailure> {
        let left_ns = u64::try_from(plan_ns.saturating_sub(self.now_ns())).unwrap_or_default();
        self.step(self.engine.clock().now_ns().saturating_add(left_ns))
    }

    /// A step that does not go past this virtual time.
    fn step(&mut self, until_ns: u64) -> Result<(), SeedFailure> {
        let stepped = self.engine.step(until_ns);
        self.log.settle();
        stepped.map_err(|error| self.broke(&error))
    }

    fn now_ns(&self) -> i64 {
        self.log.plan_ns().unwrap_or_default()
    }

    /// Whether all users that come to an end by themselves have done so. Workers do not; a scenario of nothing but
    /// workers is played to its planned end.
    fn nobody_has_work(&self) -> bool {
        let mut by_themselves = self.plan.users.iter().filter(|user| !matches!(user.behaviour, Behaviour::Worker(_)));
        by_themselves.clone().next().is_some() && !by_themselves.any(|user| self.is_at_work(user))
    }

    fn is_at_work(&self, user: &UserPlan) -> bool {
        !self.programs.has_ended(user.number) && !self.schedule.is_gone(&user.host)
    }

    /// Names of users that have not ended, and whose host is not down for good.
    fn users_at_work(&self) -> Vec<String> {
        let at_work = self.plan.users.iter().filter(|user| self.is_at_work(user));
        at_work.map(|user| user.name.clone()).collect()
    }

    fn stuck(&self, stage: &'static str) -> SeedFailure {
        let pending = Pending { operations: self.log.pending(), users: self.users_at_work() };
        SeedFailure::Stuck { seed: self.plan.seed, stage, t_ns: self.now_ns(), pending }
    }

    fn broke(&self, error: &EngineError) -> SeedFailure {
        SeedFailure::Broke { seed: self.plan.seed, reason: error.to_string() }
    }
}

fn as_plan_time(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}
