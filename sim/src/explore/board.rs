//! Seeds handed out to threads, and what came of them, folded in the order of seeds so that the result depends on neither
//! threads nor their number. What is remembered of a seed does not grow with how many there are: 16 bytes, a number for each
//! behaviour that none showed before, and the few seeds worth keeping. Neighbours: `explore` plays.

use super::fingerprint::{END_OF_RUN, Fingerprint};
use super::twice::Difference;
use super::{Exploration, ExploreOptions, ExploreProgress, FailureGroup, SeedRange, SeedSummary, TellSeed, Time};
use crate::seed::{SeedFailure, SeedRun};
use rehearsal_reports::coverage::{CoverageTally, Covered};
use rehearsal_reports::seeds::SeedTally;
use rehearsal_reports::unmatched::Unmatched;
use rehearsal_reports::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Expectation, Expected, Plan};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What is remembered of a seed until all before it have been folded.
pub(super) struct Summary {
    plan: Arc<Plan>,
    verdicts: Vec<CheckVerdict>,
    covered: Covered,
    hash: u64,
    events: u64,
    unmatched: Unmatched,
    virtual_ns: u64,
    failure: Option<SeedFailure>,
    is_broken: bool,
}

impl Summary {
    pub(super) fn of(run: SeedRun) -> Summary {
        let is_broken = run.is_broken();
        let SeedRun { plan, verdicts, covered, hash, event_count, unmatched, virtual_ns, failure, .. } = run;
        Summary { plan, verdicts, covered, hash, events: event_count, unmatched, virtual_ns, failure, is_broken }
    }

    /// Whether it fails in a way that is not expected.
    fn is_unexpected(&self, expect: &Expectation) -> bool {
        let is_surprise =
            |check: &CheckVerdict| matches!(check.verdict, Verdict::Broken { .. }) && !is_expected(&check.name, expect);
        self.failure.is_some() || self.verdicts.iter().any(is_surprise)
    }
}

/// Whether a broken check is no surprise.
fn is_expected(check: &str, expect: &Expectation) -> bool {
    expect.of_check(check) != Expected::Holds
}

/// Seeds handed out and played so far.
pub(super) struct Board<'p> {
    options: &'p ExploreOptions,
    next: u64,
    stopped: bool,
    interrupted: bool,
    /// Played before a lower seed was.
    waiting: BTreeMap<u64, Summary>,
    next_to_fold: u64,
    folded: Folded,
    difference: Option<Box<Difference>>,
    expect: Expectation,
    progress: ExploreProgress,
    tell: &'p mut (dyn FnMut(ExploreProgress) -> ControlFlow<()> + Send),
    tell_seed: &'p mut TellSeed<'p>,
}

/// Seeds that fail in the same way.
struct Group {
    lowest_seed: u64,
    seeds: u64,
}

/// More ways to fail than this are counted and not played again.
const GROUPS_KEPT_MAX: usize = 32;

/// All seeds as one, up to a seed.
#[derive(Default)]
struct Folded {
    tally: SeedTally,
    coverage: CoverageTally,
    broken: u64,
    first_broken: Option<u64>,
    failures: Vec<SeedFailure>,
    virtual_ns: u64,
    events: u64,
    unmatched: Unmatched,
    groups: BTreeMap<Fingerprint, Group>,
    kept_by_check: BTreeMap<String, usize>,
    worth_keeping: BTreeMap<u64, u64>,
}

impl<'p> Board<'p> {
    pub(super) fn new(
        options: &'p ExploreOptions,
        expect: Expectation,
        tell: &'p mut (dyn FnMut(ExploreProgress) -> ControlFlow<()> + Send),
        tell_seed: &'p mut TellSeed<'p>,
    ) -> Board<'p> {
        let (first, of) = match options.seeds {
            SeedRange::Count { first, count } => (first, Some(count)),
            SeedRange::For { first, .. } => (first, None),
        };
        Board {
            options,
            next: first,
            stopped: false,
            interrupted: false,
            waiting: BTreeMap::new(),
            next_to_fold: first,
            folded: Folded::default(),
            difference: None,
            expect,
            progress: ExploreProgress { of, ..ExploreProgress::default() },
            tell,
            tell_seed,
        }
    }

    /// The next seed to play, if there is one and time for it.
    pub(super) fn take_seed(&mut self, time: &Time) -> Option<u64> {
        let is_within = match self.options.seeds {
            SeedRange::Count { first, count } => self.next.wrapping_sub(first) < count,
            SeedRange::For { first, .. } => self.next == first || time.is_left(self.progress.unexpected > 0),
        };
        let has_found = self.options.stop_at_first && self.progress.broken > 0;
        if !is_within || self.stopped || has_found {
            return None;
        }
        let seed = self.next;
        self.next = self.next.wrapping_add(1);
        Some(seed)
    }

    /// A seed was played.
    pub(super) fn enter(&mut self, seed: u64, summary: Summary) {
        self.progress.done += 1;
        self.progress.broken += u64::from(summary.is_broken);
        self.progress.unexpected += u64::from(summary.is_unexpected(&self.expect));
        self.progress.virtual_ns += summary.virtual_ns;
        self.waiting.insert(seed, summary);
        while let Some(summary) = self.waiting.remove(&self.next_to_fold) {
            // Whatever ran beside the lowest broken seed does not count: the result is the same for any number of jobs.
            if !(self.options.stop_at_first && self.folded.broken > 0) {
                self.folded.add(self.next_to_fold, summary, self.options.keep_per_check, self.tell_seed);
            }
            self.next_to_fold = self.next_to_fold.wrapping_add(1);
        }
        if (self.tell)(self.progress).is_break() {
            self.stopped = true;
            self.interrupted = true;
        }
    }

    /// A seed that was played twice was not the same both times: no others begin, and the lowest such seed is told.
    pub(super) fn enter_difference(&mut self, difference: Box<Difference>) {
        self.stopped = true;
        if self.difference.as_ref().is_none_or(|found| difference.seed < found.seed) {
            self.difference = Some(difference);
        }
    }

    /// The hash of each seed that is worth keeping: the lowest broken ones of each check, and the lowest that did not come to their end.
    pub(super) fn worth_keeping(&self) -> &BTreeMap<u64, u64> {
        &self.folded.worth_keeping
    }

    /// What all seeds came to. A seed that did not come to its end counts as broken, whatever its checks say.
    pub(super) fn finish(self) -> Exploration {
        let Folded { tally, coverage, broken, first_broken, failures, groups, virtual_ns, events, unmatched, .. } =
            self.folded;
        let expect = &self.expect;
        let mut groups: Vec<FailureGroup> = groups
            .into_iter()
            .map(|(fingerprint, Group { lowest_seed, seeds })| {
                let is_expected = fingerprint.check != END_OF_RUN && is_expected(&fingerprint.check, expect);
                FailureGroup { fingerprint, is_expected, lowest_seed, seeds }
            })
            .collect();
        groups.sort_by_key(|group| group.lowest_seed);
        let (mut seeds, checks) = tally.finish(expect);
        seeds.broken = broken;
        seeds.first_broken = first_broken;
        Exploration {
            seeds,
            checks,
            kept: Vec::new(),
            coverage: coverage.finish(),
            failures,
            groups,
            virtual_ns,
            events,
            unmatched,
            not_deterministic: None,
            difference: self.difference,
            interrupted: self.interrupted,
        }
    }
}

impl Folded {
    fn add(&mut self, seed: u64, summary: Summary, keep_per_check: usize, tell: &mut TellSeed<'_>) {
        self.tally.add(seed, &summary.verdicts, summary.hash);
        self.coverage.plan(summary.plan.faults.iter().map(|fault| fault.name.as_str()));
        let covered = summary.covered.and_broken(names_of_broken(&summary.verdicts, summary.failure.as_ref()));
        let is_new_behaviour = self.coverage.add(seed, &covered);
        tell(SeedSummary {
            plan: &summary.plan,
            verdicts: &summary.verdicts,
            failure: summary.failure.as_ref(),
            hash: summary.hash,
            events: summary.events,
            virtual_ns: summary.virtual_ns,
            behaviour: covered.behaviour,
            is_new_behaviour,
        });
        self.virtual_ns += summary.virtual_ns;
        self.events += summary.events;
        self.unmatched.add(&summary.unmatched);
        if summary.is_broken {
            self.broken += 1;
            self.first_broken.get_or_insert(seed);
        }
        for fingerprint in Fingerprint::all(&summary.verdicts, summary.failure.as_ref()) {
            if keep_per_check > 0 && self.groups.len() < GROUPS_KEPT_MAX && !self.groups.contains_key(&fingerprint) {
                self.worth_keeping.insert(seed, summary.hash);
            }
            self.groups.entry(fingerprint).or_insert(Group { lowest_seed: seed, seeds: 0 }).seeds += 1;
        }
        for name in names_of_broken(&summary.verdicts, summary.failure.as_ref()) {
            let kept = self.kept_by_check.entry(name.to_owned()).or_default();
            if *kept < keep_per_check {
                *kept += 1;
                self.worth_keeping.insert(seed, summary.hash);
            }
        }
        self.failures.extend(summary.failure);
    }
}

/// The checks that a seed broke, and its end if it did not come to it.
fn names_of_broken<'s>(verdicts: &'s [CheckVerdict], failure: Option<&SeedFailure>) -> impl Iterator<Item = &'s str> {
    let broken = verdicts.iter().filter(|check| matches!(check.verdict, Verdict::Broken { .. }));
    broken.map(|check| check.name.as_str()).chain(failure.map(|_| END_OF_RUN))
}
