//! Strings with a unit: durations and objectives. Neighbours: `distribution`, `thresholds`. Left out: where they are
//! allowed.

use crate::distribution::Nanos;
use crate::language::shape::{Form, Shape};

/// Longest duration that a scenario may name: thirty days.
pub(crate) const DURATION_NS_MAX: Nanos = 30 * 24 * 3_600 * 1_000_000_000;

/// A duration.
pub(crate) const DURATION: Shape = Shape::Form(&DURATION_FORM);

/// How durations are written.
pub(crate) static DURATION_FORM: Form = Form {
    what: "a duration",
    example: "\"5s\"",
    pattern: r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d) ?)+$",
    accepts: |text| duration(text).map(|_| ()),
};

const UNITS: [(&str, f64); 7] =
    [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3_600e9), ("d", 86_400e9)];

/// A duration such as `250ms`, `5s`, `1.5s`, `1m30s`, `2h`. The error says what is wrong.
pub(crate) fn duration(text: &str) -> Result<Nanos, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("the duration is empty".to_owned());
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let number: f64 = number.parse().map_err(|_| format!("`{text}` is no duration"))?;
        let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let units = "ns, us, ms, s, m, h or d";
            return Err(if unit.is_empty() {
                format!("the duration lacks its unit ({units})")
            } else {
                format!("`{unit}` is no unit of time ({units})")
            });
        };
        total += number * nanos;
        rest = after.trim_start();
    }
    if total > DURATION_NS_MAX as f64 {
        return Err("the duration is longer than 30 days".to_owned());
    }
    Ok(total.round() as Nanos)
}

/// A duration for people, exact and short: `1m30s`, `250ms`.
pub(crate) fn duration_text(nanos: Nanos) -> String {
    const PARTS: [(Nanos, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = nanos;
    let mut text = String::new();
    for (size, unit) in PARTS {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_printed_back() {
        for (text, nanos) in
            [("5s", 5_000_000_000), ("250ms", 250_000_000), ("1m30s", 90_000_000_000), ("2h", 7_200_000_000_000)]
        {
            assert_eq!(duration(text), Ok(nanos));
            assert_eq!(duration_text(nanos), text);
        }
        assert_eq!(duration("1.5s"), Ok(1_500_000_000));
        assert_eq!(duration("1m 30s"), Ok(90_000_000_000));
        assert_eq!(duration("0s"), Ok(0));
    }

    #[test]
    fn what_is_no_duration_says_why() {
        assert!(duration("5").unwrap_err().contains("lacks its unit"));
        assert!(duration("5 parsecs").is_err());
        assert!(duration("5min").unwrap_err().contains("`min` is no unit"));
        assert!(duration("-5s").is_err());
        assert!(duration("99d").unwrap_err().contains("30 days"));
        assert!(duration("").is_err());
        assert!(duration("1.2.3s").is_err());
    }
}
