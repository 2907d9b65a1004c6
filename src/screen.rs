//! A few lines below what a terminal shows, drawn again in their place. Widgets are ratatui's; the drawing is not: its inline
//! viewport asks the terminal where the cursor is, and asks on stdout, which carries results only.
//!
//! Nothing is switched on (no raw mode, no hidden cursor), so that a process that is killed leaves the terminal whole.
//! Neighbours: `progress` decides what is shown and when, `panel` and `bar` are what.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use ratatui::widgets::Widget;
use std::fmt::Write as _;
use std::io::Write as _;

/// The size of a terminal that does not tell it.
const USUAL: (u16, u16) = (80, 24);

/// Something to be shown that knows how many lines it needs.
pub trait Lines: Widget {
    /// How many.
    fn lines(&self) -> u16;
}

/// The lines of the moment.
#[derive(Debug, Default)]
pub struct Screen {
    /// How wide each line is that stands there.
    standing: Vec<u16>,
}

impl Screen {
    /// Draws this in place of what stands there.
    pub fn draw(&mut self, shown: impl Lines) {
        let drawn = self.drawn(shown, size(), Colours::of_the_environment());
        put(&drawn);
    }

    /// Takes away what stands there.
    pub fn clear(&mut self) {
        put(&self.cleared(size().0));
    }

    /// What a terminal of this size is sent.
    fn drawn(&mut self, shown: impl Lines, (width, height): (u16, u16), colours: Colours) -> String {
        let area = Rect::new(0, 0, width, shown.lines().min(height.saturating_sub(1)));
        let mut buffer = Buffer::empty(area);
        shown.render(area, &mut buffer);
        let mut sent = self.cleared(width);
        for y in area.rows() {
            let (text, length) = line(&buffer, y, colours);
            sent += &text;
            sent.push_str("\r\n");
            self.standing.push(length);
        }
        sent
    }

    /// Goes up over what stands there; a terminal that has become narrower shows a line as several.
    fn cleared(&mut self, width: u16) -> String {
        let rows: u16 = self.standing.drain(..).map(|length| length.div_ceil(width.max(1)).max(1)).sum();
        if rows == 0 { String::new() } else { format!("\x1b[{rows}A\r\x1b[J") }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Whether the terminal is sent colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    Shown,
    Left,
}

impl Colours {
    /// See no-color.org.
    fn of_the_environment() -> Colours {
        match std::env::var_os("NO_COLOR") {
            Some(value) if !value.is_empty() => Colours::Left,
            _ => Colours::Shown,
        }
    }
}

/// A line of the buffer without what is blank at its end, and how wide it is.
fn line(buffer: &Buffer, row: Rect, colours: Colours) -> (String, u16) {
    let is_blank = |x: &u16| buffer[(*x, row.y)].symbol() == " ";
    let length = (0..row.width).rev().find(|x| !is_blank(x)).map_or(0, |last| last + 1);
    let plain = Cell::EMPTY.style();
    let (mut text, mut style, mut x) = (String::new(), plain, 0);
    while x < length {
        let cell = &buffer[(x, row.y)];
        let its_style = cell.style();
        if colours == Colours::Shown && its_style != style {
            text += &escape(its_style);
            style = its_style;
        }
        text += cell.symbol();
        // What is wider than a cell covers the next ones.
        x += u16::try_from(Span::raw(cell.symbol()).width()).unwrap_or(1).max(1);
    }
    if style != plain {
        text += &escape(plain);
    }
    (text, length)
}

/// The few styles that our widgets use.
fn escape(style: Style) -> String {
    let mut escape = "\x1b[0".to_owned();
    let colour = match style.fg {
        Some(Color::Red) => Some(31),
        Some(Color::Green) => Some(32),
        Some(Color::Yellow) => Some(33),
        _ => None,
    };
    for code in colour.into_iter().chain(style.add_modifier.contains(Modifier::DIM).then_some(2)) {
        // Writing to a string cannot fail.
        let _ = write!(escape, ";{code}");
    }
    escape + "m"
}

fn size() -> (u16, u16) {
    let told = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    told.map(|size| (size.ws_col, size.ws_row)).filter(|(width, height)| *width > 0 && *height > 0).unwrap_or(USUAL)
}

fn put(text: &str) {
    // Work goes on when nobody sees it any more.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::widgets::Paragraph;

    struct Text(&'static str);

    impl Lines for Text {
        fn lines(&self) -> u16 {
            self.0.lines().count() as u16
        }
    }

    impl Widget for Text {
        fn render(self, area: Rect, buffer: &mut Buffer) {
            Paragraph::new(self.0).render(area, buffer);
        }
    }

    /// Screens of tests are not dropped: that would clear the terminal on which the test runs.
    fn screen() -> std::mem::ManuallyDrop<Screen> {
        std::mem::ManuallyDrop::new(Screen::default())
    }

    #[test]
    fn what_stands_there_is_drawn_over_also_when_the_terminal_has_become_narrower() {
        let mut screen = screen();
        let draw = |screen: &mut Screen, text, width| screen.drawn(Text(text), (width, 24), Colours::Left);
        assert_eq!(draw(&mut screen, "one\ntwo and more", 20), "one\r\ntwo and more\r\n");
        assert_eq!(draw(&mut screen, "three", 20), "\x1b[2A\r\x1b[Jthree\r\n");
        assert_eq!(draw(&mut screen, "4", 3), "\x1b[2A\r\x1b[J4\r\n", "`three` takes two rows of three columns");
        assert_eq!(screen.cleared(3), "\x1b[1A\r\x1b[J");
        assert_eq!(screen.cleared(3), "");
    }

    #[test]
    fn a_small_terminal_gets_as_much_as_it_has_room_for() {
        let drawn = screen().drawn(Text("a long line\ntwo\nthree\nfour"), (6, 3), Colours::Left);
        assert_eq!(drawn, "a long\r\ntwo\r\n");
    }

    #[test]
    fn what_is_wide_is_sent_once_and_styles_end_with_their_line() {
        assert_eq!(screen().drawn(Text("日本 x"), (20, 24), Colours::Shown), "日本 x\r\n");
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 1));
        buffer.set_string(0, 0, "bad", Style::new().fg(Color::Red));
        assert_eq!(line(&buffer, buffer.area, Colours::Shown), ("\x1b[0;31mbad\x1b[0m".to_owned(), 3));
        assert_eq!(line(&buffer, buffer.area, Colours::Left), ("bad".to_owned(), 3));
    }
}
