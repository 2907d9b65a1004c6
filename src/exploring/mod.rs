//! Explores one scenario in the simulated world and makes one outcome of many seeds: they are played, what broke is kept,
//! confirmed in a process of its own, and made smaller. Used by `simulate` and the main job.
//!
//! - [`time`]: the time that is given, and what is left of it
//! - [`ways`]: the ways to fail, what is new and unexpected first
//! - [`beyond`]: seeds after the fixed ones, whose finds only warn
//! - [`lines`]: a JSON line for each seed
//!
//! Neighbours: `sim::explore` plays, `simulated` keeps one seed, `shrinking` makes it smaller, `output` shows the outcome.

mod beyond;
mod lines;
mod time;
mod ways;

pub use lines::SeedLines;
pub use time::TimeBox;
pub use ways::{Known, Way};

use crate::asked::Unmet;
use crate::confirming::confirm;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::progress::{Progress, Verbosity};
use crate::shrinking::{self, Shrinking, Telling};
use crate::simulated::{self, How, not_deterministic, repeat};
use crate::source::Source;
use rehearsal_reports::outcome::Outcome;
use rehearsal_scenarios::Scenario;
use rehearsal_scenarios::plan::World;
use rehearsal_sim::explore::{self, Exploration, ExploreOptions, Plays, SeedRange, explore_telling};
use rehearsal_sim::seed::SeedFailure;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What one scenario came to over its seeds.
pub struct Explored {
    /// For readers.
    pub outcome: Outcome,
    /// The exit code that it asks for.
    pub exit: Exit,
    /// The ways in which it failed.
    pub exploration: Exploration,
}

/// How a scenario is explored, and for whom.
pub struct Exploring<'a> {
    /// How seeds are played.
    pub options: ExploreOptions,
    /// The time that is given, if some is.
    pub time: Option<TimeBox>,
    /// Whether seeds go on after a fixed set while there is time.
    pub goes_beyond: bool,
    /// Whether failures are made smaller.
    pub shrinking: Shrinking,
    /// What an unmet `sometimes` means.
    pub unmet: Unmet,
    /// Failures that were kept.
    pub known: &'a Known,
    /// Folder for records.
    pub runs: &'a Path,
    /// Whether progress is shown.
    pub verbosity: Verbosity,
    /// Set when somebody wants it to end.
    pub interrupted: &'a AtomicBool,
}

/// How many seeds the progress bar shows when there is no number.
const UNKNOWN_TOTAL: u64 = 0;

impl Exploring<'_> {
    /// Explores the scenario; broken seeds leave records. Each seed is told to `lines`, if somebody wants them.
    pub fn play(
        mut self,
        source: &Source,
        scenario: &Scenario,
        lines: Option<&mut SeedLines>,
    ) -> Result<Explored, Failure> {
        let mut time = self.time.take().unwrap_or_default();
        let exploration = time.exploring(|| self.explore(source, scenario, self.options, lines));
        if let Some(difference) = &exploration.difference {
            return Err(not_deterministic(format!("{}: {difference}", source.shown)));
        }
        if self.options.plays == Plays::Twice {
            eprintln!("{}: {} seeds played twice, the same both times", source.shown, exploration.seeds.count);
        }
        let how = self.how();
        let ways = ways::ordered(&exploration, self.known);
        let first = scenario.plan(exploration.seeds.first, World::Simulated);
        let mut outcome = explore::outcome_of(&first, &exploration, how.engine);
        outcome.repeat = exploration.seeds.first_broken.map(|seed| repeat(source, seed, how));
        let told = ways::tell_first(&ways, &exploration, &mut outcome).or(exploration.seeds.first_broken);
        if let Some(told) = told {
            outcome.repeat = Some(repeat(source, told, how));
        }
        time.confirming(|| {
            self.keep(source, &exploration, told, &mut outcome)?;
            confirm(source, &exploration, how)
        })?;
        if self.shrinking.applies(&outcome) {
            outcome.notes.extend(ways.iter().map(|way| way.words(exploration.seeds.count)));
            let limit = time.left().map_or(self.shrinking.time(), |left| left.min(self.shrinking.time()));
            let telling = Telling { source, told, runs: self.runs, verbosity: self.verbosity };
            time.shrinking(|| shrinking::shrink_all(&telling, scenario, &ways, limit, &mut outcome))?;
        }
        if self.goes_beyond {
            self.go_beyond(source, scenario, &exploration, &mut time, &mut outcome)?;
        }
        outcome.time = time.spent();
        outcome.unmet_fails = self.unmet == Unmet::Fails;
        if outcome.unmet_fails && !outcome.unmet.is_empty() {
            outcome.expected = false;
            outcome.notes.push("not as expected, since whatever is to be seen at least once is demanded".to_owned());
        }
        let exit = self.exit_of(&outcome, &exploration);
        Ok(Explored { outcome, exit, exploration })
    }

    fn how(&self) -> How {
        How { engine: self.options.engine, tick: self.options.tick }
    }

    fn explore(
        &self,
        source: &Source,
        scenario: &Scenario,
        options: ExploreOptions,
        mut lines: Option<&mut SeedLines>,
    ) -> Exploration {
        let total = match options.seeds {
            SeedRange::Count { count, .. } => count,
            SeedRange::For { .. } => UNKNOWN_TOTAL,
        };
        let progress = Progress::start(&source.name, total, self.verbosity);
        let plan_of = |seed| scenario.plan(seed, World::Simulated);
        let exploration = explore_telling(
            None,
            &plan_of,
            &options,
            &mut |now| {
                progress.at(now.done, &format!("{} broken, {:.0} s virtual", now.broken, now.virtual_ns as f64 / 1e9));
                let is_over = self.interrupted.load(Ordering::Relaxed);
                if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
            &mut |seed| {
                if let Some(lines) = &mut lines {
                    lines.write(&seed);
                }
            },
        );
        progress.finish();
        exploration
    }

    /// The told seed is written last: `latest` then points at it.
    fn keep(
        &self,
        source: &Source,
        exploration: &Exploration,
        told: Option<u64>,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let is_told = |seed: u64| Some(seed) == told;
        let mut kept: Vec<_> = exploration.kept.iter().rev().collect();
        kept.sort_by_key(|run| is_told(run.plan.seed));
        for run in kept {
            let kept = simulated::keep(source, run.plan.clone(), self.runs, self.how())?;
            if kept.run.hash != run.hash {
                let seed = run.plan.seed;
                return Err(not_deterministic(format!("{}: seed {seed} played differently once more", source.shown)));
            }
            (outcome.record, outcome.page) = (kept.outcome.record, kept.outcome.page);
        }
        Ok(())
    }

    fn exit_of(&self, outcome: &Outcome, exploration: &Exploration) -> Exit {
        let mut exits = vec![output::exit_of(outcome)];
        if exploration.interrupted {
            exits.push(Exit::Interrupted);
        }
        if exploration.not_deterministic.is_some() {
            exits.push(Exit::NotDeterministic);
        }
        exits.extend(exploration.failures.iter().map(|failure| match failure {
            // Nothing was played that could be judged.
            SeedFailure::NotPrepared { .. } => Exit::CannotJudge,
            SeedFailure::Broke { .. } | SeedFailure::Stuck { .. } => Exit::Unexpected,
        }));
        Exit::worst(exits)
    }
}
