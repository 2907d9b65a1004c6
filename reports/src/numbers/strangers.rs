//! Strangers: peers that discovery shows and that no user of the run ever registered. They may be real, so a run counts them and
//! sends them nothing. Neighbours: `loadgen::users` (does not send), `fan_outs` (messages).

use crate::event::{Body, Event, Kind, Name};
use std::collections::BTreeSet;

/// More different ids than this are not kept: a directory of that size is told as "at least".
const SHOWN_MAX: usize = 100_000;

/// Folds registrations and discoveries.
#[derive(Default)]
pub struct Strangers {
    registered: BTreeSet<Name>,
    shown: BTreeSet<Name>,
}

impl Strangers {
    /// Takes the next event into account.
    pub fn observe(&mut self, event: &Event) {
        match (event.kind, &event.body) {
            (Kind::Invoked, Body::Register { peer, .. }) => {
                self.shown.remove(peer);
                self.registered.insert(peer.clone());
            }
            (Kind::Ok, Body::Discovered { peers, .. }) => {
                for seen in peers {
                    if self.shown.len() < SHOWN_MAX && !self.registered.contains(&seen.peer) {
                        self.shown.insert(seen.peer.clone());
                    }
                }
            }
            _ => {}
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.shown.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Said, Seen};

    fn event(kind: Kind, body: Body) -> Event {
        let (user, op) = ("a-0".into(), "discover".into());
        let (op_id, planned_ns, said) = (Some(1), None, Said::new());
        Event {
            n: 0,
            t_ns: 0,
            process: 0,
            user,
            conn: 1,
            kind,
            op,
            op_id,
            planned_ns,
            said,
            content: Default::default(),
            body,
        }
    }

    fn shows(peers: &[&str]) -> Event {
        let seen = |peer: &&str| Seen { peer: (*peer).into(), status: None, metadata: 0 };
        event(Kind::Ok, Body::Discovered { peers: peers.iter().map(seen).collect() })
    }

    fn registers(peer: &str) -> Event {
        let body =
            Body::Register { peer: peer.into(), room: "r".into(), role: "x".into(), metadata: Default::default() };
        event(Kind::Invoked, body)
    }

    #[test]
    fn a_stranger_counts_once_and_who_registers_later_is_none() {
        let mut strangers = Strangers::default();
        for event in [registers("ada"), shows(&["ada", "gpu", "bob"]), shows(&["gpu"]), registers("bob")] {
            strangers.observe(&event);
        }
        assert_eq!(strangers.count(), 1);
    }
}
