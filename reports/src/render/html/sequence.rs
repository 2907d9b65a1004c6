//! The story of a broken check as a sequence diagram: lanes for users, slanted arrows for messages from sending to
//! arrival, boxes for what happens in one lane, shaded spans for faults, bars for jobs, and marks where it goes wrong.
//!
//! It is drawn twice, for a page and for a phone; the style sheet shows the one that fits, so that text keeps its size.
//! Neighbours: `sequence/timeline` (from time to height), `sequence/layout` (widths), `story` (what is told).

mod layout;
mod timeline;

use crate::outcome::{Story, StoryFault, StoryRow, StorySpan};
use crate::render::text::story_columns;
use crate::render::units::{offset_s, trimmed};
use layout::{Layout, NARROW, WIDE};
use maud::{Markup, html};
use timeline::Timeline;

/// The diagram with its sentence, and the same story as text.
pub(super) fn figure(story: &Story) -> Markup {
    let clock = if story.is_virtual { "virtual time in seconds" } else { "time in seconds" };
    html! {
        figure.story {
            figcaption {
                strong { "What happened" } " "
                span.axes { (clock) " from the start of the plan; not to scale, long waits are cut short" }
            }
            div.wide { (Diagram::new(story, &WIDE).svg()) }
            div.narrow { (Diagram::new(story, &NARROW).svg()) }
            details {
                summary { "The same as text" }
                pre.columns tabindex="0" { (story_columns(story)) }
            }
        }
    }
}

/// One drawing of a story.
struct Diagram<'a> {
    story: &'a Story,
    layout: &'a Layout,
    timeline: Timeline,
}

impl<'a> Diagram<'a> {
    fn new(story: &'a Story, layout: &'a Layout) -> Diagram<'a> {
        Diagram { story, layout, timeline: Timeline::new(&story.rows, &story.faults, layout) }
    }

    fn svg(&self) -> Markup {
        let (width, height) = (self.layout.width, self.timeline.height());
        let class = self.layout.class;
        html! {
            svg.sequence.(class) viewBox={ "0 0 " (px(width)) " " (px(height)) } width=(px(width)) height=(px(height))
                role="img" aria-label=(self.label()) {
                @for (index, fault) in self.story.faults.iter().enumerate() { (self.fault(index, fault)) }
                @for lane in 0..self.story.lanes.len() { (self.lifeline(lane)) }
                @for (index, span) in self.story.spans.iter().enumerate() { (self.span(index, span)) }
                @for (index, row) in self.story.rows.iter().enumerate() { (self.time(index, row)) }
                @for (index, row) in self.story.rows.iter().enumerate() { (self.note_box(index, row)) }
                @for (index, row) in self.story.rows.iter().enumerate() { (self.line(index, row)) }
                @for (index, row) in self.story.rows.iter().enumerate() { (self.words(index, row)) }
                @for (index, fault) in self.story.faults.iter().enumerate() { (self.fault_name(index, fault)) }
            }
        }
    }

    /// For those who cannot see it: who takes part, and what went wrong.
    fn label(&self) -> String {
        let lanes = self.story.lanes.join(", ");
        format!("Sequence diagram of {lanes}. {}. The same story follows as text.", self.story.sentence)
    }

    fn x(&self, lane: usize) -> f64 {
        self.layout.lane_x(lane, self.story.lanes.len())
    }

    /// The lane of a user; rows name only lanes, whatever else a record claims goes to the first.
    fn lane(&self, user: &str) -> usize {
        self.story.lanes.iter().position(|it| **it == *user).unwrap_or(0)
    }

    fn lifeline(&self, lane: usize) -> Markup {
        let (x, top) = (self.x(lane), self.layout.header_height);
        let name = &*self.story.lanes[lane];
        let room = self.layout.spacing(self.story.lanes.len()) - 6.0;
        let width = (self.layout.text_width(name) + 18.0).min(room);
        html! {
            line.life x1=(px(x)) x2=(px(x)) y1=(px(top)) y2=(px(self.timeline.height() - 6.0)) {}
            rect.name x=(px(x - width / 2.0)) y="4" width=(px(width)) height=(px(top - 8.0)) rx="6" {}
            text.name x=(px(x)) y=(px(top / 2.0 + 4.0)) { (self.layout.fitted_name(name, room - 8.0)) title { (name) } }
        }
    }

    fn fault(&self, index: usize, fault: &StoryFault) -> Markup {
        let top = self.timeline.fault_name_y(index) - 14.0;
        let bottom = fault.until_ns.map_or(self.timeline.height() - 6.0, |it| self.timeline.y(it));
        let half = self.layout.spacing(self.story.lanes.len()) / 2.0 - 3.0;
        html! {
            @for lane in self.lanes_of(fault) {
                @let height = (bottom - top).max(20.0);
                rect.fault x=(px(self.x(lane) - half)) y=(px(top)) width=(px(half * 2.0)) height=(px(height)) rx="4" {
                    title { "fault: " (fault.name) }
                }
            }
        }
    }

    /// A fault by its name, on a line of its own: over the first lane that it concerns, and as far right as it needs.
    fn fault_name(&self, index: usize, fault: &StoryFault) -> Markup {
        let until = fault.until_ns.map_or("to the end".to_owned(), |it| format!("until {} s", offset_s(it)));
        let text = format!("fault: {}, {until}", fault.name);
        let half = self.layout.spacing(self.story.lanes.len()) / 2.0 - 3.0;
        let left = self.lanes_of(fault).next().map_or(self.layout.gutter_width, |lane| self.x(lane) - half + 5.0);
        let left = left.min(self.layout.right() - self.layout.text_width(&text)).max(self.layout.gutter_width);
        html! {
            text.fault x=(px(left)) y=(px(self.timeline.fault_name_y(index))) {
                (self.layout.fitted(&text, self.layout.right() - left))
                title { (text) }
            }
        }
    }

    fn lanes_of(&self, fault: &StoryFault) -> impl Iterator<Item = usize> {
        let lanes = self.story.lanes.iter().enumerate();
        let concerned = lanes.filter(|(_, lane)| fault.lanes.is_empty() || fault.lanes.contains(lane));
        concerned.map(|(index, _)| index)
    }

    /// A job as a bar; jobs that run together stand side by side.
    fn span(&self, index: usize, it: &StorySpan) -> Markup {
        let earlier = &self.story.spans[..index];
        let overlapping = earlier.iter().filter(|other| other.lane == it.lane && meets(other, it)).count();
        let x = self.x(self.lane(&it.lane)) - 5.0 + 11.0 * overlapping as f64;
        let top = self.timeline.start_y(it.from_ns);
        let bottom = it.until_ns.map_or(self.timeline.height() - 6.0, |end_ns| self.timeline.y(end_ns));
        let class = if overlapping > 0 { "job second" } else { "job" };
        html! {
            rect class=(class) x=(px(x)) y=(px(top)) width="10" height=(px((bottom - top).max(6.0))) rx="3" {
                title { "job " (it.text) }
            }
        }
    }

    fn time(&self, index: usize, row: &StoryRow) -> Markup {
        let x = self.layout.gutter_width - 10.0;
        html! {
            text.time x=(px(x)) y=(px(self.timeline.row_y(index) + 4.0)) { (offset_s(row.t_ns)) }
            @if let Some((y, wait_ns)) = self.timeline.wait_before(index) {
                text.wait x=(px(x)) y=(px(y + 4.0)) { "⋮ " (wait(wait_ns)) }
            }
        }
    }

    /// The arrow of a message, or nothing for what happens in one lane.
    fn line(&self, index: usize, row: &StoryRow) -> Markup {
        let Some(arrow) = self.arrow(index, row) else { return html! {} };
        let hot = hot(row);
        let ((x1, y1), (x2, y2)) = (arrow.from, arrow.to);
        html! {
            @if row.arrived_ns.is_some() {
                line.arrow.(hot) x1=(px(x1)) y1=(px(y1)) x2=(px(x2)) y2=(px(y2)) {}
                path.head.(hot) d=(arrow.head()) {}
            } @else {
                line.arrow.lost.(hot) x1=(px(x1)) y1=(px(y1)) x2=(px(x2)) y2=(px(y2)) {}
                path.cross.(hot) d=(arrow.cross()) {}
            }
        }
    }

    fn arrow(&self, index: usize, row: &StoryRow) -> Option<Arrow> {
        let (from, to) = (self.lane(&row.from), self.lane(row.to.as_deref()?));
        let y = self.timeline.row_y(index);
        let (x1, x2) = (self.x(from), self.x(to));
        let (x1, x2) = (x1 + 4.0 * (x2 - x1).signum(), x2 - 4.0 * (x2 - x1).signum());
        Some(match row.arrived_ns {
            Some(arrived_ns) => Arrow { from: (x1, y), to: (x2, self.timeline.arrival_y(index, arrived_ns)) },
            None => Arrow { from: (x1, y), to: (x1 + (x2 - x1) * 0.72, y + 10.0) },
        })
    }

    /// What a row says, above the start of its arrow or in the box on its lane.
    fn words(&self, index: usize, row: &StoryRow) -> Markup {
        let y = self.timeline.row_y(index);
        html! {
            @if let Some(arrow) = self.arrow(index, row) {
                // Above its start a text stays clear of other rows, however steep the arrow falls.
                @let leftwards = arrow.to.0 < arrow.from.0;
                @let x = arrow.from.0 + if leftwards { -8.0 } else { 8.0 };
                // Marked texts are bold and need more room.
                @let share = if row.mark.is_empty() { 1.0 } else { 0.88 };
                @let room = self.layout.room_from(x, leftwards) * share;
                // What does not fit beside its start has the whole line: no other row is on it.
                @let is_long = self.layout.text_width(&told(&row.text)) > room;
                @let (x, leftwards) = if is_long { (self.layout.gutter_width, false) } else { (x, leftwards) };
                @let room = if is_long { self.layout.room_from(x, false) * share } else { room };
                text.message.(hot(row)).leftwards[leftwards] x=(px(x)) y=(px(y - 5.0)) {
                    (self.layout.fitted(&told(&row.text), room))
                    title { (row.text) }
                }
            } @else {
                @let (x, _, text) = self.note(row);
                text.note.(hot(row)) x=(px(x)) y=(px(y + 4.0)) { (text) title { (row.text) } }
            }
            @if !row.mark.is_empty() { (self.mark(index, row)) }
        }
    }

    /// Why the row matters: in the margin, or below the row where there is none.
    fn mark(&self, index: usize, row: &StoryRow) -> Markup {
        let (x, y) = (self.x(self.lane(&row.from)), self.timeline.row_y(index));
        html! {
            @if let Some(margin) = self.layout.mark_x() {
                line.leader x1=(px(x)) x2=(px(margin - 6.0)) y1=(px(y)) y2=(px(y)) {}
                text.mark x=(px(margin)) y=(px(y + 4.0)) { "◂ " (row.mark) }
            } @else {
                @let half = self.layout.text_width(&row.mark) * 0.5 + 12.0;
                text.mark.under x=(px(self.layout.inside(x, half))) y=(px(y + 25.0)) { "▴ " (row.mark) }
            }
        }
    }

    /// The box of what happens in one lane; drawn below the arrows, so that it hides none.
    fn note_box(&self, index: usize, row: &StoryRow) -> Markup {
        if row.to.is_some() {
            return html! {};
        }
        let (x, width, _) = self.note(row);
        let top = self.timeline.row_y(index) - 11.0;
        let lane = self.x(self.lane(&row.from));
        html! {
            rect.note.(hot(row)) x=(px(x - width / 2.0)) y=(px(top)) width=(px(width)) height="22" rx="5" {}
            // A box may be wider than its lane: the knob says whose it is.
            circle.knob.(hot(row)) cx=(px(lane)) cy=(px(top)) r="3.5" {}
        }
    }

    /// Middle, width and text of a box.
    fn note(&self, row: &StoryRow) -> (f64, f64, String) {
        let text = self.layout.fitted(&told(&row.text), self.layout.box_room());
        let width = self.layout.text_width(&text) + 14.0;
        (self.layout.inside(self.x(self.lane(&row.from)), width / 2.0), width, text)
    }
}

/// From where to where a message goes.
struct Arrow {
    from: (f64, f64),
    to: (f64, f64),
}

impl Arrow {
    fn head(&self) -> String {
        let (dx, dy) = (self.to.0 - self.from.0, self.to.1 - self.from.1);
        let length = dx.hypot(dy).max(1.0);
        let (ux, uy) = (dx / length, dy / length);
        let (bx, by) = (self.to.0 - 9.0 * ux, self.to.1 - 9.0 * uy);
        let corner = |side: f64| format!("{} {}", px(bx - side * 4.0 * uy), px(by + side * 4.0 * ux));
        format!("M{} {}L{}L{}Z", px(self.to.0), px(self.to.1), corner(1.0), corner(-1.0))
    }

    fn cross(&self) -> String {
        let (x, y) = self.to;
        let (left, right, top, bottom) = (px(x - 5.0), px(x + 5.0), px(y - 5.0), px(y + 5.0));
        format!("M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}")
    }
}

/// A wait in seconds, short enough for the narrow gutter.
fn wait(ns: u64) -> String {
    let seconds = ns as f64 / 1e9;
    format!("{} s", trimmed(seconds, if seconds < 100.0 { 1 } else { 0 }))
}

/// Whether two jobs run at the same time.
fn meets(left: &StorySpan, right: &StorySpan) -> bool {
    let ends_before = |one: &StorySpan, other: &StorySpan| one.until_ns.is_some_and(|end_ns| end_ns <= other.from_ns);
    !ends_before(left, right) && !ends_before(right, left)
}

/// A row's text as one phrase: `sees workers-0 available`, `begins job clients-0-j1`.
fn told(text: &str) -> String {
    text.strip_prefix("discover: ").unwrap_or(text).replacen(": ", " ", 1)
}

fn hot(row: &StoryRow) -> &'static str {
    if row.mark.is_empty() { "calm" } else { "hot" }
}

/// A length in pixels with one digit after the point: enough for any screen, and short.
fn px(value: f64) -> String {
    trimmed(value, 1)
}
