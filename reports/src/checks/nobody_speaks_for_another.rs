//! Nobody speaks for another: a message that names X as its sender was sent over a connection registered as X (API document:
//! `from_peer_id`; hardened, since the document never compares it with the socket). Only messages with a false sender
//! need memory: one is a violation once it arrives, unless the server refuses it or its true double explains the arrival.

use super::cast::Cast;
use super::findings::{Findings, Profile, seconds, users};
use super::moment::{Act, Moment};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::Body;
use crate::verdict::{CheckVerdict, Evidence};

pub(super) const NAME: &str = "nobody_speaks_for_another";

/// A refusal that has not come by then will not: the longest that a deployed server keeps a silent peer.
const REFUSED_WITHIN_NS: i64 = 50_000_000_000;

#[derive(Default)]
pub(super) struct NobodySpeaksForAnother {
    false_ones: Vec<FalseMessage>,
    findings: Findings,
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
    /// How often the named sender has sent the very same to the same receiver since.
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
                        true_doubles: 0,
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
            }
            (Act::Complaint, _) => {
                let is_here = |message: &&mut FalseMessage| message.by == moment.user && message.conn == event.conn;
                if let Some(message) = self.false_ones.iter_mut().filter(is_here).find(|message| !message.is_refused) {
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

    /// Judges false messages that are old enough for any refusal to have come.
    fn settle(&mut self, now_ns: i64, cast: &Cast) {
        let is_old = |message: &mut FalseMessage| message.t_ns.saturating_add(REFUSED_WITHIN_NS) <= now_ns;
        for message in self.false_ones.extract_if(.., is_old) {
            // The first arrivals may be those of the true doubles.
            let Some((n, t_ns)) = message.arrivals.get(message.true_doubles) else { continue };
            if message.is_refused {
                continue;
            }
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
