//! A search for a capacity as text or JSON: the answer, the interval, on what it failed, and every step. Neighbours:
//! `capacity::outcome` (all that is shown), `html::capacity` (the same as a page).
//!
//! - [`text`]: what a terminal shows
//! - [`json`]: one line for scripts

pub mod json;
pub mod text;

use super::units::{counted, span, trimmed};
use super::words::Standing;
use crate::capacity::outcome::{CapacityOutcome, PlayedStep};
use crate::capacity::search::Answer;
use crate::capacity::step::StepVerdict;
use crate::outcome::{ThresholdVerdict, Validity};
use rehearsal_scenarios::plan::Measure;

/// A load for people.
pub fn load(load: f64) -> String {
    trimmed(load, 3)
}

/// What was found, as a sentence.
pub fn sentence(outcome: &CapacityOutcome) -> String {
    let parameter = &outcome.parameter;
    let found = match &outcome.answer {
        Answer::Between { passed, failed, binding, given_up } => {
            let early = given_up.as_ref().map(|why| format!("; the search ended there: {why}")).unwrap_or_default();
            let (passed, failed) = (load(*passed), load(*failed));
            format!("the capacity is {parameter} = {passed}: {failed} does not pass any more, on `{binding}`{early}")
        }
        Answer::AtLeast { passed, why } => format!("the capacity is at least {parameter} = {}: {why}", load(*passed)),
        Answer::Below { failed, binding } => {
            format!("even {parameter} = {} does not pass, on `{binding}`", load(*failed))
        }
        Answer::Unknown { why } => format!("the capacity cannot be told: {why}"),
    };
    let doubt = match outcome.validity {
        Validity::Valid => "",
        Validity::Suspect | Validity::Invalid => " (suspect: the generator or its machine was busy)",
    };
    let end = if outcome.interrupted { "; the search was interrupted" } else { "" };
    format!("{found}{doubt}{end}")
}

/// Good if there is an answer that can be trusted.
pub fn standing(outcome: &CapacityOutcome) -> Standing {
    match (&outcome.answer, outcome.validity) {
        (Answer::Below { .. }, _) => Standing::Bad,
        (Answer::Unknown { .. }, _) => Standing::Doubtful,
        _ if outcome.interrupted => Standing::Doubtful,
        (_, Validity::Valid) => Standing::Good,
        (_, Validity::Suspect | Validity::Invalid) => Standing::Doubtful,
    }
}

/// The word for a step.
pub fn step_word(verdict: &StepVerdict) -> &'static str {
    match verdict {
        StepVerdict::Passed => "passed",
        StepVerdict::Failed { .. } => "failed",
        StepVerdict::Undecided { .. } => "undecided",
        StepVerdict::Unusable { .. } => "unusable",
    }
}

/// Why a step did not pass; what it measured if it did.
pub fn step_detail(step: &PlayedStep) -> String {
    match &step.verdict {
        StepVerdict::Passed => {
            let measured: Vec<String> = step.thresholds.iter().map(threshold).collect();
            measured.join(", ")
        }
        StepVerdict::Failed { binding, why } | StepVerdict::Undecided { binding, why } => format!("{binding}: {why}"),
        StepVerdict::Unusable { why } => why.clone(),
    }
}

/// How long it measured, and how many ended.
pub fn step_size(step: &PlayedStep) -> String {
    let samples = step.seen.iter().map(|seen| seen.samples).max().unwrap_or(0);
    format!("{} s, {}", step.seconds, counted(samples, "samples"))
}

fn threshold(threshold: &ThresholdVerdict) -> String {
    let measured = match (threshold.measured, threshold.measure) {
        (None, _) => "—".to_owned(),
        (Some(ns), Measure::Percentile(_)) => span(ns as u64),
        (Some(share), Measure::Errors | Measure::Late) => super::units::share(share),
        (Some(rate), Measure::Rate) => super::units::rate(rate),
    };
    format!("{} ({measured})", threshold.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::outcome::FORMAT;
    use crate::capacity::step::Seen;
    use crate::outcome::Met;
    use crate::render::{Report, html};

    fn step(load: f64, verdict: StepVerdict, beyond: u64) -> PlayedStep {
        let threshold = ThresholdVerdict {
            name: "discover p99 < 100ms".into(),
            limit: 1e8,
            measured: Some(12_300_000.0),
            measure: Measure::Percentile(0.99),
            verdict: Met::Met,
            samples: 1_000,
            remark: None,
        };
        let (name, between) = ("discover p99 < 100ms".to_owned(), Some((0.0, 0.004)));
        PlayedStep {
            load,
            verdict,
            is_check_broken: false,
            seconds: 5,
            seen: vec![Seen { name, samples: 1_000, beyond: Some(beyond), allowed: Some(0.01), between }],
            thresholds: vec![threshold],
            generator: Validity::Valid,
            reasons: Vec::new(),
            record: "runs/x/<1>".into(),
        }
    }

    fn outcome() -> CapacityOutcome {
        let binding = "discover p99 < 100ms".to_owned();
        let why = "40 of 1000 are beyond the limit".to_owned();
        CapacityOutcome {
            format: FORMAT,
            scenario: "x".into(),
            about: String::new(),
            targets: vec!["ws://127.0.0.1:8080".into()],
            parameter: "rate".into(),
            between: (20.0, 400.0),
            answer: Answer::Between { passed: 200.0, failed: 204.5, binding: binding.clone(), given_up: None },
            validity: Validity::Valid,
            reasons: Vec::new(),
            steps: vec![step(200.0, StepVerdict::Passed, 0), step(204.5, StepVerdict::Failed { binding, why }, 40)],
            interrupted: false,
        }
    }

    #[test]
    fn the_answer_is_a_value_with_an_interval_and_what_binds() {
        let told = "the capacity is rate = 200: 204.5 does not pass any more, on `discover p99 < 100ms`";
        assert_eq!(sentence(&outcome()), told);
        let suspect = CapacityOutcome { validity: Validity::Suspect, ..outcome() };
        assert!(sentence(&suspect).ends_with("(suspect: the generator or its machine was busy)"));
        assert_eq!((standing(&outcome()), standing(&suspect)), (Standing::Good, Standing::Doubtful));
        let line: serde_json::Value = serde_json::from_str(&json::line(&outcome())).unwrap();
        assert_eq!((&line["capacity"], &line["interval"][1]), (&200.0.into(), &204.5.into()));
        assert_eq!((&line["verdict"], &line["steps"][1]["verdict"]), (&"found".into(), &"failed".into()));
    }

    #[test]
    fn steps_are_rows_on_a_terminal_and_on_the_page() {
        let (outcome, row) = (outcome(), text::step(1, &outcome().steps[1]));
        assert_eq!(
            row,
            "   2       204.5  failed     5 s, 1,000 samples      discover p99 < 100ms: 40 of 1000 are beyond the limit\n"
        );
        let report = Report {
            title: "Capacity".into(),
            command: String::new(),
            version: String::new(),
            machine: String::new(),
            outcomes: Vec::new(),
            closing: None,
            html: None,
        };
        let page = html::capacity_page(&report, &outcome);
        assert!(page.contains("40 of 1,000: 0 % to 0.4 %, allowed 1 %") && page.contains("&lt;1&gt;"), "{page}");
    }
}
