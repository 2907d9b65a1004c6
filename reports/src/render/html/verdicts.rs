//! Verdicts on the page: a card for each outcome, its sentence, its checks with their evidence, its thresholds.
//!
//! Two things are told apart everywhere: what came out (holds, broken), and whether that was expected, which alone
//! decides the colour of a card: a naive worker that breaks as expected is good news.

use super::breakable;
use crate::outcome::{CheckSummary, Met, Outcome};
use crate::render::units::thousands;
use crate::render::words::{self, Standing, check_detail, checks_by_weight, evidence, standing, verdict_word};
use crate::verdict::Verdict;
use maud::{Markup, html};
use rehearsal_scenarios::plan::World;

/// The outcome at a glance, as a link to its section.
pub(super) fn card(index: usize, outcome: &Outcome) -> Markup {
    let class = standing(outcome).word();
    html! {
        a.card.(class) href={ "#outcome-" (index) } {
            span.top { (world_badge(outcome.world)) (expectation_badge(outcome)) }
            strong { (breakable(&outcome.scenario)) }
            span.sentence { (words::sentence(outcome)) "." }
        }
    }
}

/// Where it was played, as a small label.
pub(super) fn world_badge(world: World) -> Markup {
    html! { span.badge { (words::world_word(world)) } }
}

fn expectation_badge(outcome: &Outcome) -> Markup {
    html! {
        @match standing(outcome) {
            Standing::Good => { span.badge.good { "✓ as expected" } }
            Standing::Doubtful => { span.badge.doubt { "? cannot be judged" } }
            Standing::Bad if outcome.expected => { span.badge.bad { "✗ verdict as expected, numbers not" } }
            Standing::Bad => { span.badge.bad { "✗ not as expected" } }
        }
    }
}

/// The verdict as one sentence.
pub(super) fn sentence(outcome: &Outcome) -> Markup {
    let class = standing(outcome).word();
    html! { p.verdict.(class) { (words::sentence(outcome)) "." } }
}

/// All checks, the broken ones first.
pub(super) fn checks(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.checks.is_empty() {
            h3 { "Checks" }
            ul.checks {
                @for summary in checks_by_weight(outcome) { (check(outcome, summary)) }
            }
        }
    }
}

fn check(outcome: &Outcome, summary: &CheckSummary) -> Markup {
    let class = match summary.check.verdict {
        Verdict::Holds => "holds",
        Verdict::Broken { .. } => "broken",
        Verdict::Unknown { .. } => "unknown",
        Verdict::NotJudged { .. } => "quiet",
    };
    let evidence = evidence(summary);
    let hidden = summary.check.violations.saturating_sub(evidence.len() as u64);
    html! {
        li {
            span.chip.(class) { (verdict_word(&summary.check.verdict)) }
            div {
                span.property { (summary.check.property) }
                " "
                span.detail { (check_detail(outcome, summary)) }
                @if !evidence.is_empty() {
                    ul.evidence {
                        @for violation in evidence { li { (violation.sentence) } }
                        @if hidden > 0 { li { "and " (thousands(hidden)) " more" } }
                    }
                }
            }
        }
    }
}

/// Service-level objectives with what was measured.
pub(super) fn thresholds(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.thresholds.is_empty() {
            h3 { "Thresholds" }
            div.scroll tabindex="0" role="region" aria-label="Thresholds" {
                table.stack.thresholds {
                    thead { tr { th { "objective" } th { "verdict" } th.number { "measured" } th { "rests on" } } }
                    tbody {
                        @for it in &outcome.thresholds {
                            tr {
                                th scope="row" { (it.name) }
                                td { span.chip.(met_class(it.verdict)) { (words::met_word(it.verdict)) } }
                                td.number data-label="measured" { (words::measured(it)) }
                                td data-label="rests on" { (words::threshold_basis(it)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn met_class(met: Met) -> &'static str {
    match met {
        Met::Met => "holds",
        Met::Missed => "broken",
        Met::Unknown => "unknown",
    }
}
