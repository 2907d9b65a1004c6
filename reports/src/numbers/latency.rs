//! Percentiles of a histogram, and the rule that a percentile q with fewer than 1/(1−q) samples is none at all.

use crate::outcome::Latency;
use hdrhistogram::Histogram;

/// Latencies are kept to three digits between these bounds; what is longer counts as the longest.
const SHORTEST_NS: u64 = 1_000;
const LONGEST_NS: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

/// Points of the percentile curve, as shares below 1; each needs its samples.
const CURVE: [f64; 26] = [
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995,
    0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99999,
];

/// Fewer samples than this make no curve: each step of it would be one sample.
const CURVE_SAMPLES_MIN: u64 = 10;

/// An empty histogram of nanoseconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(SHORTEST_NS, LONGEST_NS, DIGITS).expect("these constants are valid bounds")
}

/// How many samples a quantile (0–1) needs.
pub fn samples_needed(quantile: f64) -> u64 {
    // 1 / (1 - 0.99) is 99.99999999999991 in binary; the documented number is 100.
    (1.0 / (1.0 - quantile) - 1e-6).ceil().max(1.0) as u64
}

/// The value at a quantile, if there are samples enough.
pub fn quantile(histogram: &Histogram<u64>, quantile: f64) -> Option<u64> {
    let is_enough = !histogram.is_empty() && histogram.len() >= samples_needed(quantile);
    is_enough.then(|| histogram.value_at_quantile(quantile))
}

/// The distribution that a table shows.
pub fn latency(histogram: &Histogram<u64>) -> Latency {
    if histogram.is_empty() {
        return Latency::default();
    }
    Latency {
        min_ns: Some(histogram.min()),
        mean_ns: Some(histogram.mean() as u64),
        p50_ns: quantile(histogram, 0.5),
        p90_ns: quantile(histogram, 0.9),
        p99_ns: quantile(histogram, 0.99),
        p999_ns: quantile(histogram, 0.999),
        max_ns: Some(histogram.max()),
    }
}

/// The percentile curve: (percentile 0–100, nanoseconds), as far as there are samples; none at all with a handful.
pub fn curve(histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
    if histogram.len() < CURVE_SAMPLES_MIN {
        return Vec::new();
    }
    let points = CURVE.iter().filter_map(|share| Some((share * 100.0, quantile(histogram, *share)?)));
    points.map(|(percentile, value)| ((percentile * 1e4).round() / 1e4, value)).collect()
}
