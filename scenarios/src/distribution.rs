//! Distributions: one shape for every random duration or number of a scenario, sampled by a [`Draw`].
//!
//! Written `"5s"`, `{ uniform = ["5s", "20s"] }`, `{ exponential = "4s" }`,
//! `{ lognormal = { p50 = "4ms", p99 = "40ms" } }` or `{ pick = […], weights = […] }`. Neighbours: `draw` (where
//! randomness comes from), `language` (how it is written). `libm` keeps the results the same on every platform.

use crate::draw::Draw;
use serde::{Deserialize, Serialize};

/// A span of time in nanoseconds; what every duration of a plan is counted in.
pub type Nanos = u64;

/// How a duration is chosen. All lengths are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Always the same.
    Fixed(Nanos),
    /// Evenly between low and high, both included.
    Uniform(Nanos, Nanos),
    /// Memoryless, with this mean.
    Exponential(Nanos),
    /// Log-normal, given by its median and its 99th percentile.
    Lognormal {
        /// The median.
        p50: Nanos,
        /// The 99th percentile.
        p99: Nanos,
    },
    /// One of several, by weight; as many weights as values.
    Pick {
        /// The values to choose from; never empty.
        values: Vec<Nanos>,
        /// Their weights; none negative, not all zero.
        weights: Vec<f64>,
    },
}

/// The 99th percentile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874_040_841;

impl Distribution {
    /// The value at this place.
    pub fn sample(&self, draw: Draw) -> Nanos {
        match self {
            Distribution::Fixed(value) => *value,
            Distribution::Uniform(low, high) => {
                low.saturating_add(draw.below(high.saturating_sub(*low).saturating_add(1)))
            }
            Distribution::Exponential(mean) => bounded(*mean as f64 * -libm::log(1.0 - draw.unit())),
            Distribution::Lognormal { p50, p99 } => {
                let median = (*p50).max(1) as f64;
                let sigma = libm::log((*p99).max(1) as f64 / median) / Z_99;
                bounded(median * libm::exp(sigma * standard_normal(draw)))
            }
            Distribution::Pick { values, weights } => values[pick_index(weights, values.len(), draw)],
        }
    }

    /// The smallest value that can come out, for planning bounds.
    pub fn minimum(&self) -> Nanos {
        match self {
            Distribution::Fixed(value) => *value,
            Distribution::Uniform(low, _) => *low,
            Distribution::Exponential(_) | Distribution::Lognormal { .. } => 0,
            Distribution::Pick { values, .. } => values.iter().copied().min().unwrap_or(0),
        }
    }
}

/// Nothing that is drawn is longer than a hundred years, so that a few of them added up still fit.
const DRAWN_NS_MAX: Nanos = 100 * 365 * 86_400 * 1_000_000_000;

fn bounded(nanos: f64) -> Nanos {
    (nanos as Nanos).min(DRAWN_NS_MAX)
}

/// An index into `count` alternatives, by weight; weights that are missing count as 1.
pub fn pick_index(weights: &[f64], count: usize, draw: Draw) -> usize {
    let weight = |index: usize| weights.get(index).copied().unwrap_or(1.0).max(0.0);
    let total: f64 = (0..count).map(weight).sum();
    let mut left = draw.unit() * total;
    for index in 0..count {
        left -= weight(index);
        if left < 0.0 {
            return index;
        }
    }
    count.saturating_sub(1)
}

/// Box–Muller: two uniform numbers make one normal one.
fn standard_normal(draw: Draw) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - draw.at(0).unit()));
    radius * libm::cos(2.0 * std::f64::consts::PI * draw.at(1).unit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantile(distribution: &Distribution, q: f64) -> f64 {
        let mut values: Vec<Nanos> = (0..20_000).map(|i| distribution.sample(Draw::of_seed(1).at(i))).collect();
        values.sort_unstable();
        values[(values.len() as f64 * q) as usize] as f64
    }

    #[test]
    fn lognormal_meets_its_two_percentiles() {
        let distribution = Distribution::Lognormal { p50: 4_000_000, p99: 40_000_000 };
        assert!((quantile(&distribution, 0.5) / 4e6 - 1.0).abs() < 0.05);
        assert!((quantile(&distribution, 0.99) / 4e7 - 1.0).abs() < 0.15);
    }

    #[test]
    fn exponential_has_its_mean_and_uniform_its_bounds() {
        let exponential = Distribution::Exponential(1_000_000);
        assert!((quantile(&exponential, 0.5) / (1e6 * std::f64::consts::LN_2) - 1.0).abs() < 0.05);
        let uniform = Distribution::Uniform(5, 7);
        let seen: std::collections::BTreeSet<_> = (0..100).map(|i| uniform.sample(Draw::of_seed(i))).collect();
        assert_eq!(seen, [5, 6, 7].into());
    }

    #[test]
    fn a_weight_of_zero_is_never_picked() {
        let pick = Distribution::Pick { values: vec![1, 2, 3], weights: vec![1.0, 0.0, 1.0] };
        assert!((0..1_000).all(|i| pick.sample(Draw::of_seed(i)) != 2));
    }
}
