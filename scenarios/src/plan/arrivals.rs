//! When the users of a group begin. Neighbours: `expand`. A rate that changes linearly is a Poisson process (or a
//! regular one) of rate 1, bent by the inverse of the expected number of arrivals.

use crate::distribution::Nanos;
use crate::draw::Draw;
use crate::scenario::{Arrival, Gaps, Stage};

/// More arrivals than any rate of the language makes: the bound that keeps planning total.
const ARRIVALS_MAX: u64 = 200_000;

impl Arrival {
    /// Before this nobody begins.
    pub(crate) fn earliest_ns(&self) -> Nanos {
        match self {
            Arrival::Drawn { start, .. } => start.minimum(),
            Arrival::Listed(starts) => starts.iter().copied().min().unwrap_or(0),
            Arrival::OverRamp { .. } | Arrival::Stages(_) => 0,
        }
    }
}

/// The time at which each user begins, by its number within the group.
pub(crate) fn starts(arrival: &Arrival, ramp_ns: Nanos, draw: Draw) -> Vec<Nanos> {
    let draw = draw.named("start");
    match arrival {
        Arrival::Listed(starts) => starts.clone(),
        Arrival::Drawn { count, start } => (0..*count).map(|user| start.sample(draw.at(user.into()))).collect(),
        Arrival::OverRamp { count, gaps } => (0..*count)
            .map(|user| {
                let share = match gaps {
                    // Independent arrivals, given how many there are, are uniform over the time they come in.
                    Gaps::Exponential => draw.at(user.into()).unit(),
                    Gaps::Even => f64::from(user) / f64::from(*count),
                };
                (share * ramp_ns as f64) as Nanos
            })
            .collect(),
        Arrival::Stages(stages) => {
            let mut starts = Vec::new();
            let mut from_ns = 0;
            for stage in stages {
                add_stage(stage, from_ns, draw, &mut starts);
                from_ns = from_ns.saturating_add(stage.length_ns());
            }
            if starts.is_empty() {
                // A low rate may bring nobody, but faults and meetings count on somebody of each group.
                starts.push((draw.named("only one").unit() * from_ns as f64) as Nanos);
            }
            starts
        }
    }
}

fn add_stage(stage: &Stage, from_ns: Nanos, draw: Draw, starts: &mut Vec<Nanos>) {
    match stage {
        Stage::Pause(_) => {}
        Stage::Bursts { count, times, every_ns } => {
            for burst in 0..u64::from(*times) {
                let at_ns = from_ns.saturating_add(every_ns.saturating_mul(burst));
                starts.extend((0..*count).map(|_| at_ns));
            }
        }
        Stage::Rate { from, to, over_ns, gaps } => {
            let over_s = *over_ns as f64 / 1e9;
            let expected = stage.users();
            let mut reached = 0.0;
            for nth in 0..ARRIVALS_MAX {
                reached = match gaps {
                    // Users are numbered over all stages: each has a draw of its own.
                    Gaps::Exponential => reached - libm::log(1.0 - draw.at(starts.len() as u64).unit()),
                    Gaps::Even => nth as f64 + 0.5,
                };
                if reached >= expected {
                    break;
                }
                let at_ns = (time_s(*from, *to, over_s, reached) * 1e9) as Nanos;
                starts.push(from_ns.saturating_add(at_ns));
            }
        }
    }
}

/// When so many arrivals are expected to have come: the inverse of from·t + (to − from)·t² / (2·over).
fn time_s(from: f64, to: f64, over_s: f64, arrivals: f64) -> f64 {
    let slope = (to - from) / over_s;
    let root = libm::sqrt((from * from + 2.0 * slope * arrivals).max(0.0));
    // This form of the quadratic's solution has no cancellation and needs no case for a slope of 0.
    (2.0 * arrivals / (from + root)).min(over_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(from: f64, to: f64, gaps: Gaps) -> Vec<Nanos> {
        starts(&Arrival::Stages(vec![Stage::Rate { from, to, over_ns: 100_000_000_000, gaps }]), 0, Draw::of_seed(3))
    }

    #[test]
    fn even_arrivals_are_as_many_as_the_rate_says_and_regular() {
        let starts = rate(5.0, 5.0, Gaps::Even);
        assert_eq!(starts.len(), 500);
        assert!(starts.windows(2).all(|pair| (pair[1] - pair[0]).abs_diff(200_000_000) < 10));
    }

    #[test]
    fn a_ramp_has_a_quarter_of_its_arrivals_in_its_first_half() {
        let starts = rate(0.0, 10.0, Gaps::Even);
        assert_eq!(starts.len(), 500);
        let early = starts.iter().filter(|start| **start < 50_000_000_000).count();
        assert!((124..=126).contains(&early), "{early} in the first half");
    }

    #[test]
    fn a_rate_so_low_that_nobody_may_come_brings_somebody() {
        for seed in 0..100 {
            let stage = Stage::Rate { from: 1.0, to: 1.0, over_ns: 1_000_000_000, gaps: Gaps::Exponential };
            let arrival = Arrival::Stages(vec![stage]);
            let starts = starts(&arrival, 0, Draw::of_seed(seed));
            assert!(!starts.is_empty() && starts.iter().all(|start| *start <= 1_000_000_000));
        }
    }

    #[test]
    fn exponential_arrivals_come_in_order_and_about_as_many() {
        let starts = rate(5.0, 5.0, Gaps::Exponential);
        assert!((400..600).contains(&starts.len()), "{} arrivals", starts.len());
        assert!(starts.is_sorted());
    }

    #[test]
    fn stages_follow_each_other_and_bursts_come_at_once() {
        let stages = vec![
            Stage::Rate { from: 1.0, to: 1.0, over_ns: 10_000_000_000, gaps: Gaps::Even },
            Stage::Pause(5_000_000_000),
            Stage::Bursts { count: 3, times: 2, every_ns: 2_000_000_000 },
            Stage::Rate { from: 2.0, to: 2.0, over_ns: 1_000_000_000, gaps: Gaps::Even },
        ];
        let starts = starts(&Arrival::Stages(stages), 0, Draw::of_seed(1));
        let late: Vec<f64> = starts[10..].iter().map(|ns| *ns as f64 / 1e9).collect();
        assert!(starts.is_sorted() && starts[9] < 10_000_000_000);
        assert_eq!(late, [15.0, 15.0, 15.0, 17.0, 17.0, 17.0, 19.25, 19.75]);
    }
}
