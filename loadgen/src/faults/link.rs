//! What happens to a packet: one direction between two hosts, whether it is cut, and how long something takes to cross it.
//!
//! Invariants: every delay is drawn at the packet's own place, so that another packet's fate shifts nobody's; TCP loses
//! nothing on a link, it comes later or its connection times out; datagrams are truly lost. Only a limit to the bandwidth
//! makes packets wait for each other, all of a link in one queue. Neighbours: the simulated network and `live::faults` ask for
//! delays and cuts, and let faults begin and end. Left out: what waits on a link.

use super::FaultId;
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::draw::Draw;
use std::cell::Cell;
use std::collections::BTreeMap;

/// TCP's first retransmission time-out; each further one doubles it (RFC 6298 as Linux plays it).
const FIRST_RETRANSMISSION_NS: Nanos = 200_000_000;

const SECOND_NS: u128 = 1_000_000_000;

/// One direction between two hosts.
#[derive(Clone, Debug)]
pub struct Link {
    latency: Distribution,
    bytes_per_s: Option<u64>,
    /// Until when it carries what was sent before.
    busy_until_ns: Cell<Nanos>,
    cuts: BTreeMap<FaultId, Nanos>,
    added: BTreeMap<FaultId, Distribution>,
    lossy: BTreeMap<FaultId, f64>,
    narrowed: BTreeMap<FaultId, u64>,
}

/// How a chunk crosses a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// It arrives after this long.
    After(Nanos),
    /// Every retransmission within the connection's time-out is lost.
    Never,
}

impl Link {
    /// A link between faults: its latency, and how much it carries at most.
    pub fn new(latency: Distribution, bytes_per_s: Option<u64>) -> Link {
        Link {
            latency,
            bytes_per_s,
            busy_until_ns: Cell::default(),
            cuts: BTreeMap::new(),
            added: BTreeMap::new(),
            lossy: BTreeMap::new(),
            narrowed: BTreeMap::new(),
        }
    }

    /// A fault cuts the link now.
    pub fn cut(&mut self, fault: FaultId, now: Nanos) {
        self.cuts.entry(fault).or_insert(now);
    }

    /// A fault adds to the latency of what is sent from now on.
    pub fn slow_down(&mut self, fault: FaultId, added: Distribution) {
        self.added.insert(fault, added);
    }

    /// A fault loses this share of what is sent from now on.
    pub fn lose(&mut self, fault: FaultId, share: f64) {
        self.lossy.insert(fault, share);
    }

    /// A fault lets it carry no more than this from now on.
    pub fn narrow(&mut self, fault: FaultId, bytes_per_s: u64) {
        self.narrowed.insert(fault, bytes_per_s);
    }

    /// Whether everything crosses it at once: no fault is on it, and it has neither latency nor a limit of its own.
    pub fn is_free(&self) -> bool {
        let is_undisturbed = self.cuts.is_empty() && self.added.is_empty() && self.lossy.is_empty();
        is_undisturbed
            && self.narrowed.is_empty()
            && self.bytes_per_s.is_none()
            && self.latency == Distribution::Fixed(0)
    }

    /// A fault is over. If that heals a cut, tells since when the link was cut.
    pub fn end(&mut self, fault: FaultId) -> Option<Nanos> {
        self.added.remove(&fault);
        self.lossy.remove(&fault);
        self.narrowed.remove(&fault);
        let since = self.cut_since();
        self.cuts.remove(&fault);
        since.filter(|_| self.cuts.is_empty())
    }

    /// Since when nothing passes; faults overlap, so the first one counts.
    pub fn cut_since(&self) -> Option<Nanos> {
        self.cuts.values().copied().min()
    }

    /// How so many bytes of a connection that are sent now cross, drawn at their own place. What is not sent again within
    /// the time-out never arrives. No bytes need no time on the link.
    pub fn crossing(&self, now: Nanos, bytes: usize, tcp_timeout_ns: Nanos, place: Draw) -> Crossing {
        let mut delay = self.delay(now, bytes, place);
        for (fault, share) in &self.lossy {
            match retransmitting(*share, tcp_timeout_ns, place.named("loss").at(*fault as u64)) {
                Some(wait) => delay = delay.saturating_add(wait),
                None => return Crossing::Never,
            }
        }
        Crossing::After(delay)
    }

    /// How long a datagram of so many bytes that is sent now takes; none if a fault loses it.
    pub fn datagram_crossing(&self, now: Nanos, bytes: usize, place: Draw) -> Option<Nanos> {
        let is_lost = |(fault, share): (&FaultId, &f64)| place.named("loss").at(*fault as u64).unit() < *share;
        let is_gone = self.cut_since().is_some() || self.lossy.iter().any(is_lost);
        (!is_gone).then(|| self.delay(now, bytes, place))
    }

    fn delay(&self, now: Nanos, bytes: usize, place: Draw) -> Nanos {
        let mut delay = self.latency.sample(place.named("latency"));
        for (fault, added) in &self.added {
            delay = delay.saturating_add(added.sample(place.named("added").at(*fault as u64)));
        }
        delay.saturating_add(self.queue(now, bytes))
    }

    /// How long it takes until the link has carried what was sent before, and then these bytes.
    fn queue(&self, now: Nanos, bytes: usize) -> Nanos {
        let Some(bytes_per_s) = self.narrowed.values().copied().chain(self.bytes_per_s).min() else { return 0 };
        if bytes == 0 {
            return 0;
        }
        let carrying = bytes as u128 * SECOND_NS / u128::from(bytes_per_s.max(1));
        let done = self.busy_until_ns.get().max(now).saturating_add(Nanos::try_from(carrying).unwrap_or(Nanos::MAX));
        self.busy_until_ns.set(done);
        done - now
    }
}

/// How long retransmissions take until one gets through.
fn retransmitting(share: f64, tcp_timeout_ns: Nanos, place: Draw) -> Option<Nanos> {
    let (mut waited, mut back_off) = (0, FIRST_RETRANSMISSION_NS);
    for attempt in 0.. {
        if place.at(attempt).unit() >= share {
            return Some(waited);
        }
        waited += back_off;
        back_off = back_off.saturating_mul(2);
        if waited > tcp_timeout_ns {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    fn link() -> Link {
        Link::new(Distribution::Fixed(5 * MS), None)
    }

    fn crossing(link: &Link, seed: u64) -> Crossing {
        link.crossing(0, 1, 1_000 * MS, Draw::of_seed(seed))
    }

    #[test]
    fn overlapping_cuts_heal_with_the_last_one() {
        let mut link = link();
        link.cut(0, 10);
        link.cut(1, 20);
        assert_eq!(link.end(0), None);
        assert_eq!(link.cut_since(), Some(20));
        assert_eq!(link.end(1), Some(20));
        assert_eq!(link.end(1), None);
    }

    #[test]
    fn loss_is_a_delay_that_doubles_and_at_worst_a_time_out() {
        let mut link = link();
        link.lose(3, 0.5);
        let crossings: Vec<_> = (0..200).map(|seed| crossing(&link, seed)).collect();
        for delay_ms in [5, 205, 605] {
            assert!(crossings.contains(&Crossing::After(delay_ms * MS)), "{delay_ms}");
        }
        assert!(crossings.contains(&Crossing::Never));
        link.end(3);
        assert_eq!(crossing(&link, 1), Crossing::After(5 * MS));
    }

    #[test]
    fn added_latency_comes_on_top_and_ends() {
        let mut link = link();
        link.slow_down(0, Distribution::Fixed(100 * MS));
        assert_eq!(crossing(&link, 1), Crossing::After(105 * MS));
        assert_eq!(link.end(0), None);
        assert_eq!(crossing(&link, 1), Crossing::After(5 * MS));
    }

    #[test]
    fn a_narrow_link_carries_one_thing_after_the_other() {
        let mut link = Link::new(Distribution::Fixed(5 * MS), Some(1_000_000));
        let send = |link: &Link, now_ms: u64| link.crossing(now_ms * MS, 10_000, 1_000 * MS, Draw::of_seed(1));
        assert_eq!(send(&link, 0), Crossing::After(15 * MS));
        assert_eq!(send(&link, 0), Crossing::After(25 * MS), "behind the first");
        assert_eq!(send(&link, 100), Crossing::After(15 * MS), "the link is free again");
        link.narrow(0, 100_000);
        assert_eq!(send(&link, 200), Crossing::After(105 * MS));
        link.end(0);
        assert_eq!(send(&link, 400), Crossing::After(15 * MS));
    }

    #[test]
    fn datagrams_are_lost_where_a_connection_would_wait() {
        let mut link = link();
        let is_lost = |link: &Link, seed: &u64| link.datagram_crossing(0, 1, Draw::of_seed(*seed)).is_none();
        let lost = |link: &Link| (0..200).filter(|seed| is_lost(link, seed)).count();
        assert_eq!(lost(&link), 0);
        link.lose(0, 0.5);
        assert!((60..140).contains(&lost(&link)));
        link.end(0);
        link.cut(1, 0);
        assert_eq!(lost(&link), 200);
    }
}
