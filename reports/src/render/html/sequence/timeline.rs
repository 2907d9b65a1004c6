//! From time to height: each row gets a line of its own, in order, and whatever happens between two rows is placed
//! between them. Distances are not to scale, order is: a message that overtakes another does so in the drawing.

use super::layout::Layout;
use crate::outcome::{StoryFault, StoryRow};

/// A wait that is worth telling.
const WAIT_NS: u64 = 1_000_000_000;
/// Added where a wait is told.
const WAIT_HEIGHT: f64 = 26.0;
/// Added where the name of a fault stands.
const FAULT_HEIGHT: f64 = 22.0;
/// Every arrow falls at least this much.
const FALL_MIN: f64 = 8.0;
/// How far above the next row an arrow ends at the latest.
const CLEARANCE: f64 = 14.0;
/// Below the last row, for arrows that arrive after it.
const FOOT_HEIGHT: f64 = 46.0;

/// The heights of a story's rows.
pub(super) struct Timeline {
    /// Time and height of each row, both never falling.
    rows: Vec<(i64, f64)>,
    /// How far below each row what follows it may begin: below its mark, if that stands there.
    skips: Vec<f64>,
    /// Where each fault's name stands: on a line of its own above the row that follows its beginning.
    fault_names: Vec<f64>,
}

impl Timeline {
    pub(super) fn new(rows: &[StoryRow], faults: &[StoryFault], layout: &Layout) -> Timeline {
        let mut y = layout.header_height + 22.0;
        let follows: Vec<usize> =
            faults.iter().map(|fault| rows.partition_point(|row| row.t_ns < fault.from_ns)).collect();
        let mut fault_names = vec![0.0; faults.len()];
        let mut placed: Vec<(i64, f64)> = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            if let Some(before) = index.checked_sub(1).map(|it| &rows[it]) {
                y += layout.row_height;
                y += if before.mark.is_empty() { 0.0 } else { layout.mark_height };
                y += if row.t_ns.abs_diff(before.t_ns) >= WAIT_NS { WAIT_HEIGHT } else { 0.0 };
            }
            for fault in (0..faults.len()).filter(|fault| follows[*fault] == index) {
                fault_names[fault] = y - 14.0;
                y += FAULT_HEIGHT;
            }
            placed.push((row.t_ns, y));
        }
        let foot = y + FOOT_HEIGHT / 2.0 + 4.0;
        fault_names.iter_mut().filter(|it| **it == 0.0).for_each(|it| *it = foot);
        let skip = |row: &StoryRow| if row.mark.is_empty() { 0.0 } else { layout.mark_height * 1.75 };
        Timeline { rows: placed, skips: rows.iter().map(skip).collect(), fault_names }
    }

    /// The height of the whole drawing.
    pub(super) fn height(&self) -> f64 {
        self.rows.last().map_or(FOOT_HEIGHT, |(_, y)| y + FOOT_HEIGHT)
    }

    /// The height of a row.
    pub(super) fn row_y(&self, index: usize) -> f64 {
        self.rows[index].1
    }

    /// The height of a fault's name.
    pub(super) fn fault_name_y(&self, index: usize) -> f64 {
        self.fault_names[index]
    }

    /// The height of a moment, between the rows around it.
    pub(super) fn y(&self, t_ns: i64) -> f64 {
        let after = self.rows.partition_point(|(row_ns, _)| *row_ns <= t_ns);
        match (after.checked_sub(1).map(|it| self.rows[it]), self.rows.get(after)) {
            (Some((from_ns, from_y)), Some((to_ns, to_y))) => {
                let share = t_ns.abs_diff(from_ns) as f64 / to_ns.abs_diff(from_ns) as f64;
                let skip = if t_ns > from_ns { self.skips[after - 1] } else { 0.0 };
                from_y + skip + (to_y - from_y - skip) * share
            }
            (None, Some((_, first_y))) => first_y - 16.0,
            (Some((last_ns, last_y)), None) if t_ns > last_ns => last_y + FOOT_HEIGHT / 2.0,
            (Some((_, last_y)), None) => last_y,
            (None, None) => 0.0,
        }
    }

    /// The height where something begins: at the first row of that moment, which is the one that tells of it or of its
    /// cause.
    pub(super) fn start_y(&self, t_ns: i64) -> f64 {
        match self.rows.get(self.rows.partition_point(|(row_ns, _)| *row_ns < t_ns)) {
            Some((row_ns, y)) if *row_ns == t_ns => *y,
            _ => self.y(t_ns),
        }
    }

    /// Where the message of a row arrives: above whatever its arrival caused, so that no box hides its head.
    pub(super) fn arrival_y(&self, index: usize, arrived_ns: i64) -> f64 {
        let after = self.rows.partition_point(|(row_ns, _)| *row_ns < arrived_ns).max(index + 1);
        let ceiling = self.rows.get(after).map_or(f64::MAX, |(_, y)| y - CLEARANCE);
        self.y(arrived_ns).min(ceiling).max(self.row_y(index) + FALL_MIN)
    }

    /// Where a long wait before a row is told, and how long it was.
    pub(super) fn wait_before(&self, index: usize) -> Option<(f64, u64)> {
        let (before, here) = (self.rows[index.checked_sub(1)?], self.rows[index]);
        let wait_ns = here.0.abs_diff(before.0);
        (wait_ns >= WAIT_NS).then_some(((before.1 + here.1) / 2.0, wait_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::WIDE;
    use super::*;

    fn timeline(times_ms: &[i64]) -> Timeline {
        let row = |ms: &i64| StoryRow {
            n: 0,
            t_ns: ms * 1_000_000,
            from: "a".into(),
            to: None,
            arrived_ns: None,
            text: String::new(),
            mark: String::new(),
        };
        Timeline::new(&times_ms.iter().map(row).collect::<Vec<_>>(), &[], &WIDE)
    }

    #[test]
    fn later_is_never_higher() {
        let timeline = timeline(&[10, 10, 14, 5_000, 5_001]);
        let heights: Vec<f64> = (0..6_000).map(|ms| timeline.y(ms * 1_000_000)).collect();
        assert!(heights.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(heights.iter().all(|it| *it < timeline.height()));
    }

    #[test]
    fn an_arrival_falls_even_when_it_takes_no_time() {
        let timeline = timeline(&[10, 20]);
        assert!(timeline.arrival_y(1, 20_000_000) > timeline.row_y(1));
    }

    #[test]
    fn what_begins_with_a_row_begins_at_the_first_of_its_moment() {
        let timeline = timeline(&[10, 20, 20, 20, 30]);
        assert_eq!(timeline.start_y(20_000_000), timeline.row_y(1));
        assert_eq!(timeline.start_y(25_000_000), timeline.y(25_000_000));
    }

    #[test]
    fn the_name_of_a_fault_stands_between_the_rows_around_its_beginning() {
        let row = |t_ns| StoryRow {
            n: 0,
            t_ns,
            from: "a".into(),
            to: None,
            arrived_ns: None,
            text: String::new(),
            mark: String::new(),
        };
        let fault = |from_ns| StoryFault {
            name: "cut".into(),
            from_ns,
            until_ns: None,
            lanes: Vec::new(),
            from_n: 0,
            until_n: None,
        };
        let timeline = Timeline::new(&[row(10), row(20)], &[fault(5), fault(15), fault(20), fault(99)], &WIDE);
        let names: Vec<f64> = (0..4).map(|index| timeline.fault_name_y(index)).collect();
        assert!(WIDE.header_height < names[0] && names[0] + 12.0 < timeline.row_y(0), "{names:?}");
        assert!(
            timeline.row_y(0) + 11.0 < names[1] - 8.0 && names[1] < names[2] && names[2] < timeline.row_y(1) - 12.0
        );
        assert!(timeline.row_y(1) + 11.0 < names[3] && names[3] < timeline.height());
    }

    #[test]
    fn only_long_waits_are_told() {
        let timeline = timeline(&[10, 900, 5_000]);
        assert_eq!(timeline.wait_before(0), None);
        assert_eq!(timeline.wait_before(1), None);
        assert_eq!(timeline.wait_before(2).map(|(_, wait_ns)| wait_ns), Some(4_100_000_000));
    }
}
