//! `[observe]`: metrics addresses by name, fetched once a second beside the latency. Neighbours: `abort` (rules about what they
//! say), `loadgen::live::observe` (fetches them). Left out: what the metrics mean.

use crate::language::shape::{Form, NameRule, Names, Shape};
use crate::plan::ObservedPlan;
use crate::tree::Entry;

/// `[observe]`.
pub(crate) static OBSERVE: Names =
    Names { what: "metrics address", rule: NameRule::Plain, value: Shape::Form(&ADDRESS) };

static ADDRESS: Form = Form {
    what: "the address of metrics",
    example: "\"http://127.0.0.1:8001/metrics\"",
    pattern: r"^https?://[^/ ]+(/[^ ]*)?$",
    accepts: |text| {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        match rest {
            None => Err("a metrics address begins with http:// or https://".to_owned()),
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Err("the address names no host".to_owned()),
            Some(rest) if rest.contains('@') => {
                Err("the address holds a password, and a scenario holds no secrets".to_owned())
            }
            Some(rest) if rest.contains(char::is_whitespace) => Err("an address holds no blanks".to_owned()),
            Some(_) => Ok(()),
        }
    },
};

/// What is observed, in the order of the file.
pub(crate) fn read(entries: &[Entry]) -> Vec<ObservedPlan> {
    let of = |entry: &Entry| Some(ObservedPlan { name: entry.key.clone(), url: entry.node.as_text()?.to_owned() });
    entries.iter().filter_map(of).collect()
}
