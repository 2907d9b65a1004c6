//! The known defects by name, and whose each is: a defect on the wrong side is a fault of the file.
//! Neighbours: `system` (servers'), `behaviour` (workers'). The reference system documents each one.

use crate::diagnostics::{Fault, Faults};
use crate::tree::Span;

/// Whose flaw a defect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Worker,
}

/// All defects.
pub(crate) const DEFECTS: [(&str, Side); 8] = [
    ("status_after_accept", Side::Worker),
    ("no_busy_rejection", Side::Worker),
    ("assignment_timeout_never_fires", Side::Worker),
    ("late_close_removes_new_registration", Side::Server),
    ("metadata_replaces_instead_of_merges", Side::Server),
    ("sender_not_checked", Side::Server),
    ("message_crosses_rooms", Side::Server),
    ("reservation_never_expires", Side::Server),
];

/// Names of all defects that a scenario can name; the reference system knows each.
pub fn names() -> impl Iterator<Item = &'static str> {
    DEFECTS.iter().map(|(name, _)| *name)
}

/// The defects in a list that belong to `side`; others are faults with the right place as a hint.
pub(crate) fn read(names: Vec<(String, Span)>, side: Side, faults: &mut Faults) -> Vec<String> {
    let mut defects = Vec::new();
    for (name, span) in names {
        match DEFECTS.iter().find(|(known, _)| *known == name) {
            Some((_, owner)) if *owner == side => {
                if defects.contains(&name) {
                    faults.push(Fault::new(&span, format!("defect `{name}` is listed twice")));
                }
                defects.push(name);
            }
            Some((_, Side::Server)) => faults.push(
                Fault::new(&span, format!("`{name}` is a defect of the server"))
                    .hint(format!("write it in `[system]`: `defects = [\"{name}\"]`")),
            ),
            Some((_, Side::Worker)) => faults.push(
                Fault::new(&span, format!("`{name}` is a defect of workers"))
                    .hint(format!("write it in the group of workers: `defects = [\"{name}\"]`")),
            ),
            None => faults.push(
                Fault::new(&span, format!("unknown defect `{name}`"))
                    .among(&name, DEFECTS.iter().filter(|(_, owner)| *owner == side).map(|(known, _)| *known)),
            ),
        }
    }
    defects
}
