//! One HTML file that a lead decides from: offline, under 1 MB, on a phone and in print, light and dark.
//!
//! - `verdicts`: what came out, check by check, threshold by threshold
//! - `sequence`: the story of a broken check as a diagram
//! - `latency`: the numbers of a live run as tables
//! - `capacity`: a search for a capacity, as a page of its own
//! - `observed`: metrics of the target and of others
//! - `series`: which curves are drawn; `chart` draws one; `scale` puts values on an axis
//!
//! Everything from files or the network goes through maud's escaping. A content security policy forbids every request,
//! so that a report can be opened anywhere. The script only repeats hover titles below a chart, for fingers and
//! keyboards.

mod capacity;
mod chart;
mod covered;
mod latency;
mod observed;
mod scale;
mod sequence;
mod series;
mod verdicts;

use super::words::Standing;
use super::{Report, words};
use crate::outcome::Outcome;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use rehearsal_scenarios::plan::World;

pub use capacity::page as capacity_page;

pub(super) const STYLE: &str = include_str!("html/report.css");
const SCRIPT: &str = include_str!("html/report.js");
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// The whole report as one file.
pub fn report(report: &Report) -> String {
    let main = html! {
        @for (index, outcome) in report.outcomes.iter().enumerate() {
            (section(index, outcome))
        }
    };
    whole_page(report, &opening(report), &main)
}

fn whole_page(report: &Report, opening: &Markup, main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without it a browser asks the server that holds the report for an icon.
                link rel="icon" href="data:,";
                title { (report.title) " – rehearsal" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (opening) }
                main { (main) }
                footer { (closing(report)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn opening(report: &Report) -> Markup {
    html! {
        (lead(&report.title, report.standing(), &words::report_sentence(report)))
        @if report.outcomes.len() > 1 {
            nav aria-label="Outcomes" {
                @for (index, outcome) in report.outcomes.iter().enumerate() {
                    (verdicts::card(index, outcome))
                }
            }
        }
    }
}

/// What the page is about, and what it comes to.
fn lead(title: &str, standing: Standing, sentence: &str) -> Markup {
    let class = standing.word();
    let sign = match standing {
        Standing::Good => "✓",
        Standing::Doubtful => "?",
        Standing::Bad => "✗",
    };
    html! {
        p.brand { "rehearsal" }
        h1 { (title) }
        p.lead.(class) {
            span.sign aria-hidden="true" { (sign) }
            span { (sentence) }
        }
    }
}

fn section(index: usize, outcome: &Outcome) -> Markup {
    html! {
        section #{ "outcome-" (index) } aria-labelledby={ "heading-" (index) } {
            h2 #{ "heading-" (index) } { (breakable(&outcome.scenario)) }
            p.where {
                @if outcome.world == World::Simulated { (verdicts::world_badge(outcome.world)) " " }
                (words::played_where(outcome))
            }
            @if let Some(parameters) = words::parameters(outcome) { p.where { "with " (parameters) } }
            @if !outcome.about.is_empty() { p.about { (outcome.about) } }
            (verdicts::sentence(outcome))
            (verdicts::checks(outcome))
            @if let Some(story) = &outcome.story { (sequence::figure(story)) }
            @if let Some(repeat) = &outcome.repeat {
                h3 { "Repeat it" }
                pre.command { code { (repeat) } }
            }
            (covered::section(outcome))
            (verdicts::thresholds(outcome))
            @if outcome.world == World::Live {
                (latency::tables(outcome))
                (series::charts(index, outcome))
                (observed::charts(index, outcome))
                (latency::generator(outcome))
            } @else {
                (latency::virtual_counts(outcome))
            }
            (notes(outcome))
        }
    }
}

fn notes(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.notes.is_empty() || !outcome.warnings.is_empty() {
            h3 { "Remarks" }
            ul.notes {
                @for warning in &outcome.warnings { li { strong { "Warning: " } (warning) } }
                @for note in &outcome.notes { li { (note) } }
            }
        }
        @if let Some(record) = &outcome.record {
            p.record { "Record: " code { (breakable(record)) } }
        }
    }
}

fn closing(report: &Report) -> Markup {
    html! {
        @if let Some(closing) = &report.closing { p { (closing) } }
        dl {
            dt { "Command" } dd { code { (report.command) } }
            dt { "Version" } dd { (report.version) }
            dt { "Machine" } dd { (report.machine) }
        }
    }
}

/// A long name with places where a narrow screen may break it.
fn breakable(name: &str) -> Markup {
    html! {
        @for (index, part) in name.split_inclusive(['_', '/']).enumerate() {
            @if index > 0 { wbr; }
            (part)
        }
    }
}
