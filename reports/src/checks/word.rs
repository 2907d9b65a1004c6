//! What a peer has said about itself and the server may believe: one version for each registration and update, as long as a
//! discovery may still see it. Neighbour: `acknowledged_status_is_seen`, which judges with it.

use super::cast::Cast;
use super::metadata;
use super::names::Id;
use crate::event::{Name, digest};
use crate::few;
use serde_json::Value;
use std::sync::Arc;

/// A message that was sent over a connection which is gone may still reach the server for this long.
const GHOST_NS: i64 = 60_000_000_000;

/// User and connection.
pub type LinkKey = (Id, u32);

/// What a peer has said, oldest first.
pub struct Word {
    /// Versions that somebody may still see.
    pub versions: Vec<Version>,
    /// The newest discovery that listed this peer.
    pub listed_in: u64,
}

/// A peer's metadata after one registration or update.
pub struct Version {
    /// Over which connection it was said.
    pub link: LinkKey,
    /// The event that said it.
    pub asked_n: u64,
    /// The event that acknowledged it.
    pub acknowledged: Option<Acknowledged>,
    /// The room.
    pub room: Id,
    /// The role.
    pub role: Name,
    /// The metadata that the server must have then; absent where the documents do not decide.
    pub value: Option<Arc<Value>>,
    /// Its hash, if it can be told.
    pub digest: Option<u64>,
    /// The status in it, if it can be told.
    pub status: Status,
}

/// The event that acknowledged a version.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// Its number.
    pub n: u64,
    /// When.
    pub t_ns: i64,
}

/// The status that a version has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// This one, or none.
    Told(Option<Name>),
    /// It cannot be told.
    Open,
}

impl Version {
    /// A registration: it replaces whatever was there.
    pub fn registered(link: LinkKey, asked_n: u64, room: Id, role: Name, value: Arc<Value>) -> Version {
        let mut version =
            Version { link, asked_n, acknowledged: None, room, role, value: None, digest: None, status: Status::Open };
        version.settle(value);
        version
    }

    /// The server told what it has.
    pub fn settle(&mut self, value: Arc<Value>) {
        // A version 1 peer has no metadata; a server then keeps an empty object.
        let value = if value.is_null() { Arc::new(Value::Object(serde_json::Map::new())) } else { value };
        if self.digest.is_none() || self.value.as_ref() != Some(&value) {
            self.digest = Some(digest(&value));
        }
        self.status = told(&value);
        self.value = Some(value);
    }

    /// Whether an answer that shows this status and hash may show this version.
    pub fn may_be(&self, status: Option<&Name>, hash: u64) -> bool {
        let status_fits = match &self.status {
            Status::Told(told) => told.as_ref() == status,
            Status::Open => true,
        };
        status_fits && self.digest.is_none_or(|digest| digest == hash)
    }
}

impl Word {
    /// A peer that has said nothing.
    pub fn new() -> Word {
        Word { versions: Vec::new(), listed_in: u64::MAX }
    }

    /// An update is sent over this connection.
    pub fn update(&mut self, link: LinkKey, asked_n: u64, change: &Value, cast: &Cast, now_ns: i64) {
        let contested = self.is_contested(link, cast, now_ns);
        let Some(base) = self.versions.iter().rev().find(|version| version.link == link) else { return };
        let said = metadata::status(change);
        let value = base.value.as_ref().filter(|_| !contested).map(|base| Arc::new(metadata::merged(base, change)));
        let adds_tags = base.value.as_ref().is_some_and(|base| metadata::adds_tags(base, change));
        let has_other_keys =
            change.as_object().is_some_and(|change| change.keys().any(|key| key != "tags" && key != "properties"));
        let status = match (said, &value) {
            (Some(said), _) => Status::Told(Some(said.into())),
            (None, Some(value)) => told(value),
            (None, None) => Status::Open,
        };
        let hash = value.as_ref().filter(|_| !adds_tags && !has_other_keys).map(|value| digest(value));
        let (room, role) = (base.room, base.role.clone());
        let version = Version { link, asked_n, acknowledged: None, room, role, value, digest: hash, status };
        few::push(&mut self.versions, version);
    }

    /// The version that this event asked for.
    pub fn asked_by(&mut self, asked_n: u64) -> Option<&mut Version> {
        self.versions.iter_mut().find(|version| version.asked_n == asked_n)
    }

    /// An update or a registration was refused: it had no effect, so what was built upon it is open.
    pub fn refused(&mut self, asked_n: u64) {
        let Some(index) = self.versions.iter().position(|version| version.asked_n == asked_n) else { return };
        let link = self.versions.remove(index).link;
        for later in self.versions.iter_mut().skip(index).filter(|later| later.link == link) {
            if later.acknowledged.is_none() {
                later.value = None;
                later.digest = None;
            }
        }
    }

    /// Whether another connection of the same peer may be changing the metadata as well.
    pub fn is_contested(&self, link: LinkKey, cast: &Cast, now_ns: i64) -> bool {
        let Some(first) = self.versions.iter().find(|version| version.link == link) else { return true };
        self.versions.iter().any(|other| {
            let was_before = other.acknowledged.is_some_and(|acknowledged| acknowledged.n < first.asked_n);
            other.link != link && !was_before && !is_spent(other, cast, now_ns)
        })
    }

    /// The versions that a discovery which was invoked with this event may see.
    pub fn visible(&self, asked_n: u64, cast: &Cast, asked_ns: i64) -> impl Iterator<Item = &Version> {
        self.versions.iter().filter(move |version| !self.is_superseded(version, asked_n, cast, asked_ns))
    }

    /// Forgets what no discovery can see any more, now or later.
    pub fn prune(&mut self, oldest_asked_n: u64, cast: &Cast, now_ns: i64) {
        if self.versions.len() < 2 {
            return;
        }
        let keep: Vec<bool> =
            self.versions.iter().map(|version| !self.is_superseded(version, oldest_asked_n, cast, now_ns)).collect();
        let mut keep = keep.into_iter();
        self.versions.retain(|_| keep.next().unwrap_or(true));
    }

    /// Whether a newer version was acknowledged before this event, and certainly came after.
    fn is_superseded(&self, version: &Version, before_n: u64, cast: &Cast, now_ns: i64) -> bool {
        self.versions.iter().any(|newer| {
            let is_in_force = newer.acknowledged.is_some_and(|acknowledged| acknowledged.n < before_n);
            let is_after = if newer.link == version.link {
                newer.asked_n > version.asked_n
            } else {
                match version.acknowledged {
                    Some(acknowledged) => acknowledged.n < newer.asked_n,
                    None => version.asked_n < newer.asked_n && is_spent(version, cast, now_ns),
                }
            };
            is_in_force && is_after
        })
    }
}

/// Whether an unanswered version has had its time: nothing that its connection carried can still arrive.
fn is_spent(version: &Version, cast: &Cast, now_ns: i64) -> bool {
    match cast.link(version.link.0, version.link.1) {
        Some(link) => link.closed.is_some_and(|end| end.t_ns.saturating_add(GHOST_NS) < now_ns),
        None => true,
    }
}

fn told(value: &Value) -> Status {
    Status::Told(metadata::status(value).map(Name::from))
}
