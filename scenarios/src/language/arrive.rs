//! How many users a group has and when each begins: `count` with `start`, or `arrive` with a rate.
//! Neighbours: `users`, `plan::expand` (draws the times).

use crate::diagnostics::{Fault, Faults};
use crate::distribution::{Distribution, Nanos};
use crate::language::distribution;
use crate::language::shape::{Shape, Table, Words, beside, default, key};
use crate::language::units::{self, DURATION};
use crate::language::view::View;
use crate::scenario::{Arrival, Gaps, Stage};

/// Most users of one group.
pub(crate) const COUNT_MAX: u64 = 100_000;

/// `arrive`.
pub(crate) const ARRIVE: Shape =
    Shape::Either(&[Shape::Word(&GAPS), Shape::Table(&ARRIVE_TABLE), Shape::List(&Shape::Table(&ARRIVE_TABLE), 1)]);

pub(crate) static GAPS: Words = Words { words: &["exponential", "even"], later: &[] };

static ARRIVE_TABLE: Table = Table {
    name: "`arrive`",
    doc: "`{ rate = 5.0, for = \"30s\" }`, `{ from = 1.0, to = 50.0, over = \"30s\" }`, `{ burst = 50 }` or `{ pause = \"10s\" }`",
    keys: &[
        key("rate", RATE, "Arrivals a second."),
        beside(&["rate"], "for", DURATION, None, "How long users arrive at the rate."),
        key("from", RATE, "Arrivals a second at the beginning of a ramp."),
        beside(&["from"], "to", RATE, None, "Arrivals a second at the end of the ramp."),
        beside(&["from"], "over", DURATION, None, "How long the ramp is."),
        key("burst", Shape::Whole(1, COUNT_MAX), "So many at once."),
        beside(&["burst"], "times", Shape::Whole(1, COUNT_MAX), Some("1"), "How many bursts."),
        beside(&["burst"], "every", DURATION, Some("'0s'"), "From one burst to the next."),
        key("pause", DURATION, "Nobody arrives for so long."),
        default(
            "gaps",
            Shape::Word(&GAPS),
            "'exponential'",
            "`exponential`: independent of each other; `even`: regular.",
        ),
    ],
    one_of: &["rate", "from", "burst", "pause"],
    later: &[],
};

pub(crate) const RATE: Shape = Shape::Number(0.0, 10_000.0);

/// Reads count, start and arrive of a group.
///
/// How many users there are unless arrivals decide: at least and at most. Before a seed draws it is the least.
pub(crate) fn read(view: &View<'_>, (least, most): (u64, u64), faults: &mut Faults) -> Arrival {
    let count = least.clamp(1, COUNT_MAX) as u32;
    if least < most
        && let Some(list) = view.entry("start").filter(|entry| entry.node.as_list().is_some())
    {
        faults.push(
            Fault::new(&list.key_span, "a list of times is for a count that does not change")
                .hint("write a distribution, such as `start = { uniform = [\"0s\", \"5s\"] }`"),
        );
    }
    let fallback = Arrival::Drawn { count, start: Distribution::Fixed(0) };
    let Some(arrive) = view.entry("arrive") else {
        return read_start(view, count, faults).unwrap_or(fallback);
    };
    if view.has("start") {
        faults.push(
            Fault::new(&view.key_span("start"), "`start` and `arrive` exclude each other")
                .hint("`arrive` says when each user begins"),
        );
    }
    if let Some(word) = arrive.node.as_text() {
        return Arrival::OverRamp { count, gaps: gaps(Some(word)) };
    }
    if view.has("count") {
        faults.push(
            Fault::new(&view.key_span("count"), "`count` and a rate of arrivals exclude each other")
                .hint("how many users there are follows from the rate and its duration"),
        );
    }
    let one = std::slice::from_ref(&arrive.node);
    let tables = arrive.node.as_list().unwrap_or(one).iter().filter(|node| node.is_table());
    let stages = tables.map(|node| read_stage(&View::new(&ARRIVE_TABLE, Some(node), &node.span), faults));
    let Some(stages) = stages.collect::<Option<Vec<Stage>>>() else { return fallback };
    let users: f64 = stages.iter().map(Stage::users).sum();
    if !(1.0..=COUNT_MAX as f64).contains(&users) {
        faults.push(
            Fault::new(&arrive.key_span, "this makes too few or too many users")
                .found(format!("{users:.1} users"))
                .expected(format!("1 to {COUNT_MAX}")),
        );
        return fallback;
    }
    Arrival::Stages(stages)
}

fn read_start(view: &View<'_>, count: u32, faults: &mut Faults) -> Option<Arrival> {
    let node = view.value("start")?;
    let Some(list) = node.as_list() else {
        return Some(Arrival::Drawn { count, start: distribution::read(&node, faults)? });
    };
    let starts: Vec<Nanos> =
        list.iter().map(|node| units::duration(node.as_text()?).ok()).collect::<Option<Vec<_>>>()?;
    if starts.len() != count as usize {
        faults.push(
            Fault::new(&view.span("start"), "`start` lists another number of users than `count`")
                .found(format!("{} times for {count} users", starts.len()))
                .hint("list one time for each user, or write a distribution"),
        );
    }
    Some(Arrival::Listed(starts))
}

fn read_stage(view: &View<'_>, faults: &mut Faults) -> Option<Stage> {
    if let Some(length_ns) = view.duration("pause") {
        return Some(Stage::Pause(length_ns));
    }
    if let Some(count) = view.whole("burst") {
        let (times, every_ns) = (view.whole("times")? as u32, view.duration("every")?);
        return Some(Stage::Bursts { count: count as u32, times, every_ns });
    }
    for (beside, name) in [("rate", "for"), ("from", "to"), ("from", "over")] {
        if view.has(beside) && !view.has(name) {
            let missing = if name == "to" { "its end" } else { "a duration" };
            faults.push(
                Fault::new(&view.key_span(beside), format!("`{beside}` needs {missing}"))
                    .expected(format!("`{name} = …` beside it"))
                    .hint("`{ rate = 5.0, for = \"30s\" }` or `{ from = 1.0, to = 50.0, over = \"30s\" }`"),
            );
        }
    }
    let (from, to, over) = if view.has("rate") { ("rate", "rate", "for") } else { ("from", "to", "over") };
    let (from, to, over_ns) = (view.number(from)?, view.number(to)?, view.duration(over)?);
    Some(Stage::Rate { from, to, over_ns, gaps: gaps(view.text("gaps").as_deref()) })
}

pub(crate) fn gaps(word: Option<&str>) -> Gaps {
    match word {
        Some("even") => Gaps::Even,
        _ => Gaps::Exponential,
    }
}
