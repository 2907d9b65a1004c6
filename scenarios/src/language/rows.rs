//! `rows`: a table whose rows the users of a group take in turn, as `${row.COLUMN}`. Written in the scenario, or in a CSV file
//! beside it that the caller puts into the text before it is read, so that a record holds all that was played.
//! Neighbours: `users` (the table of keys), `templates` (names columns), `csv` (reads the file).

use crate::csv;
use crate::diagnostics::{Fault, Faults};
use crate::language::shape::Shape;
use crate::language::view::View;
use crate::source::Source;
use crate::tree::{self, Node};
use serde_json::Value;
use std::collections::BTreeMap;

/// `rows`.
pub(crate) const ROWS: Shape = Shape::Either(&[Shape::Text, Shape::List(&Shape::JsonTable, 1)]);

/// The rows of a group.
pub(crate) fn read(group: &View<'_>) -> Vec<BTreeMap<String, Value>> {
    let Some(entry) = group.entry("rows") else { return Vec::new() };
    let row = |node: &Node| node.entries().iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect();
    entry.node.as_list().unwrap_or_default().iter().map(row).collect()
}

/// Reports files whose rows have not been written into the text, with the reason if the caller knows it.
pub(crate) fn check_files(root: &Node, unreadable: &BTreeMap<String, String>, faults: &mut Faults) {
    for node in files(root) {
        let file = node.as_text().unwrap_or_default();
        let fault = Fault::new(&node.span, format!("the rows of `{file}` cannot be read"));
        faults.push(match unreadable.get(file) {
            Some(why) => fault
                .found(why.as_str())
                .hint("a CSV file beside the scenario, with names of columns in its first line"),
            None => fault.hint("a file is looked for beside the scenario, which must be a file too"),
        });
    }
}

/// Where groups name files.
fn files(root: &Node) -> Vec<&Node> {
    let groups = root.get("users").map_or(&[][..], Node::entries);
    groups.iter().filter_map(|group| group.node.get("rows")).filter(|node| node.as_text().is_some()).collect()
}

/// The text of a scenario with the rows of its CSV files written into it, on the line that names the file, and why some could
/// not be, by file: for [`crate::Overrides`]. `read` gives the content of a file.
pub fn with_rows(source: &[u8], read: impl Fn(&str) -> Result<String, String>) -> (Vec<u8>, BTreeMap<String, String>) {
    let (text, _) = Source::new(source);
    let root = tree::parse(text.text, &mut Faults::default());
    let mut named = files(&root);
    // From the end, so that places before stay what they are.
    named.sort_by_key(|node| std::cmp::Reverse(node.span.start));
    let (mut filled, mut unreadable) = (source.to_vec(), BTreeMap::new());
    for node in named {
        let file = node.as_text().unwrap_or_default();
        match read(file).and_then(|text| csv::rows(&text)) {
            Ok(rows) => drop(filled.splice(node.span.clone(), as_toml(&rows).into_bytes())),
            Err(why) => drop(unreadable.insert(file.to_owned(), why)),
        }
    }
    (filled, unreadable)
}

/// A list of tables on one line.
fn as_toml(rows: &[Vec<(String, String)>]) -> String {
    // JSON's strings are strings of TOML too.
    let quoted = |text: &str| Value::from(text).to_string();
    let cells = |row: &Vec<(String, String)>| {
        let cells: Vec<_> = row.iter().map(|(name, cell)| format!("{} = {}", quoted(name), quoted(cell))).collect();
        format!("{{ {} }}", cells.join(", "))
    };
    format!("[{}]", rows.iter().map(cells).collect::<Vec<_>>().join(", "))
}
