//! Messages arrive once, in order, unchanged (API document: `peer_message`; design: relays have no acknowledgement, so at
//! most once). For each pair of connections what arrives is a subsequence of what was sent. What is missing needs an
//! explanation: a refusal, or one of the two connections closed, replaced or cut meanwhile, or still on its way at the end.
//!
//! Neighbours: [`super::flow`] keeps what is on its way between two peers.

use super::cast::Cast;
use super::findings::{Findings, Profile, seconds, users};
use super::flow::{Arrival, Flows, OnItsWay};
use super::moment::{Act, Moment};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::Body;
use crate::verdict::{CheckVerdict, Evidence};

pub(super) const NAME: &str = "messages_arrive_once_in_order_unchanged";

/// A message that no fault delays has arrived by then.
const ON_ITS_WAY_NS: i64 = 5_000_000_000;
/// A missing message is judged by then: whatever ended a connection is known to its user (a deployed server takes 50 s).
const SETTLED_AFTER_NS: i64 = 60_000_000_000;

pub(super) struct MessagesArrive {
    within_ns: i64,
    flows: Flows,
    findings: Findings,
}

impl Check for MessagesArrive {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        match (&moment.act, &moment.event.body) {
            (Act::Sent { from, to }, Body::Message { digest, .. }) => self.sent(moment, cast, *from, *to, *digest),
            (Act::Received { from, to }, Body::Message { digest, .. }) => {
                self.received(moment, cast, *from, *to, *digest);
            }
            (Act::Complaint, Body::Error { to, .. }) => {
                let to = to.as_ref().and_then(|to| cast.known(to));
                let speaker = cast.standing(moment.user, moment.event.conn).map(|standing| standing.peer);
                self.flows.refused(speaker, to, (moment.user, moment.event.conn));
            }
            (Act::Opened, _) => self.flows.connected(moment.user),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, end: RunEnd, cast: &Cast) -> CheckVerdict {
        let mut missing = self.flows.take_all();
        missing.sort_by_key(|message| message.n);
        for message in missing {
            self.settle(&message, cast, end.t_ns);
        }
        self.findings.verdict(Profile {
            name: NAME,
            property: "messages arrive once, in order and unchanged",
            judged_what: "messages",
            idle: "no message arrived",
        })
    }
}

impl MessagesArrive {
    /// A check with the scenario's bound on the time that a message may be on its way, or with the default.
    pub(super) fn new(within_ns: Option<i64>) -> Self {
        MessagesArrive {
            within_ns: within_ns.unwrap_or(ON_ITS_WAY_NS),
            flows: Flows::default(),
            findings: Findings::default(),
        }
    }

    fn sent(&mut self, moment: &Moment<'_>, cast: &Cast, from: Id, to: Id, digest: u64) {
        let event = moment.event;
        let receiver = expected_receiver(moment, cast, to);
        let message = OnItsWay {
            from,
            to,
            digest,
            n: event.n,
            t_ns: event.t_ns,
            sender: (moment.user, event.conn),
            receiver,
            overtaken_by: None,
            is_refused: false,
            twin: None,
        };
        let settled_before_ns = event.t_ns.saturating_sub(SETTLED_AFTER_NS);
        for old in self.flows.sent(message, settled_before_ns) {
            self.settle(&old, cast, event.t_ns);
        }
    }

    fn received(&mut self, moment: &Moment<'_>, cast: &Cast, from: Id, to: Id, digest: u64) {
        let event = moment.event;
        self.findings.judge();
        let (sender, receiver) = (cast.display(from), cast.name(moment.user));
        let now = || seconds(event.t_ns);
        let (first_ns, earlier, what) = match self.flows.arrived(from, to, digest, (moment.user, event.conn), event) {
            Arrival::InOrder => return,
            Arrival::Late(message, newer) => (
                message.t_ns,
                vec![message.n, newer],
                format!(
                    "sent at {} arrived at {}, after one that {sender} had sent later",
                    seconds(message.t_ns),
                    now()
                ),
            ),
            Arrival::Again(before) => (event.t_ns, vec![before], format!("arrived a second time at {}", now())),
            Arrival::NeverSent => {
                (event.t_ns, vec![], format!("that arrived at {} was never sent, or changed on its way", now()))
            }
        };
        self.findings.broken(Evidence {
            sentence: format!("a message from {sender} to {receiver} {what}"),
            from_ns: first_ns,
            until_ns: event.t_ns,
            users: users([sender, receiver]),
            events: earlier.into_iter().chain([event.n]).collect(),
        });
    }

    fn settle(&mut self, message: &OnItsWay, cast: &Cast, now_ns: i64) {
        if self.is_explained(message, cast, now_ns) {
            if message.is_refused {
                // A refusal that it does not need is perhaps about a later one.
                self.flows.refused(Some(message.from), Some(message.to), message.sender);
            }
            return;
        }
        let explains = |twin: &OnItsWay| twin.is_refused || self.is_explained(twin, cast, now_ns);
        if message.is_refused || message.twin.as_deref().is_some_and(explains) {
            return;
        }
        if self.flows.takes_refusal(message.sender) {
            return;
        }
        let (sender, receiver) = (cast.display(message.from), cast.display(message.to));
        let (until_ns, why) = match message.overtaken_by {
            Some((n, t_ns, _)) => (t_ns, (vec![message.n, n], "though one that was sent later did")),
            None => (now_ns, (vec![message.n], "though both stayed connected")),
        };
        let (events, why) = why;
        self.findings.judge();
        self.findings.broken(Evidence {
            sentence: format!(
                "a message from {sender} to {receiver} sent at {} never arrived, {why}",
                seconds(message.t_ns)
            ),
            from_ns: message.t_ns,
            until_ns,
            users: users([sender, receiver]),
            events,
        });
    }

    fn is_explained(&self, message: &OnItsWay, cast: &Cast, now_ns: i64) -> bool {
        let Some(receiver) = message.receiver else { return true };
        if message.overtaken_by.is_some_and(|(_, _, link)| link == receiver) {
            // The connections carried what came after it, so neither of them lost it.
            return false;
        }
        let by_ns = message.t_ns.saturating_add(self.within_ns);
        if now_ns < by_ns {
            return true;
        }
        let troubled = |user: Id| cast.is_troubled(user, message.t_ns, by_ns);
        if troubled(message.sender.0) || troubled(receiver.0) {
            return true;
        }
        let closed = |(user, conn): (Id, u32)| match cast.link(user, conn) {
            Some(link) => link.closed.is_some_and(|end| end.t_ns <= by_ns),
            None => true,
        };
        let has_read_on = cast.link(receiver.0, receiver.1).is_some_and(|link| link.received_ns >= by_ns);
        let is_replaced = cast.links_of_peer(message.to).any(|(user, link)| {
            (user, link.conn) != receiver && link.standing.is_some_and(|standing| standing.asked_ns >= message.t_ns)
        });
        closed(message.sender) || closed(receiver) || is_replaced || !has_read_on
    }
}

/// The connection that must receive it: none if the server may drop the message without a word, because one of the two is not
/// (or perhaps not) registered in the same room.
fn expected_receiver(moment: &Moment<'_>, cast: &Cast, to: Id) -> Option<(Id, u32)> {
    let now_ns = moment.event.t_ns;
    let link = cast.link(moment.user, moment.event.conn)?;
    let standing = link.standing.filter(|standing| standing.acknowledged_n.is_some())?;
    if cast.is_in_doubt(moment.user, link, now_ns) {
        return None;
    }
    let (user, newest) = cast.links_of_peer(to).last()?;
    let is_there = newest.closed.is_none()
        && newest.standing.is_some_and(|there| there.acknowledged_n.is_some() && there.room == standing.room)
        && !cast.is_in_doubt(user, newest, now_ns);
    is_there.then_some((user, newest.conn))
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::History;
    use super::*;
    use crate::event::Closer;

    fn two_peers() -> History {
        let mut history = History::new();
        history.at(0.0).joins("a", 1, "room").joins("b", 1, "room");
        history
    }

    #[test]
    fn a_message_that_arrives_twice_breaks_it() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "hello");
        history.at(1.1).receives("b", 1, "a", "hello");
        history.at(1.2).receives("b", 1, "a", "hello");
        assert_eq!(history.broken_under(NAME)[0].sentence, "a message from a to b arrived a second time at 1.200 s");
    }

    #[test]
    fn the_same_words_said_twice_may_arrive_twice() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "hello").sends("a", 1, "b", "hello");
        history.at(1.1).receives("b", 1, "a", "hello").receives("b", 1, "a", "hello");
        assert_eq!(history.holds_under(NAME), 2);
    }

    #[test]
    fn messages_that_change_places_break_it() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "one").sends("a", 1, "b", "two");
        history.at(1.1).receives("b", 1, "a", "two");
        history.at(1.2).receives("b", 1, "a", "one");
        assert_eq!(
            history.broken_under(NAME)[0].sentence,
            "a message from a to b sent at 1.000 s arrived at 1.200 s, after one that a had sent later"
        );
    }

    #[test]
    fn what_is_said_again_over_a_new_connection_is_what_arrives() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "done");
        history.at(2.0).closes("a", 1, Closer::Network).joins("a", 2, "room");
        history.at(3.0).sends("a", 2, "b", "done").sends("a", 2, "b", "next");
        history.at(3.1).receives("b", 1, "a", "done").receives("b", 1, "a", "next");
        assert_eq!(history.at(99.0).holds_under(NAME), 2);
    }

    #[test]
    fn what_is_said_twice_while_the_receiver_comes_back_may_arrive_once() {
        let mut history = two_peers();
        history.at(0.5).joins("c", 1, "room");
        history.at(1.0).sends("a", 1, "b", "done");
        history.at(2.0).closes("b", 1, Closer::Network).joins("b", 2, "room");
        history.at(3.0).sends("a", 1, "b", "done");
        history.at(3.1).receives("b", 2, "a", "done");
        history.at(9.0).sends("c", 1, "b", "two").receives("b", 2, "c", "two");
        assert_eq!(history.at(99.0).holds_under(NAME), 2);
    }

    #[test]
    fn what_is_said_twice_over_a_whole_connection_must_arrive_twice() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "done").sends("a", 1, "b", "done").sends("a", 1, "b", "next");
        history.at(1.1).receives("b", 1, "a", "done").receives("b", 1, "a", "next");
        assert_eq!(history.at(99.0).broken_under(NAME).len(), 1);
    }

    #[test]
    fn messages_of_two_senders_may_change_places() {
        let mut history = two_peers();
        history.at(0.5).joins("c", 1, "room");
        history.at(1.0).sends("a", 1, "b", "one").sends("c", 1, "b", "two");
        history.at(1.1).receives("b", 1, "c", "two").receives("b", 1, "a", "one");
        assert_eq!(history.holds_under(NAME), 2);
    }

    #[test]
    fn a_message_that_is_not_what_was_sent_breaks_it() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "pay 10");
        history.at(1.1).receives("b", 1, "a", "pay 1000");
        let evidence = history.broken_under(NAME);
        assert!(evidence[0].sentence.ends_with("was never sent, or changed on its way"));
    }

    #[test]
    fn a_message_that_is_overtaken_and_never_comes_breaks_it() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "one").sends("a", 1, "b", "two");
        history.at(1.1).receives("b", 1, "a", "two");
        assert_eq!(
            history.broken_under(NAME)[0].sentence,
            "a message from a to b sent at 1.000 s never arrived, though one that was sent later did"
        );
    }

    #[test]
    fn a_refused_message_may_be_missing() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "one").sends("a", 1, "b", "two");
        history.at(1.1).is_refused("a", 1, "RATE_LIMITED", Some("b")).receives("b", 1, "a", "two");
        history.at(2.0).sends("a", 1, "b", "three").sends("a", 1, "b", "four");
        history.at(2.1).is_refused("a", 1, "RATE_LIMITED", None).receives("b", 1, "a", "four");
        assert_eq!(history.at(20.0).holds_under(NAME), 2);
    }

    #[test]
    fn a_refusal_that_comes_before_an_earlier_message_arrives_is_about_the_later_one() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "b", "one").sends("a", 1, "b", "two").sends("a", 1, "b", "three");
        history.at(1.1).is_refused("a", 1, "DELIVERY_FAILED", Some("b"));
        history.at(1.2).receives("b", 1, "a", "one").receives("b", 1, "a", "three");
        assert_eq!(history.at(20.0).holds_under(NAME), 2);
    }

    #[test]
    fn a_refusal_of_what_arrived_after_all_explains_another_message_of_the_connection() {
        let mut history = two_peers();
        history.at(0.5).joins("c", 1, "room");
        history.at(1.0).sends("a", 1, "b", "one").sends("a", 1, "c", "two").sends("a", 1, "c", "three");
        history.at(1.1).is_refused("a", 1, "PEER_NOT_FOUND", Some("b")).receives("b", 1, "a", "one");
        history.at(1.2).receives("c", 1, "a", "three");
        assert_eq!(history.at(20.0).holds_under(NAME), 2);
        history.at(21.0).sends("a", 1, "c", "four").sends("a", 1, "c", "five");
        history.at(21.1).receives("c", 1, "a", "five");
        assert_eq!(history.at(40.0).verdict_under(NAME).violations, 1);
    }

    #[test]
    fn a_refusal_of_what_went_down_with_a_connection_explains_one_later_message_and_no_more() {
        let mut history = two_peers();
        history.at(0.5).joins("c", 1, "room");
        history.at(1.0).sends("a", 1, "b", "one");
        history.at(1.5).closes("b", 1, Closer::Network).joins("b", 2, "room");
        history.at(3.0).sends("a", 1, "b", "two");
        history.at(3.1).is_refused("a", 1, "PEER_NOT_FOUND", Some("b"));
        history.at(9.0).sends("c", 1, "b", "three").receives("b", 2, "c", "three");
        assert_eq!(history.holds_under(NAME), 1);
        history.at(10.0).sends("a", 1, "b", "four");
        history.at(19.0).sends("c", 1, "b", "five").receives("b", 2, "c", "five");
        assert_eq!(history.at(20.0).verdict_under(NAME).violations, 1);
    }

    #[test]
    fn a_last_message_that_never_comes_breaks_it_if_the_receiver_read_on() {
        let mut history = two_peers();
        history.at(0.5).joins("c", 1, "room");
        history.at(1.0).sends("a", 1, "b", "one");
        history.at(9.0).sends("c", 1, "b", "two").receives("b", 1, "c", "two");
        assert_eq!(
            history.at(10.0).broken_under(NAME)[0].sentence,
            "a message from a to b sent at 1.000 s never arrived, though both stayed connected"
        );
    }

    #[test]
    fn a_message_may_go_down_with_its_receivers_connection_or_in_a_cut() {
        for end in ["close", "cut", "replace", "in flight"] {
            let mut history = two_peers();
            history.at(0.5).joins("c", 1, "room").sends("a", 1, "b", "zero").receives("b", 1, "a", "zero");
            history.at(1.0).sends("a", 1, "b", "one");
            match end {
                "close" => history.at(1.5).closes("b", 1, Closer::Network).joins("b", 2, "room"),
                "cut" => history.at(1.5).fault("cut", "partition begins", &["b", "server-0"]),
                "replace" => history.at(1.5).joins("b", 2, "room"),
                _ => history.at(2.0).sends("c", 1, "b", "two").receives("b", 1, "c", "two"),
            };
            if end != "in flight" {
                history.at(9.0).sends("c", 1, "b", "two").receives("b", 1, "c", "two");
            }
            assert_eq!(history.verdict_under(NAME).violations, 0, "{end}");
        }
    }

    #[test]
    fn a_message_to_nobody_needs_no_explanation() {
        let mut history = two_peers();
        history.at(1.0).sends("a", 1, "nobody", "one").sends("a", 1, "b", "two").receives("b", 1, "a", "two");
        assert_eq!(history.at(100.0).holds_under(NAME), 1);
    }
}
