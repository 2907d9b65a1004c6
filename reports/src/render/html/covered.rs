//! What was covered, on the page. Neighbour: `render::covered` has the words.

use crate::outcome::Outcome;
use crate::render::covered;
use maud::{Markup, html};
use rehearsal_scenarios::drawn_text;

/// What all seeds covered, by fault and by what its victims were at.
pub(super) fn section(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.drawn.is_empty() { p.where { "This seed drew " (drawn_text(&outcome.drawn)) "." } }
        @if let Some(coverage) = &outcome.coverage {
            h3 { "Covered" }
            p { (covered::sentence(coverage)) "." }
            @if !coverage.faults.is_empty() {
                p.where { "Faults: " (covered::WHILE_DOING) "." }
                div.scroll tabindex="0" role="region" aria-label="Faults, and what their victims were at" {
                    table {
                        thead { tr { @for cell in covered::head() { th { (cell) } } } }
                        tbody {
                            @for fault in &coverage.faults {
                                tr {
                                    @for (index, cell) in covered::row(fault).into_iter().enumerate() {
                                        @if index == 0 { th scope="row" { (cell) } } @else { td.number { (cell) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(time) = &outcome.time { p.where { "Time " (covered::time_spent(time)) "." } }
    }
}
