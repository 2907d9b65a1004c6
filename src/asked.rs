//! What an exploration is asked for: the command line, and where it says nothing, the profile. Neighbours: `project::profiles`,
//! `exploring` does it.

use crate::cli::{Shrink, Simulate};
use crate::exit::Failure;
use crate::project::profiles::{self, Profile};
use std::time::Duration;

/// Which seeds of each scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// A fixed set: what comes out depends on nothing but the commit.
    Fixed {
        /// The first one.
        first: u64,
        /// How many; at least 1.
        count: u64,
    },
    /// New ones until the time is up, which is for all scenarios together.
    For {
        /// The first one.
        first: u64,
        /// The time, shrinking included.
        time: Duration,
    },
    /// A fixed set, and further ones while there is time left: what these find is a warning.
    FixedThenFor {
        /// The first one.
        first: u64,
        /// How many are fixed; at least 1.
        count: u64,
        /// The time, for everything.
        time: Duration,
    },
}

/// What follows if a `sometimes` was seen in no seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmet {
    /// It is reported.
    Reported,
    /// It is reported, and the exit code is 1.
    Fails,
}

/// What was asked for.
pub struct Asked {
    /// Which seeds.
    pub seeds: Seeds,
    /// Files and folders of kept failures.
    pub kept: Vec<String>,
    /// What an unmet `sometimes` means.
    pub unmet: Unmet,
    /// Whether failures are made smaller.
    pub shrink: Shrink,
}

/// So many seeds if nobody says how many.
const SEEDS: u64 = 100;

impl Asked {
    /// The command line over its profile.
    pub fn of(arguments: &Simulate) -> Result<Asked, Failure> {
        let profile = arguments.profile.as_deref().map(profiles::named).transpose()?.unwrap_or_default();
        let Profile { seed, seeds, time, shrink_for, kept, unmet_fails } = profile;
        let first = arguments.seed.or_else(|| seed.map(|seed| seed.at(unix_s()))).unwrap_or(1);
        // Whoever says how many on the command line means these alone; how long leaves the profile's fixed seeds as they are,
        // so that what comes of them still depends on nothing but the commit.
        let (count, time) = match (arguments.seeds, arguments.time) {
            (None, None) => (seeds, time),
            (None, said) => (seeds, said),
            said => said,
        };
        let seeds = match (count, time.filter(|time| !time.is_zero())) {
            (Some(count), Some(time)) => Seeds::FixedThenFor { first, count, time },
            (None, Some(time)) => Seeds::For { first, time },
            (count, None) => Seeds::Fixed { first, count: count.unwrap_or(SEEDS) },
        };
        refuse_empty(seeds)?;
        let shrink_for = arguments.shrink.shrink_for.or(shrink_for);
        let unmet = if arguments.unmet_fails || unmet_fails { Unmet::Fails } else { Unmet::Reported };
        Ok(Asked { seeds, kept, unmet, shrink: Shrink { shrink_for, ..arguments.shrink } })
    }
}

impl Seeds {
    /// The first one.
    pub fn first(self) -> u64 {
        match self {
            Seeds::Fixed { first, .. } | Seeds::For { first, .. } | Seeds::FixedThenFor { first, .. } => first,
        }
    }

    /// The time that is given, if some is.
    pub fn time(self) -> Option<Duration> {
        match self {
            Seeds::Fixed { .. } => None,
            Seeds::For { time, .. } | Seeds::FixedThenFor { time, .. } => Some(time),
        }
    }
}

/// There are no seeds beyond the largest one, and none is too few.
fn refuse_empty(seeds: Seeds) -> Result<(), Failure> {
    let (Seeds::Fixed { first, count } | Seeds::FixedThenFor { first, count, .. }) = seeds else { return Ok(()) };
    match count.checked_sub(1).map(|more| first.checked_add(more)) {
        Some(Some(_)) => Ok(()),
        Some(None) => Err(Failure::usage(
            format!("{count} seeds from {first} go past the largest seed, {}", u64::MAX),
            "lower --seed or --seeds",
        )),
        None => Err(Failure::usage("the profile asks for no seeds", "`seeds` is at least 1")),
    }
}

/// For seeds that are to be new.
#[allow(clippy::disallowed_methods, reason = "the profile asks for seeds that differ from run to run")]
fn unix_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
