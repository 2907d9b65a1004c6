//! `[thresholds]`: service-level objectives such as `discover = ["p50 < 20ms", "errors < 0.1%"]`, judged live only.
//! Neighbours: `reports::numbers` measures and judges.

use crate::diagnostics::{Fault, Faults};
use crate::language::flow::Flow;
use crate::language::shape::{Form, NameRule, Names, Shape};
use crate::language::units;
use crate::plan::{Measure, Threshold};
use crate::tree::{Entry, Span};
use std::collections::{BTreeMap, BTreeSet};

/// `[thresholds]`.
pub(crate) static THRESHOLDS: Names = Names { what: "list of objectives", rule: NameRule::Any, value: OBJECTIVES };

const OBJECTIVES: Shape = Shape::Either(&[OBJECTIVE, Shape::List(&OBJECTIVE, 1)]);

const OBJECTIVE: Shape = Shape::Form(&Form {
    what: "an objective",
    example: "\"p99 < 100ms\", \"errors < 0.1%\" or \"rate > 20/s\"",
    pattern: r"^(p[0-9.]+|errors|rate|share) *[<>] *[0-9.]+ *(ns|us|ms|s|m|h|%|/s)?$",
    accepts: |text| parse(text).map(|_| ()),
});

/// Operations of users that are measured in every run, besides steps by their own names.
pub(crate) const OPERATIONS: [&str; 8] =
    ["sign_in", "create_room", "connect", "register", "discover", "update_metadata", "reserve_worker", "request_job"];

/// What is measured and no single user's: from sending a message to its arrival, to that of the last of several recipients,
/// and from a status change to the first discovery that shows it.
const BETWEEN_USERS: [&str; 3] = ["deliver", "deliver_to_all", "status_seen"];

/// All that is measured in every run, besides steps by their own names.
pub(crate) fn measured() -> impl Iterator<Item = &'static str> {
    OPERATIONS.into_iter().chain(BETWEEN_USERS)
}

/// Planned work that was dropped, of whatever operation. A step may have this name all the same.
const LATE: &str = "late";

/// All objectives.
pub(crate) fn read(entries: &[Entry], flows: &BTreeMap<String, Flow>, faults: &mut Faults) -> Vec<Threshold> {
    let mut thresholds = Vec::new();
    for entry in entries {
        let one = std::slice::from_ref(&entry.node);
        let objectives = || entry.node.as_list().unwrap_or(one).iter().filter_map(|node| Some((node.as_text()?, node)));
        let is_of_late = |text: &str| parse(text).is_ok_and(|(measure, _)| measure == Measure::Late);
        let is_late = entry.key == LATE && objectives().all(|(text, _)| is_of_late(text));
        if let Some(fault) = unknown_operation(&entry.key_span, &entry.key, flows).filter(|_| !is_late) {
            faults.push(fault);
        }
        for (text, node) in objectives() {
            if let Ok((measure, limit)) = parse(text) {
                if measure == Measure::Late && entry.key != LATE {
                    let fault = Fault::new(&node.span, format!("nothing of `{}` has a share", entry.key));
                    faults.push(fault.hint("`late = \"share < 0.1%\"` is the share of planned work that was dropped"));
                }
                thresholds.push(Threshold { operation: entry.key.clone(), measure, limit, text: text.to_owned() });
            }
        }
    }
    thresholds
}

/// Why nothing is measured under this name, if that is so.
pub(crate) fn unknown_operation(span: &Span, name: &str, flows: &BTreeMap<String, Flow>) -> Option<Fault> {
    let mut known: BTreeSet<&str> = measured().collect();
    known.extend(flows.values().flat_map(|flow| flow.names.iter().map(String::as_str)));
    match (known.contains(name), name) {
        (true, _) => None,
        (false, LATE) => Some(
            Fault::new(span, "of late work only its share is measured")
                .hint("`[thresholds] late = \"share < 0.1%\"` is the share of planned work that was dropped"),
        ),
        _ => Some(Fault::new(span, format!("nothing is called `{name}`")).among(name, known)),
    }
}

/// An objective: what is measured, and its limit (nanoseconds, a share 0–1, or operations a second).
fn parse(text: &str) -> Result<(Measure, f64), String> {
    let usage = || "an objective is a measure, `<` or `>`, and a limit".to_owned();
    let at = text.find(['<', '>']).ok_or_else(usage)?;
    let (measure, limit) = (text[..at].trim(), text[at + 1..].trim());
    if let Some(words) = words_of_k6(measure, limit) {
        return Err(words);
    }
    let above = text[at..].starts_with('>');
    let (measure, limit) = match measure {
        "errors" => (Measure::Errors, share(limit)?),
        "share" => (Measure::Late, share(limit)?),
        "rate" => {
            let number = limit.strip_suffix("/s").unwrap_or(limit).trim();
            (Measure::Rate, number.parse().map_err(|_| format!("`{limit}` is no rate such as 20/s"))?)
        }
        _ => (Measure::Percentile(percentile(measure)?), units::duration(limit)? as f64),
    };
    match (measure, above) {
        (Measure::Rate, false) => Err("a rate must be above its limit: `rate > …`".to_owned()),
        (Measure::Percentile(_) | Measure::Errors | Measure::Late, true) => {
            Err("this must be below its limit: write `<`".to_owned())
        }
        _ if !limit.is_finite() || limit < 0.0 => Err("the limit is out of range".to_owned()),
        _ => Ok((measure, limit)),
    }
}

/// `p(99)<200`, `med<100`, `avg<100` are how k6 writes what is `p99 < 200ms` here.
fn words_of_k6(measure: &str, limit: &str) -> Option<String> {
    let of_table = match measure {
        "med" => Some("50"),
        "avg" => return Some("`avg` hides what is slow: write a percentile, such as `p50 < 100ms`".to_owned()),
        "max" => return Some("`max` is one answer of all: write a percentile, such as `p99.9 < 1s`".to_owned()),
        _ => measure.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')),
    };
    let unit = if limit.ends_with(|last: char| last.is_ascii_digit()) { "ms" } else { "" };
    of_table.map(|number| format!("this is k6's way to say `p{} < {limit}{unit}`", number.trim()))
}

/// Whether a word is a percentile, right or wrong.
pub(crate) fn is_percentile(word: &str) -> bool {
    word.strip_prefix('p').is_some_and(|digits| digits.parse::<f64>().is_ok())
}

pub(crate) fn percentile(text: &str) -> Result<f64, String> {
    let number = text.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
    match number {
        Some(number) if number > 0.0 && number < 100.0 => Ok(number / 100.0),
        Some(_) => Err(format!("`{text}` is no percentile between p0 and p100")),
        None => Err(format!("`{text}` is no measure: p50, p99, p99.9, errors, rate or share")),
    }
}

pub(crate) fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    match number.trim().parse::<f64>() {
        Ok(number) if (0.0..=scale).contains(&number) => Ok(number / scale),
        _ => Err(format!("`{text}` is no share such as 0.1%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_read_with_their_units() {
        assert_eq!(parse("p99 < 100ms"), Ok((Measure::Percentile(0.99), 1e8)));
        assert_eq!(parse("errors<0.5%"), Ok((Measure::Errors, 0.005)));
        assert_eq!(parse("share < 1%"), Ok((Measure::Late, 0.01)));
        assert_eq!(parse("rate > 20/s"), Ok((Measure::Rate, 20.0)));
    }

    #[test]
    fn objectives_that_make_no_sense_say_why() {
        assert!(parse("p99 > 1s").unwrap_err().contains("below"));
        assert!(parse("rate < 5").unwrap_err().contains("above"));
        assert!(parse("p100 < 1s").unwrap_err().contains("percentile"));
        assert!(parse("errors < 200%").is_err());
        assert!(parse("p99 < 5").unwrap_err().contains("unit"));
        assert!(parse("fast").is_err());
    }

    #[test]
    fn what_k6_would_write_is_answered_with_what_to_write_here() {
        assert!(parse("p(99)<200").unwrap_err().contains("`p99 < 200ms`"));
        assert!(parse("p( 99.9 ) < 1s").unwrap_err().contains("`p99.9 < 1s`"));
        assert!(parse("med<100").unwrap_err().contains("`p50 < 100ms`"));
        assert!(parse("avg<100").unwrap_err().contains("percentile"));
    }
}
