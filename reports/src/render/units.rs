//! Numbers as people read them: a value with its unit, three significant digits, thousands apart. Every format shares
//! these, so that the terminal, the page and a pull request show one figure in one way. Left out: what a figure means.

const MICROSECOND: f64 = 1e3;
const MILLISECOND: f64 = 1e6;
const SECOND: f64 = 1e9;

/// Shown where there is no figure, such as a percentile without enough samples.
pub const NO_FIGURE: &str = "—";

/// A span of time in nanoseconds: `820 ns`, `43.1 ms`, `1.23 s`, `4 min 10 s`.
pub fn span(ns: u64) -> String {
    let value = ns as f64;
    // The upper edge of each unit is where three digits would round up into the next one.
    if ns < 1_000 {
        format!("{ns} ns")
    } else if value < 999.5 * MICROSECOND {
        format!("{} µs", three_digits(value / MICROSECOND))
    } else if value < 999.5 * MILLISECOND {
        format!("{} ms", three_digits(value / MILLISECOND))
    } else if value < 59.95 * SECOND {
        format!("{} s", three_digits(value / SECOND))
    } else {
        minutes((value / SECOND).round() as u64)
    }
}

fn minutes(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, seconds) {
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{} h", thousands(hours)),
        (hours, minutes, _) => format!("{} h {minutes} min", thousands(hours)),
    }
}

/// A span that may be missing.
pub fn span_or_none(ns: Option<u64>) -> String {
    ns.map_or_else(|| NO_FIGURE.to_owned(), span)
}

/// A point of plan time as seconds with milliseconds: `10.002`, `-0.500`.
pub fn offset_s(ns: i64) -> String {
    let ms = (i128::from(ns) + if ns < 0 { -500_000 } else { 500_000 }) / 1_000_000;
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000)
}

/// A count: `119,204`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun, which loses its plural for one: `1 job`, `412 discoveries`.
pub fn counted(count: u64, plural: &str) -> String {
    match count {
        1 => format!("1 {}", singular(plural)),
        _ => format!("{} {plural}", thousands(count)),
    }
}

fn singular(plural: &str) -> String {
    match plural {
        // Of several nouns nobody knows which one it was.
        _ if plural.contains(" and ") => plural.to_owned(),
        _ if plural.ends_with("ies") => format!("{}y", plural.trim_end_matches("ies")),
        _ => plural.strip_suffix('s').unwrap_or(plural).to_owned(),
    }
}

/// A share between 0 and 1 in per cent: `0.02 %`, `12 %`.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "0 %".to_owned()
    } else if percent < 0.01 {
        "under 0.01 %".to_owned()
    } else {
        format!("{} %", trimmed(percent, 2))
    }
}

/// Operations a second: `20.0/s`, `5,500/s`.
pub fn rate(per_second: f64) -> String {
    if per_second < 999.5 {
        format!("{}/s", three_digits(per_second))
    } else {
        format!("{}/s", thousands(per_second.round() as u64))
    }
}

/// A size in bytes: `512 B`, `22.0 KiB`, `1.00 MiB`.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 999.5 {
            return if unit == "B" { format!("{count} B") } else { format!("{} {unit}", three_digits(value)) };
        }
        value /= 1_024.0;
    }
    format!("{} TiB", three_digits(value))
}

/// Three significant digits, trailing zeros kept, since they say how exact a figure is.
fn three_digits(value: f64) -> String {
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.decimals$}")
}

/// At most this many decimals, trailing zeros dropped: for round figures such as limits and axis ticks.
pub fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_keep_three_digits_and_never_show_a_thousand_of_the_smaller_unit() {
        let shown = |ns| span(ns);
        assert_eq!(shown(0), "0 ns");
        assert_eq!(shown(999), "999 ns");
        assert_eq!(shown(43_100_000), "43.1 ms");
        assert_eq!(shown(999_600), "1.00 ms");
        assert_eq!(shown(999_499), "999 µs");
        assert_eq!(shown(1_234_000_000), "1.23 s");
        assert_eq!(shown(250_000_000_000), "4 min 10 s");
        assert_eq!(shown(7_260_000_000_000), "2 h 1 min");
    }

    #[test]
    fn offsets_round_to_milliseconds_on_both_sides_of_zero() {
        assert_eq!(offset_s(10_002_400_000), "10.002");
        assert_eq!(offset_s(-500_000_000), "-0.500");
        assert_eq!(offset_s(-400_000), "0.000");
        assert_eq!(offset_s(i64::MIN), "-9223372036.855");
    }

    #[test]
    fn counts_have_thousands_apart_and_one_has_no_plural() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "discoveries"), "1 discovery");
        assert_eq!(counted(1, "jobs"), "1 job");
        assert_eq!(counted(1, "lists and messages"), "1 lists and messages");
        assert_eq!(counted(412, "discoveries"), "412 discoveries");
    }

    #[test]
    fn a_small_share_is_not_shown_as_nothing() {
        assert_eq!(share(0.0), "0 %");
        assert_eq!(share(0.0002), "0.02 %");
        assert_eq!(share(0.000_000_1), "under 0.01 %");
        assert_eq!(share(0.125), "12.5 %");
    }

    #[test]
    fn sizes_and_rates_carry_their_units() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(22 * 1_024), "22.0 KiB");
        assert_eq!(bytes(1 << 20), "1.00 MiB");
        assert_eq!(rate(20.0), "20.0/s");
        assert_eq!(rate(5_500.4), "5,500/s");
    }
}
