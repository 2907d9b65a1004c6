//! Names that a user has met, shared: the same peer id in ten thousand events is one allocation.

use rehearsal_reports::event::Name;
use std::collections::BTreeSet;

/// How many names are kept. A user that meets more (a flow that makes up an id per message) starts over.
const NAMES_MAX: usize = 4_096;

/// Shared names.
#[derive(Default)]
pub struct Names(BTreeSet<Name>);

impl Names {
    /// The shared form of this text.
    pub fn share(&mut self, text: &str) -> Name {
        if let Some(name) = self.0.get(text) {
            return name.clone();
        }
        if self.0.len() >= NAMES_MAX {
            self.0.clear();
        }
        let name = Name::from(text);
        self.0.insert(name.clone());
        name
    }
}
