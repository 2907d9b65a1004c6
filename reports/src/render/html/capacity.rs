//! A search as one HTML file: the answer, how the search closed in on it, and every step. Neighbours: `render::html` (the page
//! around it), `chart`.

use super::{breakable, chart, lead, scale, whole_page};
use crate::capacity::outcome::{CapacityOutcome, PlayedStep};
use crate::capacity::step::{Seen, StepVerdict};
use crate::render::Report;
use crate::render::capacity::{load, sentence, standing, step_detail, step_size, step_word};
use crate::render::units::{share, thousands};
use maud::{Markup, html};

/// The whole page. Of the report it takes title, command, version, machine and closing line.
pub fn page(report: &Report, outcome: &CapacityOutcome) -> String {
    let opening = lead(&report.title, standing(outcome), &sentence(outcome));
    let main = html! {
        section aria-labelledby="heading-0" {
            h2 #heading-0 { (breakable(&outcome.scenario)) }
            p.where { (outcome.parameter) " between " (load(outcome.between.0)) " and " (load(outcome.between.1)) ", against " (outcome.targets.join(", ")) }
            @if !outcome.about.is_empty() { p.about { (outcome.about) } }
            @if outcome.steps.len() > 1 { (closing_in(outcome).figure()) }
            (steps(outcome))
            @if !outcome.reasons.is_empty() {
                h3 { "Remarks" }
                ul.notes { @for reason in &outcome.reasons { li { (reason) } } }
            }
        }
    };
    whole_page(report, &opening, &main)
}

fn steps(outcome: &CapacityOutcome) -> Markup {
    html! {
        h3 { "Steps" }
        div.scroll tabindex="0" role="region" aria-label="Steps" {
            table {
                thead { tr {
                    th.number { "step" } th.number { (outcome.parameter) } th { "verdict" } th { "found" }
                    th { "beyond the limit" } th.number { "measured" } th { "record" }
                } }
                tbody { @for (nth, step) in outcome.steps.iter().enumerate() { (row(nth, step)) } }
            }
        }
        p.hint {
            "A step passes or fails by a sequential binomial test of the share of answers beyond each limit, and ends as soon as "
            "it is decided: with half of the allowed odds or less it fails in at most 1 of 100 cases, with twice of them or more it "
            "passes in at most 1 of 100. The interval of the share has a doubt of 5 %. Response times that rise from second "
            "to second do not pass, however short they are."
        }
    }
}

fn row(nth: usize, step: &PlayedStep) -> Markup {
    let class = match &step.verdict {
        StepVerdict::Passed => "chip holds",
        StepVerdict::Failed { .. } => "chip broken",
        StepVerdict::Undecided { .. } => "chip unknown",
        StepVerdict::Unusable { .. } => "chip quiet",
    };
    html! {
        tr {
            td.number { (nth + 1) }
            td.number { (load(step.load)) }
            td { span class=(class) { (step_word(&step.verdict)) } }
            td { (step_detail(step)) }
            td { @for seen in &step.seen { div { (seen_words(seen)) } } }
            td.number { (step_size(step)) }
            td { code { (breakable(&step.record)) } }
        }
    }
}

fn seen_words(seen: &Seen) -> String {
    match (seen.beyond, seen.allowed, seen.between) {
        (Some(beyond), Some(allowed), Some((low, high))) => format!(
            "{} of {}: {} to {}, allowed {}",
            thousands(beyond),
            thousands(seen.samples),
            share(low),
            share(high),
            share(allowed)
        ),
        _ => String::new(),
    }
}

/// Loads by step: those that passed, and those that did not.
fn closing_in(outcome: &CapacityOutcome) -> chart::Chart {
    let y = scale::Scale::log_over(outcome.steps.iter().map(|step| step.load));
    let count = outcome.steps.len();
    let at = |nth: usize| (nth as f64 + 0.5) / count as f64;
    let line = |name: &str, colour, wanted: &dyn Fn(&StepVerdict) -> bool| chart::Line {
        name: name.to_owned(),
        colour,
        stroke: chart::Stroke::Solid,
        // A gap between any two makes each of them a dash of its own.
        points: outcome
            .steps
            .iter()
            .enumerate()
            .flat_map(|(nth, step)| [wanted(&step.verdict).then(|| (at(nth), y.place(step.load))), None])
            .collect(),
    };
    let columns = outcome.steps.iter().enumerate().map(|(nth, step)| chart::Column {
        from: nth as f64 / count as f64,
        to: (nth + 1) as f64 / count as f64,
        title: format!("step {}: {} = {} {}", nth + 1, outcome.parameter, load(step.load), step_word(&step.verdict)),
    });
    let every = count.div_ceil(12);
    let ticks = (0..count).step_by(every).map(|nth| scale::Tick { at: at(nth), text: (nth + 1).to_string() });
    chart::Chart {
        id: "closing-in".to_owned(),
        title: "How the search closed in".to_owned(),
        axes: format!("{} (logarithmic) by step", outcome.parameter),
        summary: sentence(outcome),
        x_ticks: ticks.collect(),
        y_ticks: y.plain_ticks(),
        lines: vec![
            line("passed", chart::Colour::Operation(0), &|verdict| *verdict == StepVerdict::Passed),
            line("did not pass", chart::Colour::Bad, &|verdict| *verdict != StepVerdict::Passed),
        ],
        bands: Vec::new(),
        columns: columns.collect(),
    }
}
