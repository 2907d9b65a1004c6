//! The state that the events add up to: rooms, workers, jobs, reservations, connections, what everybody last saw and waits
//! for, and faults. Told as changes, step by step, so that whoever shows it only applies them.
//!
//! It is what users know: servers write no events. Neighbours: `situation/people`, `situation/jobs` and `situation/rooms` fold,
//! `board` keeps what is told. Only what concerns the users that are shown is told. Left out: judgement; a state is shown as
//! bad where it is plainly not meant to be (two jobs at once, a lost connection).

mod board;
mod jobs;
mod people;
mod rooms;

use super::lanes::Stage;
use super::{Change, FactName, Step};
use crate::checks::faults;
use crate::event::{Body, Event, Kind, Name};
use crate::render::units::offset_s;
use crate::story::Directory;
use board::Board;
use serde::Serialize;
use std::collections::BTreeMap;

/// Kinds of facts, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Who is in a room.
    Rooms,
    /// What a worker says of itself, and what it runs.
    Workers,
    /// How far a job has come.
    Jobs,
    /// Who holds a worker.
    Reservations,
    /// What a user saw of others when it last looked.
    Sights,
    /// What a user has asked for and was not answered yet.
    Waits,
    /// How a user is connected.
    Connections,
    /// What goes wrong.
    Faults,
}

/// How a fact is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// As any other.
    Plain,
    /// Of no weight.
    Soft,
    /// Not as it is meant to be.
    Bad,
}

/// Adds what each step changes to the steps. Returns the names of all facts, and what was true before the first step. What
/// happens between two steps, and is not shown, counts for the second one.
pub(super) fn tell(
    steps: &mut [Step],
    events: &[Event],
    stage: &Stage,
    directory: &Directory,
) -> (Vec<FactName>, Vec<Change>) {
    let mut by_time: Vec<&Event> = events.iter().collect();
    by_time.sort_by_key(|event| (event.t_ns, event.n));
    let mut situation = Situation::new(stage, directory);
    let mut start = Vec::new();
    let mut next = 0;
    for event in by_time {
        let Some(step) = steps.get_mut(next) else { break };
        if event.n == step.n && next == 0 {
            start = situation.board.take();
        }
        situation.observe(event);
        if event.n == step.n {
            step.changes = situation.board.take();
            next += 1;
        }
    }
    let all_changes = steps.iter_mut().flat_map(|step| &mut step.changes).chain(&mut start);
    (situation.board.name_facts(all_changes), start)
}

/// Everything that is folded.
struct Situation<'a> {
    stage: &'a Stage,
    directory: &'a Directory,
    board: Board,
    people: people::People,
    jobs: jobs::Jobs,
    rooms: rooms::Rooms,
    /// Worker -> who holds it, and until when.
    reservations: BTreeMap<Name, (Name, i64)>,
}

impl<'a> Situation<'a> {
    fn new(stage: &'a Stage, directory: &'a Directory) -> Situation<'a> {
        Situation {
            stage,
            directory,
            board: Board::default(),
            people: people::People::default(),
            jobs: jobs::Jobs::default(),
            rooms: rooms::Rooms::default(),
            reservations: BTreeMap::new(),
        }
    }

    fn observe(&mut self, event: &Event) {
        self.lapse_reservations(event.t_ns);
        self.rooms.observe(event, self.stage, &mut self.board);
        if let Body::Fault { name, what, hosts, .. } = &event.body {
            return self.fault(name, what, hosts, event.t_ns);
        }
        self.jobs.observe(event, self.stage, self.directory, &mut self.board);
        if let (Body::Reserved { worker, until_ns }, Kind::Ok) = (&event.body, event.kind) {
            self.reserved(event, worker, *until_ns);
        }
        if self.is_shown(&event.user) {
            self.people.observe(event, self.directory, &mut self.board);
        }
    }

    fn is_shown(&self, user: &str) -> bool {
        self.stage.lane(user).is_some()
    }

    fn reserved(&mut self, event: &Event, worker: &Name, until_ns: i64) {
        let worker = self.directory.user(worker);
        if self.is_shown(&event.user) || self.is_shown(&worker) {
            let text = format!("held by {} until {} s", event.user, offset_s(until_ns));
            self.board.set(Section::Reservations, &worker, text, Tone::Plain);
            self.reservations.insert(worker, (event.user.clone(), until_ns));
        }
    }

    fn lapse_reservations(&mut self, now_ns: i64) {
        let board = &mut self.board;
        self.reservations.retain(|worker, (_, until_ns)| {
            let holds = *until_ns > now_ns;
            if !holds {
                board.clear(Section::Reservations, worker);
            }
            holds
        });
    }

    fn fault(&mut self, name: &Name, what: &str, hosts: &[Name], now_ns: i64) {
        if faults::ends(what) {
            return self.board.clear(Section::Faults, name);
        }
        let over = if hosts.is_empty() { String::new() } else { format!(" over {}", hosts.join(", ")) };
        let text = format!("{}{over} since {} s", what.trim_end_matches(" begins"), offset_s(now_ns));
        self.board.set(Section::Faults, name, text, Tone::Bad);
    }
}
