//! How verdicts are put into words, once for all formats: a check's word and detail, an outcome's sentence, where it
//! was played. Neighbours: `units` (figures). Left out: layout, colours, escaping.

use super::Report;
use super::units::{NO_FIGURE, counted, rate, share, span, thousands};
use crate::outcome::{CheckSummary, Met, Outcome, Overall, Period, ThresholdVerdict, Validity};
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

/// The parameters that it was played with, as `clients = 80, rooms = 4`; none if the scenario has none.
pub fn parameters(outcome: &Outcome) -> Option<String> {
    let said = outcome.parameters.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>();
    (!said.is_empty()).then(|| said.join(", "))
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
    outcome.expectation.of_check(&summary.check.name).word()
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
    standing(outcome) == Standing::Good
}

/// What an outcome comes to, for its colour: the three values of a verdict, seen from what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// As expected, in checks and numbers.
    Good,
    /// Nothing speaks against it, but something cannot be judged: no failure, and no success either.
    Doubtful,
    /// Not as expected: a check, or a threshold that is missed.
    Bad,
}

impl Standing {
    /// The word for class names and scripts.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Good => "good",
            Standing::Doubtful => "doubt",
            Standing::Bad => "bad",
        }
    }
}

/// What an outcome comes to. As with exit codes, what broke outweighs what cannot be judged.
pub fn standing(outcome: &Outcome) -> Standing {
    let has = |met| outcome.thresholds.iter().any(|it| it.verdict == met);
    let is_cut_short = !outcome.expected && was_cut_short(outcome);
    if has(Met::Missed) || !(outcome.expected || outcome.verdict == Overall::Unknown || is_cut_short) {
        Standing::Bad
    } else if has(Met::Unknown) || !outcome.expected || is_invalid(outcome) {
        Standing::Doubtful
    } else {
        Standing::Good
    }
}

fn is_invalid(outcome: &Outcome) -> bool {
    outcome.generator.as_ref().is_some_and(|it| it.validity == Validity::Invalid)
}

/// Nothing broke until somebody ended the run: no verdict on what was not played. A run that got stuck is another matter.
fn was_cut_short(outcome: &Outcome) -> bool {
    outcome.interrupted && outcome.verdict != Overall::Broken
}

/// The verdict as a sentence without its full stop: what came out, and whether it was expected.
pub fn sentence(outcome: &Outcome) -> String {
    let checks = match (outcome.verdict, outcome.expected) {
        (Overall::Holds, true) => format!("Holds{}: {}", as_expected(outcome), what_holds(outcome)),
        (Overall::Holds, false) => format!("Holds{}: {}", though_it_holds(outcome), what_holds(outcome)),
        (Overall::Broken, true) => format!("Broken{}: {}", as_expected(outcome), what_is_broken(outcome)),
        (Overall::Broken, false) => format!("Broken{}: {}", against_expectation(outcome), what_is_broken(outcome)),
        (Overall::Unknown, _) => what_is_unknown(outcome),
    };
    let doubt = standing(outcome) == Standing::Doubtful;
    match (doubt, outcome.verdict, remarks_on_numbers(outcome)) {
        // What is in doubt comes first: the checks that hold are not the news.
        (true, Overall::Holds | Overall::Broken, Some(remark)) => {
            format!("Cannot be judged: {remark}; {}", lower_first(&checks))
        }
        (true, _, Some(remark)) => format!("Cannot be judged: {checks}; {remark}"),
        (true, _, None) => format!("Cannot be judged: {}", lower_first(&checks)),
        (false, Overall::Holds | Overall::Broken, Some(remark)) if outcome.expected && !is_as_expected(outcome) => {
            format!("Numbers not as expected: {remark}; {}", lower_first(&checks))
        }
        (false, Overall::Unknown, Some(remark)) => format!("Cannot be judged: {checks}; {remark}"),
        (false, _, Some(remark)) => format!("{checks}; {remark}"),
        (false, _, None) => checks,
    }
}

/// The same within a sentence, if it begins with a word of ours and not with a quotation.
fn lower_first(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn as_expected(outcome: &Outcome) -> &'static str {
    match outcome.expectation {
        Expectation::Either => ", and either is fine here",
        Expectation::Checks { .. } if outcome.expectation.must_break().is_none() => ", which is fine here",
        _ => ", as expected",
    }
}

/// Holding is unexpected where a break was wanted, or where some of the run is missing; remarks then say what.
fn though_it_holds(outcome: &Outcome) -> &'static str {
    match outcome.expectation.must_break() {
        Some(_) => ", but was expected to break",
        None if !outcome.unmet.is_empty() => ", but no seed showed all that is to be seen",
        None => " as far as it was played, which is not to the end",
    }
}

fn against_expectation(outcome: &Outcome) -> &'static str {
    match outcome.expectation {
        _ if outcome.expectation.must_break().is_some() => ", but not as it was expected to break",
        Expectation::Holds | Expectation::Broken(_) | Expectation::Checks { .. } => ", but was expected to hold",
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
        (_, 0, unknown) => remarks.push(format!("{unknown} of {all} with too few samples")),
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
    let count = |standing| report.outcomes.iter().filter(|it| self::standing(it) == standing).count() as u64;
    match (report.outcomes.len() as u64, count(Standing::Bad), count(Standing::Doubtful)) {
        (0, ..) => "Nothing was played.".to_owned(),
        (1, 0, 0) => "The outcome is the expected one.".to_owned(),
        (1, 0, _) => "The outcome cannot be judged.".to_owned(),
        (1, ..) => "The outcome is not the expected one.".to_owned(),
        (all, 0, 0) => format!("All {all} outcomes are as expected."),
        (all, 0, doubtful) => format!("{doubtful} of {all} outcomes cannot be judged; the others are as expected."),
        (all, bad, 0) => format!("{bad} of {all} outcomes {} not as expected.", is_or_are(bad)),
        (all, bad, doubtful) => {
            format!("{bad} of {all} outcomes {} not as expected, {doubtful} cannot be judged.", is_or_are(bad))
        }
    }
}

fn is_or_are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// What a threshold measured, with its unit.
pub fn measured(threshold: &ThresholdVerdict) -> String {
    threshold.measured.map_or_else(|| NO_FIGURE.to_owned(), |value| in_unit_of(threshold.measure, value))
}

/// A figure in the unit of what is measured.
pub fn in_unit_of(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Percentile(_) => span(value.max(0.0) as u64),
        Measure::Errors | Measure::Late => share(value),
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

/// When the operations of a row were planned, where that is not the measure phase.
pub fn period_note(period: Period) -> Option<&'static str> {
    match period {
        Period::Measure => None,
        Period::Before => Some("before measure"),
        Period::After => Some("after measure"),
        Period::Outside => Some("outside of measure"),
        Period::Whole => Some("all phases"),
    }
}
