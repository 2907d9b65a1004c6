//! What one user can tell of itself: how it is connected, what it last saw of others, and what it waits for.

use super::board::Board;
use super::{Section, Tone};
use crate::event::{Body, Closer, Event, Kind, Name};
use crate::render::units::offset_s;
use crate::story::{Directory, sees};
use std::collections::BTreeMap;

/// Most things that a user waits for and that are named.
const WAITS_MAX: usize = 3;

#[derive(Default)]
pub(super) struct People(BTreeMap<Name, Person>);

#[derive(Default)]
struct Person {
    /// Open connections, and whether each is registered.
    open: BTreeMap<u32, bool>,
    waits: BTreeMap<u64, (Name, i64)>,
}

impl People {
    /// Takes an event of a user that is shown into account.
    pub(super) fn observe(&mut self, event: &Event, directory: &Directory, board: &mut Board) {
        let person = self.0.entry(event.user.clone()).or_default();
        let user = &event.user;
        match (&event.body, event.kind) {
            (_, Kind::Opened) => {
                person.open.insert(event.conn, false);
                person.tell_connection(user, board);
            }
            (Body::Registered { .. }, Kind::Ok) => {
                person.open.insert(event.conn, true);
                person.tell_connection(user, board);
            }
            (Body::Closed { by, .. }, _) => {
                person.open.remove(&event.conn);
                match person.open.is_empty() {
                    true => {
                        let (text, tone) = ended(*by);
                        board.set(Section::Connections, user, text.to_owned(), tone);
                    }
                    false => person.tell_connection(user, board),
                }
            }
            (Body::Discovered { peers }, Kind::Ok) => {
                let text = format!("{}, at {} s", sees(peers, directory), offset_s(event.t_ns));
                board.set(Section::Sights, user, text, Tone::Plain);
            }
            _ => {}
        }
        if let Some(op_id) = event.op_id {
            match event.kind {
                Kind::Invoked => drop(person.waits.insert(op_id, (event.op.clone(), event.t_ns))),
                _ => drop(person.waits.remove(&op_id)),
            }
            person.tell_waits(user, board);
        }
    }
}

impl Person {
    fn tell_connection(&self, user: &str, board: &mut Board) {
        let text = match (self.open.len(), self.open.values().any(|is_registered| *is_registered)) {
            (1, true) => "open, registered".to_owned(),
            (1, false) => "open, not registered".to_owned(),
            (count, true) => format!("{count} open, registered"),
            (count, false) => format!("{count} open, not registered"),
        };
        board.set(Section::Connections, user, text, Tone::Plain);
    }

    fn tell_waits(&self, user: &str, board: &mut Board) {
        if self.waits.is_empty() {
            return board.clear(Section::Waits, user);
        }
        let wait = |(op, since_ns): &(Name, i64)| format!("{op} since {} s", offset_s(*since_ns));
        let mut waits: Vec<String> = self.waits.values().take(WAITS_MAX).map(wait).collect();
        if self.waits.len() > WAITS_MAX {
            waits.push(format!("{} more", self.waits.len() - WAITS_MAX));
        }
        board.set(Section::Waits, user, waits.join(", "), Tone::Plain);
    }
}

fn ended(by: Closer) -> (&'static str, Tone) {
    match by {
        Closer::Us => ("closed on purpose", Tone::Soft),
        Closer::Peer => ("closed by the server", Tone::Bad),
        Closer::Network => ("lost", Tone::Bad),
        Closer::Fault => ("cut down with its process", Tone::Bad),
    }
}
