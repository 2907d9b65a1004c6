//! The outcome of playing one scenario in one world: everything that a reader may be shown, in one plain value.
//! `judge` and `numbers` fill it, `render` shows it as text, HTML, JSON, Markdown or JUnit. Data only.
//!
//! - `numbers`: what it says in numbers
//! - `story`: a broken check as a short story

mod numbers;
mod story;

pub use numbers::{
    Generator, Latency, Met, Model, ObservedSeries, OperationNumbers, Period, Second, SecondOfOperation,
    ThresholdVerdict, Validity,
};
pub use story::{Story, StoryFault, StoryRow, StorySpan};

use crate::coverage::Coverage;
use crate::verdict::{CheckVerdict, Verdict};
use rehearsal_scenarios::plan::{Drawn, Expectation, Expected, Plan, World};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One scenario, played in one world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// What it says it is about.
    pub about: String,
    /// Parameters and the values that it was played with.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Where it was played.
    pub world: World,
    /// `turmoil` or `event` in the simulated world.
    pub engine: Option<String>,
    /// What was loaded, in the live world, without secrets.
    pub targets: Vec<String>,
    /// The seeds, in the simulated world; a live run has one of count 1.
    pub seeds: Seeds,
    /// The overall verdict.
    pub verdict: Overall,
    /// What the scenario expected.
    pub expectation: Expectation,
    /// Whether the verdict is the expected one.
    pub expected: bool,
    /// Each check, over all seeds.
    pub checks: Vec<CheckSummary>,
    /// Names of the checks of the scenario's own that want to be seen in some seed, and were in none.
    #[serde(default)]
    pub unmet: Vec<String>,
    /// Whether that is a failure, as whoever explores decides.
    #[serde(default)]
    pub unmet_fails: bool,
    /// What the seeds covered; of several seeds only.
    #[serde(default)]
    pub coverage: Option<Coverage>,
    /// What the seed that is told of drew for itself.
    #[serde(default)]
    pub drawn: Vec<Drawn>,
    /// Where the time went that was given, if some was.
    #[serde(default)]
    pub time: Option<TimeSpent>,
    /// Service-level objectives; live only.
    pub thresholds: Vec<ThresholdVerdict>,
    /// Numbers by operation. Simulated times are virtual.
    pub operations: Vec<OperationNumbers>,
    /// Each second of the run; live only.
    pub seconds: Vec<Second>,
    /// Errors by class, over all operations.
    pub errors: BTreeMap<String, u64>,
    /// How the generator did; live only.
    pub generator: Option<Generator>,
    /// The story of the lowest broken seed, or of the live run's first violation.
    pub story: Option<Story>,
    /// Where the record is, if one was kept.
    pub record: Option<String>,
    /// The page to step through the record, if one was written.
    #[serde(default)]
    pub page: Option<String>,
    /// The command that repeats the broken seed.
    pub repeat: Option<String>,
    /// What was found where it does not count, since it depends on how fast the machine is.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Remarks for the reader: what was not played, what was left behind, `suspect` reasons.
    pub notes: Vec<String>,
    /// Whether somebody ended the run before its planned end.
    #[serde(default)]
    pub interrupted: bool,
    /// The rule of the scenario that ended it before its planned end.
    #[serde(default)]
    pub aborted: Option<String>,
    /// Metrics of the target and of what is observed, over the run; live only.
    #[serde(default)]
    pub observed: Vec<ObservedSeries>,
    /// Length of the run, in nanoseconds of plan time (of one seed).
    pub duration_ns: i64,
    /// Lengths of the plan's phases, to tell in charts what was measured; all zero if unknown.
    #[serde(default)]
    pub phases: rehearsal_scenarios::plan::Phases,
}

impl Outcome {
    /// Whether a run came to its end with the verdicts that were expected and every threshold met. Whether its generator kept
    /// up is another question, which only its numbers depend on.
    pub fn passes(&self) -> bool {
        let all_met = self.thresholds.iter().all(|threshold| threshold.verdict == Met::Met);
        self.expected && all_met && self.aborted.is_none() && !self.interrupted
    }

    /// The outcome of a plan of which nothing has been played yet: whoever played it fills in what came out.
    pub fn not_played(plan: &Plan) -> Outcome {
        Outcome {
            scenario: plan.scenario.clone(),
            about: plan.about.clone(),
            parameters: plan.parameters.clone(),
            world: plan.world,
            engine: None,
            targets: Vec::new(),
            seeds: Seeds { first: plan.seed, count: 0, broken: 0, first_broken: None, hash: 0 },
            verdict: Overall::Unknown,
            expectation: plan.expect.clone(),
            expected: false,
            checks: Vec::new(),
            unmet: Vec::new(),
            unmet_fails: false,
            coverage: None,
            drawn: Vec::new(),
            time: None,
            thresholds: Vec::new(),
            operations: Vec::new(),
            seconds: Vec::new(),
            errors: BTreeMap::new(),
            generator: None,
            story: None,
            record: None,
            page: None,
            repeat: None,
            warnings: Vec::new(),
            notes: Vec::new(),
            interrupted: false,
            aborted: None,
            observed: Vec::new(),
            duration_ns: 0,
            phases: plan.phases,
        }
    }
}

/// How the time that was given to an exploration was divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSpent {
    /// What was given, in milliseconds.
    pub given_ms: u64,
    /// Finding failures.
    pub exploring_ms: u64,
    /// Playing them again, for their records and in processes of their own.
    pub confirming_ms: u64,
    /// Making them smaller.
    pub shrinking_ms: u64,
}

/// The overall verdict over all checks of a scenario in one world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// Every judged check holds.
    Holds,
    /// At least one check is broken.
    Broken,
    /// None is broken and at least one cannot be said.
    Unknown,
}

/// Which seeds were played, and what came of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeds {
    /// The first one.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// How many of them break a check.
    pub broken: u64,
    /// The lowest of those.
    pub first_broken: Option<u64>,
    /// Hash of all runs, folded in the order of the seeds.
    pub hash: u64,
}

impl Seeds {
    /// A run of one seed.
    pub fn of_one(seed: u64, is_broken: bool, hash: u64) -> Seeds {
        Seeds { first: seed, count: 1, broken: u64::from(is_broken), first_broken: is_broken.then_some(seed), hash }
    }
}

/// One check over all seeds of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckSummary {
    /// The verdict: of the lowest broken seed if there is one, else of all seeds together (`judged` is the sum).
    pub check: CheckVerdict,
    /// Seeds in which it is broken.
    pub broken_seeds: u64,
    /// The lowest of them.
    pub lowest_broken_seed: Option<u64>,
    /// Whether the scenario expects this check to be broken.
    pub expected_broken: bool,
}

impl CheckSummary {
    /// The summary of a run of one seed.
    pub fn of_one_seed(check: CheckVerdict, seed: u64, expectation: &Expectation) -> CheckSummary {
        let is_broken = matches!(check.verdict, Verdict::Broken { .. });
        CheckSummary {
            broken_seeds: u64::from(is_broken),
            lowest_broken_seed: is_broken.then_some(seed),
            expected_broken: expectation.of_check(&check.name) == Expected::Broken,
            check,
        }
    }
}
