//! A worker's reservation at the server, as a lock with a lease: it is had by one peer at a time, a newer one of the same
//! holder takes the place of the older, and the lease of an older one ends nothing any more (its token is fenced off).
//!
//! Whoever leaves, and whoever asks for the end of a reservation, may have ended it from then on, or not.

use super::super::cast::Cast;
use super::super::findings::Findings;
use super::super::moment::{Act, Ask, Moment, What};
use super::super::names::Id;
use super::calls::{Calls, Told, gone_since_ns};
use crate::event::{Body, Kind};
use crate::linearizable::Model;
use std::collections::BTreeMap;

/// How much earlier or later than promised a lease may end.
const EARLY_NS: i64 = 1_000_000;
const LATE_NS: i64 = 1_000_000_000;
/// A server may shorten a reservation that is asked for longer.
const LEASE_MAX_NS: i64 = 3_600_000_000_000;

struct Lock;

/// Who holds it, and the event that asked for it.
type Held = (Id, u64);

#[derive(Clone)]
enum Call {
    Reserve {
        by: Id,
        token: u64,
    },
    Refused {
        by: Id,
    },
    /// The lease of this token ends.
    Lapse {
        token: u64,
    },
    /// The holder gives it back, or leaves.
    EndOf {
        by: Id,
    },
    /// The worker leaves.
    End,
}

impl Model for Lock {
    type State = Option<Held>;
    type Call = Call;

    fn step(state: &Self::State, call: &Call) -> Option<Self::State> {
        match call {
            Call::Reserve { by, token } => state.is_none_or(|(holder, _)| holder == *by).then_some(Some((*by, *token))),
            Call::Refused { by } => state.is_some_and(|(holder, _)| holder != *by).then_some(*state),
            Call::Lapse { token } => Some(state.filter(|(_, held)| held != token)),
            Call::EndOf { by } => Some(state.filter(|(holder, _)| holder != by)),
            Call::End => Some(None),
        }
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Refused { .. })
    }

    fn leaves(call: &Call) -> Vec<Self::State> {
        match call {
            Call::Reserve { by, token } => vec![Some((*by, *token))],
            Call::Refused { .. } => Vec::new(),
            Call::Lapse { .. } | Call::EndOf { .. } | Call::End => vec![None],
        }
    }
}

impl Told for Lock {
    fn words(call: &Call, _: &Cast) -> String {
        match call {
            Call::Reserve { .. } => "reserved it",
            Call::Refused { .. } => "was refused it as reserved",
            Call::Lapse { .. } => "held it until its lease ended",
            Call::EndOf { .. } => "gave it back or left",
            Call::End => "left",
        }
        .to_owned()
    }
}

/// All reservations, by worker.
#[derive(Default)]
pub(super) struct Reservations {
    locks: BTreeMap<Id, Worker>,
    /// Questions without an answer so far, by user and number: worker, the call, and its lease.
    asked: BTreeMap<(Id, u64), (Id, usize, usize)>,
}

#[derive(Default)]
struct Worker {
    calls: Calls<Lock>,
    holders: Vec<Id>,
}

impl Reservations {
    pub(super) fn calls(&self) -> usize {
        self.locks.values().map(|worker| worker.calls.len()).sum()
    }

    pub(super) fn observe(&mut self, moment: &Moment<'_>, cast: &Cast) {
        let event = moment.event;
        let now = (event.t_ns, event.n);
        match (&moment.act, &event.body) {
            (Act::Asked(ask), _) => self.asked(moment.user, ask, cast),
            (Act::Answered(ask), Body::Reserved { .. }) => {
                if let Some((worker, reserve, lease)) = self.asked.remove(&(moment.user, ask.op_id))
                    && let Some(worker) = self.locks.get_mut(&worker)
                {
                    let (from_ns, until_ns) = (lasts(ask, ask.t_ns), lasts(ask, event.t_ns));
                    worker.calls.end(reserve, now);
                    let until_ns = until_ns.saturating_add(LATE_NS);
                    worker.calls.limit(lease, from_ns.saturating_sub(EARLY_NS), Some(until_ns));
                }
            }
            (Act::Refused(ask), Body::Error { code, .. }) => {
                if let Some((worker, reserve, lease)) = self.asked.remove(&(moment.user, ask.op_id))
                    && let Some(worker) = self.locks.get_mut(&worker)
                    && let Some(standing) = cast.standing(moment.user, ask.conn)
                {
                    worker.calls.remove(reserve);
                    worker.calls.remove(lease);
                    if &**code == "WORKER_RESERVED" {
                        worker.calls.push(moment.user, Call::Refused { by: standing.peer }, (ask.t_ns, ask.n), now);
                    }
                }
            }
            (Act::Closed { .. }, _) => {
                if let Some(link) = cast.link(moment.user, event.conn)
                    && let Some(standing) = link.standing
                {
                    let since_ns = gone_since_ns(moment.user, link, event.t_ns, cast);
                    self.may_end(moment.user, standing.peer, since_ns);
                }
            }
            (Act::Other, Body::Other { kind }) if event.kind == Kind::Sent && &**kind == "release_worker" => {
                if let Some(standing) = cast.standing(moment.user, event.conn) {
                    self.may_end(moment.user, standing.peer, event.t_ns);
                }
            }
            _ => {}
        }
    }

    pub(super) fn judge(mut self, end_ns: i64, cast: &Cast, findings: &mut Findings) {
        // A connection that nobody has seen end may have ended for the server.
        let peers: Vec<Id> =
            self.locks.iter().flat_map(|(worker, lock)| lock.holders.iter().chain([worker])).copied().collect();
        for peer in peers {
            for (user, link) in cast.links_of_peer(peer).filter(|(_, link)| link.closed.is_none()).collect::<Vec<_>>() {
                self.may_end(user, peer, gone_since_ns(user, link, end_ns, cast));
            }
        }
        for (worker, Worker { calls, .. }) in self.locks {
            calls.judge(&None, || format!("who had reserved {}", cast.display(worker)), cast, findings);
        }
    }

    fn asked(&mut self, user: Id, ask: &Ask, cast: &Cast) {
        let began = (ask.t_ns, ask.n);
        match &ask.what {
            What::Reserve { worker, .. } => {
                let Some(standing) = cast.standing(user, ask.conn) else { return };
                let lock = self.locks.entry(*worker).or_default();
                if !lock.holders.contains(&standing.peer) {
                    lock.holders.push(standing.peer);
                }
                let reserve = lock.calls.begin(user, Call::Reserve { by: standing.peer, token: ask.n }, began);
                let lease = lock.calls.begin(user, Call::Lapse { token: ask.n }, began);
                lock.calls.limit(lease, lasts(ask, ask.t_ns).saturating_sub(EARLY_NS), None);
                self.asked.insert((user, ask.op_id), (*worker, reserve, lease));
            }
            // Who registers again may have left before.
            What::Register { peer, .. } => self.may_end(user, *peer, ask.t_ns),
            What::Discover { .. } | What::Update { .. } | What::Resource => {}
        }
    }

    /// What this peer holds, and what holds it, may end from now on.
    fn may_end(&mut self, user: Id, peer: Id, since_ns: i64) {
        for (worker, lock) in &mut self.locks {
            if *worker == peer {
                let index = lock.calls.begin(user, Call::End, (since_ns, 0));
                lock.calls.limit(index, since_ns, None);
            } else if lock.holders.contains(&peer) {
                let index = lock.calls.begin(user, Call::EndOf { by: peer }, (since_ns, 0));
                lock.calls.limit(index, since_ns, None);
            }
        }
    }
}

/// When a lease ends that began now.
fn lasts(ask: &Ask, now_ns: i64) -> i64 {
    let duration_ns = if let What::Reserve { duration_ns, .. } = ask.what { duration_ns } else { 0 };
    now_ns.saturating_add(duration_ns.clamp(0, LEASE_MAX_NS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linearizable::by_force::search_and_force_agree;

    #[test]
    fn a_lock_with_tokens_is_searched_as_if_everything_was_tried() {
        let without = search_and_force_agree::<Lock>(&None, &|draws| {
            let (by, token) = (Id(draws.below(2) as u32), draws.below(2));
            match draws.below(8) {
                0..=2 => Call::Reserve { by, token },
                3 | 4 => Call::Refused { by },
                5 => Call::Lapse { token },
                6 => Call::EndOf { by },
                _ => Call::End,
            }
        });
        assert!((2_000..8_000).contains(&without), "{without} have no order");
    }
}
