//! Times as HTTP answers show them: ISO 8601 in UTC; the deployed server leaves the zone out and shows microseconds.

use crate::protocol::Profile;
use std::time::Duration;

pub(super) fn timestamp(now: Duration, profile: Profile) -> String {
    let (days, second_of_day) = (now.as_secs() / 86_400, now.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    let until_seconds = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    match profile {
        Profile::Documented => until_seconds + "Z",
        Profile::Deployed => format!("{until_seconds}.{:06}", now.subsec_micros()),
    }
}

/// Year, month and day of a day since 1970-01-01, in the Gregorian calendar: whole eras of 400 years from 0000-03-01,
/// so that a leap day ends its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let since_era_0 = days + 719_468;
    let (era, day_of_era) = (since_era_0 / 146_097, since_era_0 % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_are_shown_as_known() {
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_762_165_800, "2025-11-03T10:30:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(Duration::from_secs(seconds), Profile::Documented), shown);
        }
        let now = Duration::from_micros(1_762_165_800_000_042);
        assert_eq!(timestamp(now, Profile::Deployed), "2025-11-03T10:30:00.000042");
    }
}
