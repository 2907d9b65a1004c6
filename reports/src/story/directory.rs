//! Who is behind a peer id: events name users, messages on the wire name peers. Read from registrations.

use crate::event::{Body, Event, Name};
use std::collections::BTreeMap;

/// The shortest peer id that is looked for in a server's words; a UUID has 36 letters.
const ID_LENGTH_MIN: usize = 16;

/// The user of each peer id, and the peer ids of each user.
pub(crate) struct Directory {
    users: BTreeMap<Name, Name>,
    peers: BTreeMap<Name, Vec<Name>>,
}

impl Directory {
    /// From all registrations of a run; the latest one of a peer id counts.
    pub(crate) fn of(events: &[Event]) -> Directory {
        let registered = events.iter().filter_map(|event| match &event.body {
            Body::Register { peer, .. } => Some((peer.clone(), event.user.clone())),
            _ => None,
        });
        let users: BTreeMap<Name, Name> = registered.collect();
        let mut peers: BTreeMap<Name, Vec<Name>> = BTreeMap::new();
        for (peer, user) in &users {
            peers.entry(user.clone()).or_default().push(peer.clone());
        }
        Directory { users, peers }
    }

    /// The user behind a peer id, or the id itself if nobody registered it.
    pub(crate) fn user(&self, peer: &Name) -> Name {
        self.users.get(peer).unwrap_or(peer).clone()
    }

    /// A server's words, with peers told as users.
    pub(crate) fn named(&self, words: &str) -> String {
        self.users.iter().fold(words.to_owned(), |words, (peer, user)| match peer.len() {
            // Short ids may be part of any word.
            0..ID_LENGTH_MIN => words,
            _ => words.replace(&**peer, user),
        })
    }

    /// A job id as a reader knows it: clients build it from their peer id, which says little where that is a UUID.
    pub(crate) fn job(&self, job: &Name, client: &Name) -> String {
        match (self.users.get(client), job.strip_prefix(&**client)) {
            (Some(user), Some(rest)) if !client.is_empty() => format!("{user}{rest}"),
            _ => job.to_string(),
        }
    }

    /// The same, of a job of this user.
    pub(crate) fn job_of(&self, job: &Name, user: &Name) -> String {
        let mut peers = self.peers.get(user).into_iter().flatten();
        peers.find(|peer| job.starts_with(&***peer)).map_or_else(|| job.to_string(), |peer| self.job(job, peer))
    }
}
