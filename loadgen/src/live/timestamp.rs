//! A point in time as a folder's name: `2026-11-20T19-34-24Z`, which sorts by itself and is no trouble on any file system.

use std::time::Duration;

/// UTC, to the second, of a time since 1970.
pub fn utc(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}Z")
}

/// Year, month and day of a number of days since 1970-01-01, counted in eras of 400 years that begin in March, so that a
/// leap day is the last day of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    const DAYS_FROM_YEAR_0_TO_1970: u64 = 719_468;
    let days = days + DAYS_FROM_YEAR_0_TO_1970;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let day_of_month = day_of_year - (153 * march_month + 2) / 5 + 1;
    (400 * era + year + u64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_have_their_names() {
        let named = |seconds| utc(Duration::from_secs(seconds));
        assert_eq!(named(0), "1970-01-01T00-00-00Z");
        assert_eq!(named(951_782_400), "2000-02-29T00-00-00Z");
        assert_eq!(named(1_795_203_264), "2026-11-20T19-34-24Z");
        assert_eq!(named(4_107_542_399), "2100-02-28T23-59-59Z");
    }
}
