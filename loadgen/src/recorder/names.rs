//! Names that users have met, shared: the same peer id in ten thousand events is one allocation. What a user says again and again
//! it keeps itself, since names that several threads count are slow; the peers of whole rooms, and what a user says once for
//! each connection, are kept once for all users.

use crate::commons::lock;
use hashbrown::HashTable;
use rehearsal_reports::event::Name;
use rehearsal_reports::few;
use std::sync::{Arc, Mutex};
use xxhash_rust::xxh3::xxh3_64;

/// How many names a user keeps itself. One that meets more (a flow that makes up an id per message) starts over.
const OWN_MAX: usize = 64;
/// How many all of them keep together, before they start over.
const ALL_MAX: usize = 1 << 20;

/// The names of one user.
#[derive(Default)]
pub struct Names {
    /// Few: to look through them is faster than a tree, which takes more memory.
    own: Vec<Name>,
    peers: Arc<PeerNames>,
}

/// The names of everybody.
#[derive(Default)]
pub struct PeerNames(Mutex<HashTable<Name>>);

impl Names {
    /// The names of a user among others.
    pub fn among(peers: Arc<PeerNames>) -> Names {
        Names { own: Vec::new(), peers }
    }

    /// The shared form of something that this user says or hears again and again.
    pub fn share(&mut self, text: &str) -> Name {
        if let Some(name) = self.own.iter().find(|name| ***name == *text) {
            return name.clone();
        }
        if self.own.len() >= OWN_MAX {
            self.own.clear();
        }
        let name = Name::from(text);
        few::push(&mut self.own, name.clone());
        name
    }

    /// The shared form of one of many peers, or of something that many users say once.
    pub fn share_with_all(&self, text: &str) -> Name {
        let hash = xxh3_64(text.as_bytes());
        let mut names = lock(&self.peers.0);
        if let Some(name) = names.find(hash, |name| &**name == text) {
            return name.clone();
        }
        if names.len() >= ALL_MAX {
            names.clear();
        }
        let name = Name::from(text);
        names.insert_unique(hash, name.clone(), |name| xxh3_64(name.as_bytes()));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_share_the_peers_that_they_meet_and_keep_their_own_words() {
        let peers = Arc::new(PeerNames::default());
        let (mut one, mut other) = (Names::among(peers.clone()), Names::among(peers));
        assert!(Arc::ptr_eq(&one.share_with_all("w"), &other.share_with_all("w")));
        let word = one.share("discover");
        assert!(Arc::ptr_eq(&word, &one.share("discover")) && !Arc::ptr_eq(&word, &other.share("discover")));
    }

    #[test]
    fn a_user_that_makes_up_names_keeps_few_of_them() {
        let mut names = Names::default();
        (0..1_000).for_each(|nth| drop(names.share(&nth.to_string())));
        assert!(names.own.len() <= OWN_MAX);
    }
}
