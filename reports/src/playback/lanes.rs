//! Who is shown: the users that the first violation is about, whoever they talk to, then the others as they appear; and the
//! servers, in the middle, since everything passes them. Neighbours: `window`, which shows what they do.

use super::{Lane, evidence_of};
use crate::event::{Body, Event, Kind, Name};
use crate::outcome::Outcome;
use crate::render::words::checks_by_weight;
use crate::story::Directory;
use std::collections::BTreeMap;

/// Most users that are shown: what fits a page.
pub const LANES_MAX: usize = 8;
/// Most servers.
const SERVERS_MAX: usize = 4;
/// The server of users whose connections nobody saw being opened.
const SERVER: &str = "server";
/// Who writes what concerns no user.
pub(super) const RUN: &str = "run";

/// Who is shown, and who of all that is.
pub(super) struct Stage {
    users: Vec<Name>,
    servers: Vec<Name>,
    /// The server of a user's connection.
    connections: BTreeMap<(Name, u32), usize>,
    /// How many users wrote events.
    pub(super) users_in_all: usize,
    lane_of: BTreeMap<Name, usize>,
    first_server: usize,
}

impl Stage {
    pub(super) fn of(outcome: &Outcome, events: &[Event], directory: &Directory) -> Stage {
        let all = everybody(events);
        let mut users: Vec<Name> = Vec::new();
        let mut add = |user: Name| {
            if users.len() < LANES_MAX && all.contains_key(&user) && !users.contains(&user) {
                users.push(user);
            }
        };
        for evidence in checks_by_weight(outcome).into_iter().flat_map(|it| evidence_of(&it.check.verdict)) {
            evidence.users.iter().for_each(|user| add(directory.user(user)));
        }
        outcome.story.iter().flat_map(|story| &story.lanes).for_each(|lane| add(lane.clone()));
        let mut by_appearance: Vec<(&Name, &u64)> = all.iter().collect();
        by_appearance.sort_by_key(|(_, first)| **first);
        by_appearance.iter().for_each(|(user, _)| add((*user).clone()));
        let (servers, connections) = servers(events);
        let mut stage = Stage {
            users: Vec::new(),
            servers,
            connections,
            users_in_all: all.len(),
            lane_of: BTreeMap::new(),
            first_server: 0,
        };
        stage.arrange(users);
        stage
    }

    /// Groups of users stand together, half of them on either side of the servers: what passes crosses few lanes.
    fn arrange(&mut self, mut users: Vec<Name>) {
        users.sort_by(|a, b| (group(a), number(a), a).cmp(&(group(b), number(b), b)));
        let half = users.len().div_ceil(2);
        let begins_group = |index: &usize| group(&users[*index]) != group(&users[*index - 1]);
        let borders = (1..users.len()).filter(begins_group);
        self.first_server = borders.min_by_key(|index| (index.abs_diff(half), *index)).unwrap_or(half);
        for (index, user) in users.iter().enumerate() {
            let shift = if index < self.first_server { 0 } else { self.servers.len() };
            self.lane_of.insert(user.clone(), index + shift);
        }
        self.users = users;
    }

    /// From left to right.
    pub(super) fn lanes(&self) -> Vec<Lane> {
        let lane = |is_server: bool| move |name: &Name| Lane { name: name.clone(), is_server };
        let (left, right) = self.users.split_at(self.first_server.min(self.users.len()));
        let servers = self.servers.iter().map(lane(true));
        left.iter().map(lane(false)).chain(servers).chain(right.iter().map(lane(false))).collect()
    }

    /// The lane of a user, if it is shown.
    pub(super) fn lane(&self, user: &str) -> Option<usize> {
        self.lane_of.get(user).copied()
    }

    /// The lane of the server behind a user's connection.
    pub(super) fn server_of(&self, user: &Name, conn: u32) -> usize {
        self.first_server + self.connections.get(&(user.clone(), conn)).copied().unwrap_or(0)
    }

    /// The lanes of hosts: servers by their names, users where they run.
    pub(super) fn lanes_of_hosts(&self, hosts: &[Name], users: &[Name]) -> Vec<usize> {
        let servers = self.servers.iter().enumerate().filter(|(_, server)| hosts.contains(server));
        let servers = servers.map(|(index, _)| self.first_server + index);
        let mut lanes: Vec<usize> = users.iter().filter_map(|user| self.lane(user)).chain(servers).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    /// How many users are shown.
    pub(super) fn users_shown(&self) -> usize {
        self.users.len()
    }
}

/// All users with the number of their first event.
fn everybody(events: &[Event]) -> BTreeMap<Name, u64> {
    let mut all = BTreeMap::new();
    for event in events.iter().filter(|event| &*event.user != RUN) {
        if !all.contains_key(&event.user) {
            all.insert(event.user.clone(), event.n);
        }
    }
    all
}

/// The servers that users connected to, in the order of their names, and which connection leads to which.
fn servers(events: &[Event]) -> (Vec<Name>, BTreeMap<(Name, u32), usize>) {
    let targets = events.iter().filter_map(|event| match (&event.body, event.kind) {
        (Body::Connection { target }, Kind::Opened) => Some(((event.user.clone(), event.conn), host(target))),
        _ => None,
    });
    let targets: Vec<((Name, u32), Name)> = targets.collect();
    let mut servers: Vec<Name> = targets.iter().map(|(_, host)| host.clone()).collect();
    servers.sort();
    servers.dedup();
    servers.truncate(SERVERS_MAX);
    if servers.is_empty() {
        servers.push(SERVER.into());
    }
    let index = |host: &Name| servers.iter().position(|it| it == host).unwrap_or(servers.len() - 1);
    let connections = targets.iter().map(|(key, host)| (key.clone(), index(host))).collect();
    (servers, connections)
}

/// `server-0` of `ws://server-0:8080/path`; an address keeps its port, which alone may tell servers apart.
fn host(target: &str) -> Name {
    let authority = target.split_once("://").map_or(target, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    match authority.rsplit_once(':') {
        Some((host, _)) if host.starts_with(|first: char| first.is_ascii_alphabetic()) => host.into(),
        _ => authority.into(),
    }
}

/// `workers` of `workers-10`.
fn group(user: &str) -> &str {
    user.rsplit_once('-').map_or(user, |(group, _)| group)
}

fn number(user: &str) -> Option<u64> {
    user.rsplit_once('-').and_then(|(_, number)| number.parse().ok())
}
