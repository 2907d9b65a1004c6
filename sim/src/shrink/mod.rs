//! Shrinking: a plan that fails is made smaller until nothing can be taken away. Start here: [`shrink`].
//!
//! Delta debugging over the *plan*, never by another seed: draws stay where they are, so that what is left happens as it did.
//!
//! - `cuts`: what can be taken out; `mending`: what must go along
//! - `simpler`: what can be made simpler
//! - `search`: what is tried, in which order, side by side
//! - `size`: how large a plan is, as a reader counts it
//!
//! Neighbours: `explore` finds failures and says which are the same. Left out: files and words for a terminal.

mod cuts;
mod mending;
mod search;
mod simpler;
mod size;

pub use size::PlanSize;

use self::search::{Failure, Search};
use crate::event_log::Keep;
use crate::explore::Fingerprint;
use crate::seed::{SeedOptions, SeedRun, play};
use rehearsal_scenarios::plan::Plan;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How far to shrink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShrinkOptions {
    /// How candidates are played.
    pub seed: SeedOptions,
    /// How many at a time; at least 1.
    pub jobs: usize,
    /// The most candidates that are played. The result for the same number is the same, if time does not run out.
    pub trials_max: u64,
    /// The most real time.
    pub time_max: Duration,
}

impl Default for ShrinkOptions {
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let time_max = Duration::from_secs(60);
        ShrinkOptions { seed: SeedOptions::default(), jobs, trials_max: u64::MAX, time_max }
    }
}

/// A failure made smaller.
pub struct Shrunk {
    /// The smaller plan, played, with its events.
    pub run: SeedRun,
    /// How it fails, as before.
    pub fingerprint: Fingerprint,
    /// How large the plan was.
    pub before: PlanSize,
    /// How large it is.
    pub after: PlanSize,
    /// How many candidates were played.
    pub trials: u64,
    /// Whether nothing more can be taken away, axis by axis.
    pub is_minimal: bool,
}

/// Shrinks a plan that fails in this way. None if it does not fail so when it is played.
pub fn shrink(plan: &Arc<Plan>, fingerprint: &Fingerprint, options: ShrinkOptions) -> Option<Shrunk> {
    let may_go_on = deadline(options.time_max);
    let found = play(plan.clone(), SeedOptions { keep: Keep::Events, ..options.seed });
    if !Fingerprint::all_of(&found).contains(fingerprint) {
        return None;
    }
    let mut search = Search {
        options: options.seed,
        jobs: options.jobs,
        trials_max: options.trials_max,
        may_go_on: &may_go_on,
        failure: Failure::of(&found, fingerprint.clone()),
        plan: (**plan).clone(),
        trials: 0,
        refuted: BTreeSet::new(),
    };
    let is_minimal = search.run();
    let trials = search.trials;
    let smaller = play(Arc::new(search.plan), SeedOptions { keep: Keep::Events, ..options.seed });
    // It failed when it was tried; if it does not now, the run as it was found is what there is to tell.
    let run = if Fingerprint::all_of(&smaller).contains(fingerprint) { smaller } else { found };
    let (before, after) = (PlanSize::of(plan), PlanSize::of(&run.plan));
    Some(Shrunk { run, fingerprint: fingerprint.clone(), before, after, trials, is_minimal })
}

/// Whether there is real time left.
#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "shrinking takes real time; no seed sees it")]
fn deadline(time_max: Duration) -> impl Fn() -> bool + Sync {
    let began = std::time::Instant::now();
    move || began.elapsed() < time_max
}

#[cfg(test)]
mod tests {
    use super::cuts::{Axis, without};
    use super::*;
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, load};

    /// The lowest seed that breaks the scenario where it should hold, by the first of its ways.
    fn found(name: &str, seeds: std::ops::RangeInclusive<u64>) -> (Arc<Plan>, Fingerprint) {
        let text = rehearsal_scenarios::library::get(name).unwrap();
        let scenario = load(name, text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
        let broken = seeds.into_iter().find_map(|seed| {
            let run = play(Arc::new(scenario.plan(seed, World::Simulated)), SeedOptions::default());
            Some((run.plan.clone(), Fingerprint::all_of(&run).into_iter().next()?))
        });
        broken.unwrap_or_else(|| panic!("{name}: nothing broke"))
    }

    #[test]
    fn nothing_that_is_left_can_be_taken_out_by_itself() {
        for name in ["two_clients_race_naive_worker", "defect_reservation_never_expires", "hunt_no_busy_rejection"] {
            let (plan, fingerprint) = found(name, 1..=100);
            let shrunk = shrink(&plan, &fingerprint, ShrinkOptions::default()).unwrap();
            assert!(shrunk.is_minimal, "{name}");
            let left = &*shrunk.run.plan;
            let failure = Failure::of(&shrunk.run, fingerprint);
            let parts: Vec<_> = Axis::ALL.into_iter().flat_map(|axis| axis.parts(left)).collect();
            assert!(parts.len() > 1, "{name}: {parts:?}");
            for part in parts {
                let run = play(Arc::new(without(left, &BTreeSet::from([part.clone()]))), SeedOptions::default());
                assert!(!failure.is_kept_by(&run), "{name}: {part:?} is not needed");
            }
        }
    }
}
