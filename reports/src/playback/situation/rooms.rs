//! Who is in a room, as its members know it: registered over a connection that they have not seen end. A server may still
//! list somebody who is gone.

use super::board::Board;
use super::{Section, Tone};
use crate::event::{Body, Event, Kind, Name};
use crate::playback::lanes::Stage;
use std::collections::{BTreeMap, BTreeSet};

/// Most members that are named.
const NAMED_MAX: usize = 8;

#[derive(Default)]
pub(super) struct Rooms {
    asked: BTreeMap<(Name, u64), Name>,
    /// A user's connection -> the room that it is registered in.
    members: BTreeMap<(Name, u32), Name>,
    rooms: BTreeMap<Name, BTreeSet<(Name, u32)>>,
}

impl Rooms {
    pub(super) fn observe(&mut self, event: &Event, stage: &Stage, board: &mut Board) {
        let link = (event.user.clone(), event.conn);
        match (&event.body, event.kind, event.op_id) {
            (Body::Register { room, .. }, Kind::Invoked, Some(op_id)) => {
                self.asked.insert((event.user.clone(), op_id), room.clone());
            }
            (_, Kind::Ok, Some(op_id)) => {
                if let Some(room) = self.asked.remove(&(event.user.clone(), op_id)) {
                    self.leave(&link, stage, board);
                    self.rooms.entry(room.clone()).or_default().insert(link.clone());
                    self.members.insert(link, room.clone());
                    self.tell(&room, stage, board);
                }
            }
            (_, Kind::Failed | Kind::Unknown, Some(op_id)) => {
                self.asked.remove(&(event.user.clone(), op_id));
            }
            (_, Kind::Closed, _) => self.leave(&link, stage, board),
            _ => {}
        }
    }

    fn leave(&mut self, link: &(Name, u32), stage: &Stage, board: &mut Board) {
        if let Some(room) = self.members.remove(link) {
            self.rooms.entry(room.clone()).or_default().remove(link);
            self.tell(&room, stage, board);
        }
    }

    fn tell(&self, room: &Name, stage: &Stage, board: &mut Board) {
        let members = self.rooms.get(room).into_iter().flatten().map(|(user, _)| user);
        let members: BTreeSet<&Name> = members.collect();
        let (shown, others): (Vec<&Name>, Vec<&Name>) =
            members.into_iter().partition(|user| stage.lane(user).is_some());
        let named: Vec<&str> = shown.iter().take(NAMED_MAX).map(|user| &***user).collect();
        let more = shown.len() - named.len() + others.len();
        let text = match (named.is_empty(), more) {
            (true, 0) => "nobody".to_owned(),
            (true, more) => format!("{more} others"),
            (false, 0) => named.join(", "),
            (false, more) => format!("{} and {more} more", named.join(", ")),
        };
        let tone = if text == "nobody" { Tone::Soft } else { Tone::Plain };
        board.set(Section::Rooms, room, text, tone);
    }
}
