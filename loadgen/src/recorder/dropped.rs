//! Why planned work was not begun at all. Neighbours: `user` records it as an operation of its own, so that it is counted.

use super::user::error;
use rehearsal_reports::event::Body;

/// Why planned work was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Its user was busy for too long.
    Late,
    /// The circuit breaker held it back.
    HeldBack,
    /// Its user was busy until the run was over.
    CutShort,
}

impl Dropped {
    pub(super) fn body(self) -> Body {
        match self {
            Dropped::Late => error("late", "it could not begin in time"),
            Dropped::CutShort => error("cut_short", "its user was busy until the run was over"),
            Dropped::HeldBack => error("held_back", "the circuit breaker left the target alone"),
        }
    }
}
