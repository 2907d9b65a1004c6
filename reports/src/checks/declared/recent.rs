//! What was seen of the newest groups: a record may have any number of groups, memory has not. Groups are kept as hashes.
//! Neighbours: `once`, `ordered`, `seen`.

use hashbrown::HashTable;
use std::collections::VecDeque;
use xxhash_rust::xxh3::xxh3_64;

/// How many groups are remembered.
const GROUPS_KEPT: usize = 1 << 20;

/// Something about each of the newest groups.
pub(super) struct Recent<T> {
    seen: HashTable<(u64, T)>,
    order: VecDeque<u64>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent { seen: HashTable::new(), order: VecDeque::new() }
    }
}

impl<T> Recent<T> {
    /// What is known about the group.
    pub fn get_mut(&mut self, group: &str) -> Option<&mut T> {
        let hash = xxh3_64(group.as_bytes());
        self.seen.find_mut(hash, |(known, _)| *known == hash).map(|(_, value)| value)
    }

    /// Something about a group of which nothing is known; the oldest group is forgotten if there are too many.
    pub fn insert(&mut self, group: &str, value: T) {
        let hash = xxh3_64(group.as_bytes());
        if self.order.len() >= GROUPS_KEPT
            && let Some(oldest) = self.order.pop_front()
            && let Ok(entry) = self.seen.find_entry(oldest, |(known, _)| *known == oldest)
        {
            entry.remove();
        }
        self.seen.insert_unique(hash, (hash, value), |(known, _)| *known);
        self.order.push_back(hash);
    }
}
