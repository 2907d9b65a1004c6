//! Widths of a sequence diagram, for a page and for a phone.

/// Sizes in pixels.
pub(super) struct Layout {
    /// Class of the drawing, for the style sheet.
    pub(super) class: &'static str,
    /// All of it.
    pub(super) width: f64,
    /// Left of the lanes, for times.
    pub(super) gutter_width: f64,
    /// Right of the lanes, for marks; 0 puts them below what they mark.
    pub(super) marks_width: f64,
    /// Above the first row, for names.
    pub(super) header_height: f64,
    /// From one row to the next, at least.
    pub(super) row_height: f64,
    /// Added below a row with a mark.
    pub(super) mark_height: f64,
    /// Width of an average letter.
    pub(super) letter_width: f64,
}

/// For a page.
pub(super) const WIDE: Layout = Layout {
    class: "page",
    width: 940.0,
    gutter_width: 76.0,
    marks_width: 278.0,
    header_height: 38.0,
    row_height: 36.0,
    mark_height: 0.0,
    letter_width: 6.9,
};

/// For a phone of 360 pixels.
pub(super) const NARROW: Layout = Layout {
    class: "phone",
    width: 328.0,
    gutter_width: 52.0,
    marks_width: 0.0,
    header_height: 34.0,
    row_height: 38.0,
    mark_height: 16.0,
    letter_width: 5.7,
};

impl Layout {
    /// Distance between lanes.
    pub(super) fn spacing(&self, lanes: usize) -> f64 {
        (self.width - self.gutter_width - self.marks_width) / lanes.max(1) as f64
    }

    /// Where a lane's line is.
    pub(super) fn lane_x(&self, lane: usize, lanes: usize) -> f64 {
        self.gutter_width + self.spacing(lanes) * (lane as f64 + 0.5)
    }

    /// Where marks begin, if they have a margin.
    pub(super) fn mark_x(&self) -> Option<f64> {
        (self.marks_width > 0.0).then_some(self.width - self.marks_width + 16.0)
    }

    /// The middle of something this wide on both sides, moved so that it stays between times and the right edge.
    pub(super) fn inside(&self, x: f64, half_width: f64) -> f64 {
        x.min(self.width - half_width - 2.0).max(self.gutter_width + half_width - 4.0)
    }

    /// Where the lanes end.
    pub(super) fn right(&self) -> f64 {
        self.width - self.marks_width - 4.0
    }

    /// How wide a box may be. Each row has a line of its own, so it may cover the lanes beside its own.
    pub(super) fn box_room(&self) -> f64 {
        let share = if self.marks_width > 0.0 { 0.62 } else { 0.9 };
        (self.width - self.gutter_width - self.marks_width) * share
    }

    /// How much room a text has that starts here and must end before the edge it runs towards.
    pub(super) fn room_from(&self, x: f64, is_leftwards: bool) -> f64 {
        if is_leftwards { x - self.gutter_width } else { self.right() - x }
    }

    /// How wide a text is, roughly.
    pub(super) fn text_width(&self, text: &str) -> f64 {
        text.chars().count() as f64 * self.letter_width
    }

    /// The name, cut in its middle where it would need more room: names of users differ at their ends.
    pub(super) fn fitted_name(&self, name: &str, room: f64) -> String {
        let (letters, length) = (self.letters(room), name.chars().count());
        if length <= letters {
            return name.to_owned();
        }
        let end = (letters - 1).div_ceil(2);
        let kept = |from: usize, count: usize| name.chars().skip(from).take(count).collect::<String>();
        format!("{}…{}", kept(0, letters - 1 - end), kept(length - end, end))
    }

    /// The text, cut where it would need more room.
    pub(super) fn fitted(&self, text: &str, room: f64) -> String {
        let letters = self.letters(room);
        if text.chars().count() <= letters {
            return text.to_owned();
        }
        let kept: String = text.chars().take(letters - 1).collect();
        format!("{}…", kept.trim_end())
    }

    fn letters(&self, room: f64) -> usize {
        (room / self.letter_width).max(3.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_cut_keeps_its_number() {
        let cut = NARROW.fitted_name("very-long-group-name-17", 46.0);
        assert!(cut.ends_with("17") && cut.chars().count() == 8, "{cut}");
        assert_eq!(NARROW.fitted_name("workers-0", 80.0), "workers-0");
    }
}
