//! Stale presence: from a status change to the first discovery by somebody else that shows it. A status that is changed
//! again before anybody saw it was never seen, and has no such time. Neighbours: `deliveries` (messages).

use crate::checks::names::{Id, Names};
use crate::event::{Body, Event, Kind, Name};
use serde_json::Value;

/// Status changes that nobody has seen yet.
#[derive(Default)]
pub struct Presence {
    names: Names,
    /// By user: the peer that it registered as.
    peers: Vec<Option<Id>>,
    /// By peer: the newest change that nobody has seen.
    unseen: Vec<Option<Change>>,
    unseen_count: usize,
}

/// A status change, in nanoseconds of plan time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it was planned, if it was.
    pub planned_ns: Option<i64>,
    /// When it was asked for.
    pub invoked_ns: i64,
    status: Name,
    op_id: Option<u64>,
}

impl Presence {
    /// Takes the next event into account; `seen` is told each change that this event shows for the first time.
    pub fn observe(&mut self, event: &Event, mut seen: impl FnMut(&Change)) {
        match (event.kind, &event.body) {
            (Kind::Invoked, Body::Register { peer, .. }) => {
                let peer = self.names.id(peer);
                let user = self.names.id(&event.user);
                put(&mut self.peers, user, Some(peer));
            }
            (Kind::Invoked, Body::Update { metadata }) => self.changes(event, metadata),
            (Kind::Failed, _) if self.unseen_count > 0 => self.failed(event),
            (Kind::Ok, Body::Discovered { peers }) if self.unseen_count > 0 => {
                let own = self.peer_of(&event.user);
                for listed in peers {
                    let Some(status) = &listed.status else { continue };
                    let Some(peer) = self.names.known(&listed.peer).filter(|peer| Some(*peer) != own) else { continue };
                    if let Some(change) = self.take(peer, |change| change.status == *status) {
                        seen(&change);
                    }
                }
            }
            _ => {}
        }
    }

    fn changes(&mut self, event: &Event, metadata: &Value) {
        let Some(status) = metadata.pointer("/properties/status").and_then(Value::as_str) else { return };
        let Some(peer) = self.peer_of(&event.user) else { return };
        let (planned_ns, invoked_ns, op_id) = (event.planned_ns, event.t_ns, event.op_id);
        let was = put(&mut self.unseen, peer, Some(Change { planned_ns, invoked_ns, status: status.into(), op_id }));
        self.unseen_count += usize::from(was.is_none());
    }

    /// A change that the server refused is none.
    fn failed(&mut self, event: &Event) {
        if let Some(peer) = self.peer_of(&event.user) {
            self.take(peer, |change| change.op_id == event.op_id);
        }
    }

    fn take(&mut self, peer: Id, is_it: impl FnOnce(&Change) -> bool) -> Option<Change> {
        let change = self.unseen.get_mut(peer.index())?.take_if(|change| is_it(change))?;
        self.unseen_count -= 1;
        Some(change)
    }

    fn peer_of(&self, user: &Name) -> Option<Id> {
        let user = self.names.known(user)?;
        self.peers.get(user.index()).copied().flatten()
    }
}

/// Puts a value into a table that grows as needed; what was there before.
fn put<T>(table: &mut Vec<Option<T>>, at: Id, value: Option<T>) -> Option<T> {
    if at.index() >= table.len() {
        table.resize_with(at.index() + 1, || None);
    }
    std::mem::replace(&mut table[at.index()], value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Seen;
    use serde_json::json;
    use std::sync::Arc;

    #[derive(Default)]
    struct Run {
        presence: Presence,
        seen: Vec<(i64, i64)>,
    }

    impl Run {
        fn put(&mut self, t_ns: i64, user: &str, kind: Kind, op_id: u64, body: Body) {
            let (op, planned_ns) = ("".into(), None);
            let (user, op_id) = (user.into(), Some(op_id));
            let event = Event {
                n: 0,
                t_ns,
                process: 0,
                user,
                conn: 1,
                kind,
                op,
                op_id,
                planned_ns,
                said: Default::default(),
                content: Default::default(),
                body,
            };
            self.presence.observe(&event, |change| self.seen.push((change.invoked_ns, t_ns)));
        }

        fn joins(&mut self, user: &str, peer: &str) {
            let metadata = Arc::new(json!({}));
            let body = Body::Register { peer: peer.into(), room: "r".into(), role: "worker".into(), metadata };
            self.put(0, user, Kind::Invoked, 0, body);
        }

        fn becomes(&mut self, t_ns: i64, user: &str, status: &str) {
            let metadata = Arc::new(json!({ "properties": { "status": status } }));
            self.put(t_ns, user, Kind::Invoked, t_ns as u64, Body::Update { metadata });
        }

        fn discovers(&mut self, t_ns: i64, user: &str, peer: &str, status: &str) {
            let seen = Seen { peer: peer.into(), status: Some(status.into()), metadata: 0 };
            self.put(t_ns, user, Kind::Ok, 0, Body::Discovered { peers: vec![seen] });
        }
    }

    #[test]
    fn a_status_is_stale_until_the_first_discovery_that_shows_it() {
        let mut run = Run::default();
        run.joins("workers-0", "ada");
        run.becomes(100, "workers-0", "busy");
        run.discovers(150, "clients-0", "ada", "available");
        run.discovers(160, "workers-0", "ada", "busy");
        run.discovers(170, "clients-0", "ada", "busy");
        run.discovers(180, "clients-1", "ada", "busy");
        assert_eq!(run.seen, [(100, 170)], "not the old status, not its own look, and only the first");
    }

    #[test]
    fn a_status_that_nobody_saw_or_the_server_refused_has_no_time() {
        let mut run = Run::default();
        run.joins("workers-0", "ada");
        run.becomes(100, "workers-0", "reserved");
        run.becomes(110, "workers-0", "busy");
        run.discovers(120, "clients-0", "ada", "reserved");
        run.put(130, "workers-0", Kind::Failed, 110, Body::Empty);
        run.discovers(140, "clients-0", "ada", "busy");
        assert_eq!(run.seen, []);
        assert_eq!(run.presence.unseen_count, 0);
    }
}
