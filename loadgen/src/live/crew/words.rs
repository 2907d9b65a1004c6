//! What leader and members say to each other: JSON, one object a message. Neighbours: `children` and `store` carry it. Absent
//! on purpose: secrets. A member makes its own rooms and identities.

use crate::live::options::Interrupt;
use crate::live::progress::Progress;
use rehearsal_reports::record::SharedClock;
use rehearsal_scenarios::plan::Segment;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a member is to play.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// The scenario's name, with the variant's behind a dot if it has variants.
    pub scenario: String,
    /// The scenario file, whole.
    pub text: String,
    /// Parameters and their values.
    pub parameters: BTreeMap<String, Value>,
    /// The seed that makes the plan.
    pub seed: u64,
    /// Which part of it.
    pub segment: Segment,
    /// WebSocket address of what it loads.
    pub target: String,
    /// Its HTTP address, if that is another.
    pub http: Option<String>,
    /// The run's id.
    pub run_id: String,
    /// Hash of the leader's lock file: both must be the same program.
    pub lock_hash: String,
    /// The leader's command line, without secrets.
    pub arguments: Vec<String>,
    /// Where the record goes, for members on the leader's machine.
    pub folder: Option<PathBuf>,
}

/// What the leader says to a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToMember {
    /// Prepare to play this.
    Work(Box<Work>),
    /// Time 0 is at this moment of the shared clock, in nanoseconds since 1970.
    Start {
        /// The moment.
        at_unix_ns: u64,
    },
    /// End.
    End(Interrupt),
}

/// What a member says to the leader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromMember {
    /// It is still there.
    StillHere,
    /// Its rooms and identities are made.
    Ready,
    /// How it does, once a second.
    Progress(Box<Progress>),
    /// The next piece of one of its record's files, for a leader that cannot read them.
    Piece {
        /// The file's name.
        file: String,
        /// What follows, in base64.
        base64: String,
    },
    /// It has played, and its record is written.
    Ended(Box<Ended>),
    /// It did not begin.
    Failed(Failed),
}

/// What came of a member's part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Why its target counts as unreachable, if it does.
    pub unreachable: Option<String>,
    /// Ids of rooms that it could not remove.
    pub rooms_left: Vec<String>,
    /// User names of identities that it could not remove.
    pub identities_left: Vec<String>,
    /// Its clock, measured again at its end, if it is another than the leader's.
    pub clock: Option<SharedClock>,
    /// How far its own clock was off that one, in nanoseconds.
    pub clock_offset_ns: Option<i64>,
}

/// Why a member did not begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// What it would have ended with, as a process of its own.
    pub exit: u8,
    /// Why, with its hint.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_line_of_json() {
        let said = ToMember::Work(Box::new(Work {
            scenario: "race.naive".into(),
            text: "format = 1\n".into(),
            parameters: BTreeMap::from([("rate".into(), 5.0.into())]),
            seed: 4,
            segment: Segment { nth: 1, of: 2 },
            target: "ws://127.0.0.1:1".into(),
            http: None,
            run_id: "r".into(),
            lock_hash: "00".into(),
            arguments: vec!["load".into()],
            folder: None,
        }));
        let line = serde_json::to_string(&said).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<ToMember>(&line).unwrap(), said);
    }
}
