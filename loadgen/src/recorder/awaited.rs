//! What a connection still waits for: a server answers in the order in which it was asked, relays have no answer, and many
//! an error does not say what it is about. This list finds the operation that an answer ends, or the relay that was
//! refused; where that would be a guess, it finds nothing.

use rehearsal_reports::event::Name;
use std::collections::VecDeque;

/// Operations that the server answers on the WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `register` → `registered_auth`.
    Register,
    /// `discover_peers` → `peer_list`.
    Discover,
    /// `update_metadata` → `metadata_updated`.
    Update,
    /// `reserve_worker` → `worker_reserved`.
    Reserve {
        /// For how long the worker was asked for, in nanoseconds.
        duration_ns: i64,
    },
}

/// One thing sent, whose fate is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// An operation.
    Operation {
        /// What was asked.
        asked: Asked,
        /// Its name in events.
        op: Name,
        /// Its id.
        op_id: u64,
        /// Whether its event already says `unknown`: a late answer is then no news.
        given_up: bool,
    },
    /// A relayed message: no answer, perhaps a refusal.
    Relay {
        /// Whom it was for.
        to: Name,
    },
    /// Anything else: no known answer, perhaps a complaint.
    Other,
}

/// Relays and other messages without an answer are forgotten once this many newer ones wait.
const UNANSWERED_MAX: usize = 64;

/// What one connection waits for, oldest first.
#[derive(Default)]
pub struct AwaitedList {
    list: VecDeque<Awaited>,
}

impl AwaitedList {
    /// Something was sent.
    pub fn push(&mut self, sent: Awaited) {
        if self.list.len() >= UNANSWERED_MAX
            && let Some(oldest) = self.list.iter().position(|awaited| !matches!(awaited, Awaited::Operation { .. }))
        {
            self.list.remove(oldest);
        }
        if self.list.capacity() == 0 {
            // Room for the one that most connections wait for, not for four.
            self.list.reserve_exact(1);
        }
        self.list.push_back(sent);
    }

    /// An answer of this kind came: the oldest such operation is over, and what was sent before it was not refused.
    pub fn answered(&mut self, is_this: impl Fn(Asked) -> bool) -> Option<Awaited> {
        let index = self
            .list
            .iter()
            .position(|awaited| matches!(awaited, Awaited::Operation { asked, .. } if is_this(*asked)))?;
        let answered = self.list.remove(index);
        let mut before = index;
        self.list.retain(|awaited| {
            let is_before = before > 0;
            before = before.saturating_sub(1);
            !is_before || matches!(awaited, Awaited::Operation { .. })
        });
        answered
    }

    /// An error came. What it is about is over: the oldest relay to the peer that it names, or else the oldest thing that
    /// has an answer of its own, or else the oldest relay if all are for one peer.
    pub fn refused(&mut self, code: &str, is_named: impl Fn(&str) -> bool) -> Option<Awaited> {
        let can_be = |(index, awaited)| can_be_about(code, awaited).then_some((index, awaited));
        let candidates: Vec<(usize, &Awaited)> = self.list.iter().enumerate().filter_map(can_be).collect();
        let receiver = |awaited: &Awaited| match awaited {
            Awaited::Relay { to } => Some(to.clone()),
            Awaited::Operation { .. } | Awaited::Other => None,
        };
        let named = candidates.iter().find(|(_, it)| receiver(it).is_some_and(|to| is_named(&to)));
        let no_relay = || candidates.iter().find(|(_, it)| receiver(it).is_none());
        let only_receiver = || {
            let first = candidates.first()?;
            candidates.iter().all(|(_, it)| receiver(it) == receiver(first.1)).then_some(first)
        };
        let index = named.or_else(no_relay).or_else(only_receiver)?.0;
        self.list.remove(index)
    }

    /// Gives the newest operation up; its answer, should it still come, is no news.
    pub fn give_up_newest(&mut self) -> Option<(Name, u64)> {
        self.list.iter_mut().rev().find_map(|awaited| match awaited {
            Awaited::Operation { op, op_id, given_up, .. } if !*given_up => {
                *given_up = true;
                Some((op.clone(), *op_id))
            }
            _ => None,
        })
    }

    /// The connection is gone: operations whose answer never came.
    pub fn drain_operations(&mut self) -> impl Iterator<Item = (Name, u64)> {
        self.list.drain(..).filter_map(|awaited| match awaited {
            Awaited::Operation { op, op_id, given_up: false, .. } => Some((op, op_id)),
            _ => None,
        })
    }
}

/// Whether a server says this about that. Codes that are not listed can be about anything.
fn can_be_about(code: &str, awaited: &Awaited) -> bool {
    use Asked::{Discover, Register, Reserve, Update};
    let asked = match awaited {
        Awaited::Operation { asked, .. } => Some(*asked),
        Awaited::Relay { .. } | Awaited::Other => None,
    };
    let is_relay = matches!(awaited, Awaited::Relay { .. });
    let is_other = matches!(awaited, Awaited::Other);
    match code {
        "ROOM_NOT_FOUND" | "INVALID_TOKEN" | "INVALID_IDENTITY" | "ROOM_EXPIRED" | "ROOM_FULL" => {
            asked == Some(Register)
        }
        "METADATA_TOO_LARGE" => matches!(asked, Some(Register | Update)),
        "WORKER_RESERVED" => matches!(asked, Some(Reserve { .. })),
        "PEER_NOT_FOUND" | "PEER_NOT_IN_ROOM" => is_relay || matches!(asked, Some(Reserve { .. })),
        "DELIVERY_FAILED" => is_relay,
        "NOT_IN_ROOM" => is_relay || matches!(asked, Some(Discover | Update | Reserve { .. })),
        "NOT_RESERVED" | "INVALID_JSON" => is_other,
        "UNKNOWN_MESSAGE_TYPE" => is_other || matches!(asked, Some(Reserve { .. })),
        "INVALID_MESSAGE" => true,
        _ => !is_other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(asked: Asked, op_id: u64) -> Awaited {
        Awaited::Operation { asked, op: "op".into(), op_id, given_up: false }
    }

    fn relay(to: &str) -> Awaited {
        Awaited::Relay { to: to.into() }
    }

    fn nobody(_: &str) -> bool {
        false
    }

    #[test]
    fn an_answer_ends_the_oldest_operation_of_its_kind() {
        let mut list = AwaitedList::default();
        list.push(operation(Asked::Discover, 1));
        list.push(operation(Asked::Update, 2));
        list.push(operation(Asked::Discover, 3));
        assert_eq!(list.answered(|asked| asked == Asked::Update), Some(operation(Asked::Update, 2)));
        assert_eq!(list.answered(|asked| asked == Asked::Discover), Some(operation(Asked::Discover, 1)));
        assert_eq!(list.drain_operations().collect::<Vec<_>>(), [("op".into(), 3)]);
    }

    #[test]
    fn a_relay_before_an_answered_operation_was_not_refused() {
        let mut list = AwaitedList::default();
        list.push(relay("a"));
        list.push(operation(Asked::Discover, 1));
        list.push(relay("b"));
        assert!(list.answered(|asked| asked == Asked::Discover).is_some());
        assert_eq!(list.refused("PEER_NOT_FOUND", nobody), Some(relay("b")));
    }

    #[test]
    fn a_peer_that_is_not_there_is_no_answer_to_a_discovery() {
        let mut list = AwaitedList::default();
        list.push(operation(Asked::Discover, 1));
        list.push(relay("a"));
        assert_eq!(list.refused("PEER_NOT_FOUND", nobody), Some(relay("a")));
        assert_eq!(list.refused("NOT_IN_ROOM", nobody), Some(operation(Asked::Discover, 1)));
        assert_eq!(list.refused("NOT_IN_ROOM", nobody), None);
    }

    #[test]
    fn the_relay_to_the_peer_that_an_error_names_was_refused() {
        let mut list = AwaitedList::default();
        list.push(relay("a"));
        list.push(operation(Asked::Discover, 1));
        list.push(relay("b"));
        assert_eq!(list.refused("NOT_IN_ROOM", |to| to == "b"), Some(relay("b")));
    }

    #[test]
    fn which_of_two_relays_was_refused_is_not_guessed() {
        let mut list = AwaitedList::default();
        list.push(relay("a"));
        list.push(relay("b"));
        assert_eq!(list.refused("DELIVERY_FAILED", nobody), None);
        assert_eq!(list.refused("DELIVERY_FAILED", |to| to == "b"), Some(relay("b")));
        assert_eq!(list.refused("DELIVERY_FAILED", nobody), Some(relay("a")));
    }

    #[test]
    fn a_given_up_operation_is_unknown_once() {
        let mut list = AwaitedList::default();
        list.push(operation(Asked::Discover, 1));
        assert_eq!(list.give_up_newest(), Some(("op".into(), 1)));
        assert_eq!(list.give_up_newest(), None);
        assert_eq!(list.drain_operations().count(), 0);
    }

    #[test]
    fn relays_without_end_do_not_push_an_operation_out() {
        let mut list = AwaitedList::default();
        list.push(operation(Asked::Register, 1));
        for _ in 0..1_000 {
            list.push(Awaited::Other);
        }
        assert!(list.list.len() <= UNANSWERED_MAX);
        assert!(list.answered(|asked| asked == Asked::Register).is_some());
    }
}
