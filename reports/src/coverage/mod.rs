//! What an exploration covered, and whether it may stop: how many behaviours its seeds showed, the chance that the next one
//! shows a new one, and which faults struck while their victims were at what.
//!
//! - `watch`: what one run covered
//!
//! A behaviour is the set of things that happened in a run: operations and how they ended, messages, refusals, connections that
//! broke, jobs that were lost; and the checks that it broke. The chance is Good and Turing's estimate: the share of seeds whose
//! behaviour no other seed showed. The (state, event) pairs tell when it happened as well; with faults around, nearly every run has a set of them
//! of its own, so they are counted and not told apart by set. Neighbours: `seeds` adds up verdicts, `sim::explore` hands
//! runs in. Left out: the code of the system under test, of which nothing is known here.

mod watch;

pub use watch::Watch;

use crate::event::Name;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What somebody was at when a fault struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// Without a connection.
    Away,
    /// Connected, and nothing is open.
    Idle,
    /// An operation is open.
    Asking,
    /// A job is running.
    Working,
}

impl Doing {
    /// All of them, in the order in which tables show them.
    pub const ALL: [Doing; 4] = [Doing::Away, Doing::Idle, Doing::Asking, Doing::Working];

    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Doing::Away => "away",
            Doing::Idle => "idle",
            Doing::Asking => "asking",
            Doing::Working => "working",
        }
    }
}

/// What one run covered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// Its behaviour as a number: the same for runs in which the same things happened.
    pub behaviour: u64,
    /// Its (state, event) pairs as numbers, in their order, each once.
    pub pairs: Vec<u64>,
    /// What those were at who were hit, by the fault's name.
    pub hit: BTreeMap<Name, BTreeSet<Doing>>,
}

impl Covered {
    /// The same of a run that broke these: one that breaks something behaves otherwise than one that does not.
    pub fn and_broken<'n>(mut self, checks: impl Iterator<Item = &'n str>) -> Covered {
        for check in checks {
            self.behaviour = xxh3_64_with_seed(check.as_bytes(), self.behaviour);
        }
        self
    }
}

/// What many runs covered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// How many runs.
    pub seeds: u64,
    /// Behaviours that they showed.
    pub behaviours: u64,
    /// Behaviours that only one of them showed.
    pub shown_once: u64,
    /// Different (state, event) pairs.
    pub pairs: u64,
    /// The newest seed that showed a behaviour which no lower one did.
    pub newest: u64,
    /// Each fault, by name.
    pub faults: Vec<FaultCoverage>,
}

impl Coverage {
    /// The chance that the next seed shows a behaviour which none has shown, 0–1.
    pub fn next_is_new(&self) -> f64 {
        if self.seeds == 0 { 1.0 } else { self.shown_once as f64 / self.seeds as f64 }
    }
}

/// In how many runs a fault struck, and what those were at who were hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCoverage {
    /// Its name.
    pub name: String,
    /// Runs in which it struck.
    pub seeds: u64,
    /// Runs in which somebody was at this; a run with several victims counts for each.
    pub while_doing: BTreeMap<Doing, u64>,
}

impl FaultCoverage {
    fn none(name: &str) -> FaultCoverage {
        FaultCoverage { name: name.to_owned(), seeds: 0, while_doing: BTreeMap::new() }
    }
}

/// Adds up what runs covered.
#[derive(Default)]
pub struct CoverageTally {
    seeds: u64,
    newest: u64,
    behaviours: BTreeMap<u64, u64>,
    pairs: BTreeSet<u64>,
    faults: BTreeMap<String, FaultCoverage>,
}

impl CoverageTally {
    /// These faults may strike in a run, and stand in the table even if they never do.
    pub fn plan<'n>(&mut self, faults: impl Iterator<Item = &'n str>) {
        for name in faults {
            if !self.faults.contains_key(name) {
                self.faults.insert(name.to_owned(), FaultCoverage::none(name));
            }
        }
    }

    /// Adds a run; runs come in the order of their seeds. Whether its behaviour is a new one.
    pub fn add(&mut self, seed: u64, covered: &Covered) -> bool {
        self.seeds += 1;
        self.pairs.extend(&covered.pairs);
        for (name, doings) in &covered.hit {
            let fault = self.faults.entry(name.to_string()).or_insert_with(|| FaultCoverage::none(name));
            fault.seeds += 1;
            doings.iter().for_each(|doing| *fault.while_doing.entry(*doing).or_default() += 1);
        }
        let shown = self.behaviours.entry(covered.behaviour).or_default();
        *shown += 1;
        if *shown == 1 {
            self.newest = seed;
        }
        *shown == 1
    }

    /// What all of them covered.
    pub fn finish(self) -> Coverage {
        Coverage {
            seeds: self.seeds,
            behaviours: self.behaviours.len() as u64,
            shown_once: self.behaviours.values().filter(|shown| **shown == 1).count() as u64,
            pairs: self.pairs.len() as u64,
            newest: self.newest,
            faults: self.faults.into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Event, Kind};

    fn event(user: &str, kind: Kind, op: &str, body: Body) -> Event {
        Event {
            n: 0,
            t_ns: 0,
            process: 0,
            user: user.into(),
            conn: 1,
            kind,
            op: op.into(),
            op_id: None,
            planned_ns: None,
            said: Default::default(),
            content: Default::default(),
            body,
        }
    }

    fn job(kind: Kind) -> Event {
        let outcome = None;
        event("workers-3", kind, "job", Body::Job { job: "j".into(), client: "c".into(), outcome })
    }

    fn fault(what: &str, users: &[&str]) -> Event {
        let users = users.iter().map(|user| (*user).into()).collect();
        let body = Body::Fault { name: "cut".into(), what: what.into(), hosts: Vec::new(), users };
        event("run", Kind::Fault, "", body)
    }

    fn covered(events: &[Event]) -> Covered {
        let mut watch = Watch::default();
        events.iter().for_each(|event| watch.observe(event));
        watch.finish()
    }

    fn opened(user: &str) -> Event {
        event(user, Kind::Opened, "", Body::Empty)
    }

    #[test]
    fn who_it_was_makes_no_other_behaviour_and_what_happened_does() {
        let asks = |user: &str| event(user, Kind::Invoked, "discover", Body::Empty);
        let one = covered(&[opened("workers-0"), asks("workers-0")]);
        assert_eq!(one, covered(&[opened("workers-7"), asks("workers-7")]));
        let refused = Body::Error { code: "NOT_IN_ROOM".into(), message: "".into(), to: None };
        let failed =
            covered(&[opened("workers-0"), asks("workers-0"), event("workers-0", Kind::Failed, "discover", refused)]);
        assert_ne!(one.behaviour, failed.behaviour);
    }

    #[test]
    fn what_it_was_at_and_what_went_wrong_around_it_make_other_pairs() {
        let asks = || event("workers-0", Kind::Invoked, "discover", Body::Empty);
        let one = covered(&[opened("workers-0"), asks()]);
        let early = covered(&[asks(), opened("workers-0")]);
        let cut = covered(&[opened("workers-0"), fault("partition begins", &["workers-0"]), asks()]);
        assert!(one.pairs != early.pairs && one.pairs != cut.pairs && early.pairs != cut.pairs);
        assert_eq!((one.behaviour, one.behaviour), (early.behaviour, cut.behaviour));
    }

    #[test]
    fn a_fault_is_counted_by_what_its_victims_were_at_when_it_began() {
        let run = [
            opened("workers-3"),
            opened("clients-0"),
            job(Kind::Began),
            fault("partition begins", &["workers-3", "workers-4"]),
            job(Kind::Ended),
            fault("partition ends", &["workers-3", "workers-4"]),
            fault("partition begins", &[]),
        ];
        assert_eq!(covered(&run[..6]).hit["cut"], [Doing::Away, Doing::Working].into());
        assert_eq!(covered(&run).hit["cut"], [Doing::Away, Doing::Idle, Doing::Working].into());
    }

    #[test]
    fn a_run_that_breaks_something_behaves_otherwise_than_one_in_which_the_same_happens() {
        let behaviour = |broken: &[&str]| Covered::default().and_broken(broken.iter().copied()).behaviour;
        assert_eq!(behaviour(&[]), Covered::default().behaviour);
        assert_ne!(behaviour(&["a"]), behaviour(&[]));
        assert_ne!(behaviour(&["a"]), behaviour(&["a", "b"]));
    }

    #[test]
    fn the_chance_of_something_new_is_the_share_of_seeds_that_stand_alone() {
        let run =
            |pairs: &[u64]| Covered { behaviour: pairs.iter().sum(), pairs: pairs.to_vec(), hit: BTreeMap::new() };
        let mut tally = CoverageTally::default();
        tally.plan(["cut"].into_iter());
        let runs = [(1, vec![1]), (2, vec![1]), (3, vec![2]), (4, vec![1, 2])];
        let is_new: Vec<bool> = runs.iter().map(|(seed, pairs)| tally.add(*seed, &run(pairs))).collect();
        assert_eq!(is_new, [true, false, true, true]);
        let coverage = tally.finish();
        assert_eq!((coverage.behaviours, coverage.shown_once, coverage.pairs, coverage.newest), (3, 2, 2, 4));
        assert_eq!(coverage.next_is_new(), 0.5);
        assert_eq!(coverage.faults[0].seeds, 0, "a fault that never struck is in the table");
        assert_eq!(Coverage::default().next_is_new(), 1.0);
    }
}
