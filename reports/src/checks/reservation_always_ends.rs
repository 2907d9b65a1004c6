//! A reservation always ends (operational document: the assignment must come within 10 s, a reservation lapses after its
//! time), and until then it is one client's alone. A worker that says `reserved` says something else within the bound, or
//! begins a job, or leaves; a reservation that has lapsed refuses nobody, and one that is in force is given to nobody else.

use super::cast::{Cast, Link, Standing};
use super::faults::HostFate;
use super::findings::{Findings, Profile, seconds, users};
use super::metadata::status;
use super::moment::{Act, Ask, Moment, What};
use super::names::Id;
use super::{Check, RunEnd};
use crate::event::{Body, Kind};
use crate::verdict::{CheckVerdict, Evidence};
use std::collections::BTreeMap;

pub(super) const NAME: &str = "reservation_always_ends";

/// The operational document gives the client 10 s for its assignment; 2 s more for messages on their way.
const RESERVED_WITHIN_NS: i64 = 12_000_000_000;
/// How much later than promised a reservation may lapse.
const LAPSE_SLACK_NS: i64 = 1_000_000_000;
/// A server may shorten a reservation that is asked for longer.
const RESERVATION_MAX_NS: i64 = 3_600_000_000_000;

pub(super) struct ReservationEnds {
    reserved_within_ns: i64,
    waiting: BTreeMap<Id, Waiting>,
    /// Jobs that run, by worker.
    running: BTreeMap<Id, u32>,
    reservations: BTreeMap<Id, Vec<Reservation>>,
    findings: Findings,
}

/// A worker that has said `reserved`.
struct Waiting {
    conn: u32,
    n: u64,
    t_ns: i64,
}

/// Somebody's reservation of a worker at the server, or one that may have been made.
struct Reservation {
    by: Id,
    conn: u32,
    n: u64,
    asked_ns: i64,
    /// In force certainly from its answer until then, unless something ends it.
    at_least_until_ns: i64,
    until_ns: i64,
    is_certain: bool,
    /// Its holder has asked for its end.
    is_released: bool,
}

impl Check for ReservationEnds {
    fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let event = moment.event;
        match (&moment.act, &event.body) {
            (Act::Asked(Ask { what: What::Update { metadata }, .. }), _)
                if status(metadata).is_some_and(|status| status != "reserved") =>
            {
                self.left(moment, cast);
            }
            (Act::Answered(Ask { what: What::Update { metadata }, conn, .. }), Body::Updated { .. })
                if status(metadata) == Some("reserved") && !self.has_moved_on(moment.user, cast) =>
            {
                let waiting = Waiting { conn: *conn, n: event.n, t_ns: event.t_ns };
                self.waiting.entry(moment.user).or_insert(waiting);
            }
            (Act::JobBegan, _) => {
                *self.running.entry(moment.user).or_default() += 1;
                self.left(moment, cast);
            }
            (Act::JobEnded, _) => self.job_ended(moment.user),
            (Act::Closed { lapsed }, _) => {
                if self.waiting.get(&moment.user).is_some_and(|waiting| waiting.conn == event.conn) {
                    self.left(moment, cast);
                }
                lapsed.iter().for_each(|ask| self.maybe_reserved(moment, ask));
            }
            (Act::Fault { fate: HostFate::Down, users }, _) => {
                for user in users {
                    self.waiting.remove(user);
                    self.running.remove(user);
                }
            }
            (Act::Answered(ask), Body::Reserved { until_ns, .. }) => self.reserved(moment, cast, ask, *until_ns),
            (Act::Lapsed(ask), _) => self.maybe_reserved(moment, ask),
            (Act::Other, Body::Other { kind }) if event.kind == Kind::Sent && &**kind == "release_worker" => {
                let all = self.reservations.values_mut().flatten();
                all.filter(|held| held.by == moment.user).for_each(|held| held.is_released = true);
            }
            (Act::Refused(ask), Body::Error { code, .. }) if &**code == "WORKER_RESERVED" => {
                self.refused(moment, cast, ask);
            }
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, end: RunEnd, cast: &Cast) -> CheckVerdict {
        for (user, waiting) in std::mem::take(&mut self.waiting) {
            if self.is_overdue(cast, user, &waiting, end.t_ns) {
                self.overdue(cast, user, &waiting, end.t_ns, waiting.n, "was still reserved");
            }
        }
        self.findings.verdict(Profile {
            name: NAME,
            property: "a reservation ends, and has one holder",
            judged_what: "reservations",
            idle: "no worker was reserved, or no reservation had the time to lapse",
        })
    }
}

impl ReservationEnds {
    /// A check with the scenario's bound for a worker that waits for its assignment, or with the default.
    pub(super) fn new(within_ns: Option<i64>) -> Self {
        ReservationEnds {
            reserved_within_ns: within_ns.unwrap_or(RESERVED_WITHIN_NS),
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            reservations: BTreeMap::new(),
            findings: Findings::default(),
        }
    }

    /// Whether the worker has done something else while the acknowledgement of `reserved` was on its way.
    fn has_moved_on(&self, user: Id, cast: &Cast) -> bool {
        let says_something_else = |ask: &Ask| match &ask.what {
            What::Update { metadata } => status(metadata).is_some_and(|status| status != "reserved"),
            _ => false,
        };
        self.running.contains_key(&user) || cast.open_asks(user).iter().any(says_something_else)
    }

    fn job_ended(&mut self, user: Id) {
        if let Some(count) = self.running.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                self.running.remove(&user);
            }
        }
    }

    fn left(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let Some(waiting) = self.waiting.remove(&moment.user) else { return };
        let t_ns = moment.event.t_ns;
        if self.is_overdue(cast, moment.user, &waiting, t_ns) {
            self.overdue(cast, moment.user, &waiting, t_ns, moment.event.n, "stayed reserved");
        } else {
            self.findings.judge();
        }
    }

    /// A worker whose process is held can do nothing: that time does not count.
    fn is_overdue(&self, cast: &Cast, user: Id, waiting: &Waiting, now_ns: i64) -> bool {
        let held_ns = cast.held_ns(user, waiting.t_ns, now_ns);
        now_ns.saturating_sub(waiting.t_ns).saturating_sub(held_ns) > self.reserved_within_ns
    }

    fn overdue(&mut self, cast: &Cast, user: Id, waiting: &Waiting, until_ns: i64, n: u64, how: &str) {
        self.findings.judge();
        let worker = cast.name(user);
        self.findings.broken(Evidence {
            sentence: format!(
                "{worker} {how} {} after it was acknowledged at {}, without a job",
                seconds(until_ns.saturating_sub(waiting.t_ns)),
                seconds(waiting.t_ns)
            ),
            from_ns: waiting.t_ns,
            until_ns,
            users: users([worker]),
            events: if n == waiting.n { vec![n] } else { vec![waiting.n, n] },
        });
    }

    fn reserved(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask, until_ns: i64) {
        let What::Reserve { worker, duration_ns } = ask.what else { return };
        let earlier = self.reservations.entry(worker).or_default();
        let by = moment.user;
        if let Some(held) = earlier.iter().find(|held| held.by != by && held.is_in_force(cast, moment, ask, worker)) {
            self.findings.judge();
            self.findings.broken(held.given_twice(cast, moment, ask, worker));
        }
        // It was given to somebody, so whatever had lapsed before has really ended.
        let mut lapsed = earlier.extract_if(.., |earlier| earlier.until_ns.saturating_add(LAPSE_SLACK_NS) < ask.t_ns);
        if lapsed.any(|earlier| earlier.is_certain && earlier.by != moment.user) {
            self.findings.judge();
        }
        drop(lapsed);
        earlier.retain(|earlier| earlier.until_ns.saturating_add(LAPSE_SLACK_NS) >= ask.t_ns);
        let (n, conn, asked_ns) = (moment.event.n, ask.conn, ask.t_ns);
        let at_least_until_ns = asked_ns.saturating_add(duration_ns.min(RESERVATION_MAX_NS));
        let is_released = false;
        let is_certain = true;
        earlier.push(Reservation { by, conn, n, asked_ns, at_least_until_ns, until_ns, is_certain, is_released });
    }

    /// Its answer never came: it may be in force from now on.
    fn maybe_reserved(&mut self, moment: &Moment<'_>, ask: &Ask) {
        let What::Reserve { worker, duration_ns } = ask.what else { return };
        let until_ns = moment.event.t_ns.saturating_add(duration_ns);
        self.reservations.entry(worker).or_default().push(Reservation {
            by: moment.user,
            conn: ask.conn,
            n: moment.event.n,
            asked_ns: ask.t_ns,
            at_least_until_ns: ask.t_ns,
            until_ns,
            is_certain: false,
            is_released: false,
        });
    }

    fn refused(&mut self, moment: &Moment<'_>, cast: &Cast, ask: &Ask) {
        let What::Reserve { worker, .. } = ask.what else { return };
        let Some(earlier) = self.reservations.get(&worker) else { return };
        let may_be_in_force = earlier.iter().any(|earlier| earlier.until_ns.saturating_add(LAPSE_SLACK_NS) >= ask.t_ns);
        if may_be_in_force || somebody_else_asks(cast, worker) {
            return;
        }
        let Some(lapsed) = earlier.iter().rev().find(|earlier| earlier.is_certain) else { return };
        let (asker, holder, name) = (cast.name(moment.user), cast.name(lapsed.by), cast.display(worker));
        let evidence = Evidence {
            sentence: format!(
                "{asker} was refused {name} at {} for a reservation of {holder} that lapsed at {}",
                seconds(moment.event.t_ns),
                seconds(lapsed.until_ns)
            ),
            from_ns: lapsed.until_ns,
            until_ns: moment.event.t_ns,
            users: users([holder, asker, name]),
            events: vec![lapsed.n, ask.n, moment.event.n],
        };
        self.findings.judge();
        self.findings.broken(evidence);
    }
}

impl Reservation {
    /// Whether a reservation that was asked for by somebody else came while this one was certainly in force: not released,
    /// holder and worker both in their room since before it was made, and no fault over any of the three.
    fn is_in_force(&self, cast: &Cast, moment: &Moment<'_>, ask: &Ask, worker: Id) -> bool {
        let now_ns = moment.event.t_ns;
        let lasts = self.is_certain
            && !self.is_released
            && self.n < ask.n
            && now_ns.saturating_add(LAPSE_SLACK_NS) <= self.at_least_until_ns;
        if !lasts {
            return false;
        }
        let Some((host, at_worker)) = cast.links_of_peer(worker).last() else { return false };
        let Some(room) = cast.standing(moment.user, ask.conn).map(|standing| standing.room) else { return false };
        let has_stayed = |link: &Link| {
            let stands = |it: Standing| it.room == room && it.acknowledged_n.is_some_and(|n| n < self.n);
            link.closed.is_none() && link.standing.is_some_and(stands)
        };
        let is_calm = |user: Id| !cast.is_troubled(user, self.asked_ns, now_ns);
        has_stayed(at_worker)
            && cast.link(self.by, self.conn).is_some_and(has_stayed)
            && [host, self.by, moment.user].into_iter().all(is_calm)
    }

    fn given_twice(&self, cast: &Cast, moment: &Moment<'_>, ask: &Ask, worker: Id) -> Evidence {
        let (asker, holder, name) = (cast.name(moment.user), cast.name(self.by), cast.display(worker));
        let now_ns = moment.event.t_ns;
        Evidence {
            sentence: format!(
                "{asker} was given {name} at {} while {holder} had reserved it until {}",
                seconds(now_ns),
                seconds(self.until_ns)
            ),
            from_ns: self.asked_ns,
            until_ns: now_ns,
            users: users([holder, asker, name]),
            events: vec![self.n, ask.n, moment.event.n],
        }
    }
}

/// Whether a reservation of this worker is being asked for whose answer is on its way: it may be in force already.
fn somebody_else_asks(cast: &Cast, worker: Id) -> bool {
    cast.all_open_asks().any(|ask| matches!(ask.what, What::Reserve { worker: asked, .. } if asked == worker))
}

#[cfg(test)]
mod tests;
