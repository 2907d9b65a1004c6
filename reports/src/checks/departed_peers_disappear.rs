//! Departed peers disappear: a discovery that is invoked more than a bound after the last connection of a peer in the room
//! ended, or registered it in another room, does not list it, unless it has registered again. A clean end is seen by the server at once; silence only by its pings (a
//! deployed server keeps a silent peer for 50 s: 20 s to the ping, 20 s to the missing pong, 10 s to close).

use super::cast::{Cast, Closing, Link, Standing};
use super::findings::{Findings, Profile, seconds, users};
use super::moment::{Act, Ask, Moment, What};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::{Body, Closer};
use crate::verdict::{CheckVerdict, Evidence};
use std::collections::BTreeMap;

pub(super) const NAME: &str = "departed_peers_disappear";

/// After a close that reached the server: 1 s, and 1 s for the close to travel.
const CLEAN_WITHIN_NS: i64 = 2_000_000_000;
/// After silence.
const SILENT_WITHIN_NS: i64 = 50_000_000_000;
/// A departure that no discovery has judged by then is forgotten.
const FORGOTTEN_AFTER_NS: i64 = 600_000_000_000;

pub(super) struct DepartedDisappear {
    within_ns: Option<i64>,
    departed: BTreeMap<Id, Vec<Departure>>,
    findings: Findings,
}

/// How a peer left a room.
#[derive(Clone, Copy)]
enum How {
    /// Its last connection there ended.
    Ended,
    /// Its connection registered another peer, or in another room.
    Moved,
}

/// A peer without a connection to a room where it had one.
struct Departure {
    peer: Id,
    n: u64,
    t_ns: i64,
    how: How,
    gone_by_ns: i64,
    is_judged: bool,
}

impl Check for DepartedDisappear {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        match &moment.act {
            Act::Closed { .. } => {
                if let Some(link) = cast.link(moment.user, moment.event.conn) {
                    self.departed(moment, cast, moment.user, link);
                }
            }
            Act::Fault { users, .. } => {
                for user in users {
                    for link in cast.links(*user).filter(|link| link.closed.is_some_and(|end| end.n == moment.event.n))
                    {
                        self.departed(moment, cast, *user, link);
                    }
                }
            }
            Act::Answered(ask @ Ask { what: What::Register { .. }, .. }) => self.moved(moment, cast, ask),
            Act::Answered(ask) => {
                if let Body::Discovered { peers } = &moment.event.body {
                    let is_listed = |peer: Id| peers.iter().any(|seen| seen.peer == *cast.name(peer));
                    self.discovered(moment, cast, ask, is_listed);
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _: RunEnd, _: &Cast) -> CheckVerdict {
        self.findings.verdict(Profile {
            name: NAME,
            property: "departed peers disappear",
            judged_what: "departures",
            idle: "nobody discovered in the room of a departed peer after the bound",
        })
    }
}

impl DepartedDisappear {
    /// A check with the scenario's bound, or with the defaults.
    pub(super) fn new(within_ns: Option<i64>) -> Self {
        DepartedDisappear { within_ns, departed: BTreeMap::new(), findings: Findings::default() }
    }

    fn departed(&mut self, moment: &Moment<'_>, cast: &Cast, user: Id, link: &Link) {
        let (Some(standing), Some(end)) = (link.standing, link.closed) else { return };
        self.left(moment, cast, standing, How::Ended, self.bound_ns(cast, user, link, end));
    }

    /// Who registers in another room over the same connection has left the one before when the answer comes.
    fn moved(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask) {
        let Some(link) = cast.link(moment.user, ask.conn) else { return };
        let (Some(before), Some(now)) = (link.before, link.standing) else { return };
        if (before.peer, before.room) != (now.peer, now.room) {
            self.left(moment, cast, before, How::Moved, self.within_ns.unwrap_or(CLEAN_WITHIN_NS));
        }
    }

    fn left(&mut self, moment: &Moment<'_>, cast: &Cast, standing: Standing, how: How, bound_ns: i64) {
        if standing.acknowledged_n.is_none() || is_present(cast, standing.peer, standing.room) {
            return;
        }
        let (n, t_ns) = (moment.event.n, moment.event.t_ns);
        let gone_by_ns = t_ns.saturating_add(bound_ns);
        let departure = Departure { peer: standing.peer, n, t_ns, how, gone_by_ns, is_judged: false };
        let departed = self.departed.entry(standing.room).or_default();
        departed
            .retain(|earlier| earlier.peer != standing.peer && t_ns.saturating_sub(earlier.t_ns) < FORGOTTEN_AFTER_NS);
        departed.push(departure);
    }

    /// How long the server may take to notice. What went on the way, or over a cut link, counts as silence.
    fn bound_ns(&self, cast: &Cast, user: Id, link: &Link, end: Closing) -> i64 {
        self.within_ns.unwrap_or_else(|| {
            let is_seen = matches!(end.by, Closer::Us | Closer::Peer) && !cast.is_in_doubt(user, link, end.t_ns);
            if is_seen { CLEAN_WITHIN_NS } else { SILENT_WITHIN_NS }
        })
    }

    fn discovered(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask, is_listed: impl Fn(Id) -> bool) {
        let event = moment.event;
        let Some(standing) = cast.standing(moment.user, event.conn) else { return };
        let Some(departed) = self.departed.get_mut(&standing.room) else { return };
        departed.retain(|departure| !is_present(cast, departure.peer, standing.room));
        for departure in departed.iter_mut().filter(|departure| departure.gone_by_ns < ask.t_ns) {
            // The close may have been lost in a fault that began after it left.
            if self.within_ns.is_none()
                && departure.gone_by_ns.saturating_sub(departure.t_ns) < SILENT_WITHIN_NS
                && cast.is_troubled(departure.peer_user(cast), departure.t_ns, departure.gone_by_ns)
            {
                departure.gone_by_ns = departure.t_ns.saturating_add(SILENT_WITHIN_NS);
                continue;
            }
            if !std::mem::replace(&mut departure.is_judged, true) {
                self.findings.judge();
            }
            if !is_listed(departure.peer) {
                continue;
            }
            let (asker, peer) = (cast.name(moment.user), cast.display(departure.peer));
            self.findings.broken(Evidence {
                sentence: format!(
                    "{asker} was shown {peer} at {}, {} after {}",
                    seconds(event.t_ns),
                    seconds(event.t_ns.saturating_sub(departure.t_ns)),
                    departure.how.words()
                ),
                from_ns: departure.t_ns,
                until_ns: event.t_ns,
                users: users([peer, asker]),
                events: vec![departure.n, ask.n, event.n],
            });
        }
        let now_ns = event.t_ns;
        departed
            .retain(|departure| !departure.is_judged || now_ns.saturating_sub(departure.gone_by_ns) < SILENT_WITHIN_NS);
        if departed.is_empty() {
            self.departed.remove(&standing.room);
        }
    }
}

impl How {
    fn words(self) -> &'static str {
        match self {
            How::Ended => "its last connection ended",
            How::Moved => "it had registered elsewhere",
        }
    }
}

impl Departure {
    fn peer_user(&self, cast: &Cast) -> Id {
        cast.known(cast.display(self.peer)).unwrap_or(self.peer)
    }
}

/// Whether some connection is registered as this peer in this room, or may be.
fn is_present(cast: &Cast, peer: Id, room: Id) -> bool {
    let is_it = |standing: Standing| (standing.peer, standing.room) == (peer, room);
    cast.links_of_peer(peer).any(|(_, link)| {
        let is_asking = link.standing.is_some_and(|standing| standing.acknowledged_n.is_none());
        let may_be = link.standing.is_some_and(is_it) || is_asking && link.before.is_some_and(is_it);
        link.closed.is_none() && may_be
    })
}

#[cfg(test)]
mod tests {
    use super::super::history_for_tests::{History, seen};
    use super::*;
    use serde_json::json;

    fn a_worker_and_a_client() -> History {
        let mut history = History::new();
        history.at(0.0).joins("workers-0", 1, "room").joins("clients-0", 1, "room");
        history
    }

    #[test]
    fn a_peer_that_closed_and_is_still_listed_breaks_it() {
        let mut history = a_worker_and_a_client();
        history.at(5.0).closes("workers-0", 1, Closer::Us);
        history.at(9.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        let evidence = history.broken_under(NAME);
        assert_eq!(
            evidence[0].sentence,
            "clients-0 was shown workers-0 at 9.000 s, 4.000 s after its last connection ended"
        );
    }

    #[test]
    fn a_peer_that_is_listed_within_the_bound_is_fine() {
        let mut history = a_worker_and_a_client();
        history.at(5.0).closes("workers-0", 1, Closer::Us);
        history.at(6.9).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        history.at(9.0).discovers("clients-0", json!({}), &[]);
        assert_eq!(history.holds_under(NAME), 1);
    }

    #[test]
    fn a_lost_machine_may_be_listed_for_50_s_and_no_longer() {
        let mut history = a_worker_and_a_client();
        history.at(5.0).fault("death", "lost", &["workers-0"]);
        history.at(54.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        assert_eq!(history.verdict_under(NAME).verdict.word(), "not_judged");
        history.at(56.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        assert_eq!(history.broken_under(NAME).len(), 1);
    }

    #[test]
    fn the_scenario_may_set_the_bound() {
        let mut history = a_worker_and_a_client();
        history.at(5.0).fault("death", "killed", &["workers-0"]);
        history.at(16.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        assert_eq!(history.verdict_within(NAME, Some(10_000_000_000)).violations, 1);
    }

    #[test]
    fn a_peer_that_registered_again_is_no_departed_peer() {
        let mut history = a_worker_and_a_client();
        history.at(5.0).joins("workers-0", 2, "room");
        history.at(5.5).closes("workers-0", 1, Closer::Us);
        history.at(9.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        history.at(10.0).closes("workers-0", 2, Closer::Us);
        history.at(10.5).joins("workers-0", 3, "room");
        history.at(20.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        assert_eq!(history.verdict_under(NAME).verdict.word(), "not_judged");
    }

    #[test]
    fn a_peer_that_moved_to_another_room_and_is_still_listed_breaks_it() {
        for same_connection in [true, false] {
            let mut history = a_worker_and_a_client();
            history.at(5.0);
            let conn = if same_connection {
                1
            } else {
                history.closes("workers-0", 1, Closer::Us);
                2
            };
            registers_in(&mut history, conn, "elsewhere");
            history.at(9.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
            let evidence = history.broken_under(NAME);
            let how = if same_connection { "it had registered elsewhere" } else { "its last connection ended" };
            assert_eq!(evidence[0].sentence, format!("clients-0 was shown workers-0 at 9.000 s, 4.000 s after {how}"));
        }
    }

    #[test]
    fn a_peer_that_moves_may_be_listed_within_the_bound_and_once_it_is_back() {
        let mut history = a_worker_and_a_client();
        registers_in(history.at(5.0), 1, "elsewhere");
        history.at(6.9).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        history.at(9.0).discovers("clients-0", json!({}), &[]);
        assert_eq!(history.holds_under(NAME), 1);
        registers_in(history.at(10.0), 1, "room");
        history.at(19.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        assert_eq!(history.holds_under(NAME), 1);
    }

    #[test]
    fn a_peer_in_two_rooms_over_two_connections_is_in_both() {
        let mut history = a_worker_and_a_client();
        history.at(5.0).joins("workers-0", 2, "elsewhere");
        history.at(19.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        assert_eq!(history.verdict_under(NAME).verdict.word(), "not_judged");
    }

    fn registers_in(history: &mut History, conn: u32, room: &str) {
        let asked = Body::Register {
            peer: "workers-0".into(),
            room: room.into(),
            role: "peer".into(),
            metadata: json!({}).into(),
        };
        let answer = Body::Registered { peers: Vec::new(), admin: None };
        history.does("workers-0", conn, "register", asked, crate::event::Kind::Ok, answer);
    }

    #[test]
    fn a_close_over_a_cut_link_counts_as_silence() {
        let mut history = a_worker_and_a_client();
        history.at(4.0).fault("cut", "partition begins", &["workers-0", "server-0"]);
        history.at(5.0).closes("workers-0", 1, Closer::Us);
        history.at(20.0).discovers("clients-0", json!({}), &[seen("workers-0", &json!({}))]);
        assert_eq!(history.verdict_under(NAME).verdict.word(), "not_judged");
    }
}
