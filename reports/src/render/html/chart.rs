//! One chart: axes, lines, bands, legend and hover values. The plot is an SVG that stretches with the page, its texts
//! are HTML around it, so that they keep their size on a phone. Neighbours: `series` says what is drawn, `scale` where.

use super::scale::Tick;
use maud::{Markup, html};

/// What is drawn. All places are shares of the plot, from its lower left corner.
pub(super) struct Chart {
    /// A name for it that is unique on the page.
    pub(super) id: String,
    /// What it shows.
    pub(super) title: String,
    /// What the axes mean, with units: `response time in ms, by …`.
    pub(super) axes: String,
    /// One or two sentences that say what the lines say, for those who cannot see them.
    pub(super) summary: String,
    /// Marks below.
    pub(super) x_ticks: Vec<Tick>,
    /// Marks at the left.
    pub(super) y_ticks: Vec<Tick>,
    /// The lines, the first one drawn first.
    pub(super) lines: Vec<Line>,
    /// Spans behind the lines.
    pub(super) bands: Vec<Band>,
    /// Where a pointer finds which values.
    pub(super) columns: Vec<Column>,
}

/// One line.
pub(super) struct Line {
    /// As in the legend.
    pub(super) name: String,
    /// Its colour.
    pub(super) colour: Colour,
    /// How it is drawn.
    pub(super) stroke: Stroke,
    /// Its points; a gap where there is none.
    pub(super) points: Vec<Option<(f64, f64)>>,
}

/// A colour of the page's palette.
#[derive(Clone, Copy)]
pub(super) enum Colour {
    /// The operation with this number.
    Operation(usize),
    /// Errors.
    Bad,
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    /// Unbroken.
    Solid,
    /// Dashed.
    Dashed,
}

/// A labelled span of the horizontal axis.
pub(super) struct Band {
    /// From.
    pub(super) from: f64,
    /// To.
    pub(super) to: f64,
    /// What it is.
    pub(super) text: String,
}

/// A span of the horizontal axis with its values in words.
pub(super) struct Column {
    /// From.
    pub(super) from: f64,
    /// To.
    pub(super) to: f64,
    /// The values.
    pub(super) title: String,
}

/// The SVG is this many units wide and high, whatever its size on the page.
const EXTENT: f64 = 1_000.0;

impl Chart {
    /// The chart as a figure.
    pub(super) fn figure(&self) -> Markup {
        html! {
            figure.chart aria-labelledby=(self.id) {
                figcaption #(self.id) { strong { (self.title) } " " span.axes { (self.axes) } }
                ul.legend { @for line in &self.lines { li { (swatch(line)) (line.name) } } }
                div.plot {
                    div.y-ticks aria-hidden="true" {
                        @for tick in &self.y_ticks { span style=(placed("bottom", tick.at)) { (tick.text) } }
                    }
                    div.area {
                        @for band in &self.bands {
                            @let style = placed("left", band.from) + &placed("width", band.to - band.from);
                            span.phase aria-hidden="true" style=(style) { (band.text) }
                        }
                        (self.svg())
                    }
                    div.x-ticks aria-hidden="true" {
                        @for tick in &self.x_ticks {
                            span class=(edge_class(tick.at)) style=(placed("left", tick.at)) { (tick.text) }
                        }
                    }
                }
                p.readout aria-live="polite" { "Point at or tap the chart for values." }
            }
        }
    }

    fn svg(&self) -> Markup {
        let extent = EXTENT as u32;
        html! {
            svg viewBox={ "0 0 " (extent) " " (extent) } preserveAspectRatio="none"
                role="img" aria-label=(self.summary) {
                @for band in &self.bands {
                    rect.band x=(x(band.from)) y="0" width=(x(band.to - band.from)) height=(extent) {}
                }
                @for tick in &self.y_ticks { line.grid x1="0" x2=(extent) y1=(y(tick.at)) y2=(y(tick.at)) {} }
                @for tick in &self.x_ticks { line.grid x1=(x(tick.at)) x2=(x(tick.at)) y1="0" y2=(extent) {} }
                @for line in &self.lines { path class=(line_class(line)) d=(path(&line.points)) {} }
                line.cursor x1="0" x2="0" y1="0" y2=(extent) {}
                @for column in &self.columns {
                    rect.hit x=(x(column.from)) y="0" width=(x(column.to - column.from)) height=(extent) {
                        title { (column.title) }
                    }
                }
            }
        }
    }
}

/// A style that puts something at a share of its parent.
fn placed(side: &str, share: f64) -> String {
    format!("{side}:{:.2}%;", share * 100.0)
}

fn x(share: f64) -> String {
    format!("{:.1}", share * EXTENT)
}

fn y(share: f64) -> String {
    format!("{:.1}", (1.0 - share) * EXTENT)
}

/// Half the width of a dash that stands for a point without neighbours, as a share of the plot.
const DASH: f64 = 0.004;

fn path(points: &[Option<(f64, f64)>]) -> String {
    let run = |run: &[Option<(f64, f64)>]| match *run {
        // A line over one point has no length and would show nothing.
        [Some((right, up))] => corners([(right - DASH, up), (right + DASH, up)].into_iter()),
        _ => corners(run.iter().flatten().copied()),
    };
    points.split(Option::is_none).map(run).collect()
}

fn corners(points: impl Iterator<Item = (f64, f64)>) -> String {
    let command = |index| if index == 0 { "M" } else { "L" };
    points.enumerate().map(|(index, (right, up))| format!("{}{} {}", command(index), x(right), y(up))).collect()
}

fn line_class(line: &Line) -> String {
    let colour = match line.colour {
        Colour::Operation(number) => format!("c{}", number % 4),
        Colour::Bad => "cbad".to_owned(),
    };
    let stroke = if line.stroke == Stroke::Dashed { " dashed" } else { "" };
    format!("line {colour}{stroke}")
}

fn swatch(line: &Line) -> Markup {
    html! {
        svg.swatch viewBox="0 0 24 6" aria-hidden="true" { path class=(line_class(line)) d="M0 3L24 3" {} }
    }
}

/// Texts at the very edges stay inside the page.
fn edge_class(at: f64) -> &'static str {
    if at < 0.04 {
        "first"
    } else if at > 0.96 {
        "last"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_the_line_and_a_lonely_point_is_a_dash() {
        let points = [Some((0.0, 0.0)), Some((0.5, 1.0)), None, Some((0.99, 0.5))];
        assert_eq!(path(&points), "M0.0 1000.0L500.0 0.0M986.0 500.0L994.0 500.0");
    }
}
