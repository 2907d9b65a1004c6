//! When the faults of a seed strike: anywhere in the times that the file allows, or all of them within one part of these,
//! early or late, long or short. Faults that come close together meet what a single one leaves behind; spread over the whole
//! time they meet a system that has recovered.
//!
//! Neighbour: `swarm` draws what else a seed has of its own. Left out: faults that wait for a message, and times that are
//! fixed or have another distribution, which say themselves when.

use super::Drawn;
use super::timeline::random;
use crate::distribution::{Distribution, Nanos};
use crate::draw::Draw;
use crate::scenario::{Fault, When};

/// The shortest part that faults are drawn together in, as a share of all their times.
const SHORTEST_PART: f64 = 0.02;

/// Half of the seeds leave the times as they are.
pub(super) fn settle(faults: &mut [Fault], draw: Draw) -> Option<Drawn> {
    let (first, last) = faults.iter().filter_map(times).reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))?;
    let whole = random(&Distribution::Uniform(first, last));
    let told = |value| Some(Drawn { what: "fault times".to_owned(), value });
    if draw.named("any").below(2) == 0 {
        return told(format!("anywhere in {whole}"));
    }
    let length_ns = (last - first) as f64 * libm::pow(SHORTEST_PART, draw.named("length").unit());
    let middle = first + draw.named("middle").below(last - first + 1);
    let half = (length_ns / 2.0) as Nanos;
    let part = (middle.saturating_sub(half), middle.saturating_add(half));
    faults.iter_mut().for_each(|fault| draw_together(fault, part));
    told(format!("{} of {whole}", random(&Distribution::Uniform(part.0.max(first), part.1.min(last)))))
}

/// The times that a fault is drawn from.
fn times(fault: &Fault) -> Option<(Nanos, Nanos)> {
    match fault.when {
        When::At(Distribution::Uniform(low, high)) if low < high => Some((low, high)),
        _ => None,
    }
}

/// A fault whose own times lie elsewhere keeps them.
fn draw_together(fault: &mut Fault, (from, to): (Nanos, Nanos)) {
    if let When::At(Distribution::Uniform(low, high)) = &mut fault.when
        && from <= *high
        && *low <= to
    {
        (*low, *high) = (from.max(*low), to.min(*high));
    }
}
