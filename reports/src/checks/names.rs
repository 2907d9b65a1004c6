//! Names as small numbers: every check compares and looks up users, peers and rooms, and a million events a second leave
//! no time for doing that with strings. Numbers follow the order of first appearance, so the same events give the same
//! numbers. Neighbours: `cast`, which keeps one table for all checks.

use crate::event::Name;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// A name that was seen, as a number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

impl Id {
    /// The number as an index into tables with one row for each name.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// All names seen so far.
#[derive(Default)]
pub struct Names {
    by_hash: HashTable<Id>,
    list: Vec<Name>,
}

impl Names {
    /// The number of this name, a new one if it was never seen.
    pub fn id(&mut self, name: &Name) -> Id {
        let hash = xxh3_64(name.as_bytes());
        let list = &self.list;
        if let Some(id) = self.by_hash.find(hash, |id| list[id.index()] == *name) {
            return *id;
        }
        let id = Id(self.list.len() as u32);
        self.list.push(name.clone());
        let list = &self.list;
        self.by_hash.insert_unique(hash, id, |id| xxh3_64(list[id.index()].as_bytes()));
        id
    }

    /// The number of this name, if it was seen.
    pub fn known(&self, name: &str) -> Option<Id> {
        self.by_hash.find(xxh3_64(name.as_bytes()), |id| &*self.list[id.index()] == name).copied()
    }

    /// The name behind a number of this table.
    pub fn name(&self, id: Id) -> &Name {
        &self.list[id.index()]
    }

    /// How many there are: every [`Id`] of this table is below.
    pub fn count(&self) -> usize {
        self.list.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number() {
        let mut names = Names::default();
        let first = names.id(&"workers-0".into());
        let second = names.id(&"workers-1".into());
        assert_ne!(first, second);
        assert_eq!(names.id(&"workers-0".into()), first);
        assert_eq!(names.known("workers-1"), Some(second));
        assert_eq!(names.known("nobody"), None);
        assert_eq!(&**names.name(second), "workers-1");
        assert_eq!(names.count(), 2);
    }
}
