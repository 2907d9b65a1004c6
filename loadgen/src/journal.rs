//! The journal of what a run makes on its target, so that a crash leaves nothing behind for good: an intent before each
//! creation, the id after it, and its removal. Neighbours: `prepare` and `cleanup` write it, `live::journal_file` keeps it.

use serde::{Deserialize, Serialize};

/// Something on the target that must be removed at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A room.
    Room,
    /// A signed-in identity.
    Identity,
}

impl Resource {
    /// The word in events: `room` or `identity`.
    pub fn word(self) -> &'static str {
        match self {
            Resource::Room => "room",
            Resource::Identity => "identity",
        }
    }
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Entry {
    /// A creation is about to be asked for; its id is not known yet.
    Intend {
        /// What.
        what: Resource,
    },
    /// It was made.
    Made {
        /// What.
        what: Resource,
        /// Its id, never its secret.
        id: String,
    },
    /// It was removed.
    Removed {
        /// What.
        what: Resource,
        /// Its id.
        id: String,
    },
}

/// Keeps entries. A simulated run keeps none.
pub trait Journal: Send + Sync {
    /// Keeps an entry before the caller goes on.
    fn write(&self, entry: &Entry);
}

/// Keeps nothing: what a simulation makes vanishes with it.
pub struct NoJournal;

impl Journal for NoJournal {
    fn write(&self, _: &Entry) {}
}
