//! A segment of a plan: the part of it that one process plays. Users that have to do with each other (they share a room or
//! a meeting point, one names the other, or a fault follows their messages) stay together, so that a segment needs nothing of the
//! others; what is left over falls into parts, which are dealt out by size. Exact arithmetic on the plan: every user is in one
//! segment, with its own number, and so with its own draws, and a fault at a time hits in each segment those of its victims that are
//! there. Neighbours: `super::Plan`. Left out: who plays which segment, and when.

use super::Plan;
use super::fault::{Begin, FaultPlan};
use super::hosts::is_server;
use super::judging::Expectation;
use super::step::{Step, Verb};
use super::system::Service;
use super::user::{Behaviour, UserPlan};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Which part of a plan: `2/4` is the second of four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Segment {
    /// Which one, from 1.
    pub nth: u32,
    /// Of how many.
    pub of: u32,
}

/// Most segments of one plan.
pub const SEGMENTS_MAX: u32 = 250;

impl Segment {
    /// All segments of a split into so many.
    pub fn all(of: u32) -> impl Iterator<Item = Segment> {
        (1..=of).map(move |nth| Segment { nth, of })
    }
}

impl Display for Segment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.nth, self.of)
    }
}

impl FromStr for Segment {
    type Err = String;

    fn from_str(text: &str) -> Result<Segment, String> {
        let wanted = || format!("expected a segment such as 2/4, the second of four (at most {SEGMENTS_MAX})");
        let (nth, of) = text.split_once('/').ok_or_else(wanted)?;
        let (nth, of) = (nth.parse().map_err(|_| wanted())?, of.parse().map_err(|_| wanted())?);
        if (1..=of).contains(&nth) && of <= SEGMENTS_MAX { Ok(Segment { nth, of }) } else { Err(wanted()) }
    }
}

/// Why a plan cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSplit {
    /// It does not fall into so many parts.
    #[error(
        "the plan falls into {parts} parts that have nothing to do with each other, so that it cannot be split into {wanted}\n  hint: users of one room stay together, and so do those that meet or name each other and those of a fault that follows a message; more rooms make more parts"
    )]
    TooFewParts {
        /// Into how many it falls.
        parts: usize,
        /// How many were wanted.
        wanted: u32,
    },
}

impl Plan {
    /// A segment of this plan, which is a plan as well. What only the whole can answer is not asked of it: thresholds,
    /// expectations, and that something must have been exercised are judged when the records are merged.
    pub fn segment(&self, segment: Segment) -> Result<Plan, CannotSplit> {
        if segment.of == 1 {
            return Ok(self.clone());
        }
        let segment_of = self.segments(segment.of)?;
        let is_mine = |index: usize| segment_of.get(index) == Some(&segment.nth);
        let users = self.users.iter().enumerate().filter(|(index, _)| is_mine(*index));
        let mut part = Plan { users: users.map(|(_, user)| user.clone()).collect(), ..self.but_users() };
        part.keep_rooms_of_users();
        part.keep_faults_of_users();
        // All together prepare at the rate of the plan.
        part.prepare.sign_in_rate /= f64::from(segment.of);
        part.checks.named.clear();
        part.thresholds.clear();
        part.expect = Expectation::Either;
        Ok(part)
    }

    /// Into how many parts it falls at most.
    pub fn parts(&self) -> usize {
        self.part_of_each_user().into_iter().max().map_or(0, |last| last + 1)
    }

    /// The number of the segment of each user, in the order of users.
    fn segments(&self, of: u32) -> Result<Vec<u32>, CannotSplit> {
        let part_of = self.part_of_each_user();
        let parts = part_of.iter().max().map_or(0, |last| last + 1);
        if parts < of as usize {
            return Err(CannotSplit::TooFewParts { parts, wanted: of });
        }
        let mut sizes = vec![0_usize; parts];
        part_of.iter().for_each(|part| sizes[*part] += 1);
        let mut by_size: Vec<usize> = (0..parts).collect();
        by_size.sort_by_key(|part| (std::cmp::Reverse(sizes[*part]), *part));
        // The largest first, each to whoever has least so far: the segments come out even.
        let mut loads = vec![0_usize; of as usize];
        let mut segment_of_part = vec![0; parts];
        for part in by_size {
            let least = (0..loads.len()).min_by_key(|segment| (loads[*segment], *segment)).unwrap_or(0);
            loads[least] += sizes[part];
            segment_of_part[part] = least as u32 + 1;
        }
        Ok(part_of.into_iter().map(|part| segment_of_part[part]).collect())
    }

    /// The part of each user, numbered in the order of their first users.
    fn part_of_each_user(&self) -> Vec<usize> {
        let mut parts = Parts::of(self.users.len());
        let mut met: BTreeMap<Shared<'_>, usize> = BTreeMap::new();
        let mut ties = Ties::default();
        for (index, user) in self.users.iter().enumerate() {
            let mut unite = |shared| parts.unite(*met.entry(shared).or_insert(index), index);
            if self.system.service == Service::Reference {
                unite(Shared::Room(user.room));
            }
            ties.look_at(user);
            ties.points.iter().for_each(|point| unite(Shared::Point(point)));
            ties.names.iter().for_each(|name| unite(Shared::User((*name).to_owned())));
            unite(Shared::User(user.name.clone()));
        }
        for fault in &self.faults {
            let together = self.tied_by(fault);
            together.windows(2).for_each(|pair| parts.unite(pair[0], pair[1]));
        }
        parts.numbered()
    }

    /// The users that a fault needs in one place: which message it follows is counted over all that send or receive it, and it
    /// hits its victims right then.
    fn tied_by(&self, fault: &FaultPlan) -> Vec<usize> {
        let Begin::After(sight) = &fault.begins else { return Vec::new() };
        let seen: BTreeSet<&String> = sight.users.iter().collect();
        let hit: BTreeSet<&String> = fault.action.hosts().collect();
        let is_tied = |user: &UserPlan| seen.contains(&user.name) || hit.contains(&user.host);
        (0..self.users.len()).filter(|index| is_tied(&self.users[*index])).collect()
    }

    /// Faults hit those who are here, and are not there where nobody is whom they could hit.
    fn keep_faults_of_users(&mut self) {
        let names: BTreeSet<&str> = self.users.iter().map(|user| user.name.as_str()).collect();
        let hosts: BTreeSet<&str> = self.users.iter().map(|user| user.host.as_str()).collect();
        let is_host = |host: &str| is_server(host) || hosts.contains(host);
        self.faults.retain_mut(|fault| fault.keep(|user| names.contains(user), is_host));
    }

    /// Rooms in which nobody is are not made, and the others have the numbers of their places.
    fn keep_rooms_of_users(&mut self) {
        let mut kept: BTreeMap<u32, u32> = self.users.iter().map(|user| (user.room, 0)).collect();
        kept.values_mut().zip(0..).for_each(|(place, nth)| *place = nth);
        self.users.iter_mut().for_each(|user| user.room = kept[&user.room]);
        self.rooms = kept.keys().filter_map(|room| self.rooms.get(*room as usize).cloned()).collect();
        let existing = &self.live.existing_rooms;
        self.live.existing_rooms = kept.keys().filter_map(|room| existing.get(*room as usize).cloned()).collect();
    }

    fn but_users(&self) -> Plan {
        Plan {
            users: Vec::new(),
            scenario: self.scenario.clone(),
            about: self.about.clone(),
            parameters: self.parameters.clone(),
            system: self.system.clone(),
            network: self.network.clone(),
            rooms: self.rooms.clone(),
            tables: self.tables.clone(),
            faults: self.faults.clone(),
            delay_points: self.delay_points.clone(),
            prepare: self.prepare.clone(),
            checks: self.checks.clone(),
            thresholds: self.thresholds.clone(),
            expect: self.expect.clone(),
            drawn: self.drawn.clone(),
            live: self.live.clone(),
            ..*self
        }
    }
}

/// What keeps users together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Shared<'a> {
    Room(u32),
    Point(&'a str),
    User(String),
}

/// Meeting points that a user comes to, and users that its steps name. Those of a group play the same flow, which is looked at
/// once.
#[derive(Default)]
struct Ties<'a> {
    looked_at: Option<&'a Behaviour>,
    points: Vec<&'a str>,
    names: Vec<String>,
}

impl<'a> Ties<'a> {
    fn look_at(&mut self, user: &'a UserPlan) {
        if self.looked_at.is_some_and(|before| *before == user.behaviour) {
            return;
        }
        *self = Ties { looked_at: Some(&user.behaviour), ..Ties::default() };
        if let Behaviour::Flow(steps) = &user.behaviour {
            self.points_in(steps);
            self.names_in(&serde_json::to_string(steps).unwrap_or_default());
        }
    }

    fn points_in(&mut self, steps: &'a [Step]) {
        for step in steps {
            match &step.verb {
                Verb::Meet { point, .. } => self.points.push(point),
                verb => verb.inside().into_iter().for_each(|inside| self.points_in(inside)),
            }
        }
    }

    /// `${peer.NAME}`, wherever it stands.
    fn names_in(&mut self, text: &str) {
        let after = text.split("${peer.").skip(1);
        self.names.extend(after.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()));
    }
}

/// Sets of users that grow together (union-find).
struct Parts(Vec<usize>);

impl Parts {
    fn of(users: usize) -> Parts {
        Parts((0..users).collect())
    }

    fn first(&mut self, mut user: usize) -> usize {
        while self.0[user] != user {
            self.0[user] = self.0[self.0[user]];
            user = self.0[user];
        }
        user
    }

    fn unite(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        let (first, last) = (one.min(other), one.max(other));
        self.0[last] = first;
    }

    fn numbered(mut self) -> Vec<usize> {
        let mut numbers = BTreeMap::new();
        let firsts: Vec<usize> = (0..self.0.len()).map(|user| self.first(user)).collect();
        firsts
            .into_iter()
            .map(|first| {
                let next = numbers.len();
                *numbers.entry(first).or_insert(next)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_written_as_one_of_several() {
        assert_eq!("2/4".parse(), Ok(Segment { nth: 2, of: 4 }));
        for rubbish in ["", "2", "0/4", "5/4", "1/0", "-1/2", "1/251", "a/b"] {
            assert!(rubbish.parse::<Segment>().is_err(), "{rubbish}");
        }
        assert_eq!(Segment::all(2).map(|segment| segment.to_string()).collect::<Vec<_>>(), ["1/2", "2/2"]);
    }

    #[test]
    fn what_is_united_has_one_number() {
        let mut parts = Parts::of(5);
        parts.unite(3, 1);
        parts.unite(4, 3);
        assert_eq!(parts.numbered(), [0, 1, 2, 1, 1]);
    }
}
