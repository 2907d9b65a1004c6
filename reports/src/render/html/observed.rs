//! Metrics of the target and of what is observed, drawn below the latency over the same time. Neighbours: `series` (latency),
//! `chart` draws. Left out: metrics that never changed.

use super::chart::{Chart, Colour, Column, Line, Stroke};
use super::scale::Scale;
use crate::outcome::{ObservedSeries, Outcome};
use crate::render::units::{offset_s, trimmed};
use maud::{Markup, html};

/// Lines of one chart; more cannot be told apart.
const LINES_MAX: usize = 4;
/// Spans of a chart that show values.
const COLUMNS: usize = 60;

/// The charts, one for each of those who gave metrics that changed.
pub(super) fn charts(index: usize, outcome: &Outcome) -> Markup {
    let mut names: Vec<&str> = outcome.observed.iter().map(|series| series.of.as_str()).collect();
    names.dedup();
    html! {
        @for (nth, of) in names.iter().enumerate() {
            @let series: Vec<&ObservedSeries> = outcome.observed.iter().filter(|series| series.of == *of).collect();
            @for (part, lines) in series.chunks(LINES_MAX).enumerate() {
                (chart(&format!("observed-{index}-{nth}-{part}"), of, lines, outcome).figure())
            }
        }
    }
}

fn chart(id: &str, of: &str, series: &[&ObservedSeries], outcome: &Outcome) -> Chart {
    let times = || series.iter().flat_map(|series| series.points.iter().map(|(t_ns, _)| *t_ns as f64 / 1e9));
    let first = outcome.seconds.first().map(|second| second.second as f64);
    let last = outcome.seconds.last().map(|second| (second.second + 1) as f64);
    let x = Scale::Linear(
        first.unwrap_or_else(|| times().fold(f64::MAX, f64::min)),
        last.unwrap_or_else(|| times().fold(f64::MIN, f64::max)),
    );
    let scales: Vec<Scale> = series.iter().map(|series| Scale::from_zero(largest(series))).collect();
    let lines = series.iter().zip(&scales).enumerate().map(|(number, (series, y))| Line {
        name: format!("{} (to {})", series.metric, trimmed(largest(series), 2)),
        colour: Colour::Operation(number),
        stroke: Stroke::Solid,
        points: series
            .points
            .iter()
            .map(|(t_ns, value)| Some((x.place(*t_ns as f64 / 1e9), y.place(*value))))
            .collect(),
    });
    let values: Vec<String> =
        series.iter().map(|series| format!("{} up to {}", series.metric, trimmed(largest(series), 2))).collect();
    Chart {
        id: id.to_owned(),
        title: format!("Metrics of {of}"),
        axes: "each line on a scale of its own, from 0".to_owned(),
        summary: values.join("; "),
        x_ticks: x.time_ticks(),
        y_ticks: Vec::new(),
        lines: lines.collect(),
        bands: Vec::new(),
        columns: columns(series, x),
    }
}

fn largest(series: &ObservedSeries) -> f64 {
    series.points.iter().map(|(_, value)| *value).fold(0.0, f64::max)
}

fn columns(series: &[&ObservedSeries], x: Scale) -> Vec<Column> {
    let Some(longest) = series.iter().max_by_key(|series| series.points.len()) else { return Vec::new() };
    let step = longest.points.len().div_ceil(COLUMNS).max(1);
    let moments: Vec<i64> = longest.points.iter().step_by(step).map(|(t_ns, _)| *t_ns).collect();
    let place = |t_ns: i64| x.place(t_ns as f64 / 1e9);
    let of_moment = |(nth, t_ns): (usize, &i64)| {
        let values = series.iter().filter_map(|series| {
            let value = series.points.iter().find(|(at, _)| at >= t_ns)?.1;
            Some(format!("{} {}", series.metric, trimmed(value, 2)))
        });
        Column {
            from: place(*t_ns),
            to: moments.get(nth + 1).map_or(1.0, |next| place(*next)),
            title: format!("{} s: {}", offset_s(*t_ns), values.collect::<Vec<_>>().join(", ")),
        }
    };
    moments.iter().enumerate().map(of_moment).collect()
}
