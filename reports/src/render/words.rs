//! How verdicts are put into words, once for all formats: a check's word and detail, an outcome's sentence, where it
//! was played. Neighbours: `units` (figures). Left out: layout, colours, escaping.

use super::Report;
use super::units::{NO_FIGURE, counted, rate, share, span, thousands};
use crate::outcome::{CheckSummary, Met, Outcome, Overall, ThresholdVerdict, Validity};
use crate::verdict::{Evidence, Verdict};
use rehearsal_scenarios::plan::{Expectation, Measure, World};

/// The word of a verdict, for people: `holds`, `broken`, `unknown`, `not judged`.
pub fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::NotJudged { .. } => "not judged",
        other => other.word(),
    }
}

/// The word of a scenario's verdict.
pub fn overall_word(overall: Overall) -> &'static str {
    match overall {
        Overall::Holds => "holds",
        Overall::Broken => "broken",
        Overall::Unknown => "unknown",
    }
}

/// The word of a world.
pub fn world_word(world: World) -> &'static str {
    match world {
        World::Simulated => "simulated",
        World::Live => "live",
    }
}

/// The word of a threshold's verdict.
pub fn met_word(met: Met) -> &'static str {
    match met {
        Met::Met => "met",
        Met::Missed => "missed",
        Met::Unknown => "unknown",
    }
}

/// Whether the generator's numbers can be trusted.
pub fn validity_word(validity: Validity) -> &'static str {
    match validity {
        Validity::Valid => "valid",
        Validity::Suspect => "suspect",
        Validity::Invalid => "invalid",
    }
}

/// Where it was played: `100 seeds from 1, event engine` or `live against ws://127.0.0.1:8080`.
pub fn played_where(outcome: &Outcome) -> String {
    match outcome.world {
        World::Simulated => {
            let engine = outcome.engine.as_deref().unwrap_or("simulated");
            let seeds = counted(outcome.seeds.count, "seeds");
            match outcome.seeds.count {
                1 => format!("seed {}, {engine} engine", outcome.seeds.first),
                _ => format!("{seeds} from {}, {engine} engine", outcome.seeds.first),
            }
        }
        World::Live => match outcome.targets.is_empty() {
            true => "live".to_owned(),
            false => format!("live against {}", outcome.targets.join(", ")),
        },
    }
}

/// The checks as a reader wants them: broken first, then unknown, holding, not judged; each kind in its own order.
pub fn checks_by_weight(outcome: &Outcome) -> Vec<&CheckSummary> {
    let mut checks: Vec<_> = outcome.checks.iter().collect();
    checks.sort_by_key(|summary| match summary.check.verdict {
        Verdict::Broken { .. } => 0,
        Verdict::Unknown { .. } => 1,
        Verdict::Holds => 2,
        Verdict::NotJudged { .. } => 3,
    });
    checks
}

/// How much a check rests on, or why it says nothing: `37 of 100 seeds, lowest seed 4 (expected: broken)`.
pub fn check_detail(outcome: &Outcome, summary: &CheckSummary) -> String {
    let check = &summary.check;
    match &check.verdict {
        Verdict::Broken { .. } => {
            format!("{} (expected: {})", how_often_broken(outcome, summary), expected_of(outcome, summary))
        }
        Verdict::Holds if summary.expected_broken && !outcome.expected => {
            format!("{} judged (expected: broken)", counted(check.judged, &check.judged_what))
        }
        Verdict::Holds => format!("{} judged", counted(check.judged, &check.judged_what)),
        Verdict::Unknown { reason } | Verdict::NotJudged { reason } => reason.clone(),
    }
}

/// `37 of 100 seeds, lowest seed 4`, or `3 violations` of a single run.
pub fn how_often_broken(outcome: &Outcome, summary: &CheckSummary) -> String {
    match (outcome.world, summary.lowest_broken_seed) {
        (World::Simulated, Some(lowest)) if outcome.seeds.count > 1 => {
            let (broken, all) = (thousands(summary.broken_seeds), counted(outcome.seeds.count, "seeds"));
            format!("{broken} of {all}, lowest seed {lowest}")
        }
        _ => counted(summary.check.violations, "violations"),
    }
}

fn expected_of(outcome: &Outcome, summary: &CheckSummary) -> &'static str {
    match outcome.expectation {
        Expectation::Either => "either",
        _ if summary.expected_broken => "broken",
        _ => "holds",
    }
}

/// The violations of a broken check.
pub fn evidence(summary: &CheckSummary) -> &[Evidence] {
    match &summary.check.verdict {
        Verdict::Broken { evidence } => evidence,
        _ => &[],
    }
}

/// Whether the verdict is the expected one, no threshold is missed and the numbers can be trusted.
pub fn is_as_expected(outcome: &Outcome) -> bool {
    let generator_is_invalid = outcome.generator.as_ref().is_some_and(|it| it.validity == Validity::Invalid);
    outcome.expected && outcome.thresholds.iter().all(|it| it.verdict == Met::Met) && !generator_is_invalid
}

/// The verdict as a sentence without its full stop: what came out, and whether it was expected.
pub fn sentence(outcome: &Outcome) -> String {
    let verdict = match (outcome.verdict, outcome.expected) {
        (Overall::Holds, true) => format!("Holds{}: {}", as_expected(outcome), what_holds(outcome)),
        (Overall::Holds, false) => format!("Holds{}: {}", though_it_holds(outcome), what_holds(outcome)),
        (Overall::Broken, true) => format!("Broken{}: {}", as_expected(outcome), what_is_broken(outcome)),
        (Overall::Broken, false) => format!("Broken{}: {}", against_expectation(outcome), what_is_broken(outcome)),
        (Overall::Unknown, _) => format!("Cannot be said: {}", what_is_unknown(outcome)),
    };
    match remarks_on_numbers(outcome) {
        Some(remark) => format!("{verdict}; {remark}"),
        None => verdict,
    }
}

fn as_expected(outcome: &Outcome) -> &'static str {
    match outcome.expectation {
        Expectation::Either => ", and either is fine here",
        _ => ", as expected",
    }
}

/// Holding is unexpected where a break was wanted, or where some of the run is missing; remarks then say what.
fn though_it_holds(outcome: &Outcome) -> &'static str {
    match outcome.expectation {
        Expectation::Broken(_) => ", but was expected to break",
        _ => " as far as it was played, which is not to the end",
    }
}

fn against_expectation(outcome: &Outcome) -> &'static str {
    match outcome.expectation {
        Expectation::Broken(_) => ", but not as it was expected to break",
        Expectation::Holds => ", but was expected to hold",
        Expectation::Either => ", and not played to the end",
    }
}

fn what_holds(outcome: &Outcome) -> String {
    let holding = outcome.checks.iter().filter(|it| it.check.verdict == Verdict::Holds).count() as u64;
    let over = match outcome.world {
        World::Simulated => format!(" over {}", counted(outcome.seeds.count, "seeds")),
        World::Live => String::new(),
    };
    match holding {
        0 => format!("no check was broken{over}"),
        1 => format!("the one judged check holds{over}"),
        _ => format!("all {holding} judged checks hold{over}"),
    }
}

fn what_is_broken(outcome: &Outcome) -> String {
    let broken: Vec<String> = checks_by_weight(outcome)
        .into_iter()
        .filter(|it| matches!(it.check.verdict, Verdict::Broken { .. }))
        .map(|it| format!("“{}” ({})", it.check.property, how_often_broken(outcome, it)))
        .collect();
    if broken.is_empty() { "a check is broken".to_owned() } else { broken.join(", ") }
}

fn what_is_unknown(outcome: &Outcome) -> String {
    let unknown = outcome.checks.iter().find_map(|it| match &it.check.verdict {
        Verdict::Unknown { reason } => Some(format!("“{}”, since {reason}", it.check.property)),
        _ => None,
    });
    unknown.unwrap_or_else(|| "nothing was judged".to_owned())
}

/// What the numbers add to the verdict: missed and undecided thresholds, a generator that was the bottleneck.
fn remarks_on_numbers(outcome: &Outcome) -> Option<String> {
    let count = |met| outcome.thresholds.iter().filter(|it| it.verdict == met).count();
    let all = counted(outcome.thresholds.len() as u64, "thresholds");
    let mut remarks = Vec::new();
    match (outcome.thresholds.len(), count(Met::Missed), count(Met::Unknown)) {
        (0, ..) => {}
        (_, 0, 0) => remarks.push(format!("{all} met")),
        (_, 0, unknown) => remarks.push(format!("{unknown} of {all} cannot be judged")),
        (_, missed, 0) => remarks.push(format!("{missed} of {all} missed")),
        (_, missed, unknown) => remarks.push(format!("{missed} of {all} missed, {unknown} cannot be judged")),
    }
    if outcome.generator.as_ref().is_some_and(|it| it.validity == Validity::Invalid) {
        remarks.push("the generator was the bottleneck, so the numbers do not count".to_owned());
    }
    (!remarks.is_empty()).then(|| remarks.join("; "))
}

/// The report in one sentence.
pub fn report_sentence(report: &Report) -> String {
    let unexpected = report.outcomes.iter().filter(|it| !is_as_expected(it)).count() as u64;
    match (report.outcomes.len() as u64, unexpected) {
        (0, _) => "Nothing was played.".to_owned(),
        (1, 0) => "The outcome is the expected one.".to_owned(),
        (1, _) => "The outcome is not the expected one.".to_owned(),
        (all, 0) => format!("All {all} outcomes are as expected."),
        (all, 1) => format!("1 of {all} outcomes is not as expected."),
        (all, unexpected) => format!("{unexpected} of {all} outcomes are not as expected."),
    }
}

/// What a threshold measured, with its unit.
pub fn measured(threshold: &ThresholdVerdict) -> String {
    threshold.measured.map_or_else(|| NO_FIGURE.to_owned(), |value| in_unit_of(threshold.measure, value))
}

/// A figure in the unit of what is measured.
pub fn in_unit_of(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Percentile(_) => span(value.max(0.0) as u64),
        Measure::Errors => share(value),
        Measure::Rate => rate(value),
    }
}

/// What a threshold rests on, or why it cannot be judged.
pub fn threshold_basis(threshold: &ThresholdVerdict) -> String {
    match &threshold.remark {
        Some(remark) => remark.clone(),
        None => counted(threshold.samples, "samples"),
    }
}
