//! The numbers of a live run as tables: latency by operation, errors by class, how the generator did.

use crate::outcome::{Latency, Model, OperationNumbers, Outcome, Period, Validity};
use crate::render::errors::{class_meaning, class_operations};
use crate::render::units::{bytes, share, span, span_or_none, thousands};
use crate::render::words::{period_note, validity_word};
use maud::{Markup, html};

/// The figures of a distribution that a table shows.
const TIMES: [&str; 5] = ["p50", "p90", "p99", "p99.9", "max"];

/// Response and service time of each operation, then errors by class.
pub(super) fn tables(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.operations.is_empty() {
            h3 { "Latency by operation" }
            div.scroll tabindex="0" role="region" aria-label="Latency by operation" {
                table.stack {
                    thead {
                        tr {
                            th { "operation" }
                            th.number { "count" }
                            th.number { "errors" }
                            @for name in TIMES { th.number { (name) } }
                        }
                    }
                    tbody { @for it in &outcome.operations { (operation(it)) } }
                }
            }
            p.hint {
                "Response time counts from the planned time, so that a stalled server cannot hide; service time \
                 counts from sending. A percentile without enough samples is shown as —."
                @if outcome.operations.iter().any(|it| it.period != Period::Measure) {
                    " A row counts what was planned within the measure phase; where nothing was, it is marked with \
                     the phases that it counts instead."
                }
                @if outcome.operations.iter().any(|it| it.model == Model::Closed) {
                    " Operations marked “closed” start when the one before has ended and have no planned time."
                }
            }
        }
        @if !outcome.errors.is_empty() {
            h3 { "Errors" }
            ul.errors {
                @for (class, count) in &outcome.errors { (error(outcome, class, *count)) }
            }
        }
    }
}

fn error(outcome: &Outcome, class: &str, count: u64) -> Markup {
    let operations = class_operations(outcome, class);
    html! {
        li {
            code { (class) } " " (thousands(count))
            @if !operations.is_empty() { " (" (operations) ")" }
            @if let Some(meaning) = class_meaning(class) { " " span.detail { (meaning) } }
        }
    }
}

fn operation(it: &OperationNumbers) -> Markup {
    html! {
        tr {
            th scope="row" {
                (it.name)
                @if it.model == Model::Closed { " " span.badge { "closed" } }
                @if let Some(note) = period_note(it.period) { " " span.badge { (note) } }
            }
            td.number data-label="count" { (thousands(it.count)) }
            td.number data-label="errors" { (error_share(it)) }
            (times(&it.response))
        }
        @if it.model == Model::Planned {
            tr.service {
                th scope="row" { "service time" }
                td {} td {}
                (times(&it.service))
            }
        }
    }
}

fn times(latency: &Latency) -> Markup {
    let times = [latency.p50_ns, latency.p90_ns, latency.p99_ns, latency.p999_ns, latency.max_ns];
    html! { @for (name, ns) in TIMES.iter().zip(times) { td.number data-label=(name) { (span_or_none(ns)) } } }
}

fn error_share(it: &OperationNumbers) -> String {
    if it.count == 0 { thousands(it.errors) } else { share(it.errors as f64 / it.count as f64) }
}

/// Of a simulated run only how many operations ended: its times are virtual and no performance.
pub(super) fn virtual_counts(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.operations.is_empty() {
            details {
                summary { "Operations played" }
                table {
                    thead { tr { th { "operation" } th.number { "count" } th.number { "errors" } } }
                    tbody {
                        @for it in &outcome.operations {
                            tr {
                                th scope="row" { (it.name) }
                                td.number { (thousands(it.count)) }
                                td.number { (thousands(it.errors)) }
                            }
                        }
                    }
                }
                p.hint { "Time was virtual: how long something took here says nothing about a real server." }
            }
        }
    }
}

/// Whether the numbers can be trusted, and why not.
pub(super) fn generator(outcome: &Outcome) -> Markup {
    let Some(it) = &outcome.generator else { return html! {} };
    let class = match it.validity {
        Validity::Valid => "holds",
        Validity::Suspect => "unknown",
        Validity::Invalid => "broken",
    };
    html! {
        h3 { "The load generator" }
        p {
            span.chip.(class) { (validity_word(it.validity)) } " "
            @match it.validity {
                Validity::Valid => { "It was not the bottleneck." }
                Validity::Suspect => { "Read the numbers with care." }
                Validity::Invalid => { "It was the bottleneck: the numbers do not count." }
            }
        }
        @if !it.reasons.is_empty() { ul.notes { @for reason in &it.reasons { li { (reason) } } } }
        dl.facts {
            div { dt { "lag p99" } dd { (span(it.lag_p99_ns)) } }
            div { dt { "lag, at most" } dd { (span(it.lag_max_ns)) } }
            div { dt { "processor, at most" } dd { (format!("{:.2}", it.cpu_cores_max)) " cores" } }
            div { dt { "memory, at most" } dd { (bytes(it.rss_bytes_max)) } }
            div { dt { "machine load before" } dd { (format!("{:.2}", it.machine_load)) } }
        }
    }
}
