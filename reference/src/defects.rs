//! Known flaws that the reference system can be told to have, so that the harness can prove that it finds them. Each one
//! names the document that it comes from. Neighbours: `rooms`, `worker` and `client` ask [`Defects::has`] at the one place
//! where the flaw would be. The default is none.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A known flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defect {
    /// The end of an old connection removes the registration that a newer connection made for the same peer.
    LateCloseRemovesNewRegistration,
    /// An update of the metadata throws away what it does not mention.
    MetadataReplacesInsteadOfMerges,
    /// A connection may speak for any peer.
    SenderNotChecked,
    /// A message reaches a peer of another room.
    MessageCrossesRooms,
    /// A reservation lasts until its holder leaves.
    ReservationNeverExpires,
    /// A worker says `available` while it has accepted a job.
    StatusAfterAccept,
    /// A worker accepts whatever it is doing.
    NoBusyRejection,
    /// A worker waits for an assignment for ever.
    AssignmentTimeoutNeverFires,
}

/// Whose flaw it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DefectSide {
    /// The server's.
    Server,
    /// The worker's.
    Worker,
    /// The client's.
    Client,
}

impl fmt::Display for DefectSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DefectSide::Server => "server",
            DefectSide::Worker => "worker",
            DefectSide::Client => "client",
        })
    }
}

impl Defect {
    /// All of them.
    pub const ALL: [Defect; 8] = [
        Defect::LateCloseRemovesNewRegistration,
        Defect::MetadataReplacesInsteadOfMerges,
        Defect::SenderNotChecked,
        Defect::MessageCrossesRooms,
        Defect::ReservationNeverExpires,
        Defect::StatusAfterAccept,
        Defect::NoBusyRejection,
        Defect::AssignmentTimeoutNeverFires,
    ];

    /// Its name in scenario files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Defect::LateCloseRemovesNewRegistration => "late_close_removes_new_registration",
            Defect::MetadataReplacesInsteadOfMerges => "metadata_replaces_instead_of_merges",
            Defect::SenderNotChecked => "sender_not_checked",
            Defect::MessageCrossesRooms => "message_crosses_rooms",
            Defect::ReservationNeverExpires => "reservation_never_expires",
            Defect::StatusAfterAccept => "status_after_accept",
            Defect::NoBusyRejection => "no_busy_rejection",
            Defect::AssignmentTimeoutNeverFires => "assignment_timeout_never_fires",
        }
    }

    /// Whose flaw it is.
    pub fn side(self) -> DefectSide {
        match self {
            Defect::LateCloseRemovesNewRegistration
            | Defect::MetadataReplacesInsteadOfMerges
            | Defect::SenderNotChecked
            | Defect::MessageCrossesRooms
            | Defect::ReservationNeverExpires => DefectSide::Server,
            Defect::StatusAfterAccept | Defect::NoBusyRejection | Defect::AssignmentTimeoutNeverFires => {
                DefectSide::Worker
            }
        }
    }

    /// The document that has, or warns of, the flaw.
    pub fn document(self) -> &'static str {
        match self {
            Defect::LateCloseRemovesNewRegistration => {
                "operational document, concern 2, solution 1: the `finally` block removes the peer by its id alone"
            }
            Defect::MetadataReplacesInsteadOfMerges => {
                "change proposal for version 2, metadata update system: existing properties are preserved"
            }
            Defect::SenderNotChecked => "registry tasks, 9.4 security review: peer_id validation (no spoofing)",
            Defect::MessageCrossesRooms => {
                "change proposal for version 2, questions: peers in different rooms cannot see each other"
            }
            Defect::ReservationNeverExpires => "operational document, concern 1, option B: timeout management",
            Defect::StatusAfterAccept => {
                "operational document, recommended pattern: it answers first and updates its status afterwards"
            }
            Defect::NoBusyRejection => "operational document, concern 1, option A, left out",
            Defect::AssignmentTimeoutNeverFires => {
                "operational document, recommended pattern: the assignment is waited for with a time-out"
            }
        }
    }

    /// What is wrong, as a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Defect::LateCloseRemovesNewRegistration => {
                "the end of an old connection removes the registration that a newer one made for the same peer"
            }
            Defect::MetadataReplacesInsteadOfMerges => {
                "an update of the metadata loses every key that it does not mention"
            }
            Defect::SenderNotChecked => "a connection may speak for a peer that it did not register",
            Defect::MessageCrossesRooms => "a message reaches a peer of another room",
            Defect::ReservationNeverExpires => "a reservation lasts until its holder leaves",
            Defect::StatusAfterAccept => "a worker still says `available` when it has accepted a job",
            Defect::NoBusyRejection => "a worker accepts a job although it has one",
            Defect::AssignmentTimeoutNeverFires => {
                "a worker waits for ever for the assignment of a job that it accepted"
            }
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(name: &str) -> Result<Defect, UnknownDefect> {
        Defect::ALL.into_iter().find(|defect| defect.name() == name).ok_or_else(|| UnknownDefect(name.to_string()))
    }
}

/// No defect has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no defect `{0}`")]
pub struct UnknownDefect(pub String);

/// The flaws that are switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defects(BTreeSet<Defect>);

impl Defects {
    /// No flaw.
    pub fn none() -> Defects {
        Defects::default()
    }

    /// The flaws with these names.
    ///
    /// # Errors
    /// The first name that is not known.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Defects, UnknownDefect> {
        names.into_iter().map(str::parse).collect::<Result<_, _>>().map(Defects)
    }

    /// Whether this one is switched on.
    pub fn has(&self, defect: Defect) -> bool {
        self.0.contains(&defect)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are switched on.
    pub fn iter(&self) -> impl Iterator<Item = Defect> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Defect> for Defects {
    fn from_iter<I: IntoIterator<Item = Defect>>(defects: I) -> Defects {
        Defects(defects.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_is_found_by_its_name() {
        for defect in Defect::ALL {
            assert_eq!(defect.name().parse(), Ok(defect));
            assert_eq!(Defects::named([defect.name()]), Ok(Defects::from_iter([defect])));
        }
        assert_eq!(Defects::named(["gremlin"]), Err(UnknownDefect("gremlin".into())));
    }
}
