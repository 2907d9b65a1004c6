//! `header.json`: what was played, by what, where. Written before the first event, so that a killed run has one.

use super::RecordError;
use rehearsal_scenarios::plan::{Segment, World};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What was played, by what, where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the record's formats.
    pub format: u32,
    /// The scenario's name: its file name without ending.
    pub scenario: String,
    /// The scenario file, whole.
    pub text: String,
    /// Parameters that were set, and their values.
    pub parameters: BTreeMap<String, Value>,
    /// The seed.
    pub seed: u64,
    /// Where it was played.
    pub world: World,
    /// `turmoil` or `event` in the simulated world.
    pub engine: Option<String>,
    /// What was loaded, in the live world, without secrets.
    pub targets: Vec<String>,
    /// Versions by name: `rehearsal`, `rustc`, …
    pub versions: BTreeMap<String, String>,
    /// Hash of the lock file that the program was built from, in hex digits.
    pub lock_hash: String,
    /// The machine, as far as it matters: simulated runs leave it out, since it must not matter there.
    pub machine: Option<Machine>,
    /// The command line, without secrets.
    pub arguments: Vec<String>,
    /// Wall clock at time 0, in seconds since 1970; live only.
    pub started_unix_s: Option<f64>,
    /// Which part of the plan it is of; absent if it is of the whole plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
    /// A clock that other records' times are on as well, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<SharedClock>,
    /// The records that it was merged of, if it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedPart>,
}

/// A clock that several processes set theirs by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedClock {
    /// Its name: records that name the same one can be compared.
    pub name: String,
    /// How far off it this process's times are at most, in nanoseconds.
    pub bound_ns: u64,
}

/// One of the records that another was merged of. Its number is the `process` of its events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MergedPart {
    /// Which part of the plan.
    pub segment: Segment,
    /// What it loaded.
    pub targets: Vec<String>,
    /// Its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<SharedClock>,
    /// How far its own clock was off the shared one, in nanoseconds: already taken out of its times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ns: Option<i64>,
    /// Its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
}

/// A machine and how busy it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and kernel.
    pub system: String,
    /// The processor.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: u32,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// One-minute average of the load when the run began.
    pub load: f64,
}

impl Header {
    /// The file's bytes; the same header gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        super::to_json_file(self)
    }

    /// Reads the file. A newer format is refused by its number, whatever else is in it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Header, RecordError> {
        super::from_json_file("header", bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::FORMAT;
    use super::*;

    fn header() -> Header {
        Header {
            format: FORMAT,
            scenario: "race".into(),
            text: "format = 1\n".into(),
            parameters: BTreeMap::from([("rate".into(), 5.0.into())]),
            seed: 4,
            world: World::Simulated,
            engine: Some("turmoil".into()),
            targets: Vec::new(),
            versions: BTreeMap::from([("rehearsal".into(), "0.1.0".into())]),
            lock_hash: "00ff".into(),
            machine: None,
            arguments: vec!["simulate".into(), "race.toml".into()],
            started_unix_s: None,
            segment: None,
            clock: None,
            merged: Vec::new(),
        }
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(Header::from_bytes(&header().to_bytes()).unwrap(), header());
    }

    #[test]
    fn a_newer_format_is_refused_by_its_number_even_if_the_rest_has_changed() {
        let error = Header::from_bytes(br#"{"format": 2, "scenario": {"new": "shape"}}"#).unwrap_err();
        assert!(
            error.to_string().starts_with("the header has format 2, this program reads up to 1\n  hint: "),
            "{error}"
        );
    }

    #[test]
    fn an_edited_or_cut_off_header_is_one_clear_error() {
        let bytes = header().to_bytes();
        for bad in [&b""[..], b"\xff\xfe", b"[]", b"{}", b"{\"format\": \"one\"}", &bytes[..bytes.len() / 2]] {
            let error = Header::from_bytes(bad).unwrap_err().to_string();
            assert!(error.starts_with("the header cannot be read: "), "{error}");
        }
    }
}
