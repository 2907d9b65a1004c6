//! `pace`: how often the users of a group begin planned work, whatever came of the work before (an open model).
//! Neighbours: `users` (the table), `arrive` (when users come), `plan::expand` (a share of the rate for each user).

use crate::diagnostics::Faults;
use crate::language::arrive::{self, GAPS};
use crate::language::distribution::DISTRIBUTION;
use crate::language::shape::{Shape, Table, beside, elsewhere, key};
use crate::language::view::View;
use crate::scenario::Pace;

/// `pace`.
pub(crate) static PACE: Table = Table {
    name: "`pace`",
    doc: "`{ rate = 20.0 }` or `{ every = \"10s\" }`",
    keys: &[
        key("rate", Shape::Number(0.000_1, 10_000.0), "Beginnings a second, all users of the group together."),
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
    match view.number("rate") {
        Some(per_s) => Some(Pace::Rate { per_s, gaps: arrive::gaps(view.text("gaps").as_deref()) }),
        None => view.distribution("every", faults).map(Pace::Every),
    }
}
