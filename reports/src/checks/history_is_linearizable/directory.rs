//! A peer's entry in its room: registering makes it, updates write its status, discoveries read it, and the end of the
//! connection that made it removes it. The end of an older connection removes nothing.
//!
//! A server may have dropped a connection before its user knew, and nobody knows when a departed peer is forgotten: that is
//! a call that may happen at any time from then on, or never.

use super::super::cast::Cast;
use super::super::faults::HostFate;
use super::super::filters::{Match, matches};
use super::super::findings::Findings;
use super::super::moment::{Act, Ask, Moment, What};
use super::super::names::Id;
use super::calls::{Calls, Told, gone_since_ns};
use crate::event::{Body, Name, Seen};
use crate::linearizable::Model;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Properties that a worker changes while it works; filters that look at the others look at what never changes.
const STATUS: &str = "status";
const CHANGING: [&str; 2] = [STATUS, "current_job_id"];

/// An entry: the connection that made it, and the status in it.
struct Entry;

/// A user's connection.
type Link = (Id, u32);
/// A room and a peer.
type Key = (Id, Id);
/// A call of one of the entries.
type Place = (Key, usize);

#[derive(Clone)]
enum Call {
    Register {
        by: Link,
        status: Option<Name>,
    },
    Update {
        by: Link,
        status: Option<Name>,
    },
    Remove {
        by: Link,
    },
    Seen {
        status: Option<Name>,
    },
    /// With the status that was asked for, if one was.
    NotSeen {
        wanted: Option<Name>,
    },
}

impl Model for Entry {
    type State = Option<(Link, Option<Name>)>;
    type Call = Call;

    fn step(state: &Self::State, call: &Call) -> Option<Self::State> {
        let holder = state.as_ref().map(|(link, _)| *link);
        match call {
            Call::Register { by, status } => Some(Some((*by, status.clone()))),
            Call::Update { by, status } if holder == Some(*by) => Some(Some((*by, status.clone()))),
            Call::Remove { by } if holder == Some(*by) => Some(None),
            Call::Update { .. } | Call::Remove { .. } => Some(state.clone()),
            Call::Seen { status } => state.as_ref().is_some_and(|(_, now)| now == status).then(|| state.clone()),
            Call::NotSeen { wanted } => {
                let is_other = |now: &Option<Name>| wanted.is_some() && now != wanted;
                state.as_ref().is_none_or(|(_, now)| is_other(now)).then(|| state.clone())
            }
        }
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Seen { .. } | Call::NotSeen { .. })
    }

    fn leaves(call: &Call) -> Vec<Self::State> {
        match call {
            Call::Register { by, status } | Call::Update { by, status } => vec![Some((*by, status.clone()))],
            Call::Remove { .. } => vec![None],
            Call::Seen { .. } | Call::NotSeen { .. } => Vec::new(),
        }
    }
}

impl Told for Entry {
    fn words(call: &Call, _: &Cast) -> String {
        let word = |status: &Option<Name>| status.as_deref().unwrap_or("nothing").to_owned();
        match call {
            Call::Register { status: None, .. } => "registered".to_owned(),
            Call::Register { status, .. } => format!("registered as {}", word(status)),
            Call::Update { status, .. } => format!("said {}", word(status)),
            Call::Remove { .. } => "lost its connection".to_owned(),
            Call::Seen { status: None } => "saw it".to_owned(),
            Call::Seen { status } => format!("saw it {}", word(status)),
            Call::NotSeen { wanted: None } => "did not see it".to_owned(),
            Call::NotSeen { wanted } => format!("did not see it among those that are {}", word(wanted)),
        }
    }
}

/// A peer in a room.
struct Peer {
    calls: Calls<Entry>,
    role: Name,
    metadata: Arc<Value>,
    /// Whether all but the status has stayed as it was registered.
    is_fixed: bool,
}

/// All entries.
#[derive(Default)]
pub(super) struct Directory {
    peers: BTreeMap<Key, Peer>,
    /// Calls without an answer so far, by user and number: room, peer and call.
    asked: BTreeMap<(Id, u64), Place>,
    /// Registrations whose connection lives, with the call that removes them.
    living: BTreeMap<Link, Vec<Place>>,
    calls: usize,
}

impl Directory {
    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    pub(super) fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let now = (moment.event.t_ns, moment.event.n);
        match &moment.act {
            Act::Asked(ask) => self.asked(moment.user, ask, cast),
            Act::Answered(ask) => {
                if let (What::Discover { filters }, Body::Discovered { peers }) = (&ask.what, &moment.event.body) {
                    self.discovered(moment, cast, ask, filters, peers);
                } else if let Some((key, index)) = self.asked.remove(&(moment.user, ask.op_id))
                    && let Some(peer) = self.peers.get_mut(&key)
                {
                    peer.calls.end(index, now);
                }
            }
            Act::Refused(ask) => {
                if let Some((key, index)) = self.asked.remove(&(moment.user, ask.op_id))
                    && let Some(peer) = self.peers.get_mut(&key)
                {
                    peer.calls.remove(index);
                }
            }
            Act::Closed { .. } => self.left((moment.user, moment.event.conn), moment.event.t_ns, cast),
            Act::Fault { fate: HostFate::Down, users } => {
                let links: Vec<Link> = self.living.keys().filter(|(user, _)| users.contains(user)).copied().collect();
                links.into_iter().for_each(|link| self.left(link, moment.event.t_ns, cast));
            }
            _ => {}
        }
    }

    pub(super) fn judge(mut self, end_ns: i64, cast: &Cast, findings: &mut Findings) {
        let links: Vec<Link> = self.living.keys().copied().collect();
        links.into_iter().for_each(|link| self.left(link, end_ns, cast));
        for ((_, peer), Peer { calls, .. }) in self.peers {
            calls.judge(&None, || format!("what was seen of {}", cast.display(peer)), cast, findings);
        }
    }

    fn asked(&mut self, user: Id, ask: &Ask, cast: &Cast) {
        let (by, began) = ((user, ask.conn), (ask.t_ns, ask.n));
        let (key, call) = match &ask.what {
            What::Register { peer, room, role, metadata } => {
                let known = self.peers.entry((*room, *peer)).or_insert_with(|| Peer {
                    calls: Calls::default(),
                    role: role.clone(),
                    metadata: metadata.clone(),
                    is_fixed: true,
                });
                known.is_fixed &= known.role == *role && without_status(&known.metadata) == without_status(metadata);
                let remove = known.calls.begin(user, Call::Remove { by }, began);
                self.living.entry(by).or_default().push(((*room, *peer), remove));
                ((*room, *peer), Call::Register { by, status: status(metadata) })
            }
            What::Update { metadata } => {
                let Some(standing) = cast.standing(user, ask.conn) else { return };
                let key = (standing.room, standing.peer);
                let Some(known) = self.peers.get_mut(&key) else { return };
                known.is_fixed &= changes_status_alone(metadata);
                if metadata.pointer("/properties/status").is_none() {
                    return;
                }
                (key, Call::Update { by, status: status(metadata) })
            }
            What::Discover { .. } | What::Reserve { .. } | What::Resource => return,
        };
        if let Some(peer) = self.peers.get_mut(&key) {
            self.calls += 1;
            self.asked.insert((user, ask.op_id), (key, peer.calls.begin(user, call, began)));
        }
    }

    fn discovered(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask, filters: &Value, listed: &[Seen]) {
        let Some(asker) = cast.standing(moment.user, ask.conn) else { return };
        let (began, ended) = ((ask.t_ns, ask.n), (moment.event.t_ns, moment.event.n));
        let mut seen: BTreeMap<Id, &Seen> = BTreeMap::new();
        for one in listed {
            if let Some(peer) = cast.known(&one.peer) {
                seen.insert(peer, one);
            }
        }
        let wanted = wanted(filters);
        for ((_, id), peer) in self.peers.range_mut((asker.room, Id(0))..=(asker.room, Id(u32::MAX))) {
            let call = match (seen.get(id), &wanted) {
                (Some(seen), _) => Call::Seen { status: seen.status.clone() },
                (None, Some((rest, status))) if *id != asker.peer && peer.must_match(rest) => {
                    Call::NotSeen { wanted: status.clone() }
                }
                (None, _) => continue,
            };
            self.calls += 1;
            peer.calls.push(moment.user, call, began, ended);
        }
    }

    /// A connection is gone for its user, or the run has ended.
    fn left(&mut self, link: Link, now_ns: i64, cast: &Cast) {
        let since_ns = cast.link(link.0, link.1).map_or(i64::MIN, |it| gone_since_ns(link.0, it, now_ns, cast));
        for (key, remove) in self.living.remove(&link).unwrap_or_default() {
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.calls.limit(remove, since_ns, None);
            }
        }
    }
}

impl Peer {
    /// Whether it matches this whatever its status is.
    fn must_match(&self, filters: &Value) -> bool {
        self.is_fixed && matches(filters, &self.role, &self.metadata) == Match::Yes
    }
}

fn status(metadata: &Value) -> Option<Name> {
    metadata.pointer("/properties/status").and_then(Value::as_str).map(Name::from)
}

fn without_status(metadata: &Value) -> Value {
    let mut rest = metadata.clone();
    if let Some(properties) = rest.pointer_mut("/properties").and_then(Value::as_object_mut) {
        CHANGING.iter().for_each(|name| drop(properties.remove(*name)));
    }
    rest
}

fn changes_status_alone(change: &Value) -> bool {
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    change.as_object().is_some_and(|change| {
        change.iter().all(|(key, value)| match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.keys().all(|name| CHANGING.contains(&name.as_str()))
            }
            ("tags", tags) => is_empty(tags),
            _ => false,
        })
    })
}

/// The filters without the status, and the status that they want; none if they say something about it that is no word, or
/// about another property that changes.
fn wanted(filters: &Value) -> Option<(Value, Option<Name>)> {
    let mut rest = filters.clone();
    let properties = rest.pointer_mut("/properties").and_then(Value::as_object_mut);
    let Some(properties) = properties else { return Some((rest, None)) };
    let status = match properties.remove(STATUS) {
        None => None,
        Some(Value::String(status)) => Some(Name::from(status)),
        Some(_) => return None,
    };
    let is_fixed = CHANGING.iter().all(|name| !properties.contains_key(*name));
    is_fixed.then_some((rest, status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizable::by_force::search_and_force_agree;

    #[test]
    fn an_entry_is_searched_as_a_register_and_as_membership_as_if_everything_was_tried() {
        let without = search_and_force_agree::<Entry>(&None, &|draws| {
            let by = (Id(0), draws.below(2) as u32);
            let mut word = || Some(Name::from(["available", "busy"][draws.below(2) as usize]));
            let (status, wanted) = (word(), word());
            match draws.below(8) {
                0 | 1 => Call::Register { by, status },
                2 | 3 => Call::Update { by, status },
                4 => Call::Remove { by },
                5 | 6 => Call::Seen { status },
                _ => Call::NotSeen { wanted },
            }
        });
        assert!((2_000..8_000).contains(&without), "{without} have no order");
    }
}
