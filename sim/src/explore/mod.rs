//! Many seeds of a scenario on all cores, each on a fresh thread; what comes out depends on neither order nor cores.
//!
//! Seeds are played without keeping events; the lowest broken ones are then played again for their stories, which also
//! confirms them: another hash means that the simulation was not deterministic. Neighbours: `seed` plays one, `reports`
//! makes one result of many verdicts. Left out: files, words for a terminal, and interrupts (the caller's progress says stop).

mod twice;

pub use twice::{Difference, twice, twice_on};

use crate::engine::EngineKind;
use crate::event_log::Keep;
use crate::seed::{SeedFailure, SeedOptions, SeedRun, TICK, play};
use rehearsal_reports::outcome::{CheckSummary, Seeds};
use rehearsal_reports::seeds::SeedTally;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Expectation, Plan};
use std::collections::{BTreeMap, BTreeSet};
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
    },
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
}

impl Default for ExploreOptions {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let seeds = SeedRange::Count { first: 1, count: 100 };
        let engine = EngineKind::default();
        ExploreOptions { seeds, jobs, engine, tick: TICK, stop_at_first: false, keep_per_check: 3 }
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
    /// Virtual time played, in nanoseconds.
    pub virtual_ns: u64,
}

/// What many seeds came to.
pub struct Exploration {
    /// Which seeds, how many broken, the lowest of them, and the hash over all.
    pub seeds: Seeds,
    /// Each check over all seeds.
    pub checks: Vec<CheckSummary>,
    /// The lowest broken seeds of each check, with their events, by seed.
    pub kept: Vec<SeedRun>,
    /// Seeds that did not come to their end, by seed.
    pub failures: Vec<SeedFailure>,
    /// Virtual time played, in nanoseconds.
    pub virtual_ns: u64,
    /// Events of all seeds.
    pub events: u64,
    /// Lowest seed that played differently when it was played again, if one did.
    pub not_deterministic: Option<u64>,
    /// Whether the caller stopped it before all seeds were played.
    pub interrupted: bool,
}

/// What is remembered of a seed.
struct Summary {
    verdicts: Vec<CheckVerdict>,
    hash: u64,
    events: u64,
    virtual_ns: u64,
    failure: Option<SeedFailure>,
    is_broken: bool,
}

impl Summary {
    fn of(run: SeedRun) -> Summary {
        let is_broken = run.is_broken();
        let SeedRun { verdicts, hash, event_count, virtual_ns, failure, .. } = run;
        Summary { verdicts, hash, events: event_count, virtual_ns, failure, is_broken }
    }
}

/// Seeds handed out and played so far.
struct Board<'p> {
    next: u64,
    stopped: bool,
    interrupted: bool,
    played: BTreeMap<u64, Summary>,
    progress: ExploreProgress,
    tell: &'p mut (dyn FnMut(ExploreProgress) -> ControlFlow<()> + Send),
}

/// Plays seeds of a scenario. `plan_of` applies a seed; `progress` hears of each seed played and may say stop.
pub fn explore(
    plan_of: &(dyn Fn(u64) -> Plan + Sync),
    options: &ExploreOptions,
    progress: &mut (dyn FnMut(ExploreProgress) -> ControlFlow<()> + Send),
) -> Exploration {
    let (first, of) = match options.seeds {
        SeedRange::Count { first, count } => (first, Some(count)),
        SeedRange::For { first, .. } => (first, None),
    };
    let board = Mutex::new(Board {
        next: first,
        stopped: false,
        interrupted: false,
        played: BTreeMap::new(),
        progress: ExploreProgress { of, ..ExploreProgress::default() },
        tell: progress,
    });
    let may_begin = deadline(options.seeds);
    std::thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                while let Some(seed) = take_seed(&board, options, &may_begin) {
                    let plan = Arc::new(plan_of(seed));
                    let run = play(plan, options.seed(Keep::VerdictsOnly));
                    lock(&board).enter(seed, Summary::of(run));
                }
            });
        }
    });
    let Board { mut played, interrupted, .. } = board.into_inner().unwrap_or_else(PoisonError::into_inner);
    if options.stop_at_first
        && let Some(lowest) = played.iter().find(|(_, summary)| summary.is_broken).map(|(seed, _)| *seed)
    {
        // Whatever ran beside it does not count: the result is the same for any number of jobs.
        played.retain(|seed, _| *seed <= lowest);
    }
    conclude(plan_of, options, first, played, interrupted)
}

fn take_seed(board: &Mutex<Board<'_>>, options: &ExploreOptions, may_begin: &dyn Fn() -> bool) -> Option<u64> {
    let mut board = lock(board);
    let is_within = match options.seeds {
        SeedRange::Count { first, count } => board.next.wrapping_sub(first) < count,
        SeedRange::For { first, .. } => board.next == first || may_begin(),
    };
    let has_found = options.stop_at_first && board.progress.broken > 0;
    if !is_within || board.stopped || has_found {
        return None;
    }
    let seed = board.next;
    board.next = board.next.wrapping_add(1);
    Some(seed)
}

/// Whether further seeds may begin, by real time.
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "exploring takes real time; no seed sees it")]
fn deadline(seeds: SeedRange) -> impl Fn() -> bool + Sync {
    let began = std::time::Instant::now();
    move || match seeds {
        SeedRange::For { duration, .. } => began.elapsed() < duration,
        SeedRange::Count { .. } => true,
    }
}

impl Board<'_> {
    fn enter(&mut self, seed: u64, summary: Summary) {
        self.progress.done += 1;
        self.progress.broken += u64::from(summary.is_broken);
        self.progress.virtual_ns += summary.virtual_ns;
        self.played.insert(seed, summary);
        if (self.tell)(self.progress).is_break() {
            self.stopped = true;
            self.interrupted = true;
        }
    }
}

fn conclude(
    plan_of: &dyn Fn(u64) -> Plan,
    options: &ExploreOptions,
    first: u64,
    played: BTreeMap<u64, Summary>,
    interrupted: bool,
) -> Exploration {
    let mut not_deterministic = None;
    let mut kept = Vec::new();
    for seed in worth_keeping(&played, options.keep_per_check) {
        let run = play(Arc::new(plan_of(seed)), options.seed(Keep::Events));
        if run.hash != played[&seed].hash {
            not_deterministic.get_or_insert(seed);
        }
        kept.push(run);
    }
    let (seeds, checks) = tally(&plan_of(first).expect, &played);
    Exploration {
        seeds,
        checks,
        kept,
        failures: played.values().filter_map(|summary| summary.failure.clone()).collect(),
        virtual_ns: played.values().map(|summary| summary.virtual_ns).sum(),
        events: played.values().map(|summary| summary.events).sum(),
        not_deterministic,
        interrupted,
    }
}

/// All seeds as one. A seed that did not come to its end counts as broken, whatever its checks say.
fn tally(expect: &Expectation, played: &BTreeMap<u64, Summary>) -> (Seeds, Vec<CheckSummary>) {
    let mut tally = SeedTally::new();
    played.iter().for_each(|(seed, summary)| tally.add(*seed, &summary.verdicts, summary.hash));
    let (mut seeds, checks) = tally.finish(expect);
    let mut broken = played.iter().filter(|(_, summary)| summary.is_broken).map(|(seed, _)| *seed);
    seeds.broken = broken.clone().count() as u64;
    seeds.first_broken = broken.next();
    (seeds, checks)
}

/// The lowest broken seeds of each check, and the lowest that did not come to their end.
fn worth_keeping(played: &BTreeMap<u64, Summary>, per_check: usize) -> BTreeSet<u64> {
    let mut kept_by_check = BTreeMap::<&str, usize>::new();
    let mut seeds = BTreeSet::new();
    for (seed, summary) in played {
        let broken = summary.verdicts.iter().filter(|check| matches!(check.verdict, Verdict::Broken { .. }));
        let names = broken.map(|check| check.name.as_str()).chain(summary.failure.as_ref().map(|_| "the run's end"));
        for name in names {
            let kept = kept_by_check.entry(name).or_default();
            if *kept < per_check {
                *kept += 1;
                seeds.insert(*seed);
            }
        }
    }
    seeds
}

fn lock<'a, 'p>(board: &'a Mutex<Board<'p>>) -> MutexGuard<'a, Board<'p>> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}
