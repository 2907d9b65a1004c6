//! An acknowledged status is seen (operational document: status by `update_metadata`; API document: the merge rule). A discovery
//! that was invoked after an acknowledgement arrived shows that metadata until the next update or departure; while an update
//! is on its way both are right. A registered peer whose metadata matches the filters is listed, once; one that cannot match
//! is not. And what the server acknowledges is the documented merge.
//!
//! Neighbours: [`super::word`] (what peers said), [`super::metadata`] (the merge), [`super::filters`] (who must be listed),
//! [`super::omissions`] (peers that were not).

use super::alike::Alike;
use super::cast::{Cast, Standing};
use super::faults::HostFate;
use super::filters::{Match, matches};
use super::findings::{Findings, Profile, seconds, users};
use super::metadata;
use super::moment::{Act, Ask, Moment, What};
use super::names::Id;
use super::omissions::{Omission, Omissions};
use super::word::{Acknowledged, Status, Version, Word};
use super::{Check, RunEnd};
use crate::event::{Body, Name, Seen};
use crate::few;
use crate::verdict::{CheckVerdict, Evidence};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const NAME: &str = "acknowledged_status_is_seen";

#[derive(Default)]
pub(super) struct StatusIsSeen {
    words: BTreeMap<Id, Word>,
    rooms: BTreeMap<Id, Vec<Id>>,
    /// Discoveries without an answer so far: event and user.
    discovering: BTreeMap<u64, Id>,
    alike: Alike,
    omissions: Omissions,
    crowded_at: usize,
    findings: Findings,
}

impl Check for StatusIsSeen {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        match &moment.act {
            Act::Asked(ask) => self.asked(moment, cast, ask),
            Act::Answered(ask) => self.answered(moment, cast, ask),
            Act::Refused(ask) => {
                self.discovering.remove(&ask.n);
                if let Some(word) = self.word_of(moment.user, ask, cast) {
                    word.refused(ask.n);
                }
            }
            Act::Lapsed(ask) => {
                self.discovering.remove(&ask.n);
            }
            Act::Closed { lapsed } => {
                for ask in lapsed {
                    self.discovering.remove(&ask.n);
                }
                self.omissions.closed(moment, cast);
            }
            Act::Fault { fate, users } => {
                // A cut or lossy link only delays an answer; who is down never gets one.
                if *fate == HostFate::Down {
                    self.discovering.retain(|_, user| !users.contains(user));
                }
                self.omissions.troubled(users);
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, end: RunEnd, cast: &Cast) -> CheckVerdict {
        self.judge_omissions(cast, end.t_ns);
        self.findings.verdict(Profile {
            name: NAME,
            property: "an acknowledged status is seen",
            judged_what: "updates and discoveries",
            idle: "nobody updated its metadata, and no discovery could show any",
        })
    }
}

impl StatusIsSeen {
    fn asked(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask) {
        let link = (moment.user, ask.conn);
        match &ask.what {
            What::Register { peer, room, role, metadata } => {
                self.forget_the_departed(cast);
                let metadata = self.alike.share(metadata);
                let word = self.words.entry(*peer).or_insert_with(Word::new);
                few::push(&mut word.versions, Version::registered(link, ask.n, *room, role.clone(), metadata));
                let peers = self.rooms.entry(*room).or_default();
                if !peers.contains(peer) {
                    peers.push(*peer);
                }
            }
            What::Update { metadata } => {
                if let Some(word) = self.word_of(moment.user, ask, cast) {
                    word.update(link, ask.n, metadata, cast, ask.t_ns);
                }
            }
            What::Discover { .. } => {
                self.discovering.insert(ask.n, moment.user);
            }
            What::Reserve { .. } | What::Resource => {}
        }
    }

    fn answered(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask) {
        match (&ask.what, &moment.event.body) {
            (What::Register { .. }, _) => self.acknowledged(moment, cast, ask, None),
            (What::Update { metadata: change }, Body::Updated { metadata }) => {
                self.judge_merge(moment, cast, ask, change, metadata);
                self.acknowledged(moment, cast, ask, Some(metadata));
            }
            (What::Discover { filters }, Body::Discovered { peers }) => {
                self.discovering.remove(&ask.n);
                self.judge_omissions(cast, moment.event.t_ns);
                if let Some(standing) = cast.standing(moment.user, ask.conn) {
                    self.judge_discovery(moment, cast, ask, standing, filters, peers);
                }
            }
            _ => {}
        }
    }

    /// What the asker's peer has said.
    fn word_of(&mut self, user: Id, ask: &Ask, cast: &Cast) -> Option<&mut Word> {
        let peer = match ask.what {
            What::Register { peer, .. } => peer,
            _ => cast.standing(user, ask.conn)?.peer,
        };
        self.words.get_mut(&peer)
    }

    fn acknowledged(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask, told: Option<&Arc<Value>>) {
        let oldest_n = self.discovering.keys().next().copied().unwrap_or(u64::MAX);
        let Some(word) = self.word_of(moment.user, ask, cast) else { return };
        if let Some(version) = word.asked_by(ask.n) {
            version.acknowledged = Some(Acknowledged { n: moment.event.n, t_ns: moment.event.t_ns });
            if let Some(told) = told {
                version.settle(told.clone());
            }
        }
        word.prune(oldest_n, cast, moment.event.t_ns);
    }

    fn judge_merge(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask, change: &Value, told: &Value) {
        let link = (moment.user, ask.conn);
        let Some(word) = self.word_of(moment.user, ask, cast) else { return };
        if word.is_contested(link, cast, moment.event.t_ns) {
            return;
        }
        let Some(expected) = word.asked_by(ask.n).and_then(|version| version.value.clone()) else { return };
        self.findings.judge();
        if let Some(difference) = metadata::difference(&expected, told, change) {
            let user = cast.name(moment.user);
            self.findings.broken(Evidence {
                sentence: format!(
                    "an update of {user} was acknowledged at {} with {difference}",
                    seconds(moment.event.t_ns)
                ),
                from_ns: ask.t_ns,
                until_ns: moment.event.t_ns,
                users: users([user]),
                events: vec![ask.n, moment.event.n],
            });
        }
    }

    fn judge_discovery(
        &mut self,
        moment: &Moment<'_>,
        cast: &Cast,
        ask: &Ask,
        asker: Standing,
        filters: &Value,
        peers: &[Seen],
    ) {
        let mut is_judged = false;
        for seen in peers {
            let Some(peer) = cast.known(&seen.peer) else { continue };
            let Some(word) = self.words.get_mut(&peer) else { continue };
            is_judged = true;
            if std::mem::replace(&mut word.listed_in, moment.event.n) == moment.event.n {
                let what = "a second time in one answer";
                self.findings.broken(wrongly_listed(moment, cast, ask, peer, what));
                continue;
            }
            if must_not_be_listed(word, cast, ask, filters) {
                let what = "though it does not match the filters";
                self.findings.broken(wrongly_listed(moment, cast, ask, peer, what));
                continue;
            }
            if word.visible(ask.n, cast, ask.t_ns).any(|version| version.may_be(seen.status.as_ref(), seen.metadata)) {
                continue;
            }
            if let Some(version) = word.visible(ask.n, cast, ask.t_ns).find(|version| version.acknowledged.is_some()) {
                let evidence = stale(moment, cast, ask, peer, seen, version);
                self.findings.broken(evidence);
            }
        }
        for peer in self.rooms.get(&asker.room).into_iter().flatten() {
            let Some(word) = self.words.get(peer).filter(|word| word.listed_in != moment.event.n) else { continue };
            if *peer != asker.peer
                && let Some((link, registered_n)) = certainly_present(cast, *peer, asker.room, ask, moment.event.t_ns)
                && must_be_listed(word, cast, ask, filters)
            {
                is_judged = true;
                let (asker, answered_ns) = (moment.user, moment.event.t_ns);
                let events = vec![registered_n, ask.n, moment.event.n];
                self.omissions.push(Omission { peer: *peer, link, asker, asked_ns: ask.t_ns, answered_ns, events });
            }
        }
        if is_judged {
            self.findings.judge();
        }
    }

    fn judge_omissions(&mut self, cast: &Cast, now_ns: i64) {
        for omission in self.omissions.confirmed(cast, now_ns) {
            let (asker, peer) = (cast.name(omission.asker), cast.display(omission.peer));
            self.findings.broken(Evidence {
                sentence: format!(
                    "{asker} was not shown {peer} at {}, though it was registered and matches the filters",
                    seconds(omission.answered_ns)
                ),
                from_ns: omission.asked_ns,
                until_ns: omission.answered_ns,
                users: users([peer, asker]),
                events: omission.events,
            });
        }
    }

    /// Each time that the number of peers has doubled, those are forgotten that have no connection left.
    fn forget_the_departed(&mut self, cast: &Cast) {
        if self.words.len() > self.crowded_at {
            self.words.retain(|peer, _| cast.links_of_peer(*peer).any(|(_, link)| link.closed.is_none()));
            let words = &self.words;
            self.rooms.values_mut().for_each(|peers| peers.retain(|peer| words.contains_key(peer)));
            self.rooms.retain(|_, peers| !peers.is_empty());
            self.crowded_at = self.words.len() * 2 + 1_024;
        }
    }
}

/// The peer's newest connection, and the event that acknowledged its registration, if the server must know it from before
/// the question until after the answer.
fn certainly_present(cast: &Cast, peer: Id, room: Id, ask: &Ask, now_ns: i64) -> Option<((Id, u32), u64)> {
    let (user, link) = cast.links_of_peer(peer).last()?;
    let standing = link.standing?;
    let registered_n = standing.acknowledged_n.filter(|n| *n < ask.n)?;
    let is_present = standing.room == room && link.closed.is_none();
    (is_present && !cast.is_in_doubt(user, link, now_ns)).then_some(((user, link.conn), registered_n))
}

/// Whether it matches in every state that the discovery may have seen.
fn must_be_listed(word: &Word, cast: &Cast, ask: &Ask, filters: &Value) -> bool {
    word.visible(ask.n, cast, ask.t_ns)
        .all(|version| version.value.as_ref().is_some_and(|value| matches(filters, &version.role, value) == Match::Yes))
}

/// Whether it matches in no state that the discovery may have seen.
fn must_not_be_listed(word: &Word, cast: &Cast, ask: &Ask, filters: &Value) -> bool {
    let mut visible = word.visible(ask.n, cast, ask.t_ns).peekable();
    let is_no_match = |version: &Version| {
        version.value.as_ref().is_some_and(|value| matches(filters, &version.role, value) == Match::No)
    };
    visible.peek().is_some() && visible.all(is_no_match)
}

fn wrongly_listed(moment: &Moment<'_>, cast: &Cast, ask: &Ask, peer: Id, what: &str) -> Evidence {
    let (asker, name, event) = (cast.name(moment.user), cast.display(peer), moment.event);
    Evidence {
        sentence: format!("{asker} was shown {name} at {}, {what}", seconds(event.t_ns)),
        from_ns: ask.t_ns,
        until_ns: event.t_ns,
        users: users([name, asker]),
        events: vec![ask.n, event.n],
    }
}

fn stale(moment: &Moment<'_>, cast: &Cast, ask: &Ask, peer: Id, seen: &Seen, version: &Version) -> Evidence {
    let (asker, name) = (cast.name(moment.user), cast.display(peer));
    let now = seconds(moment.event.t_ns);
    let said = version.acknowledged.map_or_else(String::new, |at| format!(", acknowledged at {}", seconds(at.t_ns)));
    let sentence = match &version.status {
        Status::Told(told) if *told != seen.status => format!(
            "{asker} saw {name} {} at {now}, though its status was {}{said}",
            word_for(&seen.status),
            word_for(told)
        ),
        _ => format!("{asker} saw other metadata of {name} at {now} than the one in force{said}"),
    };
    let acknowledged = version.acknowledged.map(|acknowledged| acknowledged.n);
    Evidence {
        sentence,
        from_ns: version.acknowledged.map_or(ask.t_ns, |acknowledged| acknowledged.t_ns),
        until_ns: moment.event.t_ns,
        users: users([name, asker]),
        events: acknowledged.into_iter().chain([ask.n, moment.event.n]).collect(),
    }
}

fn word_for(status: &Option<Name>) -> &str {
    status.as_deref().unwrap_or("without a status")
}

#[cfg(test)]
mod tests;
