//! `pace`: how often the users of a group begin planned work, whatever came of the work before (an open model).
//! Neighbours: `users` (the table), `arrive` (when users come), `plan::expand` (a share of the rate for each user).

use crate::diagnostics::Faults;
use crate::language::arrive::{self, GAPS};
use crate::language::distribution::DISTRIBUTION;
use crate::language::quantities::{self, RATE_OR_DRAWN};
use crate::language::shape::{Shape, Table, beside, elsewhere, key};
use crate::language::view::View;
use crate::scenario::Pace;

/// `pace`.
pub(crate) static PACE: Table = Table {
    name: "`pace`",
    doc: "`{ rate = 20.0 }` or `{ every = \"10s\" }`",
    keys: &[
        key(
            "rate",
            RATE_OR_DRAWN,
            "Beginnings a second, all users of the group together; or a range that each seed draws from.",
        ),
        beside(
            &["rate"],
            "gaps",
            Shape::Word(&GAPS),
            Some("'exponential'"),
            "`exponential`: independent of each other; `even`: regular.",
        ),
        key("every", DISTRIBUTION, "From one beginning to the next, for each user."),
    ],
    one_of: &["rate", "every"],
    later: &[
        elsewhere("job", "`rate = 20.0` is jobs a second of all built-in clients together"),
        elsewhere(
            "discover",
            "built-in clients discover for each job; what else is asked at a pace is a flow with \
             `repeat = { every = …, steps = [\"discover\"] }`",
        ),
    ],
};

/// The pace, if the group has one.
pub(crate) fn read(group: &View<'_>, faults: &mut Faults) -> Option<Pace> {
    group.entry("pace")?;
    let view = group.table("pace", &PACE);
    match rates(group, faults) {
        Some((per_s, _)) => Some(Pace::Rate { per_s, gaps: arrive::gaps(view.text("gaps").as_deref()) }),
        None => view.distribution("every", faults).map(Pace::Every),
    }
}

/// The least and the most of the group's rate, if it has one.
pub(crate) fn rates(group: &View<'_>, faults: &mut Faults) -> Option<(f64, f64)> {
    let entry = group.table("pace", &PACE).entry("rate")?;
    quantities::read_rate(&entry.node, faults)
}
