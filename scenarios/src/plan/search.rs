//! Search inside a host: where a task is held back, so that others of its host come first. Planned, so that an order that
//! breaks something can be repeated. Neighbours: `sim` holds polls back; `expand` draws the places.
//!
//! A few places a run, as in probabilistic concurrency testing: most races need few changes of order at the right places,
//! and the fewer are tried at once, the likelier the right ones are among them.

use crate::distribution::Nanos;
use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// A poll of a task that is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelayPoint {
    /// The host; its first incarnation.
    pub host: String,
    /// Which task of the host, in the order of spawning, from 0.
    pub task: u64,
    /// Which poll of the task, from 0.
    pub poll: u64,
    /// For how long.
    pub hold: Hold,
}

/// How long a poll is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Until all other tasks that are ready at this moment have run.
    BehindOthers,
    /// For so long.
    For(Nanos),
}

/// Tasks and polls are drawn below these, low ones more often: early tasks and polls exist in every run.
const TASK_BITS: u64 = 7;
const POLL_BITS: u64 = 9;

/// From less than a message needs to longer than most; what is held still longer is a pause, which is a fault.
const HOLD_NS_MIN: Nanos = 100_000;
const HOLD_DECADES: f64 = 3.0;

/// So many places over these hosts, each drawn at a place of its own.
pub(super) fn delay_points(count: u32, hosts: &[String], draw: Draw) -> Vec<DelayPoint> {
    let point = |number: u32| {
        let draw = draw.at(number.into());
        // Not by its place in the list: another user more or less moves no other place.
        let host = hosts.iter().min_by_key(|host| draw.named("host").named(host).bits())?;
        let (task, poll) = (draw.named("task"), draw.named("poll"));
        let task = task.below(1 << task.named("bits").below(TASK_BITS + 1));
        let poll = poll.below(1 << poll.named("bits").below(POLL_BITS + 1));
        Some(DelayPoint {
            host: host.clone(),
            task,
            // A host whose program has not begun is no slow host: a server that does not listen yet refuses everybody.
            poll: if task == 0 { poll.max(1) } else { poll },
            hold: hold(draw.named("hold")),
        })
    };
    (0..count).filter_map(point).collect()
}

/// Half of them only change the order of a moment; the others are spread over the orders of magnitude.
fn hold(draw: Draw) -> Hold {
    if draw.named("kind").below(2) == 0 {
        return Hold::BehindOthers;
    }
    Hold::For((HOLD_NS_MIN as f64 * libm::pow(10.0, draw.unit() * HOLD_DECADES)) as Nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_early_ones_mostly_and_over_seeds_those_of_every_host() {
        let hosts = ["server-0".to_owned(), "workers-0".to_owned()];
        let all: Vec<DelayPoint> = (0..500).flat_map(|seed| delay_points(3, &hosts, Draw::of_seed(seed))).collect();
        assert_eq!(all.len(), 1_500);
        for host in &hosts {
            let early = |point: &&DelayPoint| point.host == *host && point.task < 8 && point.poll < 32;
            assert!(all.iter().filter(early).count() > 150);
        }
        assert!(all.iter().any(|point| point.hold == Hold::BehindOthers));
        let held = all.iter().filter_map(|point| match point.hold {
            Hold::For(nanos) => Some(nanos),
            Hold::BehindOthers => None,
        });
        assert!(held.clone().all(|nanos| (100_000..100_000_000).contains(&nanos)));
        assert!(held.clone().any(|nanos| nanos < 1_000_000) && held.clone().any(|nanos| nanos > 10_000_000));
    }

    #[test]
    fn the_first_places_stay_where_they_are_when_more_are_asked_for() {
        let hosts = ["server-0".to_owned()];
        let few = delay_points(2, &hosts, Draw::of_seed(4));
        assert_eq!(delay_points(5, &hosts, Draw::of_seed(4))[..2], few);
        assert!(delay_points(3, &[], Draw::of_seed(4)).is_empty());
    }
}
