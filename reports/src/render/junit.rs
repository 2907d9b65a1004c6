//! JUnit XML for build servers: one suite for each outcome, one case for each check and each threshold.
//!
//! A case passes when its outcome is what was expected: a check that is expected to be broken and is, passes. What is
//! unknown is an error, what nothing exercised is skipped, unless it was to be seen at least once and that was made to fail. No time stamps: the same outcome gives the same bytes.

use super::words::{Standing, check_detail, evidence, how_often_broken, measured, played_where, sentence, standing};
use super::words::{threshold_basis, world_word};
use super::{Report, text};
use crate::outcome::{CheckSummary, Met, Outcome, ThresholdVerdict, Validity};
use crate::verdict::Verdict;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use rehearsal_scenarios::plan::Expected;

/// The whole report as XML.
pub fn report(report: &Report) -> String {
    let mut junit = quick_junit::Report::new(&report.title);
    for outcome in &report.outcomes {
        junit.add_test_suite(suite(outcome));
    }
    junit.to_string().expect("writing into memory cannot fail, and the names are filtered for XML")
}

fn suite(outcome: &Outcome) -> TestSuite {
    let mut suite = TestSuite::new(format!("{} ({})", outcome.scenario, world_word(outcome.world)));
    suite.add_property(("played", played_where(outcome).as_str()));
    for (name, value) in [("record", &outcome.record), ("repeat", &outcome.repeat)] {
        if let Some(value) = value {
            suite.add_property((name, value.as_str()));
        }
    }
    for summary in &outcome.checks {
        suite.add_test_case(check_case(outcome, summary));
    }
    if let Some(case) = missing_defect_case(outcome) {
        suite.add_test_case(case);
    }
    if let Some(case) = doubtful_case(outcome) {
        suite.add_test_case(case);
    }
    for threshold in &outcome.thresholds {
        suite.add_test_case(threshold_case(outcome, threshold));
    }
    suite
}

fn check_case(outcome: &Outcome, summary: &CheckSummary) -> TestCase {
    let check = &summary.check;
    let status = match &check.verdict {
        Verdict::Holds => TestCaseStatus::success(),
        Verdict::Broken { .. } if is_fine(outcome, summary) => TestCaseStatus::success(),
        Verdict::Broken { .. } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("broken").set_message(format!(
                "{}: {}",
                check.property,
                how_often_broken(outcome, summary)
            ));
            status.set_description(account(outcome, summary));
            status
        }
        Verdict::Unknown { reason } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type("unknown").set_message(reason);
            status
        }
        Verdict::NotJudged { reason } if outcome.unmet_fails && outcome.unmet.contains(&check.name) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("not_seen").set_message(format!("{}: {reason}", check.property));
            status
        }
        Verdict::NotJudged { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
    };
    let mut case = TestCase::new(&check.name, status);
    case.set_classname(format!("{}.{}", outcome.scenario, world_word(outcome.world)));
    case.set_system_out(check_detail(outcome, summary));
    case
}

fn is_fine(outcome: &Outcome, summary: &CheckSummary) -> bool {
    outcome.expectation.of_check(&summary.check.name) != Expected::Holds
}

/// The violations and, for the check that it is about, the story.
fn account(outcome: &Outcome, summary: &CheckSummary) -> String {
    let mut account: String = evidence(summary).iter().map(|it| format!("{}\n", it.sentence)).collect();
    if let Some(story) = outcome.story.as_ref().filter(|it| it.check == summary.check.name) {
        account += &text::story_columns(story);
    }
    if let Some(repeat) = &outcome.repeat {
        account += &format!("repeat  {repeat}\n");
    }
    account
}

/// A scenario that was expected to break and held fails as a whole: no single check is to blame.
fn missing_defect_case(outcome: &Outcome) -> Option<TestCase> {
    let expected = outcome.expectation.must_break()?;
    let is_broken = outcome.checks.iter().any(|it| matches!(it.check.verdict, Verdict::Broken { .. }));
    let status = if is_broken {
        TestCaseStatus::success()
    } else {
        let what = if expected.is_empty() { "a check".to_owned() } else { expected.join(" or ") };
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("holds").set_message(format!("expected {what} to be broken, but nothing is"));
        status
    };
    let mut case = TestCase::new("breaks_as_expected", status);
    case.set_classname(format!("{}.{}", outcome.scenario, world_word(outcome.world)));
    Some(case)
}

/// A run that cannot be judged for a reason that is no check's and no threshold's is an error, never a failure.
fn doubtful_case(outcome: &Outcome) -> Option<TestCase> {
    let has_own_case = outcome.checks.iter().any(|it| matches!(it.check.verdict, Verdict::Unknown { .. }))
        || outcome.thresholds.iter().any(|it| it.verdict == Met::Unknown);
    let is_invalid = outcome.generator.as_ref().is_some_and(|it| it.validity == Validity::Invalid);
    if standing(outcome) != Standing::Doubtful || (has_own_case && !is_invalid) {
        return None;
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("unknown").set_message(sentence(outcome));
    let mut case = TestCase::new("can_be_judged", status);
    case.set_classname(format!("{}.{}", outcome.scenario, world_word(outcome.world)));
    Some(case)
}

fn threshold_case(outcome: &Outcome, threshold: &ThresholdVerdict) -> TestCase {
    let figures = format!("measured {}, {}", measured(threshold), threshold_basis(threshold));
    let failed = |kind, name: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(name).set_message(format!("{}: {figures}", threshold.name));
        status
    };
    let status = match threshold.verdict {
        Met::Met => TestCaseStatus::success(),
        Met::Missed => failed(NonSuccessKind::Failure, "missed"),
        Met::Unknown => failed(NonSuccessKind::Error, "unknown"),
    };
    let mut case = TestCase::new(&threshold.name, status);
    case.set_classname(format!("{}.thresholds", outcome.scenario));
    case.set_system_out(figures);
    case
}
