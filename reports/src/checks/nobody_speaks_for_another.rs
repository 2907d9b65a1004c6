//! Nobody speaks for another: a message that names X as its sender was sent over a connection registered as X (API document:
//! `from_peer_id`; hardened, since the document never compares it with the socket). A message with a false sender is a
//! violation once it arrives, whatever errors came besides, unless a true double of it explains the arrival: only false
//! ones are kept, and hashes of the newest messages.

use super::cast::Cast;
use super::findings::{Findings, Profile, seconds, users};
use super::moment::{Act, Moment};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::Body;
use crate::verdict::{CheckVerdict, Evidence};
use std::collections::VecDeque;

pub(super) const NAME: &str = "nobody_speaks_for_another";

/// A refusal that has not come by then will not: the longest that a deployed server keeps a silent peer.
const REFUSED_WITHIN_NS: i64 = 50_000_000_000;
/// How many of the newest sent and arrived messages are remembered, for true doubles that are on their way.
const RECENT_KEPT: usize = 16_384;

#[derive(Default)]
pub(super) struct NobodySpeaksForAnother {
    false_ones: Vec<FalseMessage>,
    recent: VecDeque<(u64, Passed)>,
    findings: Findings,
}

/// What a message did that names its true sender.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passed {
    Sent,
    Arrived,
}

/// A message that names somebody else as its sender.
struct FalseMessage {
    by: Id,
    conn: u32,
    from: Id,
    to: Id,
    digest: u64,
    n: u64,
    t_ns: i64,
    /// How often the named sender has sent the very same to the same receiver: before, and it had not arrived, or since.
    true_doubles: usize,
    /// Event and time of each arrival.
    arrivals: Vec<(u64, i64)>,
    is_refused: bool,
}

impl Check for NobodySpeaksForAnother {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let event = moment.event;
        match (&moment.act, &event.body) {
            (Act::Sent { from, to }, Body::Message { digest, .. }) => {
                let speaker = cast.standing(moment.user, event.conn).map(|standing| standing.peer);
                if speaker == Some(*from) {
                    self.double(*from, *to, *digest);
                    self.remember(key(*from, *to, *digest), Passed::Sent);
                } else {
                    self.settle(event.t_ns, cast);
                    self.false_ones.push(FalseMessage {
                        by: moment.user,
                        conn: event.conn,
                        from: *from,
                        to: *to,
                        digest: *digest,
                        n: event.n,
                        t_ns: event.t_ns,
                        true_doubles: self.on_their_way(key(*from, *to, *digest)),
                        arrivals: Vec::new(),
                        is_refused: false,
                    });
                }
            }
            (Act::Received { from, to }, Body::Message { digest, .. }) => {
                self.findings.judge();
                if let Some(message) = self.false_ones.iter_mut().find(|message| message.is(*from, *to, *digest)) {
                    message.arrivals.push((event.n, event.t_ns));
                }
                self.remember(key(*from, *to, *digest), Passed::Arrived);
            }
            (Act::Complaint, Body::Error { code, to, .. }) => {
                let to = to.as_ref().and_then(|to| cast.known(to));
                let is_mismatch = &**code == "SENDER_MISMATCH" && to.is_none();
                let is_it = |message: &&mut FalseMessage| {
                    (message.by, message.conn) == (moment.user, event.conn)
                        && !message.is_refused
                        && (is_mismatch || to == Some(message.to))
                };
                if let Some(message) = self.false_ones.iter_mut().find(is_it) {
                    message.is_refused = true;
                    self.findings.judge();
                }
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, _: RunEnd, cast: &Cast) -> CheckVerdict {
        self.settle(i64::MAX, cast);
        self.findings.verdict(Profile {
            name: NAME,
            property: "nobody speaks for another",
            judged_what: "messages",
            idle: "no message was relayed",
        })
    }
}

impl NobodySpeaksForAnother {
    fn double(&mut self, from: Id, to: Id, digest: u64) {
        for message in self.false_ones.iter_mut().filter(|message| message.is(from, to, digest)) {
            message.true_doubles += 1;
        }
    }

    fn remember(&mut self, key: u64, passed: Passed) {
        if self.recent.len() >= RECENT_KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back((key, passed));
    }

    /// How many such messages with their true sender were lately sent and have not arrived.
    fn on_their_way(&self, key: u64) -> usize {
        self.recent.iter().filter(|(other, _)| *other == key).fold(0_usize, |open, (_, passed)| match passed {
            Passed::Sent => open + 1,
            Passed::Arrived => open.saturating_sub(1),
        })
    }

    /// Judges false messages that are old enough for any refusal to have come.
    fn settle(&mut self, now_ns: i64, cast: &Cast) {
        let is_old = |message: &mut FalseMessage| message.t_ns.saturating_add(REFUSED_WITHIN_NS) <= now_ns;
        for message in self.false_ones.extract_if(.., is_old) {
            // The first arrivals may be those of the true doubles.
            let Some((n, t_ns)) = message.arrivals.get(message.true_doubles) else { continue };
            let (by, from, to) = (cast.name(message.by), cast.display(message.from), cast.display(message.to));
            self.findings.broken(Evidence {
                sentence: format!("{to} received a message from {from} at {} that {by} had sent", seconds(*t_ns)),
                from_ns: message.t_ns,
                until_ns: *t_ns,
                users: users([by, from, to]),
                events: vec![message.n, *n],
            });
        }
    }
}

fn key(from: Id, to: Id, digest: u64) -> u64 {
    // An odd constant spreads the pair over all bits.
    digest ^ (u64::from(from.0) << 32 | u64::from(to.0)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl FalseMessage {
    fn is(&self, from: Id, to: Id, digest: u64) -> bool {
        self.digest == digest && self.from == from && self.to == to
    }
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::History;
    use super::*;

    fn three_peers() -> History {
        let mut history = History::new();
        history.at(0.0).joins("a", 1, "room").joins("b", 1, "room").joins("mallory", 1, "room");
        history
    }

    #[test]
    fn a_message_in_another_name_that_arrives_breaks_it() {
        let mut history = three_peers();
        history.at(1.0).sends_as("mallory", 1, "a", "b", "pay mallory");
        history.at(1.1).receives("b", 1, "a", "pay mallory");
        let evidence = history.broken_under(NAME);
        assert_eq!(evidence[0].sentence, "b received a message from a at 1.100 s that mallory had sent");
        assert_eq!(evidence[0].users, ["mallory".into(), "a".into(), "b".into()]);
    }

    #[test]
    fn a_message_in_another_name_that_is_refused_is_fine() {
        let mut history = three_peers();
        history.at(1.0).sends_as("mallory", 1, "a", "b", "pay mallory");
        history.at(1.1).is_refused("mallory", 1, "SENDER_MISMATCH", None);
        assert_eq!(history.holds_under(NAME), 1);
    }

    #[test]
    fn an_error_about_something_else_does_not_excuse_a_spoof_that_was_delivered() {
        for (code, to) in [("UNKNOWN_MESSAGE_TYPE", None), ("PEER_NOT_FOUND", Some("a")), ("SENDER_MISMATCH", None)] {
            let mut history = three_peers();
            history.at(1.0).sends_as("mallory", 1, "a", "b", "pay mallory");
            history.at(1.1).receives("b", 1, "a", "pay mallory");
            history.at(1.2).is_refused("mallory", 1, code, to);
            assert_eq!(history.broken_under(NAME).len(), 1, "{code}");
        }
    }

    #[test]
    fn a_true_double_that_was_sent_before_may_arrive_after_a_refused_spoof() {
        let mut history = three_peers();
        history.at(1.0).sends("a", 1, "b", "hello");
        history.at(1.05).sends_as("mallory", 1, "a", "b", "hello");
        history.at(1.1).is_refused("mallory", 1, "SENDER_MISMATCH", Some("b")).receives("b", 1, "a", "hello");
        assert_eq!(history.holds_under(NAME), 2);
    }

    #[test]
    fn the_true_double_of_a_refused_message_is_fine() {
        let mut history = three_peers();
        history.at(1.0).sends_as("mallory", 1, "a", "b", "hello");
        history.at(1.05).sends("a", 1, "b", "hello");
        history.at(1.1).receives("b", 1, "a", "hello");
        assert_eq!(history.holds_under(NAME), 1);
    }

    #[test]
    fn what_peers_say_in_their_own_name_is_fine() {
        let mut history = three_peers();
        history.at(1.0).sends("a", 1, "b", "hello");
        history.at(1.1).receives("b", 1, "a", "hello");
        assert_eq!(history.holds_under(NAME), 1);
    }
}
