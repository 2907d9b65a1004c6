//! The objects of `--format json`: one line for each outcome, keys in a fixed order, `"format": 1`.
//!
//! Response times are milliseconds from the planned time; limits and measurements are milliseconds, a share 0–1 or
//! operations a second, by what the threshold measures. `expected` says whether the verdict is the expected one. Left
//! out: stories and curves, which are in the record.

use super::words::{met_word, overall_word, validity_word, world_word};
use crate::coverage::{Coverage, FaultCoverage};
use crate::outcome::{Model, OperationNumbers, Outcome, Period, ThresholdVerdict, TimeSpent};
use rehearsal_scenarios::plan::{Measure, World};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of these objects; grows when a key changes its meaning or goes away.
pub const FORMAT: u32 = 1;

/// One outcome as one line of JSON, without a line break at its end.
pub fn line(outcome: &Outcome) -> String {
    let json = match outcome.world {
        World::Simulated => serde_json::to_string(&Simulated::of(outcome)),
        World::Live => serde_json::to_string(&Live::of(outcome)),
    };
    json.expect("only strings and numbers, with string keys")
}

#[derive(Serialize)]
struct Simulated<'a> {
    format: u32,
    scenario: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: &'a BTreeMap<String, Value>,
    world: &'static str,
    engine: Option<&'a str>,
    seeds: u64,
    verdict: &'static str,
    expected: bool,
    checks: Vec<Check<'a>>,
    first_broken_seed: Option<u64>,
    broken_seeds: u64,
    hash: String,
    record: Option<&'a str>,
    unmet: &'a [String],
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Covered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<TimeSpent>,
}

impl Simulated<'_> {
    fn of(outcome: &Outcome) -> Simulated<'_> {
        Simulated {
            format: FORMAT,
            scenario: &outcome.scenario,
            parameters: &outcome.parameters,
            world: world_word(outcome.world),
            engine: outcome.engine.as_deref(),
            seeds: outcome.seeds.count,
            verdict: overall_word(outcome.verdict),
            expected: outcome.expected,
            checks: checks(outcome),
            first_broken_seed: outcome.seeds.first_broken,
            broken_seeds: outcome.seeds.broken,
            hash: format!("{:016x}", outcome.seeds.hash),
            record: outcome.record.as_deref(),
            unmet: &outcome.unmet,
            warnings: &outcome.warnings,
            coverage: outcome.coverage.as_ref().map(Covered::of),
            time: outcome.time,
        }
    }
}

#[derive(Serialize)]
struct Covered<'a> {
    behaviours: u64,
    shown_once: u64,
    newest_seed: u64,
    next_is_new: f64,
    pairs: u64,
    faults: &'a [FaultCoverage],
}

impl Covered<'_> {
    fn of(coverage: &Coverage) -> Covered<'_> {
        let Coverage { behaviours, shown_once, newest, pairs, faults, .. } = coverage;
        Covered {
            behaviours: *behaviours,
            shown_once: *shown_once,
            newest_seed: *newest,
            next_is_new: coverage.next_is_new(),
            pairs: *pairs,
            faults,
        }
    }
}

#[derive(Serialize)]
struct Live<'a> {
    format: u32,
    scenario: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: &'a BTreeMap<String, Value>,
    world: &'static str,
    targets: &'a [String],
    verdict: &'static str,
    expected: bool,
    checks: Vec<Check<'a>>,
    thresholds: Vec<Threshold<'a>>,
    operations: Vec<Operation<'a>>,
    generator: Option<&'static str>,
    record: Option<&'a str>,
}

impl Live<'_> {
    fn of(outcome: &Outcome) -> Live<'_> {
        Live {
            format: FORMAT,
            scenario: &outcome.scenario,
            parameters: &outcome.parameters,
            world: world_word(outcome.world),
            targets: &outcome.targets,
            verdict: overall_word(outcome.verdict),
            expected: outcome.expected,
            checks: checks(outcome),
            thresholds: outcome.thresholds.iter().map(Threshold::of).collect(),
            operations: outcome.operations.iter().map(Operation::of).collect(),
            generator: outcome.generator.as_ref().map(|it| validity_word(it.validity)),
            record: outcome.record.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct Check<'a> {
    name: &'a str,
    verdict: &'static str,
    judged: u64,
}

fn checks(outcome: &Outcome) -> Vec<Check<'_>> {
    let checks = outcome.checks.iter().map(|it| &it.check);
    checks.map(|it| Check { name: &it.name, verdict: it.verdict.word(), judged: it.judged }).collect()
}

#[derive(Serialize)]
struct Threshold<'a> {
    name: &'a str,
    limit: f64,
    measured: Option<f64>,
    verdict: &'static str,
}

impl Threshold<'_> {
    fn of(threshold: &ThresholdVerdict) -> Threshold<'_> {
        let in_unit = |value: f64| match threshold.measure {
            Measure::Percentile(_) => value / 1e6,
            Measure::Errors | Measure::Late | Measure::Rate => value,
        };
        Threshold {
            name: &threshold.name,
            limit: in_unit(threshold.limit),
            measured: threshold.measured.map(in_unit),
            verdict: met_word(threshold.verdict),
        }
    }
}

#[derive(Serialize)]
struct Operation<'a> {
    name: &'a str,
    model: Model,
    period: Period,
    count: u64,
    errors: u64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    p999_ms: Option<f64>,
}

impl Operation<'_> {
    fn of(operation: &OperationNumbers) -> Operation<'_> {
        let ms = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e6);
        Operation {
            name: &operation.name,
            model: operation.model,
            period: operation.period,
            count: operation.count,
            errors: operation.errors,
            p50_ms: ms(operation.response.p50_ns),
            p99_ms: ms(operation.response.p99_ns),
            p999_ms: ms(operation.response.p999_ns),
        }
    }
}
