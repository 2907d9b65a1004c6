//! The live view of a run, as a widget for a terminal: where the plan stands, users, the rate that is reached and the one that is
//! planned, latency by operation, errors by class, how the generator does, and metrics of the target and of what is observed.
//! Pure. Neighbours: `screen` draws it; `live::line` is the same in one line, where there is no terminal.

use crate::bar::gauge;
use crate::screen::Lines;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Cell, Row, Table, Widget};
use rehearsal_loadgen::live::progress::{Progress, RunStage};
use rehearsal_reports::outcome::{SecondOfOperation, Validity};
use rehearsal_reports::render::units::{bytes, counted, rate, span, span_or_none, thousands, trimmed};
use rehearsal_reports::render::words::validity_word;
use std::cmp::Reverse;

/// Most rows of one kind: a terminal is small.
const ROWS_MAX: usize = 6;
/// How wide the words on the left are.
const LABEL_WIDTH: u16 = 11;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// The panel.
pub struct Panel {
    head: String,
    done: f64,
    rows: Vec<Told>,
}

/// A row: what it is about, what is told, and in which style.
struct Told {
    label: String,
    text: String,
    style: Style,
}

impl Told {
    fn new(label: impl Into<String>, text: String) -> Told {
        Told { label: label.into(), text, style: Style::new() }
    }

    fn styled(self, style: Style) -> Told {
        Told { style, ..self }
    }
}

impl Panel {
    /// How a run of this scenario does.
    pub fn new(scenario: &str, now: &Progress) -> Panel {
        let mut rows = vec![Told::new("users", users(now)), Told::new("rate", rates(now))];
        let mut operations: Vec<_> = now.operations_now.iter().collect();
        operations.sort_by_key(|(_, operation)| Reverse(operation.count));
        let width = operations.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let shown = operations.iter().take(ROWS_MAX);
        rows.extend(shown.map(|(name, it)| Told::new("latency", operation(name, width, it))));
        rows.push(Told::new("errors", errors(now)).styled(if now.errors == 0 { Style::new() } else { YELLOW }));
        rows.push(Told::new("generator", generator(now)).styled(of_validity(now.generator)));
        let restraint = now.restraint.words().map(|words| Told::new("target", words.to_owned()).styled(RED));
        rows.extend(restraint);
        rows.extend(now.metrics.iter().take(ROWS_MAX).map(|(of, metrics)| {
            let numbers = metrics.iter().filter(|(name, _)| *name != "timestamp").take(ROWS_MAX);
            let numbers: Vec<String> = numbers.map(|(name, value)| format!("{name} {}", trimmed(*value, 2))).collect();
            Told::new(of, numbers.join("  "))
        }));
        let (phase, done) = phase(now);
        Panel { head: format!("{scenario}  {phase}"), done, rows }
    }
}

impl Lines for Panel {
    fn lines(&self) -> u16 {
        u16::try_from(self.rows.len() + 1).unwrap_or(u16::MAX)
    }
}

impl Widget for Panel {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
        gauge(self.done).label(self.head).filled_style(GREEN).unfilled_style(DIM).render(head, buffer);
        let mut last = String::new();
        let rows = self.rows.into_iter().map(|Told { label, text, style }| {
            // What several rows are about stands once.
            let shown = if label == last { String::new() } else { label.clone() };
            last = label;
            Row::new([Cell::new(shown).style(DIM), Cell::new(text).style(style)])
        });
        Table::new(rows, [Constraint::Length(LABEL_WIDTH), Constraint::Min(0)]).column_spacing(0).render(body, buffer);
    }
}

const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const GREEN: Style = Style::new().fg(Color::Green);
const YELLOW: Style = Style::new().fg(Color::Yellow);
const RED: Style = Style::new().fg(Color::Red);

fn of_validity(validity: Validity) -> Style {
    match validity {
        Validity::Valid => GREEN,
        Validity::Suspect => YELLOW,
        Validity::Invalid => RED,
    }
}

/// Where the plan stands, and how much of it is done.
fn phase(now: &Progress) -> (String, f64) {
    match now.stage {
        RunStage::Prepare { made, of } => {
            (format!("prepare: {made} of {of} rooms and identities"), made as f64 / of as f64)
        }
        stage => {
            let t_ns = now.t_ns.max(0);
            (format!("{}, {} of {}", stage.word(), clock(t_ns), clock(now.end_ns)), t_ns as f64 / now.end_ns as f64)
        }
    }
}

fn users(now: &Progress) -> String {
    format!("{} of {}", thousands(now.users), thousands(now.users_planned as u64))
}

fn rates(now: &Progress) -> String {
    let planned = now.rate_planned.map_or_else(|| "nothing".to_owned(), rate);
    format!("{} reached, {planned} planned", rate(now.rate as f64))
}

fn operation(name: &str, width: usize, it: &SecondOfOperation) -> String {
    let errors = if it.errors == 0 { String::new() } else { format!("  {}", counted(it.errors, "errors")) };
    let (p50, p99) = (span_or_none(it.p50_ns), span_or_none(it.p99_ns.or(it.max_ns)));
    format!("{name:width$}  {:>8}  p50 {p50:>8}  p99 {p99:>8}{errors}", rate(it.count as f64))
}

fn errors(now: &Progress) -> String {
    if now.error_classes.is_empty() {
        return "none".to_owned();
    }
    let mut classes: Vec<_> = now.error_classes.iter().collect();
    classes.sort_by_key(|(_, count)| Reverse(**count));
    let shown: Vec<String> = classes.iter().take(ROWS_MAX).map(|(class, count)| format!("{class} {count}")).collect();
    shown.join("  ")
}

fn generator(now: &Progress) -> String {
    format!(
        "{}  lag {}  {} cores  {}",
        validity_word(now.generator),
        span(now.lag_max_ns),
        trimmed(now.cpu_cores, 2),
        bytes(now.rss_bytes)
    )
}

fn clock(t_ns: i64) -> String {
    let seconds = t_ns / NANOS_PER_SECOND;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use rehearsal_loadgen::live::holding_back::Restraint;

    fn second(count: u64, errors: u64, p99_ms: u64) -> SecondOfOperation {
        let ns = |ms: u64| Some(ms * 1_000_000);
        SecondOfOperation { count, errors, p50_ns: ns(p99_ms / 4), p99_ns: ns(p99_ms), max_ns: ns(p99_ms * 2) }
    }

    fn progress(stage: RunStage) -> Progress {
        let metrics = [("active_rooms".into(), 100.0), ("timestamp".into(), 9.0), ("total_messages".into(), 5_211.0)];
        Progress {
            stage,
            restraint: Restraint::None,
            t_ns: 432 * NANOS_PER_SECOND,
            end_ns: 600 * NANOS_PER_SECOND,
            users: 2_498,
            users_planned: 2_500,
            rate: 218,
            rate_planned: Some(220.0),
            operations_now: [("discover".into(), second(198, 2, 40)), ("request_job".into(), second(20, 0, 120))]
                .into(),
            p50_ns: Some(10_000_000),
            p99_ns: Some(40_000_000),
            errors: 21,
            error_classes: [("ROOM_FULL".into(), 7), ("timed_out".into(), 14)].into(),
            operations: 94_000,
            generator: Validity::Suspect,
            lag_max_ns: 900_000,
            cpu_cores: 0.84,
            rss_bytes: 143 << 20,
            metrics: [("target".into(), metrics.into())].into(),
        }
    }

    fn shown(now: &Progress, width: u16) -> String {
        let panel = Panel::new("staging", now);
        let mut terminal = Terminal::new(TestBackend::new(width, panel.lines())).unwrap();
        terminal.draw(|frame| frame.render_widget(panel, frame.area())).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_panel_shows_all_that_a_run_does() {
        insta::assert_snapshot!(shown(&progress(RunStage::Measure), 80), @r#"
        "staging  measure, 7:12 of 10:00 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━──────────────"
        "users      2,498 of 2,500                                                       "
        "rate       218/s reached, 220/s planned                                         "
        "latency    discover        198/s  p50  10.0 ms  p99  40.0 ms  2 errors          "
        "           request_job    20.0/s  p50  30.0 ms  p99   120 ms                    "
        "errors     timed_out 14  ROOM_FULL 7                                            "
        "generator  suspect  lag 900 µs  0.84 cores  143 MiB                             "
        "target     active_rooms 100  total_messages 5211                                "
        "#);
    }

    #[test]
    fn a_narrow_terminal_shows_the_beginning_of_each_row() {
        insta::assert_snapshot!(shown(&progress(RunStage::Measure), 40), @r#"
        "staging  measure, 7:12 of 10:00 ━━━━━───"
        "users      2,498 of 2,500               "
        "rate       218/s reached, 220/s planned "
        "latency    discover        198/s  p50  1"
        "           request_job    20.0/s  p50  3"
        "errors     timed_out 14  ROOM_FULL 7    "
        "generator  suspect  lag 900 µs  0.84 cor"
        "target     active_rooms 100  total_messa"
        "#);
    }

    #[test]
    fn a_target_that_is_left_alone_is_told() {
        let held_back = Progress { restraint: Restraint::BackedOff, ..progress(RunStage::Measure) };
        assert!(shown(&held_back, 80).contains("target     circuit breaker holds back"));
    }

    #[test]
    fn preparing_is_shown_by_what_is_made() {
        let shown = shown(&progress(RunStage::Prepare { made: 50, of: 200 }), 80);
        assert!(shown.starts_with("\"staging  prepare: 50 of 200 rooms and identities ━"), "{shown}");
    }
}
