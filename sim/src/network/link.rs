//! One direction between two hosts: whether it is cut, and how long a chunk takes to cross it.
//!
//! Every delay is drawn at the chunk's own place, so that another chunk's fate shifts nobody's. Neighbours: `wire` asks
//! for delays and cuts, `fabric` lets faults begin and end. Left out: what waits on a link.

use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::draw::Draw;
use std::collections::BTreeMap;

/// Names a fault while it is on: its index in the plan.
pub type FaultId = usize;

/// TCP's first retransmission time-out; each further one doubles it (RFC 6298 as Linux plays it).
const FIRST_RETRANSMISSION_NS: Nanos = 200_000_000;

/// One direction between two hosts.
#[derive(Clone, Debug, Default)]
pub struct Link {
    cuts: BTreeMap<FaultId, Nanos>,
    added: BTreeMap<FaultId, Distribution>,
    lossy: BTreeMap<FaultId, f64>,
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

    /// A fault is over. If that heals a cut, tells since when the link was cut.
    pub fn end(&mut self, fault: FaultId) -> Option<Nanos> {
        self.added.remove(&fault);
        self.lossy.remove(&fault);
        let since = self.cut_since();
        self.cuts.remove(&fault);
        since.filter(|_| self.cuts.is_empty())
    }

    /// Since when nothing passes; faults overlap, so the first one counts.
    pub fn cut_since(&self) -> Option<Nanos> {
        self.cuts.values().copied().min()
    }

    /// How a chunk that is sent now crosses, drawn at its own place.
    pub fn crossing(&self, latency: &Distribution, tcp_timeout_ns: Nanos, place: Draw) -> Crossing {
        let mut delay = latency.sample(place.named("latency"));
        for (fault, added) in &self.added {
            delay = delay.saturating_add(added.sample(place.named("added").at(*fault as u64)));
        }
        for (fault, share) in &self.lossy {
            match retransmitting(*share, tcp_timeout_ns, place.named("loss").at(*fault as u64)) {
                Some(wait) => delay = delay.saturating_add(wait),
                None => return Crossing::Never,
            }
        }
        Crossing::After(delay)
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
    const LATENCY: Distribution = Distribution::Fixed(5 * MS);

    #[test]
    fn overlapping_cuts_heal_with_the_last_one() {
        let mut link = Link::default();
        link.cut(0, 10);
        link.cut(1, 20);
        assert_eq!(link.end(0), None);
        assert_eq!(link.cut_since(), Some(20));
        assert_eq!(link.end(1), Some(20));
        assert_eq!(link.end(1), None);
    }

    #[test]
    fn loss_is_a_delay_that_doubles_and_at_worst_a_time_out() {
        let mut link = Link::default();
        link.lose(3, 0.5);
        let crossings: Vec<_> = (0..200).map(|i| link.crossing(&LATENCY, 1_000 * MS, Draw::of_seed(i))).collect();
        for delay_ms in [5, 205, 605] {
            assert!(crossings.contains(&Crossing::After(delay_ms * MS)), "{delay_ms}");
        }
        assert!(crossings.contains(&Crossing::Never));
        link.end(3);
        assert_eq!(link.crossing(&LATENCY, 1_000 * MS, Draw::of_seed(1)), Crossing::After(5 * MS));
    }

    #[test]
    fn added_latency_comes_on_top_and_ends() {
        let mut link = Link::default();
        link.slow_down(0, Distribution::Fixed(100 * MS));
        assert_eq!(link.crossing(&LATENCY, MS, Draw::of_seed(1)), Crossing::After(105 * MS));
        assert_eq!(link.end(0), None);
        assert_eq!(link.crossing(&LATENCY, MS, Draw::of_seed(1)), Crossing::After(5 * MS));
    }
}
