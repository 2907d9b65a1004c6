//! Which curves a live run gets: response time by percentile, response time and throughput over time.
//!
//! Long runs are drawn in at most [`POINTS_MAX`] points, each one standing for the same number of seconds. Neighbours:
//! `chart` draws, `scale` places.

use super::chart::{Band, Chart, Colour, Column, Line, Stroke};
use super::scale::{Scale, nines_of};
use crate::outcome::{Outcome, Second, SecondOfOperation};
use crate::render::units::{counted, rate, span, trimmed};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Most points of a line over time.
const POINTS_MAX: usize = 240;
/// Most operations in one chart: more lines cannot be told apart.
const OPERATIONS_MAX: usize = 4;
/// How far right a percentile curve goes: 99.999 %.
const NINES_MAX: f64 = 5.0;

/// The charts of an outcome, as far as there is something to draw. `index` makes their names unique on the page.
pub(super) fn charts(index: usize, outcome: &Outcome) -> Markup {
    let names = busiest(outcome);
    let points = Point::of(&outcome.seconds);
    html! {
        @if outcome.operations.iter().any(|it| it.curve.len() > 1) {
            (percentiles(index, outcome, &names).figure())
        }
        @if points.len() > 1 {
            (latency_over_time(index, outcome, &names, &points).figure())
            (throughput(index, outcome, &names, &points).figure())
            @if points[0].seconds > 1 {
                p.hint {
                    "Each point stands for " (points[0].seconds) " seconds: the worst p99 and max, the mean of the medians, "
                    "the mean rate."
                }
            }
        }
        @if outcome.operations.len() > names.len() {
            p.hint { "The charts show the busiest operations: " (names.join(", ")) "." }
        }
    }
}

/// Preparing and cleaning up: drawn only where there is room left.
const HOUSEKEEPING: [&str; 4] = ["sign_in", "create_room", "delete_identity", "delete_room"];

/// The operations that are drawn: those that ended most often, in the table's order.
fn busiest(outcome: &Outcome) -> Vec<&str> {
    let mut by_count: Vec<_> = outcome.operations.iter().filter(|it| it.count > 0).collect();
    by_count.sort_by_key(|it| (HOUSEKEEPING.contains(&it.name.as_str()), std::cmp::Reverse(it.count)));
    by_count.truncate(OPERATIONS_MAX);
    let names = outcome.operations.iter().filter(|it| by_count.iter().any(|busy| busy.name == it.name));
    names.map(|it| it.name.as_str()).collect()
}

fn percentiles(index: usize, outcome: &Outcome, names: &[&str]) -> Chart {
    let drawn: Vec<_> = outcome.operations.iter().filter(|it| names.contains(&it.name.as_str())).collect();
    let points = || drawn.iter().flat_map(|it| it.curve.iter());
    let nines = points().map(|(it, _)| nines_of(*it)).fold(1.0, f64::max).min(NINES_MAX);
    let x = Scale::Nines(nines);
    let y = Scale::log_over(points().map(|(_, ns)| *ns as f64));
    let lines = drawn.iter().enumerate().map(|(number, it)| Line {
        name: it.name.clone(),
        colour: Colour::Operation(number),
        stroke: Stroke::Solid,
        points: it.curve.iter().map(|(at, ns)| Some((x.place(*at), y.place(*ns as f64)))).collect(),
    });
    let value_at = |curve: &[(f64, u64)], at: f64| curve.iter().find(|(it, _)| *it >= at).map(|(_, ns)| *ns);
    let columns = hover_percentiles(nines).map(|(from, at, to)| {
        let values = drawn.iter().filter_map(|it| Some(format!("{} {}", it.name, span(value_at(&it.curve, at)?))));
        Column { from, to, title: format!("p{}: {}", trimmed(at, 3), values.collect::<Vec<_>>().join(", ")) }
    });
    Chart {
        id: format!("percentiles-{index}"),
        title: "Response time by percentile".to_owned(),
        axes: "both scales logarithmic; further right is rarer".to_owned(),
        summary: summary(outcome, names),
        x_ticks: x.percentile_ticks(),
        y_ticks: y.latency_ticks(),
        lines: lines.collect(),
        bands: Vec::new(),
        columns: columns.collect(),
    }
}

/// Percentiles under the pointer, evenly over all nines: left edge, percentile, right edge.
fn hover_percentiles(nines: f64) -> impl Iterator<Item = (f64, f64, f64)> {
    const COLUMNS: u32 = 48;
    (0..COLUMNS).map(move |column| {
        let edge = |offset: f64| (f64::from(column) + offset) / f64::from(COLUMNS);
        (edge(0.0), 100.0 * (1.0 - 10f64.powf(-edge(0.5) * nines)), edge(1.0))
    })
}

/// The percentiles in words.
fn summary(outcome: &Outcome, names: &[&str]) -> String {
    let drawn = outcome.operations.iter().filter(|it| names.contains(&it.name.as_str()));
    let words = drawn.map(|it| {
        let p50 = it.response.p50_ns.map(|ns| format!(" median {}", span(ns)));
        let p99 = it.response.p99_ns.map(|ns| format!(", 99th percentile {}", span(ns)));
        format!("{}:{}{}", it.name, p50.unwrap_or_default(), p99.unwrap_or_default())
    });
    words.collect::<Vec<_>>().join("; ")
}

/// One point over time: one or several seconds.
struct Point {
    first_second: i64,
    seconds: i64,
    users: u64,
    lag_max_ns: u64,
    operations: BTreeMap<String, PointOfOperation>,
}

#[derive(Default)]
struct PointOfOperation {
    per_second: f64,
    errors_per_second: f64,
    /// Mean of the medians of so many seconds.
    p50_ns: Option<(f64, u32)>,
    p99_ns: Option<u64>,
    max_ns: Option<u64>,
}

impl PointOfOperation {
    fn add(&mut self, it: &SecondOfOperation, seconds: i64) {
        self.per_second += it.count as f64 / seconds as f64;
        self.errors_per_second += it.errors as f64 / seconds as f64;
        if let Some(p50_ns) = it.p50_ns {
            let (mean, of) = self.p50_ns.unwrap_or((0.0, 0));
            let of = of + 1;
            self.p50_ns = Some((mean + (p50_ns as f64 - mean) / f64::from(of), of));
        }
        self.p99_ns = self.p99_ns.max(it.p99_ns);
        self.max_ns = self.max_ns.max(it.max_ns);
    }

    fn median_ns(&self) -> Option<f64> {
        self.p50_ns.map(|(mean, _)| mean)
    }
}

/// The upper line of an operation: its p99 where most seconds have samples enough for one, else its largest time.
#[derive(Clone, Copy)]
enum Upper {
    P99,
    Max,
}

impl Upper {
    fn of(points: &[Point], name: &str) -> Upper {
        let here = || points.iter().filter_map(|it| it.operations.get(name)).filter(|it| it.max_ns.is_some());
        if here().filter(|it| it.p99_ns.is_some()).count() * 2 > here().count() { Upper::P99 } else { Upper::Max }
    }

    fn word(self) -> &'static str {
        match self {
            Upper::P99 => "p99",
            Upper::Max => "max",
        }
    }

    fn ns(self, it: &PointOfOperation) -> Option<f64> {
        match self {
            Upper::P99 => it.p99_ns,
            Upper::Max => it.max_ns,
        }
        .map(|ns| ns as f64)
    }
}

impl Point {
    fn of(seconds: &[Second]) -> Vec<Point> {
        let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else { return Vec::new() };
        let length = last.second.abs_diff(first.second) as usize + 1;
        let width = length.div_ceil(POINTS_MAX) as i64;
        let mut points: Vec<Point> = Vec::new();
        for second in seconds {
            let start = first.second + (second.second - first.second).div_euclid(width) * width;
            match points.last_mut() {
                Some(open) if open.first_second == start => open.add(second),
                _ => {
                    let mut point = Point {
                        first_second: start,
                        seconds: width,
                        users: 0,
                        lag_max_ns: 0,
                        operations: BTreeMap::new(),
                    };
                    point.add(second);
                    points.push(point);
                }
            }
        }
        points
    }

    fn add(&mut self, second: &Second) {
        self.users = second.users;
        self.lag_max_ns = self.lag_max_ns.max(second.lag_max_ns);
        for (name, it) in &second.operations {
            self.operations.entry(name.clone()).or_default().add(it, self.seconds);
        }
    }

    fn middle(&self) -> f64 {
        self.first_second as f64 + self.seconds as f64 / 2.0
    }
}

fn time_scale(points: &[Point]) -> Scale {
    let first = points.first().map_or(0, |it| it.first_second);
    let last = points.last().map_or(1, |it| it.first_second + it.seconds);
    Scale::Linear(first as f64, last as f64)
}

fn latency_over_time(index: usize, outcome: &Outcome, names: &[&str], points: &[Point]) -> Chart {
    let x = time_scale(points);
    let drawn = |name: &str| points.iter().map(move |it| (it.middle(), it.operations.get(name))).collect::<Vec<_>>();
    let upper: BTreeMap<&str, Upper> = names.iter().map(|name| (*name, Upper::of(points, name))).collect();
    let all = || names.iter().flat_map(|name| drawn(name).into_iter().filter_map(move |(_, it)| Some((*name, it?))));
    let values = all().flat_map(|(name, it)| [it.median_ns(), upper[name].ns(it)]);
    let y = Scale::log_over(values.flatten());
    let line = |number: usize, name: &str, stroke, pick: &dyn Fn(&PointOfOperation) -> Option<f64>, suffix: &str| {
        let point = |(at, it): (f64, Option<&PointOfOperation>)| Some((x.place(at), y.place(pick(it?)?)));
        let points = drawn(name).into_iter().map(point).collect();
        Line { name: format!("{name} {suffix}"), colour: Colour::Operation(number), stroke, points }
    };
    let lines = names.iter().enumerate().flat_map(|(number, name)| {
        let high = upper[name];
        [
            line(number, name, Stroke::Solid, &|it| high.ns(it), high.word()),
            line(number, name, Stroke::Dashed, &PointOfOperation::median_ns, "p50"),
        ]
    });
    Chart {
        id: format!("latency-{index}"),
        title: "Response time over time".to_owned(),
        axes: "logarithmic; minutes and seconds of plan time; the largest where samples are too few for a p99"
            .to_owned(),
        summary: summary(outcome, names),
        x_ticks: x.time_ticks(),
        y_ticks: y.latency_ticks(),
        lines: lines.collect(),
        bands: measured_band(outcome, x),
        columns: columns(points, x, names, |name, it| {
            let p50_ns = it.median_ns().map(|ns| ns as u64);
            let figures = [("p50", p50_ns), ("p99", it.p99_ns), ("max", it.max_ns)];
            let figures = figures.into_iter().filter_map(|(word, ns)| Some(format!("{word} {}", span(ns?))));
            format!("{name} {}", figures.collect::<Vec<_>>().join(", "))
        }),
    }
}

fn throughput(index: usize, outcome: &Outcome, names: &[&str], points: &[Point]) -> Chart {
    let x = time_scale(points);
    let value = |point: &Point, name: &str| point.operations.get(name).map_or(0.0, |it| it.per_second);
    let errors = |point: &Point| point.operations.values().map(|it| it.errors_per_second).sum::<f64>();
    let largest = points.iter().flat_map(|point| names.iter().map(move |name| value(point, name))).fold(0.0, f64::max);
    let y = Scale::from_zero(largest.max(points.iter().map(errors).fold(0.0, f64::max)));
    let mut lines: Vec<Line> = names
        .iter()
        .enumerate()
        .map(|(number, name)| Line {
            name: (*name).to_owned(),
            colour: Colour::Operation(number),
            stroke: Stroke::Solid,
            points: points.iter().map(|it| Some((x.place(it.middle()), y.place(value(it, name))))).collect(),
        })
        .collect();
    lines.push(Line {
        name: "errors, all operations".to_owned(),
        colour: Colour::Bad,
        stroke: Stroke::Solid,
        points: points.iter().map(|it| Some((x.place(it.middle()), y.place(errors(it))))).collect(),
    });
    Chart {
        id: format!("throughput-{index}"),
        title: "Throughput over time".to_owned(),
        axes: "operations ended a second; minutes and seconds of plan time".to_owned(),
        summary: format!("At most {} of one operation.", rate(largest)),
        x_ticks: x.time_ticks(),
        y_ticks: y.rate_ticks(),
        lines,
        bands: measured_band(outcome, x),
        columns: columns(points, x, names, |name, it| {
            let errors = if it.errors_per_second > 0.0 {
                format!(" ({} errors)", rate(it.errors_per_second))
            } else {
                String::new()
            };
            format!("{name} {}{errors}", rate(it.per_second))
        }),
    }
}

/// What the pointer finds at each point: when, how many users, and each operation's values.
fn columns(points: &[Point], x: Scale, names: &[&str], value: fn(&str, &PointOfOperation) -> String) -> Vec<Column> {
    let column = |point: &Point| {
        let first = point.first_second as f64;
        let values = names.iter().filter_map(|name| Some(value(name, point.operations.get(*name)?)));
        let mut words = vec![format!("at {} s", point.first_second), counted(point.users, "users")];
        words.extend(values);
        words.push(format!("generator lag {}", span(point.lag_max_ns)));
        Column { from: x.place(first), to: x.place(first + point.seconds as f64), title: words.join(", ") }
    };
    points.iter().map(column).collect()
}

/// The phase that thresholds judge.
fn measured_band(outcome: &Outcome, x: Scale) -> Vec<Band> {
    let measured = outcome.phases.measured();
    if measured.is_empty() {
        return Vec::new();
    }
    let place = |ns: u64| x.place(ns as f64 / 1e9);
    vec![Band { from: place(measured.start), to: place(measured.end), text: "measured".to_owned() }]
}
