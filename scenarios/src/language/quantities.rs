//! Quantities: shares, bandwidths, durations with a sign, and numbers that a seed draws between two. Neighbours: `units`
//! (durations without a sign). Left out: where they are allowed.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::Nanos;
use crate::language::arrive::COUNT_MAX;
use crate::language::shape::{Form, Shape, Table, needed};
use crate::language::units;
use crate::language::view::View;
use crate::scenario::Signed;
use crate::tree::Node;

/// A share: from nothing to all.
pub(crate) const SHARE: Shape = Shape::Number(0.0, 1.0);

/// A bandwidth.
pub(crate) const BANDWIDTH: Shape = Shape::Form(&Form {
    what: "a bandwidth",
    example: "\"10Mbit/s\"",
    pattern: r"^[0-9]+(\.[0-9]+)? ?(B|kB|KiB|MB|MiB|GB|GiB|kbit|Mbit|Gbit)/s$",
    accepts: |text| bytes_per_s(text).map(|_| ()),
});

/// Bytes a second.
const BANDWIDTH_UNITS: [(&str, f64); 10] = [
    ("B/s", 1.0),
    ("kB/s", 1e3),
    ("KiB/s", 1024.0),
    ("MB/s", 1e6),
    ("MiB/s", 1024.0 * 1024.0),
    ("GB/s", 1e9),
    ("GiB/s", 1024.0 * 1024.0 * 1024.0),
    ("kbit/s", 125.0),
    ("Mbit/s", 125e3),
    ("Gbit/s", 125e6),
];

/// More is no limit on any simulated network.
const BYTES_PER_S_MAX: f64 = 1e12;

/// A bandwidth such as `10Mbit/s` or `64KiB/s`, in bytes a second. The error says what is wrong.
pub(crate) fn bytes_per_s(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| format!("`{text}` is no bandwidth"))?;
    let Some((_, bytes)) = BANDWIDTH_UNITS.iter().find(|(name, _)| *name == unit.trim_start()) else {
        return Err(
            "a bandwidth has a unit: B/s, kB/s, KiB/s, MB/s, MiB/s, GB/s, GiB/s, kbit/s, Mbit/s or Gbit/s".to_owned()
        );
    };
    let bytes_per_s = (number * bytes).round();
    if !(1.0..=BYTES_PER_S_MAX).contains(&bytes_per_s) {
        return Err("a bandwidth is from 1B/s to 1000GB/s".to_owned());
    }
    Ok(bytes_per_s as u64)
}

/// Declares the shape of a whole number, or of one that each seed draws between two; `$table` names the drawn one in the schema.
macro_rules! whole_or_drawn {
    ($name:ident, $table:literal, $least:expr, $most:expr) => {
        pub(crate) const $name: Shape = {
            const WHOLE: Shape = Shape::Whole($least, $most);
            static DRAWN: Table = Table {
                name: $table,
                doc: "`{ uniform = [1, 5] }`",
                keys: &[needed("uniform", Shape::Pair(&WHOLE), "Evenly between two numbers, both included.")],
                one_of: &[],
                later: &[],
            };
            Shape::Either(&[WHOLE, Shape::Table(&DRAWN)])
        };
    };
}

whole_or_drawn!(COUNT, "a drawn count", 1, COUNT_MAX);
whole_or_drawn!(NTH, "a drawn place", 1, 1_000_000);
whole_or_drawn!(DELAY_POINTS, "a drawn number of delay points", 0, 1_000);

/// Reads a number that may be drawn as its least and its most.
pub(crate) fn read_whole(node: &Node, faults: &mut Faults) -> Option<(u64, u64)> {
    ends(node, Node::as_whole, faults)
}

/// A rate a second.
pub(crate) const RATE: Shape = Shape::Number(0.000_1, 10_000.0);

/// A rate, or one that each seed draws between two.
pub(crate) const RATE_OR_DRAWN: Shape = Shape::Either(&[RATE, Shape::Table(&DRAWN_RATE)]);

static DRAWN_RATE: Table = Table {
    name: "a drawn rate",
    doc: "`{ uniform = [5.0, 20.0] }`",
    keys: &[needed("uniform", Shape::Pair(&RATE), "Evenly between two rates.")],
    one_of: &[],
    later: &[],
};

/// Reads a [`RATE_OR_DRAWN`] as its least and its most.
pub(crate) fn read_rate(node: &Node, faults: &mut Faults) -> Option<(f64, f64)> {
    ends(node, Node::as_number, faults)
}

/// One number for both ends, or the two of `uniform`.
fn ends<T: Copy + PartialOrd>(node: &Node, number: impl Fn(&Node) -> Option<T>, faults: &mut Faults) -> Option<(T, T)> {
    if let Some(one) = number(node) {
        return Some((one, one));
    }
    let list = node.get("uniform")?;
    let numbers: Vec<T> = list.as_list()?.iter().map(number).collect::<Option<_>>()?;
    match numbers.as_slice() {
        [least, most] if least <= most => Some((*least, *most)),
        [_, _] => {
            faults.push(Fault::new(&list.span, "the lower end is above the upper end"));
            None
        }
        _ => None,
    }
}

const SIGNED_DURATION: Shape = Shape::Form(&Form {
    what: "a duration with or without a sign",
    example: "\"-5s\"",
    pattern: r"^[+-]?([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d) ?)+$",
    accepts: |text| signed_duration(text).map(|_| ()),
});

/// A duration ahead or behind, or one that is drawn between two.
pub(crate) const OFFSET: Shape = Shape::Either(&[SIGNED_DURATION, Shape::Table(&OFFSET_TABLE)]);

static OFFSET_TABLE: Table = Table {
    name: "a drawn offset",
    doc: "`{ uniform = [\"-5s\", \"5s\"] }`",
    keys: &[needed("uniform", Shape::Pair(&SIGNED_DURATION), "Evenly between two, both included.")],
    one_of: &[],
    later: &[],
};

/// A duration such as `5s` or `-1.5s`.
fn signed_duration(text: &str) -> Result<i64, String> {
    let nanos = |text| units::duration(text).map(|nanos: Nanos| i64::try_from(nanos).unwrap_or(i64::MAX));
    match text.trim().strip_prefix('-') {
        Some(behind) => nanos(behind).map(|nanos| -nanos),
        None => nanos(text.trim().trim_start_matches('+')),
    }
}

/// Reads an [`OFFSET`] and reports what contradicts itself.
pub(crate) fn read_offset(node: &Node, faults: &mut Faults) -> Option<Signed> {
    if let Some(text) = node.as_text() {
        return signed_duration(text).ok().map(|nanos| Signed { least: nanos, most: nanos });
    }
    let view = View::new(&OFFSET_TABLE, node.is_table().then_some(node), &node.span);
    let ends: Vec<i64> =
        view.texts("uniform").iter().map(|(text, _)| signed_duration(text).ok()).collect::<Option<_>>()?;
    match ends.as_slice() {
        [least, most] if least <= most => Some(Signed { least: *least, most: *most }),
        [_, _] => {
            faults.push(Fault::new(&view.span("uniform"), "the lower end is above the upper end"));
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bandwidths_are_read_in_bits_and_bytes() {
        for (text, bytes) in [("64KiB/s", 65_536), ("10Mbit/s", 1_250_000), ("1.5 kB/s", 1_500), ("1B/s", 1)] {
            assert_eq!(bytes_per_s(text), Ok(bytes), "{text}");
        }
        for text in ["", "10", "10 Mbps", "0B/s", "-1MB/s", "2000GB/s", "1.2.3B/s"] {
            assert!(bytes_per_s(text).is_err(), "{text}");
        }
    }

    #[test]
    fn offsets_go_both_ways() {
        assert_eq!(signed_duration("-1.5s"), Ok(-1_500_000_000));
        assert_eq!(signed_duration("+2ms"), Ok(2_000_000));
        assert_eq!(signed_duration("1m 30s"), Ok(90_000_000_000));
        for text in ["--5s", "-", "5", "+-1s"] {
            assert!(signed_duration(text).is_err(), "{text}");
        }
    }
}
