//! The binomial distribution: how likely so few or so many are, which shares a count leaves possible, and how many samples a
//! statement needs. Neighbours: `sequential` decides with it. Exact, by the incomplete beta function, and the same on every
//! machine.

/// How likely it is that at most `count` of `samples` are hit, each with this chance.
pub fn at_most(count: u64, samples: u64, chance: f64) -> f64 {
    if count >= samples || chance <= 0.0 {
        return 1.0;
    }
    if chance >= 1.0 {
        return 0.0;
    }
    incomplete_beta((samples - count) as f64, count as f64 + 1.0, 1.0 - chance)
}

/// The shares that a count leaves possible (Clopper and Pearson): each end is wrong with at most half of `doubt`.
pub fn interval(count: u64, samples: u64, doubt: f64) -> (f64, f64) {
    if samples == 0 {
        return (0.0, 1.0);
    }
    let low = match count {
        0 => 0.0,
        // At least so many: one less than "at most count - 1".
        _ => root(|chance| 1.0 - at_most(count - 1, samples, chance) < doubt / 2.0),
    };
    let high = match count {
        _ if count >= samples => 1.0,
        _ => root(|chance| at_most(count, samples, chance) > doubt / 2.0),
    };
    (low, high)
}

/// The fewest samples of which none is hit that show, with this doubt, that the share is below `share`: 459 for a share of
/// 0.01 (a 99th percentile) and a doubt of 0.01.
pub fn samples_needed(share: f64, doubt: f64) -> u64 {
    if share >= 1.0 {
        return 1;
    }
    if share <= 0.0 {
        return u64::MAX;
    }
    libm::ceil(libm::log(doubt) / libm::log1p(-share)) as u64
}

/// The chance up to which something is so, which above it is not.
fn root(is_so: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if is_so(middle) { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The regularized incomplete beta function, by its continued fraction (Lentz).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    let front =
        libm::exp(libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log1p(-x));
    // The fraction converges fast on this side of the mean only; the other side is what is left of 1.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(a, b, x) / a
    } else {
        1.0 - front * fraction(b, a, 1.0 - x) / b
    }
}

/// Terms after which the fraction has converged for every count that a run can have.
const TERMS_MAX: u32 = 10_000;
const TINY: f64 = 1e-300;
const EXACT: f64 = 1e-15;

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for term in 1..TERMS_MAX {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + numerator * d);
            c = away_from_zero(1.0 + numerator / c);
            change = d * c;
            h *= change;
        }
        if (change - 1.0).abs() < EXACT {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every term, added up.
    fn added(count: u64, samples: u64, chance: f64) -> f64 {
        let mut term = (1.0 - chance).powi(samples as i32);
        let mut sum = term;
        for k in 1..=count {
            term *= (samples - k + 1) as f64 / k as f64 * chance / (1.0 - chance);
            sum += term;
        }
        sum.min(1.0)
    }

    #[test]
    fn a_99th_percentile_needs_459_samples() {
        assert_eq!(samples_needed(0.01, 0.01), 459);
        assert_eq!(samples_needed(0.001, 0.01), 4_603);
        assert_eq!(samples_needed(0.5, 0.01), 7);
        // One sample fewer leaves more doubt, as the exact distribution says.
        assert!(at_most(0, 459, 0.01) <= 0.01 && at_most(0, 458, 0.01) > 0.01);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_fraction_is_the_sum_of_all_terms(samples in 1_u64..400, part in 0.0..1.0_f64, chance in 0.001..0.6_f64) {
            let count = (part * samples as f64) as u64;
            let (exact, found) = (added(count, samples, chance), at_most(count, samples, chance));
            prop_assert!((exact - found).abs() < 1e-9, "{exact} {found}");
        }

        #[test]
        fn an_interval_covers_every_share_as_often_as_it_says(samples in 1_u64..60, chance in 0.005..0.995_f64) {
            // Over all counts that can come, weighted by how likely each is.
            let covered: f64 = (0..=samples)
                .filter(|count| {
                    let (low, high) = interval(*count, samples, 0.05);
                    (low - 1e-12..=high + 1e-12).contains(&chance)
                })
                .map(|count| at_most(count, samples, chance) - if count == 0 { 0.0 } else { at_most(count - 1, samples, chance) })
                .sum();
            prop_assert!(covered >= 0.95 - 1e-9, "{covered}");
        }

        #[test]
        fn an_interval_holds_what_was_counted(samples in 1_u64..100_000, part in 0.0..=1.0_f64) {
            let count = (part * samples as f64) as u64;
            let (low, high) = interval(count, samples, 0.05);
            let share = count as f64 / samples as f64;
            prop_assert!(low <= share && share <= high, "{low} {share} {high}");
        }
    }
}
