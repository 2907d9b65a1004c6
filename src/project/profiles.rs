//! `[profiles.NAME]` in rehearsal.toml: a way to explore that has a name, such as `pr` for every pull request and `nightly`
//! for what takes long. Chosen with `--profile NAME`; what stands on the command line outweighs it.
//!
//! Neighbours: `asked` puts both together. Left out: files, which the module above reads.

use super::FILE;
use crate::cli::duration_or_none;
use crate::exit::Failure;
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// A named way to explore. What it leaves out is as on a command line without it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The first seed.
    pub seed: Option<FirstSeed>,
    /// How many seeds, a fixed set.
    pub seeds: Option<u64>,
    /// Until when new seeds are played; beside `seeds` for those after the fixed set, whose finds only warn.
    #[serde(rename = "for", default, deserialize_with = "time")]
    pub time: Option<Duration>,
    /// How long failures are made smaller at most.
    #[serde(default, deserialize_with = "time")]
    pub shrink_for: Option<Duration>,
    /// Files or folders of kept failures, which are played first.
    #[serde(default)]
    pub kept: Vec<String>,
    /// Whether a `sometimes` that no seed showed ends with exit 1.
    #[serde(default)]
    pub unmet_fails: bool,
}

/// Where seeds begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FirstSeed {
    /// Here.
    At(u64),
    /// Where no run before began: the seeds differ from run to run.
    Moving(Moving),
}

/// A first seed that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moving {
    /// By the minute.
    New,
}

/// Seeds that lie between the first ones of two minutes: more than one minute plays.
const SEEDS_PER_MINUTE: u64 = 1_000_000;

impl FirstSeed {
    /// As a number, with this time in seconds since 1970.
    pub fn at(self, unix_s: u64) -> u64 {
        match self {
            FirstSeed::At(seed) => seed,
            FirstSeed::Moving(Moving::New) => (unix_s / 60).saturating_mul(SEEDS_PER_MINUTE),
        }
    }
}

/// The project's profile with this name; paths in it are as seen from the working folder.
pub fn named(name: &str) -> Result<Profile, Failure> {
    let Some(project) = super::read()? else {
        let message = format!("there is no {FILE} here or above, so no profile {name:?}");
        return Err(Failure::usage(message, "`rehearsal new` writes one with the profiles pr and nightly"));
    };
    let Some(profile) = project.content.profiles.get(name) else {
        let known: Vec<&str> = project.content.profiles.keys().map(String::as_str).collect();
        let hint = match known.as_slice() {
            [] => format!("it names none; `[profiles.{name}]` begins one"),
            known => format!("profiles are: {}", known.join(", ")),
        };
        let file = project.folder.join(FILE);
        return Err(Failure::usage(format!("{} has no profile {name:?}", file.display()), hint));
    };
    // A project that has kept nothing so far has no folder for it.
    let is_there = |name: &&String| project.folder.join(name).exists();
    let kept = profile.kept.iter().filter(is_there).map(|name| project.beside(name)).collect();
    Ok(Profile { kept, ..profile.clone() })
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    duration_or_none(&text).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_with_its_times_and_unknown_keys_are_refused() {
        let nightly: Profile = toml::from_str("seed = \"new\"\nfor = \"20m\"\nunmet_fails = true\n").unwrap();
        assert_eq!(nightly.time, Some(Duration::from_secs(1_200)));
        assert_eq!(nightly.seed.map(|seed| seed.at(120)), Some(2 * SEEDS_PER_MINUTE));
        let pr: Profile = toml::from_str("seed = 7\nseeds = 500\nshrink_for = \"0s\"\nkept = [\"kept\"]\n").unwrap();
        assert_eq!((pr.seed.map(|seed| seed.at(120)), pr.shrink_for), (Some(7), Some(Duration::ZERO)));
        for wrong in ["time = \"5s\"", "for = 5", "for = \"5\"", "seed = \"old\"", "seeds = -1"] {
            assert!(toml::from_str::<Profile>(wrong).is_err(), "{wrong}");
        }
    }
}
