//! Ranges that a scenario leaves to each seed, besides times and victims. Neighbours: `language::search` reads them,
//! `plan::swarm` draws.

use std::collections::BTreeMap;

/// What each seed draws for itself before it is planned. Until then a script has the least of each range.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Swarm {
    pub mixing: Mixing,
    /// How often a run holds a task back, both ends included.
    pub delay_points: (u32, u32),
    /// Sizes of groups, by name, both ends included.
    pub counts: BTreeMap<String, (u32, u32)>,
    /// Rates of groups' planned work, by name.
    pub rates: BTreeMap<String, (f64, f64)>,
}

/// Whether a seed draws which faults take part, and how much of the allowed trouble there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mixing {
    /// All of it, as the file says.
    #[default]
    AsWritten,
    /// A part of it, drawn.
    Drawn,
}
