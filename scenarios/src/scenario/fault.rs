//! Faults and links of a scenario, whose times and victims are not yet drawn. Neighbours: `language::fault` and
//! `language::network` read them, `plan::faults` draws.

use crate::distribution::{Distribution, Nanos};
use crate::plan::{Passing, Way};
use serde_json::Value;

/// A fault whose times and victims are not yet drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub name: String,
    pub when: When,
    pub lasts: Option<Distribution>,
    pub action: Action,
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum When {
    At(Distribution),
    After(Sight),
}

impl When {
    /// The earliest time that can come out. A message may come at once.
    pub fn minimum(&self) -> Nanos {
        match self {
            When::At(at) => at.minimum(),
            When::After(sight) => sight.delay.minimum(),
        }
    }
}

/// A message that a fault waits for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sight {
    pub passing: Passing,
    pub pattern: Value,
    /// The group whose users' messages count; those that the fault names if none.
    pub by: Option<String>,
    /// Between these, both included.
    pub nth: (u64, u64),
    pub delay: Distribution,
}

/// What a fault does, to whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Partition { between: [Target; 2], way: Way },
    Latency { between: [Target; 2], added: Distribution },
    Loss { between: [Target; 2], share: f64 },
    Bandwidth { between: [Target; 2], bytes_per_s: u64 },
    Stop { who: Vec<Target>, grace_ns: Nanos },
    Kill { who: Vec<Target> },
    Lose { who: Vec<Target> },
    Pause { who: Vec<Target> },
    ClockSkew { who: Vec<Target>, offset_ns: Signed, drift_ppm: i64 },
}

/// A signed number of nanoseconds, drawn evenly between these two, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub least: i64,
    pub most: i64,
}

/// Whom a fault or a link names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// All servers.
    Server,
    /// Users of a group.
    Users { group: String, how_many: HowMany },
}

/// How many of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HowMany {
    All,
    /// So many, drawn.
    Count(u32),
    /// This share of them, 0–1, drawn; at least one.
    Share(f64),
}

impl HowMany {
    /// How many of so many there are.
    pub fn of(self, all: usize) -> usize {
        match self {
            HowMany::All => all,
            HowMany::Count(count) => all.min(count as usize),
            HowMany::Share(share) => ((share * all as f64).round() as usize).clamp(1.min(all), all),
        }
    }
}

/// Links that differ from the rest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    pub name: String,
    pub between: [Target; 2],
    pub latency: Option<Distribution>,
    pub bandwidth_bytes_per_s: Option<u64>,
}

impl Action {
    /// Everybody who is hit.
    pub fn targets(&self) -> &[Target] {
        match self {
            Action::Partition { between, .. }
            | Action::Latency { between, .. }
            | Action::Loss { between, .. }
            | Action::Bandwidth { between, .. } => between,
            Action::Stop { who, .. }
            | Action::Kill { who }
            | Action::Lose { who }
            | Action::Pause { who }
            | Action::ClockSkew { who, .. } => who,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_and_never_nobody() {
        assert_eq!(HowMany::Share(0.5).of(5), 3);
        assert_eq!(HowMany::Share(0.01).of(5), 1);
        assert_eq!(HowMany::Share(1.0).of(5), 5);
        assert_eq!(HowMany::Share(0.5).of(0), 0);
        assert_eq!(HowMany::Count(9).of(5), 5);
    }
}
