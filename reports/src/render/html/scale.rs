//! Scales: from a value to its place on an axis, 0–1, and round values to write beside it. Pure arithmetic.

use crate::render::units::{span, thousands, trimmed};

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Where, from 0 to 1.
    pub(super) at: f64,
    /// What is written there.
    pub(super) text: String,
}

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    /// Evenly from the first to the second.
    Linear(f64, f64),
    /// Each factor of ten takes the same room, between two positive values.
    Log(f64, f64),
    /// Percentiles: each further nine takes the same room, up to this many nines.
    Nines(f64),
}

impl Scale {
    /// From 0 to a round value that is not below the largest.
    pub(super) fn from_zero(largest: f64) -> Scale {
        let largest = largest.max(1.0);
        let step = round_up(largest / 8.0);
        Scale::Linear(0.0, step * (largest / step).ceil())
    }

    /// Over all of these positive values, from round to round, at least a factor of ten.
    pub(super) fn log_over(values: impl Iterator<Item = f64>) -> Scale {
        let (low, high) =
            values.filter(|it| *it > 0.0).fold((f64::MAX, 0f64), |(low, high), it| (low.min(it), high.max(it)));
        if high == 0.0 {
            return Scale::Log(1e6, 1e7);
        }
        let low = round_down(low);
        Scale::Log(low, round_up(high).max(low * 10.0))
    }

    /// The place of a value, within 0–1 whatever the value.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = match self {
            Scale::Linear(low, high) => (value - low) / (high - low).max(f64::MIN_POSITIVE),
            Scale::Log(low, high) => (value.max(low) / low).log10() / (high / low).log10(),
            Scale::Nines(nines) => nines_of(value) / nines,
        };
        if place.is_finite() { place.clamp(0.0, 1.0) } else { 1.0 }
    }

    /// Ticks for a latency axis: 1, 2, 5, 10 … of its units, fewer where they would crowd.
    pub(super) fn latency_ticks(self) -> Vec<Tick> {
        self.log_values().map(|ns| Tick { at: self.place(ns), text: round_span(ns) }).collect()
    }

    /// Round values of a logarithmic axis, fewer where they would crowd; none on another.
    fn log_values(self) -> impl Iterator<Item = f64> {
        let (low, high) = match self {
            Scale::Log(low, high) => (low, high),
            Scale::Linear(..) | Scale::Nines(_) => (2.0, 1.0),
        };
        let steps: &[f64] = if (high / low).log10() <= 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let exponents = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
        let values = exponents.flat_map(|exponent| steps.iter().map(move |step| step * 10f64.powi(exponent)));
        values.filter(move |it| (low * 0.999..=high * 1.001).contains(it))
    }

    /// Ticks for a logarithmic axis of plain numbers.
    pub(super) fn plain_ticks(self) -> Vec<Tick> {
        let plain = |value: f64| if value < 1_000.0 { trimmed(value, 3) } else { thousands(value.round() as u64) };
        self.log_values().map(|value| Tick { at: self.place(value), text: plain(value) }).collect()
    }

    /// Ticks for a rate axis, about four of them.
    pub(super) fn rate_ticks(self) -> Vec<Tick> {
        let Scale::Linear(low, high) = self else { return Vec::new() };
        let step = round_up((high - low) / 4.5);
        let count = ((high - low) / step + 1e-9) as u32;
        let text = |value: f64| if value < 10.0 { trimmed(value, 2) } else { thousands(value.round() as u64) };
        (0..=count)
            .map(|index| low + step * f64::from(index))
            .map(|it| Tick { at: self.place(it), text: text(it) })
            .collect()
    }

    /// Ticks for a time axis in seconds of plan time, about five of them.
    pub(super) fn time_ticks(self) -> Vec<Tick> {
        let Scale::Linear(low, high) = self else { return Vec::new() };
        let step = time_step((high - low) / 5.0);
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        (first..=last)
            .map(|index| index as f64 * step)
            .map(|it| Tick { at: self.place(it), text: clock(it as i64) })
            .collect()
    }

    /// Ticks for a percentile axis.
    pub(super) fn percentile_ticks(self) -> Vec<Tick> {
        let Scale::Nines(nines) = self else { return Vec::new() };
        let known = [(50.0, "50 %"), (90.0, "90 %"), (99.0, "99 %"), (99.9, "99.9 %"), (99.99, "99.99 %")];
        let inside = known.into_iter().filter(|(percentile, _)| nines_of(*percentile) <= nines + 1e-9);
        inside.map(|(percentile, text)| Tick { at: self.place(percentile), text: text.to_owned() }).collect()
    }
}

/// How many nines a percentile has: 90 has one, 99.9 three.
pub(super) fn nines_of(percentile: f64) -> f64 {
    -(1.0 - percentile.clamp(0.0, 99.999_999) / 100.0).log10()
}

/// Minutes and seconds of plan time: `1:30`, `-0:05`.
fn clock(second: i64) -> String {
    let sign = if second < 0 { "-" } else { "" };
    format!("{sign}{}:{:02}", second.abs() / 60, second.abs() % 60)
}

fn round_span(ns: f64) -> String {
    // A round value needs no digits after the point: `50 ms`, not `50.0 ms`.
    let text = span(ns.round() as u64);
    match text.split_once(' ') {
        Some((figure, unit)) if figure.contains('.') => {
            format!("{} {unit}", figure.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    }
}

/// The next of 1, 2, 5 times a power of ten that is not below.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0].map(|it| it * power).into_iter().find(|it| *it >= value * 0.999_999).unwrap_or(10.0 * power)
}

/// The last of 1, 2, 5 times a power of ten that is not above.
fn round_down(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [5.0, 2.0, 1.0].map(|it| it * power).into_iter().find(|it| *it <= value * 1.000_001).unwrap_or(power)
}

/// A step that reads well on a clock, in seconds.
fn time_step(at_least: f64) -> f64 {
    const STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0];
    STEPS.into_iter().find(|it| *it >= at_least).unwrap_or_else(|| (at_least / 3_600.0).ceil() * 3_600.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn each_nine_takes_the_same_room() {
        let scale = Scale::Nines(4.0);
        assert!((scale.place(90.0) - 0.25).abs() < 1e-9);
        assert!((scale.place(99.9) - 0.75).abs() < 1e-9);
        assert_eq!(scale.place(100.0), 1.0);
        assert_eq!(texts(Scale::Nines(2.0).percentile_ticks()), ["50 %", "90 %", "99 %"]);
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(
            texts(Scale::log_over([3e6, 42e6].into_iter()).latency_ticks()),
            ["2 ms", "5 ms", "10 ms", "20 ms", "50 ms"]
        );
        assert_eq!(texts(Scale::from_zero(2_384.0).rate_ticks()), ["0", "1,000", "2,000"]);
        assert_eq!(texts(Scale::Linear(-5.0, 65.0).time_ticks()), ["0:00", "0:15", "0:30", "0:45", "1:00"]);
    }

    #[test]
    fn no_value_leaves_the_axis() {
        for scale in
            [Scale::from_zero(0.0), Scale::log_over(std::iter::empty()), Scale::Nines(1.0), Scale::Linear(3.0, 3.0)]
        {
            for value in [-1.0, 0.0, 1e30, f64::INFINITY, f64::NAN] {
                assert!((0.0..=1.0).contains(&scale.place(value)), "{scale:?} puts {value} outside");
            }
        }
    }
}
