//! One line for work of which only the amount is known: a bar, how much is done, and a word about it. Pure. Neighbours: `progress`
//! shows it; `panel` is what a live run has.

use crate::screen::Lines;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::{LineGauge, Paragraph, Widget};

/// How wide the label and its bar are.
const GAUGE_WIDTH: u16 = 44;
/// What a bar is made of.
pub const FILLED: &str = "━";
/// What is still to be done.
pub const UNFILLED: &str = "─";

/// The line.
pub struct Bar<'a> {
    /// What is done.
    pub label: &'a str,
    /// How much of it.
    pub done: u64,
    /// All of it; 0 if nobody knows.
    pub total: u64,
    /// About it.
    pub message: &'a str,
}

impl Lines for Bar<'_> {
    fn lines(&self) -> u16 {
        1
    }
}

impl Widget for Bar<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let Bar { label, done, total, message } = self;
        if total == 0 {
            return Paragraph::new(format!("{label:12} {done}  {message}")).render(area, buffer);
        }
        let [left, right] = Layout::horizontal([Constraint::Length(GAUGE_WIDTH), Constraint::Min(0)]).areas(area);
        gauge(done as f64 / total as f64).label(format!("{label:12}")).render(left, buffer);
        Paragraph::new(format!(" {}/{total}  {message}", done.min(total))).render(right, buffer);
    }
}

/// How much of something is done.
pub fn gauge(ratio: f64) -> LineGauge<'static> {
    let ratio = if ratio.is_finite() { ratio.clamp(0.0, 1.0) } else { 0.0 };
    LineGauge::default().ratio(ratio).filled_symbol(FILLED).unfilled_symbol(UNFILLED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn shown(bar: Bar<'_>) -> String {
        let mut terminal = Terminal::new(TestBackend::new(70, 1)).unwrap();
        terminal.draw(|frame| frame.render_widget(bar, frame.area())).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_bar_shows_how_much_of_the_work_is_done() {
        insta::assert_snapshot!(shown(Bar { label: "seeds", done: 25, total: 100, message: "1 broken" }), @r#""seeds        ━━━━━━━──────────────────────── 25/100  1 broken         ""#);
        insta::assert_snapshot!(shown(Bar { label: "seeds", done: 100, total: 10, message: "" }), @r#""seeds        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ 10/10                    ""#);
    }

    #[test]
    fn work_without_an_end_has_no_bar() {
        insta::assert_snapshot!(shown(Bar { label: "exploring", done: 812, total: 0, message: "3 broken" }), @r#""exploring    812  3 broken                                            ""#);
    }
}
