//! Whether a step has come to rest: response times that rise from second to second are a queue that grows, however short it still
//! is. The test of Mann and Kendall counts pairs of seconds in order, with the exact distribution of that count; the slope is the
//! median over all pairs (Theil and Sen). Neighbours: `step`.

/// How often seconds in no order at all may be taken for a trend.
const DOUBT: f64 = 0.01;
/// Fewer seconds show no trend.
const SECONDS_MIN: usize = 5;
/// The newest seconds that are looked at: enough, and the exact distribution stays small.
const SECONDS_MAX: usize = 60;

/// How values go on from second to second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// No order that chance would not make.
    None,
    /// They rise by so much a second.
    Rising(f64),
    /// They fall by so much a second.
    Falling(f64),
}

/// The trend of values, one for each second.
pub fn trend(values: &[f64]) -> Trend {
    let values = &values[values.len().saturating_sub(SECONDS_MAX)..];
    if values.len() < SECONDS_MIN {
        return Trend::None;
    }
    let pairs = || {
        values
            .iter()
            .enumerate()
            .flat_map(|(i, a)| values[i + 1..].iter().enumerate().map(move |(d, b)| (*a, *b, d + 1)))
    };
    let (up, down) =
        pairs().fold((0_usize, 0_usize), |(up, down), (a, b, _)| (up + usize::from(b > a), down + usize::from(b < a)));
    let mut slopes: Vec<f64> = pairs().map(|(a, b, apart)| (b - a) / apart as f64).collect();
    slopes.sort_by(f64::total_cmp);
    let slope = slopes[slopes.len() / 2];
    // Ties count for neither side.
    let tied = values.len() * (values.len() - 1) / 2 - up - down;
    if up > down && chance_of(values.len(), down + tied) < DOUBT {
        Trend::Rising(slope)
    } else if down > up && chance_of(values.len(), up + tied) < DOUBT {
        Trend::Falling(slope)
    } else {
        Trend::None
    }
}

/// How likely it is that so few pairs (or fewer) of values in random order are out of order.
fn chance_of(values: usize, inversions: usize) -> f64 {
    // Shares of the orders of n values with k inversions: those of n - 1 values, with the nth put at each place.
    let mut shares = vec![1.0];
    for n in 2..=values {
        let mut next = vec![0.0; shares.len() + n - 1];
        for (k, share) in shares.iter().enumerate() {
            (0..n).for_each(|place| next[k + place] += share / n as f64);
        }
        shares = next;
    }
    shares.iter().take(inversions + 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_distribution_is_that_of_all_orders() {
        // Of the 120 orders of five values one has no inversion, four have one, nine have two.
        assert!((chance_of(5, 0) - 1.0 / 120.0).abs() < 1e-12);
        assert!((chance_of(5, 2) - 14.0 / 120.0).abs() < 1e-12);
        assert!((chance_of(5, 10) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_queue_that_grows_is_seen_before_it_is_long() {
        let growing: Vec<f64> = (0..6).map(|second| 5.0 + 10.0 * f64::from(second)).collect();
        assert_eq!(trend(&growing), Trend::Rising(10.0));
        assert_eq!(trend(&growing[..4]), Trend::None, "too few seconds");
        let shrinking: Vec<f64> = growing.into_iter().rev().collect();
        assert_eq!(trend(&shrinking), Trend::Falling(-10.0));
    }

    #[test]
    fn what_goes_up_and_down_has_no_trend() {
        assert_eq!(trend(&[5.0, 6.0, 5.0, 7.0, 4.0, 6.0, 5.0, 6.0]), Trend::None);
        assert_eq!(trend(&[5.0; 20]), Trend::None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn turning_time_around_turns_the_trend_around(values in prop::collection::vec(0.0..100.0_f64, 2..80)) {
            let newest = values.len().saturating_sub(SECONDS_MAX);
            let values = &values[newest..];
            let back: Vec<f64> = values.iter().rev().copied().collect();
            let turned = match trend(&back) {
                Trend::Rising(_) => "falling",
                Trend::Falling(_) => "rising",
                Trend::None => "none",
            };
            let found = match trend(values) {
                Trend::Rising(_) => "rising",
                Trend::Falling(_) => "falling",
                Trend::None => "none",
            };
            prop_assert_eq!(turned, found);
        }
    }
}
