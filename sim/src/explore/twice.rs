//! The proof of determinism: the same plan in two fresh threads, compared event by event up to the first difference.

use crate::engine::EngineKind;
use crate::event_log::Keep;
use crate::seed::{SeedOptions, SeedRun, play};
use rehearsal_reports::event::Event;
use rehearsal_scenarios::plan::Plan;
use std::sync::Arc;
use std::time::Duration;

/// Where two runs of the same seed part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed} was not deterministic: event {n} is\n  {first}\nand the second time\n  {second}")]
pub struct Difference {
    /// The seed.
    pub seed: u64,
    /// Number of the first event that differs.
    pub n: u64,
    /// Its line in the first run.
    pub first: String,
    /// Its line in the second.
    pub second: String,
}

/// Plays a plan twice on the default engine. The first run, if both are the same in every event.
///
/// # Errors
/// The first difference, with both lines.
pub fn twice(plan: &Arc<Plan>, tick: Duration) -> Result<SeedRun, Difference> {
    twice_on(EngineKind::default(), plan, tick)
}

/// Plays a plan twice on this engine. The first run, if both are the same in every event.
///
/// # Errors
/// The first difference, with both lines.
pub fn twice_on(engine: EngineKind, plan: &Arc<Plan>, tick: Duration) -> Result<SeedRun, Difference> {
    let options = SeedOptions { engine, tick, keep: Keep::Events };
    let (first, second) = (play(plan.clone(), options), play(plan.clone(), options));
    match difference(plan.seed, &first, &second) {
        Some(difference) => Err(difference),
        None => Ok(first),
    }
}

fn difference(seed: u64, first: &SeedRun, second: &SeedRun) -> Option<Difference> {
    let length = first.events.len().max(second.events.len());
    let found = (0..length).find(|n| first.events.get(*n) != second.events.get(*n));
    let end = |run: &SeedRun| run.failure.as_ref().map_or("the end of the run".to_owned(), ToString::to_string);
    let line = |run: &SeedRun, n: usize| run.events.get(n).map_or_else(|| end(run), line_of);
    match found {
        Some(n) => Some(Difference { seed, n: n as u64, first: line(first, n), second: line(second, n) }),
        // The same events, and yet another end: a panic that only one of them met.
        None if first.failure != second.failure || first.hash != second.hash => {
            Some(Difference { seed, n: length as u64, first: end(first), second: end(second) })
        }
        None => None,
    }
}

fn line_of(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_else(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Ledger;
    use crate::seed::SeedFailure;
    use rehearsal_reports::event::{Body, Kind};
    use rehearsal_scenarios::plan::World;
    use rehearsal_scenarios::{Overrides, load};

    fn run(words: &[&str]) -> SeedRun {
        let source = b"format = 1\n[users.workers]\nrole = \"worker\"\n[users.clients]\nrole = \"client\"\n";
        let scenario = load("first", source, &Overrides::default()).expect("the smallest scenario is valid");
        let event = |(n, word): (usize, &&str)| Event {
            n: n as u64,
            t_ns: 0,
            process: 0,
            user: "ada".into(),
            conn: 0,
            kind: Kind::Began,
            op: (*word).into(),
            op_id: None,
            planned_ns: None,
            said: Default::default(),
            body: Body::Empty,
        };
        SeedRun {
            plan: Arc::new(scenario.plan(7, World::Simulated)),
            events: words.iter().enumerate().map(event).collect(),
            event_count: words.len() as u64,
            verdicts: Vec::new(),
            hash: 0,
            ledger: Ledger::default(),
            time_0_ns: 0,
            virtual_ns: 0,
            failure: None,
        }
    }

    #[test]
    fn the_first_event_that_differs_is_told_with_both_lines() {
        let found = difference(7, &run(&["a", "b", "c"]), &run(&["a", "x", "y"])).expect("they differ");
        assert_eq!((found.seed, found.n), (7, 1));
        assert!(found.first.contains("\"b\"") && found.second.contains("\"x\""), "{found}");
    }

    #[test]
    fn a_run_that_is_longer_or_ends_otherwise_differs_and_the_same_run_does_not() {
        let found = difference(7, &run(&["a"]), &run(&["a", "b"])).expect("they differ");
        assert_eq!((found.n, found.first.as_str()), (1, "the end of the run"));
        let mut broke = run(&["a"]);
        broke.failure = Some(SeedFailure::Broke { seed: 7, reason: "a panic".into() });
        let found = difference(7, &run(&["a"]), &broke).expect("they differ");
        assert_eq!((found.n, found.second.as_str()), (1, "seed 7: a panic"));
        assert_eq!(difference(7, &run(&["a"]), &run(&["a"])), None);
    }
}
