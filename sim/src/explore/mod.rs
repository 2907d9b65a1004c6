//! Many seeds of a scenario on all cores, each on a fresh thread; what comes out depends on neither order nor cores.
//!
//! Seeds are played without keeping events; the lowest broken ones are then played again for their stories, which also
//! confirms them: another hash means that the simulation was not deterministic. `board` hands out seeds and folds what
//! comes of them, `twice` compares two runs. Neighbours: `seed` plays one, `reports` makes one result of many verdicts. Left out: files, words for a terminal, and interrupts (the caller's progress says stop).

mod board;
mod fingerprint;
mod outcome;
mod twice;

pub use fingerprint::{END_OF_RUN, Fingerprint};
pub use outcome::{outcome_of, story_of, story_of_check};
pub use twice::{Difference, Excerpt, twice, twice_on, twice_with};

use self::board::{Board, Summary};

use crate::engine::EngineKind;
use crate::event_log::Keep;
use crate::seed::{SeedFailure, SeedOptions, SeedRun, Setup, TICK, play_with};
use crate::system::SharedSystem;
use rehearsal_reports::coverage::Coverage;
use rehearsal_reports::outcome::{CheckSummary, Seeds};
use rehearsal_reports::unmatched::Unmatched;
use rehearsal_reports::verdict::CheckVerdict;
use rehearsal_scenarios::plan::Plan;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedRange {
    /// So many, from the first.
    Count {
        /// The first one.
        first: u64,
        /// How many.
        count: u64,
    },
    /// As many as begin within this real time, from the first; at least one.
    For {
        /// The first one.
        first: u64,
        /// How long to begin new ones.
        duration: Duration,
        /// How long to begin new ones once something unexpected was found, which wants time of its own: to be confirmed and
        /// made smaller.
        once_found: Duration,
    },
}

impl SeedRange {
    fn first(self) -> u64 {
        match self {
            SeedRange::Count { first, .. } | SeedRange::For { first, .. } => first,
        }
    }
}

/// How often each seed is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plays {
    /// Once; those worth keeping once more.
    Once,
    /// Twice in fresh threads, compared event by event; the first difference ends the exploration.
    Twice,
}

/// How to explore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExploreOptions {
    /// Which seeds.
    pub seeds: SeedRange,
    /// How many at a time; at least 1.
    pub jobs: usize,
    /// Which engine plays them.
    pub engine: EngineKind,
    /// How far virtual time goes in one step.
    pub tick: Duration,
    /// Whether to stop at the lowest broken seed. What comes out is the same for any number of jobs: all seeds up to it.
    pub stop_at_first: bool,
    /// How many broken seeds to keep with their events, for each check.
    pub keep_per_check: usize,
    /// How often each seed is played.
    pub plays: Plays,
}

impl Default for ExploreOptions {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let seeds = SeedRange::Count { first: 1, count: 100 };
        let engine = EngineKind::default();
        ExploreOptions { seeds, jobs, engine, tick: TICK, stop_at_first: false, keep_per_check: 3, plays: Plays::Once }
    }
}

impl ExploreOptions {
    fn seed(&self, keep: Keep) -> SeedOptions {
        SeedOptions { engine: self.engine, tick: self.tick, keep }
    }
}

/// How far an exploration has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExploreProgress {
    /// Seeds played.
    pub done: u64,
    /// Seeds to play, if that is known.
    pub of: Option<u64>,
    /// Seeds of those that break a check or did not come to their end.
    pub broken: u64,
    /// Seeds of those that do so where the scenario does not expect it.
    pub unexpected: u64,
    /// Virtual time played, in nanoseconds.
    pub virtual_ns: u64,
}

/// Seeds that fail in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// In which way.
    pub fingerprint: Fingerprint,
    /// Whether the scenario expects this check to be broken.
    pub is_expected: bool,
    /// The lowest of them.
    pub lowest_seed: u64,
    /// How many they are; a seed that fails in two ways is in two groups.
    pub seeds: u64,
}

/// What many seeds came to.
pub struct Exploration {
    /// Which seeds, how many broken, the lowest of them, and the hash over all.
    pub seeds: Seeds,
    /// Each check over all seeds.
    pub checks: Vec<CheckSummary>,
    /// The lowest broken seeds of each check, with their events, by seed.
    pub kept: Vec<SeedRun>,
    /// What they covered.
    pub coverage: Coverage,
    /// Seeds that did not come to their end, by seed.
    pub failures: Vec<SeedFailure>,
    /// The ways in which seeds fail, by the lowest seed of each.
    pub groups: Vec<FailureGroup>,
    /// Virtual time played, in nanoseconds.
    pub virtual_ns: u64,
    /// Events of all seeds.
    pub events: u64,
    /// Messages of all seeds that no step asked for.
    pub unmatched: Unmatched,
    /// Lowest seed that played differently when it was played again, if one did.
    pub not_deterministic: Option<u64>,
    /// Where the lowest seed that was not the same twice parts, if there was one.
    pub difference: Option<Box<Difference>>,
    /// Whether the caller stopped it before all seeds were played.
    pub interrupted: bool,
}

/// What came of one seed.
#[derive(Clone, Copy, Debug)]
pub struct SeedSummary<'a> {
    /// What was played.
    pub plan: &'a Plan,
    /// What the checks say.
    pub verdicts: &'a [CheckVerdict],
    /// Why it did not come to its end, if so.
    pub failure: Option<&'a SeedFailure>,
    /// The hash of what happened.
    pub hash: u64,
    /// How many events there were.
    pub events: u64,
    /// Virtual time played, in nanoseconds.
    pub virtual_ns: u64,
    /// Its behaviour, as a number.
    pub behaviour: u64,
    /// Whether no lower seed of this exploration showed it.
    pub is_new_behaviour: bool,
}

/// Hears of each seed.
pub type TellSeed<'a> = dyn FnMut(SeedSummary<'_>) + Send + 'a;

/// Plays seeds of a scenario. `plan_of` applies a seed; `progress` hears of each seed played and may say stop.
pub fn explore(
    plan_of: &(dyn Fn(u64) -> Plan + Sync),
    options: &ExploreOptions,
    progress: &mut (dyn FnMut(ExploreProgress) -> ControlFlow<()> + Send),
) -> Exploration {
    explore_system(None, plan_of, options, progress)
}

/// The same against this system; the reference if none.
pub fn explore_system(
    system: Option<SharedSystem>,
    plan_of: &(dyn Fn(u64) -> Plan + Sync),
    options: &ExploreOptions,
    progress: &mut (dyn FnMut(ExploreProgress) -> ControlFlow<()> + Send),
) -> Exploration {
    explore_telling(system, plan_of, options, progress, &mut |_| {})
}

/// The same, and `tell` hears what came of each seed, in their order.
pub fn explore_telling(
    system: Option<SharedSystem>,
    plan_of: &(dyn Fn(u64) -> Plan + Sync),
    options: &ExploreOptions,
    progress: &mut (dyn FnMut(ExploreProgress) -> ControlFlow<()> + Send),
    tell: &mut TellSeed<'_>,
) -> Exploration {
    let setup = |keep| Setup { options: options.seed(keep), system: system.clone(), ..Setup::default() };
    let expect = plan_of(options.seeds.first()).expect;
    let board = Mutex::new(Board::new(options, expect, progress, tell));
    let time = Time::new(options.seeds);
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some(seed) = next_seed(&board, &time) {
                    let plan = Arc::new(plan_of(seed));
                    let played = match options.plays {
                        Plays::Once => Ok(play_with(plan, setup(Keep::VerdictsOnly))),
                        Plays::Twice => twice_with(&plan, setup(Keep::Events)),
                    };
                    match played {
                        Ok(run) => lock(&board).enter(seed, Summary::of(run)),
                        Err(difference) => lock(&board).enter_difference(difference),
                    }
                }
            });
        }
    });
    conclude(plan_of, &setup(Keep::Events), board.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn next_seed(board: &Mutex<Board<'_>>, time: &Time) -> Option<u64> {
    lock(board).take_seed(time)
}

/// Real time, which decides whether further seeds may begin.
struct Time {
    #[allow(clippy::disallowed_types, reason = "exploring takes real time; no seed sees it")]
    began: std::time::Instant,
    seeds: SeedRange,
}

impl Time {
    #[allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "exploring takes real time; no seed sees it"
    )]
    fn new(seeds: SeedRange) -> Time {
        Time { began: std::time::Instant::now(), seeds }
    }

    /// Whether there is time for another seed.
    fn is_left(&self, has_found: bool) -> bool {
        match self.seeds {
            SeedRange::For { once_found, .. } if has_found => self.began.elapsed() < once_found,
            SeedRange::For { duration, .. } => self.began.elapsed() < duration,
            SeedRange::Count { .. } => true,
        }
    }
}

/// Plays what is worth keeping again, with its events: another hash means that the simulation was not deterministic.
fn conclude(plan_of: &dyn Fn(u64) -> Plan, setup: &Setup, board: Board<'_>) -> Exploration {
    let mut not_deterministic = None;
    let mut kept = Vec::new();
    for (seed, hash) in board.worth_keeping() {
        let run = play_with(Arc::new(plan_of(*seed)), setup.clone());
        if run.hash != *hash {
            not_deterministic.get_or_insert(*seed);
        }
        kept.push(run);
    }
    Exploration { kept, not_deterministic, ..board.finish() }
}

fn lock<'a, 'p>(board: &'a Mutex<Board<'p>>) -> MutexGuard<'a, Board<'p>> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
