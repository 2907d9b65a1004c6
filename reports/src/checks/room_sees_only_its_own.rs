//! A room sees only its own (API document: discovery and relays stay within a room). A discovery or a registration lists only
//! peers that somebody registered in the asker's room, and a relayed message comes only from a peer of the receiver's room.
//! A peer that was in two rooms counts for both; when a peer must be gone is the matter of `departed_peers_disappear`.

use super::cast::Cast;
use super::findings::{Findings, Profile, seconds, users};
use super::moment::{Act, Ask, Moment, What};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::{Body, Name};
use crate::verdict::{CheckVerdict, Evidence};

pub(super) const NAME: &str = "room_sees_only_its_own";

#[derive(Default)]
pub(super) struct OnlyItsOwn {
    findings: Findings,
}

impl Check for OnlyItsOwn {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        match (&moment.act, &moment.event.body) {
            (Act::Received { from, .. }, _) => self.received(moment, cast, *from),
            (Act::Answered(ask), Body::Discovered { peers }) => {
                self.listed(moment, cast, ask, peers.iter().map(|seen| &seen.peer));
            }
            (Act::Answered(ask @ Ask { what: What::Register { .. }, .. }), Body::Registered { peers, .. }) => {
                self.listed(moment, cast, ask, peers.iter());
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.findings.verdict(Profile {
            name: NAME,
            property: "a room sees only its own",
            judged_what: "lists and messages",
            idle: "nobody discovered, registered or received a message",
        })
    }
}

impl OnlyItsOwn {
    fn listed<'n>(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask, peers: impl Iterator<Item = &'n Name>) {
        let Some(room) = cast.standing(moment.user, moment.event.conn).map(|standing| standing.room) else { return };
        self.findings.judge();
        let asker = cast.name(moment.user);
        for listed in peers {
            let peer = cast.known(listed).filter(|peer| cast.is_peer(*peer));
            let stranger = match peer {
                Some(peer) if cast.was_in_room(peer, room) => continue,
                Some(peer) => format!("{}, who is in {}", cast.display(peer), rooms(cast, peer)),
                None => format!("{listed}, whom nobody registered"),
            };
            let t_ns = moment.event.t_ns;
            self.findings.broken(Evidence {
                sentence: format!("{asker} in room {} was shown {stranger}, at {}", cast.name(room), seconds(t_ns)),
                from_ns: ask.t_ns,
                until_ns: t_ns,
                users: users(std::iter::once(asker).chain(peer.map(|peer| cast.display(peer)))),
                events: vec![ask.n, moment.event.n],
            });
        }
    }

    fn received(&mut self, moment: &Moment<'_>, cast: &Cast, from: Id) {
        let Some(room) = cast.standing(moment.user, moment.event.conn).map(|standing| standing.room) else { return };
        if !cast.is_peer(from) {
            return;
        }
        self.findings.judge();
        if cast.was_in_room(from, room) {
            return;
        }
        let (receiver, t_ns) = (cast.name(moment.user), moment.event.t_ns);
        self.findings.broken(Evidence {
            sentence: format!(
                "{receiver} in room {} received a message from {}, who is in {}, at {}",
                cast.name(room),
                cast.display(from),
                rooms(cast, from),
                seconds(t_ns)
            ),
            from_ns: t_ns,
            until_ns: t_ns,
            users: users([cast.display(from), receiver]),
            events: vec![moment.event.n],
        });
    }
}

fn rooms(cast: &Cast, peer: Id) -> String {
    let names: Vec<String> = cast.rooms_of(peer).iter().map(|room| format!("room {}", cast.name(*room))).collect();
    names.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::{History, seen};
    use super::*;
    use serde_json::json;

    fn two_rooms() -> History {
        let mut history = History::new();
        history.at(0.0).joins("a", 1, "east").joins("b", 1, "east").joins("c", 1, "west");
        history
    }

    #[test]
    fn a_discovery_that_lists_another_room_breaks_it() {
        let mut history = two_rooms();
        history.at(1.0).discovers("a", json!({}), &[seen("b", &json!({})), seen("c", &json!({}))]);
        let evidence = history.broken_under(NAME);
        assert_eq!(evidence[0].sentence, "a in room east was shown c, who is in room west, at 1.000 s");
    }

    #[test]
    fn a_message_from_another_room_breaks_it() {
        let mut history = two_rooms();
        history.at(1.0).sends("c", 1, "a", "hello");
        history.at(1.1).receives("a", 1, "c", "hello");
        let evidence = history.broken_under(NAME);
        assert!(evidence[0].sentence.contains("received a message from c, who is in room west"));
    }

    #[test]
    fn a_peer_that_nobody_registered_breaks_it() {
        let mut history = two_rooms();
        history.at(1.0).discovers("a", json!({}), &[seen("ghost", &json!({}))]);
        assert!(history.broken_under(NAME)[0].sentence.contains("ghost, whom nobody registered"));
    }

    #[test]
    fn a_message_and_a_list_within_the_room_are_fine() {
        let mut history = two_rooms();
        history.at(1.0).discovers("a", json!({}), &[seen("b", &json!({}))]);
        history.at(1.0).sends("b", 1, "a", "hello").receives("a", 1, "b", "hello");
        history.at(1.5).sends("c", 1, "a", "hello").is_refused("c", 1, "PEER_NOT_IN_ROOM", Some("a"));
        // Three registrations, one discovery, one message.
        assert_eq!(history.holds_under(NAME), 5);
    }

    #[test]
    fn a_peer_that_is_being_registered_may_be_listed_already() {
        let mut history = two_rooms();
        let asked =
            Body::Register { peer: "d".into(), room: "east".into(), role: "peer".into(), metadata: json!({}).into() };
        history.at(1.0).asks("register", "d", 1, asked);
        history.at(1.1).discovers("a", json!({}), &[seen("b", &json!({})), seen("d", &json!({}))]);
        assert_eq!(history.holds_under(NAME), 4);
    }
}
