//! A story in columns: when, who, what, and why it matters. Neighbours: `story` (what it tells).

use super::{Style, Tone, printable};
use crate::outcome::{Story, StoryFault, StoryRow};
use crate::render::units::offset_s;

/// One line for each row and each edge of a fault, in order of time.
pub(super) fn columns(story: &Story, style: Style) -> String {
    let mut lines: Vec<((i64, u64), Line)> =
        story.rows.iter().map(|row| ((row.t_ns, row.n), Line::of_row(row))).collect();
    for fault in &story.faults {
        lines.extend(Line::of_fault(fault));
    }
    lines.sort_by_key(|(place, _)| *place);
    let width = |column: fn(&Line) -> &str| lines.iter().map(|(_, line)| column(line).chars().count()).max();
    let who_width = width(|line| &line.who).unwrap_or(0);
    let what_width = lines.iter().filter(|(_, it)| !it.mark.is_empty()).map(|(_, it)| it.what.chars().count()).max();
    let what_width = what_width.unwrap_or(0);
    let time_width = lines.iter().map(|((t_ns, _), _)| offset_s(*t_ns).len()).max().unwrap_or(0);
    let mut text = String::new();
    for ((t_ns, _), line) in &lines {
        let time = offset_s(*t_ns);
        let who = format!("{:who_width$}", line.who);
        let who = if line.is_fault { style.paint(Tone::Doubtful, &who) } else { who };
        let row = if line.mark.is_empty() {
            format!("    {time:>time_width$}  {who}  {}", line.what)
        } else {
            let mark = style.paint(Tone::Bad, &format!("<- {}", line.mark));
            format!("    {time:>time_width$}  {who}  {:what_width$}  {mark}", line.what)
        };
        text += row.trim_end();
        text.push('\n');
    }
    text
}

struct Line {
    who: String,
    what: String,
    mark: String,
    is_fault: bool,
}

impl Line {
    fn of_row(row: &StoryRow) -> Line {
        let (who, what) = match &row.to {
            Some(to) => {
                let lost = if row.arrived_ns.is_some() { "" } else { " (no arrival seen)" };
                (format!("{} > {to}", row.from), format!("{}{lost}", row.text))
            }
            None => match row.text.split_once(": ") {
                Some((verb, rest)) => (format!("{}  {verb}", row.from), rest.to_owned()),
                None => (row.from.to_string(), row.text.clone()),
            },
        };
        Line { who: printable(&who), what: printable(&what), mark: printable(&row.mark), is_fault: false }
    }

    fn of_fault(fault: &StoryFault) -> impl Iterator<Item = ((i64, u64), Line)> {
        let lanes = if fault.lanes.is_empty() { "all".to_owned() } else { fault.lanes.join(", ") };
        let line = |edge: &str| Line {
            who: printable(&format!("fault {}", fault.name)),
            what: printable(&format!("{edge} for {lanes}")),
            mark: String::new(),
            is_fault: true,
        };
        let begins = ((fault.from_ns, fault.from_n), line("begins"));
        let ends = fault.until_ns.map(|until_ns| ((until_ns, fault.until_n.unwrap_or(u64::MAX)), line("ends")));
        std::iter::once(begins).chain(ends)
    }
}
