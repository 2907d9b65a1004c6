//! `rows`: a table whose rows the users of a group take in turn, as `${row.COLUMN}`. Written in the scenario, or in a CSV file
//! beside it. The caller has the rows of such files written behind the text, as `[files]`, so that a record holds all that was
//! played and every place of the author's text stays what it is.
//!
//! Neighbours: `users` (the table of keys), `templates` (names columns), `csv` (reads the file), `fill` (comes before: a
//! parameter may name the file).

use crate::csv;
use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{NameRule, Names, Shape};
use crate::language::view::View;
use crate::language::{fill, params};
use crate::plan::World;
use crate::scenario::Overrides;
use crate::source::{SOURCE_BYTES_MAX, Source};
use crate::tree::{self, Node, Value as Toml};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// `rows`.
pub(crate) const ROWS: Shape = Shape::Either(&[Shape::Text, TABLE]);

/// `[files]`.
pub(crate) static FILES: Names = Names { what: "file", rule: NameRule::Any, value: TABLE };

const TABLE: Shape = Shape::List(&Shape::JsonTable, 1);

/// The rows of a group.
pub(crate) fn read(group: &View<'_>) -> Vec<BTreeMap<String, Value>> {
    let Some(entry) = group.entry("rows") else { return Vec::new() };
    let row = |node: &Node| node.entries().iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect();
    entry.node.as_list().unwrap_or_default().iter().map(row).collect()
}

/// Puts the rows of `[files]` where groups name them. Reports files that are not there, with the reason if the caller knows it;
/// their names stay where they are.
pub(crate) fn place(root: &mut Node, unreadable: &BTreeMap<String, String>, faults: &mut Faults) {
    let files = root.get("files").cloned();
    for rows in named(root) {
        let file = rows.as_text().unwrap_or_default();
        match files.as_ref().and_then(|files| files.get(file)) {
            Some(read) => *rows = fill::moved(read, &rows.span),
            None => faults.push(missing(rows, file, unreadable.get(file))),
        }
    }
}

fn missing(rows: &Node, file: &str, why: Option<&String>) -> Fault {
    let fault = Fault::new(&rows.span, format!("the rows of `{file}` cannot be read"));
    match why {
        Some(why) => {
            fault.found(why.as_str()).hint("a CSV file beside the scenario, with names of columns in its first line")
        }
        None => fault.hint("a file is looked for beside the scenario, which must be a file too"),
    }
}

/// Where groups name files.
fn named(root: &mut Node) -> impl Iterator<Item = &mut Node> {
    let groups = root.get_mut("users").map_or(&mut [][..], Node::entries_mut);
    groups.iter_mut().filter_map(|group| group.node.get_mut("rows")).filter(|node| node.as_text().is_some())
}

/// The text of a scenario with the rows of its CSV files written behind it, and why some could not be, by file: for
/// [`Overrides::unreadable_rows`]. `read` gives the content of a file. A text that has `[files]` needs no more: it is a
/// record's.
pub fn with_rows(
    source: &[u8],
    overrides: &Overrides,
    read: impl Fn(&str) -> Result<String, String>,
) -> (Vec<u8>, BTreeMap<String, String>) {
    let mut faults = Faults::default();
    let root = tree::parse(Source::new(source).0.text, &mut faults);
    let (mut whole, mut unreadable) = (source.to_vec(), BTreeMap::new());
    if !faults.is_empty() || root.get("files").is_some() {
        return (whole, unreadable);
    }
    let mut written = String::new();
    for file in names(&root, overrides) {
        let room = SOURCE_BYTES_MAX.saturating_sub(whole.len() + written.len());
        match read(&file).and_then(|text| csv::rows(&text)).map(|rows| as_toml(&file, &rows)) {
            Ok(rows) if rows.len() + HEAD.len() > room => {
                let why = format!("the scenario would have more than {SOURCE_BYTES_MAX} bytes with its rows");
                unreadable.insert(file, why);
            }
            Ok(rows) => written += &rows,
            Err(why) => drop(unreadable.insert(file, why)),
        }
    }
    if !written.is_empty() {
        whole.extend_from_slice(HEAD.as_bytes());
        whole.extend_from_slice(written.as_bytes());
    }
    (whole, unreadable)
}

/// What stands between the author's text and the rows.
const HEAD: &str = "\n# Rows of the files that are named above, as they were when this was read.\n[files]\n";

/// The files that groups name, in any variant and world.
fn names(root: &Node, overrides: &Overrides) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut unheard = Faults::default();
    for variant in params::variants(root, overrides, &mut unheard) {
        for world in [World::Simulated, World::Live] {
            let values = params::values(root, variant.as_deref(), world, overrides);
            let mut filled = fill::fill(root, &fill::resolve(&values, &mut unheard), &mut unheard).root;
            names.extend(named(&mut filled).filter_map(|rows| rows.as_text().map(str::to_owned)));
        }
    }
    names
}

/// A file as a key of `[files]`, a row a line.
fn as_toml(file: &str, rows: &[Vec<(String, String)>]) -> String {
    // JSON's strings are strings of TOML too, but for one letter that TOML wants escaped.
    let quoted = |text: &str| Value::from(text).to_string().replace('\u{7f}', "\\u007f");
    let cells = |row: &Vec<(String, String)>| {
        let cells: Vec<_> = row.iter().map(|(name, cell)| format!("{} = {}", quoted(name), quoted(cell))).collect();
        format!("  {{ {} }},\n", cells.join(", "))
    };
    format!("{} = [\n{}]\n", quoted(file), rows.iter().map(cells).collect::<String>())
}

/// The columns that every row of these groups has; none if a file of theirs is missing, so that nobody knows.
pub(crate) fn columns<'a>(groups: impl Iterator<Item = &'a Node>) -> Option<BTreeSet<String>> {
    let of_group = |group: &Node| -> Option<BTreeSet<String>> {
        let Some(rows) = group.get("rows") else { return Some(BTreeSet::new()) };
        match &rows.value {
            Toml::Text(_) => None,
            _ => {
                let rows = rows.as_list().unwrap_or_default();
                Some(rows.iter().flat_map(Node::entries).map(|entry| entry.key.clone()).collect())
            }
        }
    };
    let columns: Vec<_> = groups.map(of_group).collect::<Option<_>>()?;
    let common = columns.into_iter().reduce(|left, right| left.intersection(&right).cloned().collect());
    Some(common.unwrap_or_default())
}
