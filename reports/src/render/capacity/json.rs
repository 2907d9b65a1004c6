//! A search as one line of JSON: `format, scenario, world, targets, parameter, verdict` (`found`, `at_least`, `below`,
//! `unknown`), `capacity` (null if there is none), `interval` (the highest load that passed, the lowest that did not, null at an
//! open end), `binding, generator, interrupted, steps`.

use super::step_word;
use crate::capacity::outcome::CapacityOutcome;
use crate::capacity::search::Answer;
use crate::render::words::validity_word;
use serde::Serialize;

/// The line, without a line break at its end.
pub fn line(outcome: &CapacityOutcome) -> String {
    serde_json::to_string(&Line::of(outcome)).expect("only strings and numbers, with string keys")
}

#[derive(Serialize)]
struct Line<'a> {
    format: u32,
    scenario: &'a str,
    world: &'static str,
    targets: &'a [String],
    parameter: &'a str,
    verdict: &'static str,
    capacity: Option<f64>,
    interval: (Option<f64>, Option<f64>),
    binding: Option<&'a str>,
    generator: &'static str,
    interrupted: bool,
    steps: Vec<Step<'a>>,
}

#[derive(Serialize)]
struct Step<'a> {
    load: f64,
    verdict: &'static str,
    seconds: u64,
    samples: u64,
    generator: &'static str,
    record: &'a str,
}

impl Line<'_> {
    fn of(outcome: &CapacityOutcome) -> Line<'_> {
        let (verdict, interval, binding) = match &outcome.answer {
            Answer::Between { passed, failed, binding, .. } => {
                ("found", (Some(*passed), Some(*failed)), Some(binding.as_str()))
            }
            Answer::AtLeast { passed, .. } => ("at_least", (Some(*passed), None), None),
            Answer::Below { failed, binding } => ("below", (None, Some(*failed)), Some(binding.as_str())),
            Answer::Unknown { .. } => ("unknown", (None, None), None),
        };
        let steps = outcome.steps.iter().map(|step| Step {
            load: step.load,
            verdict: step_word(&step.verdict),
            seconds: step.seconds,
            samples: step.seen.iter().map(|seen| seen.samples).max().unwrap_or(0),
            generator: validity_word(step.generator),
            record: &step.record,
        });
        Line {
            format: outcome.format,
            scenario: &outcome.scenario,
            world: "live",
            targets: &outcome.targets,
            parameter: &outcome.parameter,
            verdict,
            capacity: interval.0,
            interval,
            binding,
            generator: validity_word(outcome.validity),
            interrupted: outcome.interrupted,
            steps: steps.collect(),
        }
    }
}
