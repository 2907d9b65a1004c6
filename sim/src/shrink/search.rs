//! Delta debugging: chunks of parts are cut, large ones first, as long as what is left fails in the same way. Candidates are
//! played side by side, a fixed number at a time, and the first of them in order that still fails is taken: the result
//! depends on neither threads nor their number.
//!
//! Neighbours: `cuts` and `simpler` say what may be tried. Left out: when to stop by the clock, which the caller says.

use super::cuts::{Axis, Part, without};
use super::simpler::{apply, simplifications};
use crate::event_log::Keep;
use crate::explore::Fingerprint;
use crate::seed::{SeedOptions, SeedRun, play};
use rehearsal_scenarios::plan::Plan;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use xxhash_rust::xxh3::xxh3_64;

/// How many candidates are played before one is chosen. Fixed, so that more cores do not make another result.
const WINDOW: usize = 8;

/// What must stay as it is in every plan that is taken.
pub(super) struct Failure {
    /// How the run fails.
    pub(super) fingerprint: Fingerprint,
    /// All checks that it breaks: a smaller plan breaks no other, which would be another story.
    pub(super) broken: BTreeSet<String>,
}

impl Failure {
    pub(super) fn of(run: &SeedRun, fingerprint: Fingerprint) -> Failure {
        let broken = Fingerprint::all_of(run).into_iter().map(|one| one.check).collect();
        Failure { fingerprint, broken }
    }

    pub(super) fn is_kept_by(&self, run: &SeedRun) -> bool {
        let found = Fingerprint::all_of(run);
        found.contains(&self.fingerprint) && found.iter().all(|one| self.broken.contains(&one.check))
    }
}

/// A search for a smaller plan.
pub(super) struct Search<'a> {
    pub(super) options: SeedOptions,
    pub(super) jobs: usize,
    pub(super) trials_max: u64,
    pub(super) may_go_on: &'a (dyn Fn() -> bool + Sync),
    pub(super) failure: Failure,
    /// The smallest so far.
    pub(super) plan: Plan,
    pub(super) trials: u64,
    /// Hashes of plans that do not fail in this way.
    pub(super) refuted: BTreeSet<u64>,
}

/// Whether a pass came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Everything was tried, and nothing more could be taken away.
    Minimal,
    /// Something was taken away.
    Smaller,
    /// There was no time for all of it.
    OutOfTime,
}

impl Search<'_> {
    /// Goes over all axes again and again until none of them gives anything. Whether it came to that.
    pub(super) fn run(&mut self) -> bool {
        loop {
            let mut is_minimal = true;
            let passes = Axis::ALL.map(Some).into_iter().chain([None]);
            for axis in passes {
                let pass = match axis {
                    Some(axis) => self.cut(axis),
                    None => self.simplify(),
                };
                match pass {
                    Pass::Minimal => {}
                    Pass::Smaller => is_minimal = false,
                    Pass::OutOfTime => return false,
                }
            }
            if is_minimal {
                return true;
            }
        }
    }

    /// Cuts chunks of one axis, from everything at once down to single parts.
    fn cut(&mut self, axis: Axis) -> Pass {
        let base = self.plan.clone();
        let mut left = axis.parts(&base);
        let mut gone = BTreeSet::new();
        let mut size = left.len();
        while size > 0 {
            let chunks: Vec<BTreeSet<Part>> = left.chunks(size).map(|chunk| chunk.iter().cloned().collect()).collect();
            let taken = self.walk(chunks.len(), &|chosen| {
                let parts = chosen.iter().flat_map(|&chunk| &chunks[chunk]).chain(&gone).cloned().collect();
                without(&base, &parts)
            });
            let Some(taken) = taken else { return Pass::OutOfTime };
            gone.extend(taken.iter().flat_map(|&chunk| chunks[chunk].clone()));
            left.retain(|part| !gone.contains(part));
            // What could not go alone may go now that others have gone.
            size = if size == 1 && !taken.is_empty() { 1 } else { size / 2 };
        }
        self.compared_with(&base)
    }

    fn simplify(&mut self) -> Pass {
        let base = self.plan.clone();
        let all = simplifications(&base);
        let taken = self.walk(all.len(), &|chosen| {
            let mut plan = base.clone();
            chosen.iter().for_each(|&one| apply(&mut plan, &all[one]));
            plan
        });
        if taken.is_some() { self.compared_with(&base) } else { Pass::OutOfTime }
    }

    fn compared_with(&self, base: &Plan) -> Pass {
        if self.plan == *base { Pass::Minimal } else { Pass::Smaller }
    }

    /// Tries moves one after the other, each on top of those taken before. Which were taken; none if time ran out, in which
    /// case what was taken stays taken.
    fn walk(&mut self, count: usize, plan_of: &dyn Fn(&[usize]) -> Plan) -> Option<Vec<usize>> {
        let mut taken: Vec<usize> = Vec::new();
        let mut next = 0;
        while next < count {
            let mut window: Vec<(usize, Plan)> = Vec::new();
            while window.len() < WINDOW && next < count {
                let chosen: Vec<usize> = taken.iter().copied().chain([next]).collect();
                let plan = plan_of(&chosen);
                if plan == self.plan {
                    // It went with another one already.
                    taken.push(next);
                } else if !self.refuted.contains(&hash(&plan)) && self.is_playable(&plan) {
                    window.push((next, plan));
                }
                next += 1;
            }
            if window.is_empty() {
                continue;
            }
            if self.trials >= self.trials_max || !(self.may_go_on)() {
                return None;
            }
            self.trials += window.len() as u64;
            if let Some(first) = self.first_that_fails(&window) {
                let (number, plan) = window.swap_remove(first);
                self.plan = plan;
                taken.retain(|one| *one < number);
                taken.push(number);
                next = number + 1;
            }
        }
        Some(taken)
    }

    fn is_playable(&self, plan: &Plan) -> bool {
        !plan.users.is_empty() && self.options.engine.refuses(plan).is_none()
    }

    /// The first of these in order that fails in the same way. Those before it are remembered as not failing.
    fn first_that_fails(&mut self, window: &[(usize, Plan)]) -> Option<usize> {
        let (next, first) = (AtomicUsize::new(0), AtomicUsize::new(window.len()));
        let options = SeedOptions { keep: Keep::VerdictsOnly, ..self.options };
        let failure = &self.failure;
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.clamp(1, window.len()) {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        // What comes behind one that fails cannot be chosen any more.
                        if place >= first.load(Ordering::Relaxed) {
                            return;
                        }
                        let run = play(Arc::new(window[place].1.clone()), options);
                        if failure.is_kept_by(&run) {
                            first.fetch_min(place, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let first = first.into_inner();
        self.refuted.extend(window[..first].iter().map(|(_, plan)| hash(plan)));
        (first < window.len()).then_some(first)
    }
}

/// Plans are data: always JSON.
fn hash(plan: &Plan) -> u64 {
    xxh3_64(&serde_json::to_vec(plan).unwrap_or_default())
}
