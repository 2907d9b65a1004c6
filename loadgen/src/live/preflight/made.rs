//! What the first contact has made and not removed yet, also by users that walk. Neighbours: the run's journal, which it
//! passes everything on to.

use crate::commons::lock;
use crate::journal::{Entry, Journal, Resource};
use std::sync::{Arc, Mutex};

/// A journal that remembers.
pub(super) struct Made {
    kept_in: Arc<dyn Journal>,
    left: Mutex<Vec<(Resource, String)>>,
}

impl Made {
    /// Nothing yet; entries are passed on to this journal.
    pub(super) fn and_kept_in(kept_in: Arc<dyn Journal>) -> Made {
        Made { kept_in, left: Mutex::default() }
    }

    /// What is left, in the order in which it was made.
    pub(super) fn left(&self) -> Vec<(Resource, String)> {
        lock(&self.left).clone()
    }
}

impl Journal for Made {
    fn write(&self, entry: &Entry) {
        self.kept_in.write(entry);
        let mut left = lock(&self.left);
        match entry {
            Entry::Intend { .. } => {}
            Entry::Made { what, id } => left.push((*what, id.clone())),
            Entry::Removed { what, id } => left.retain(|known| (known.0, &known.1) != (*what, id)),
        }
    }
}
