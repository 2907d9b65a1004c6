//! What one run covered: the pairs of what a user was at and what happened to it then, and what those who were hit by a
//! fault were doing. A fold over events with a state for each user; names and numbers count for nothing, so that two runs
//! that only differ in who and when cover the same.
//!
//! Neighbour: the module adds up many runs. Left out: what the server was at, which writes no events.

use super::{Covered, Doing};
use crate::event::{Body, Event, JobMessage, Kind, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Watches one run.
#[derive(Default)]
pub struct Watch {
    users: BTreeMap<Name, User>,
    /// Faults that last, by name.
    faults: BTreeMap<Name, u64>,
    labels: BTreeSet<u64>,
    pairs: BTreeSet<u64>,
    hit: BTreeMap<Name, BTreeSet<Doing>>,
}

/// What a user is at, as far as its events tell.
#[derive(Default)]
struct User {
    group: u64,
    connections: u32,
    jobs: u32,
    open: u32,
    /// The status that it has asked for last.
    status: u64,
    /// The newest word of the job protocol that it sent or received.
    said: u64,
}

impl Watch {
    /// Takes the next event into account.
    pub fn observe(&mut self, event: &Event) {
        if let (Kind::Fault, Body::Fault { name, what, users, .. }) = (event.kind, &event.body) {
            self.fault(name, what, users);
            return;
        }
        let user = self.users.entry(event.user.clone()).or_insert_with(|| User::of(&event.user));
        let around = self.faults.values().fold(0_u64, |all, one| all ^ one);
        let label = label(event);
        self.labels.insert(label);
        self.pairs.insert(number(&(user.state(), label, around)));
        user.go_on(event);
    }

    /// What the run covered.
    pub fn finish(self) -> Covered {
        let labels: Vec<u8> = self.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        Covered { behaviour: xxh3_64(&labels), pairs: self.pairs.into_iter().collect(), hit: self.hit }
    }

    fn fault(&mut self, name: &Name, what: &Name, users: &[Name]) {
        if is_end(what) {
            self.faults.remove(name);
            return;
        }
        if self.faults.insert(name.clone(), xxh3_64(what.as_bytes())).is_some() {
            // A part of what has begun: programs that were told to stop are killed.
            return;
        }
        let doings = self.hit.entry(name.clone()).or_default();
        match users {
            // A server: everybody is hit.
            [] => doings.extend(self.users.values().filter(|user| user.group != RUN).map(User::doing)),
            users => doings.extend(users.iter().map(|user| self.users.get(user).map_or(Doing::Away, User::doing))),
        }
    }
}

/// The words in which a record tells that a fault is over.
fn is_end(what: &str) -> bool {
    what.ends_with(" ends") || what == "restarted"
}

/// The group of the run itself, which signs in and makes rooms.
const RUN: u64 = 0;

impl User {
    fn of(name: &str) -> User {
        let group = name.rsplit_once('-').map_or(RUN, |(group, _)| xxh3_64(group.as_bytes()));
        User { group, ..User::default() }
    }

    fn state(&self) -> u64 {
        let many = |count: u32| count.min(2);
        number(&(self.group, many(self.connections), many(self.jobs), many(self.open), self.status, self.said))
    }

    fn doing(&self) -> Doing {
        match (self.connections, self.jobs, self.open) {
            (0, ..) => Doing::Away,
            (_, 0, 0) => Doing::Idle,
            (_, 0, _) => Doing::Asking,
            _ => Doing::Working,
        }
    }

    fn go_on(&mut self, event: &Event) {
        match (event.kind, &event.body) {
            (Kind::Opened, _) => self.connections += 1,
            (Kind::Closed, _) => self.connections = self.connections.saturating_sub(1),
            (Kind::Began, Body::Job { .. }) => self.jobs += 1,
            (Kind::Ended, Body::Job { .. }) => self.jobs = self.jobs.saturating_sub(1),
            (Kind::Invoked, body) => {
                self.open += 1;
                self.status = status(body).unwrap_or(self.status);
            }
            (Kind::Ok | Kind::Failed | Kind::Unknown, _) => self.open = self.open.saturating_sub(1),
            (Kind::Sent | Kind::Received, Body::Message { job: Some(JobMessage { says, accepted, .. }), .. }) => {
                self.said = number(&(event.kind, says, accepted));
            }
            _ => {}
        }
    }
}

/// What happened, without who and which.
fn label(event: &Event) -> u64 {
    let Event { kind, op, body, .. } = event;
    let detail = match body {
        Body::Message { kind, job: Some(JobMessage { says, accepted, .. }), .. } => number(&(kind, says, accepted)),
        Body::Message { kind, .. } | Body::Other { kind } => number(kind),
        Body::Error { code, .. } => number(code),
        Body::Closed { by, code, .. } => number(&(by, code)),
        Body::Job { outcome, .. } => number(outcome),
        Body::Discovered { peers } => number(&peers.len().min(2)),
        Body::Http { status, .. } => number(status),
        Body::Register { .. } | Body::Update { .. } => status(body).unwrap_or_default(),
        _ => 0,
    };
    number(&(kind, op, detail))
}

fn status(body: &Body) -> Option<u64> {
    match body {
        Body::Register { metadata, .. } | Body::Update { metadata } => {
            // Not by a JSON pointer, which is taken apart anew each time.
            let status = metadata.get("properties")?.get("status")?.as_str()?;
            Some(xxh3_64(status.as_bytes()))
        }
        _ => None,
    }
}

fn number(of: &impl Hash) -> u64 {
    let mut hasher = Chained(0);
    of.hash(&mut hasher);
    hasher.finish()
}

/// Each piece is hashed onto the one before: cheap for the few numbers that a state is.
struct Chained(u64);

impl Chained {
    /// Odd, so that no two numbers become the same, with bits all over.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    fn mix(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(Self::FACTOR);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl Hasher for Chained {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.mix(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0.wrapping_mul(Self::FACTOR)
    }
}
