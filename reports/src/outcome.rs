//! The outcome of playing one scenario in one world: everything that a reader may be shown, in one plain value.
//! `judge` and `numbers` fill it, `render` shows it as text, HTML, JSON, Markdown or JUnit. Data only.

use crate::coverage::Coverage;
use crate::event::Name;
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
    /// Playing them again, in processes of their own.
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

/// A service-level objective and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThresholdVerdict {
    /// `discover p99 < 100ms`.
    pub name: String,
    /// The limit: nanoseconds, a share 0–1 or operations a second.
    pub limit: f64,
    /// What was measured, in the same unit; absent with too few samples.
    pub measured: Option<f64>,
    /// What is measured, for the unit.
    pub measure: rehearsal_scenarios::plan::Measure,
    /// `met`, `missed` or `unknown`.
    pub verdict: Met,
    /// How many samples it rests on.
    pub samples: u64,
    /// Why it is unknown, or how it was marked.
    pub remark: Option<String>,
}

/// Whether an objective was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// It was.
    Met,
    /// It was not.
    Missed,
    /// Too few samples, or an invalid generator.
    Unknown,
}

/// Numbers of one operation. Latencies are in nanoseconds; a percentile without enough samples is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationNumbers {
    /// Its name.
    pub name: String,
    /// Whether its times were planned or each one followed another.
    pub model: Model,
    /// Which phase the row is about: the measure phase, or all others if nothing was planned in it (sign-ins).
    #[serde(default)]
    pub period: Period,
    /// How many ended that were planned in this period.
    pub count: u64,
    /// How many of them failed or stayed unknown.
    pub errors: u64,
    /// Errors by class, over all phases: more than `errors`, if some lie outside of the row's period.
    #[serde(default)]
    pub error_classes: BTreeMap<String, u64>,
    /// From the planned time to the answer.
    pub response: Latency,
    /// From sending to the answer.
    pub service: Latency,
    /// Points of the percentile curve of the response time: (percentile 0–100, nanoseconds).
    pub curve: Vec<(f64, u64)>,
}

/// When the operations of a table's row were planned (or, following another, invoked).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Within the measure phase: what thresholds judge.
    #[default]
    Measure,
    /// All of them before the measure phase.
    Before,
    /// All of them after it.
    After,
    /// Some before and some after it, none within.
    Outside,
    /// At any time, since the plan measures nothing apart.
    Whole,
}

/// Whether an operation's times were planned (open) or each one followed another (closed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// It had a planned time.
    Planned,
    /// It started when the one before had ended.
    Closed,
}

/// A latency distribution in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Smallest.
    pub min_ns: Option<u64>,
    /// Mean.
    pub mean_ns: Option<u64>,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90 %.
    pub p90_ns: Option<u64>,
    /// 99 %; needs 100 samples.
    pub p99_ns: Option<u64>,
    /// 99.9 %; needs 1,000 samples.
    pub p999_ns: Option<u64>,
    /// Largest.
    pub max_ns: Option<u64>,
}

/// One second of a live run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Which one, from time 0 of the plan; negative while preparing.
    pub second: i64,
    /// Connected users at its end.
    pub users: u64,
    /// By operation: what ended in it.
    pub operations: BTreeMap<String, SecondOfOperation>,
    /// Lag of the generator: the largest distance between planned and sent, in nanoseconds.
    pub lag_max_ns: u64,
}

/// A metric of the target, or of something that is observed, over a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedSeries {
    /// Whose: `target`, or a name under `[observe]`.
    pub of: String,
    /// The metric.
    pub metric: String,
    /// When, in nanoseconds of plan time, and its value.
    pub points: Vec<(i64, f64)>,
}

/// What ended in one second, of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondOfOperation {
    /// How many.
    pub count: u64,
    /// How many failed.
    pub errors: u64,
    /// Median response time, in nanoseconds; needs 2 samples.
    pub p50_ns: Option<u64>,
    /// 99th percentile of the response time, in nanoseconds; needs 100 samples.
    pub p99_ns: Option<u64>,
    /// Largest response time, in nanoseconds; absent if nothing succeeded.
    #[serde(default)]
    pub max_ns: Option<u64>,
}

/// How the generator itself did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Generator {
    /// Whether its numbers can be trusted.
    pub validity: Validity,
    /// Why not, as sentences.
    pub reasons: Vec<String>,
    /// Share of one core that it used, at most, in one second: 1.0 is one core.
    pub cpu_cores_max: f64,
    /// Largest memory, in bytes.
    pub rss_bytes_max: u64,
    /// 99th percentile of the distance between planned and sent, in nanoseconds.
    pub lag_p99_ns: u64,
    /// Largest distance between planned and sent, in nanoseconds.
    pub lag_max_ns: u64,
    /// Load of the whole machine when the run began (one minute average).
    pub machine_load: f64,
}

/// Whether the generator's numbers can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// They can.
    Valid,
    /// With care: the reasons say why. Keeps the exit code.
    Suspect,
    /// They cannot.
    Invalid,
}

/// A broken check as a short story: lanes, rows in order of time, and what went wrong meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// The broken check.
    pub check: String,
    /// Its evidence, as a sentence.
    pub sentence: String,
    /// Who takes part, in the order of lanes.
    pub lanes: Vec<Name>,
    /// What happened, by time.
    pub rows: Vec<StoryRow>,
    /// Faults as spans over the story's time.
    pub faults: Vec<StoryFault>,
    /// Work as spans in its lane: two that overlap in one lane are two jobs at once.
    #[serde(default)]
    pub spans: Vec<StorySpan>,
    /// Whether times are virtual.
    pub is_virtual: bool,
}

/// One row of a story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryRow {
    /// Number of its event; of a message, of its sending if that was seen.
    #[serde(default)]
    pub n: u64,
    /// When, in nanoseconds of plan time.
    pub t_ns: i64,
    /// The lane where it happens or where a message starts.
    pub from: Name,
    /// The lane where a message ends; absent for what happens in one lane.
    pub to: Option<Name>,
    /// When the message arrived, if it did.
    pub arrived_ns: Option<i64>,
    /// In few words: `job_request`, `discover: sees workers-0 available`.
    pub text: String,
    /// Why this row matters; empty for most.
    pub mark: String,
}

/// A fault as a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryFault {
    /// Its name.
    pub name: String,
    /// From when, in nanoseconds of plan time.
    pub from_ns: i64,
    /// Until when; to the end of the story if absent.
    pub until_ns: Option<i64>,
    /// The lanes concerned; all if empty.
    pub lanes: Vec<Name>,
}

/// A job, or other work with a beginning and an end, as a span in a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorySpan {
    /// The lane where it ran.
    pub lane: Name,
    /// What it was: the job's id.
    pub text: String,
    /// From when, in nanoseconds of plan time.
    pub from_ns: i64,
    /// Until when; it was still running where the story ends if absent.
    pub until_ns: Option<i64>,
}
