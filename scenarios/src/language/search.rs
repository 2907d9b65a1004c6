//! `[search]`: what each seed of the simulated world draws for itself, and where tasks are held back. Neighbours: `plan::swarm`
//! draws, `plan::search` holds the places.

use crate::diagnostics::Faults;
use crate::language::pace;
use crate::language::quantities::{self, DELAY_POINTS};
use crate::language::shape::{Shape, Table, default, key};
use crate::language::users::{self, GROUP};
use crate::language::view::View;
use crate::scenario::{Mixing, Swarm};
use crate::tree::Entry;

/// `[search]`.
pub(crate) static SEARCH: Table = Table {
    name: "`[search]`",
    doc: "which orders the simulated world tries, and what each of its seeds draws for itself",
    keys: &[
        default(
            "swarm",
            Shape::Flag,
            "false",
            "Whether each seed draws a mix of its own: which of the faults take part, whether those with drawn times strike \
             anywhere or all in one part of the time, how much of the allowed latencies and losses there is, and up to 4 \
             delay points if `delay_points` is left out. Nothing leaves what the file allows.",
        ),
        key(
            "delay_points",
            DELAY_POINTS,
            "How often a run holds back a task of a host, so that others of its host come first; where and for how long is \
             drawn. A number, or a range that each seed draws from; none if left out.",
        ),
    ],
    one_of: &[],
    later: &[],
};

/// Delay points of a swarm that names no number: disorder for every scenario, few enough that each of them can be the one.
const NATURAL_DELAY_POINTS: (u32, u32) = (0, 4);

/// What each seed draws, of the whole file.
pub(crate) fn read(view: &View<'_>, groups: &[Entry], rooms: u32, faults: &mut Faults) -> Swarm {
    let mixing = if view.flag("swarm") { Mixing::Drawn } else { Mixing::AsWritten };
    let written = view.value("delay_points").and_then(|node| quantities::read_whole(&node, faults));
    let delay_points = match (written, mixing) {
        (Some((least, most)), _) => (least as u32, most as u32),
        (None, Mixing::Drawn) => NATURAL_DELAY_POINTS,
        (None, Mixing::AsWritten) => (0, 0),
    };
    let mut swarm = Swarm { mixing, delay_points, ..Swarm::default() };
    // What is wrong with a group has been reported where the group is read.
    let mut known = Faults::default();
    for entry in groups.iter().filter(|entry| entry.node.is_table()) {
        let view = View::new(&GROUP, Some(&entry.node), &entry.key_span);
        let (least, most) = users::counts(&view, rooms, &mut known);
        if least < most {
            swarm.counts.insert(entry.key.clone(), (least as u32, most as u32));
        }
        if let Some((least, most)) = pace::rates(&view, &mut known).filter(|(least, most)| least < most) {
            swarm.rates.insert(entry.key.clone(), (least, most));
        }
    }
    swarm
}
