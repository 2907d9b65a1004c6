//! Reads values of a table along its shape: what is there, else the default of the description.
//!
//! Malformed values read as absent, since `check` has reported them and a file with a fault never becomes a scenario.
//! Neighbours: `shape`, `units`, `distribution`. Left out: faults of form.

use crate::diagnostics::Faults;
use crate::distribution::{Distribution, Nanos};
use crate::language::shape::{Presence, Table};
use crate::language::{distribution, units};
use crate::tree::{Entry, Node, Span, parse_value};
use std::borrow::Cow;

/// A table of the document seen through its description.
#[derive(Clone, Debug)]
pub(crate) struct View<'a> {
    table: &'static Table,
    entries: &'a [Entry],
    /// Where faults about the table as a whole point.
    pub anchor: Span,
}

impl<'a> View<'a> {
    pub fn new(table: &'static Table, node: Option<&'a Node>, anchor: &Span) -> View<'a> {
        View { table, entries: node.map_or(&[], Node::entries), anchor: anchor.clone() }
    }

    /// The entry as written; none if it is left out.
    pub fn entry(&self, name: &str) -> Option<&'a Entry> {
        debug_assert!(self.table.key(name).is_some(), "`{name}` is not described in {}", self.table.name);
        self.entries.iter().find(|entry| entry.key == name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Where the value is written, else the table.
    pub fn span(&self, name: &str) -> Span {
        self.entry(name).map_or_else(|| self.anchor.clone(), |entry| entry.node.span.clone())
    }

    /// Where the key is written, else the table.
    pub fn key_span(&self, name: &str) -> Span {
        self.entry(name).map_or_else(|| self.anchor.clone(), |entry| entry.key_span.clone())
    }

    /// The value as written, else the default.
    pub fn value(&self, name: &str) -> Option<Cow<'a, Node>> {
        if let Some(entry) = self.entry(name) {
            return Some(Cow::Borrowed(&entry.node));
        }
        match self.table.key(name)?.presence {
            Presence::Default(text) => parse_value(text).map(Cow::Owned),
            Presence::Needed | Presence::Optional => None,
        }
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).and_then(|node| node.as_text().map(str::to_owned))
    }

    pub fn whole(&self, name: &str) -> Option<u64> {
        self.value(name).and_then(|node| node.as_whole())
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        self.value(name).and_then(|node| node.as_number())
    }

    pub fn flag(&self, name: &str) -> bool {
        self.value(name).is_some_and(|node| matches!(node.value, crate::tree::Value::Flag(true)))
    }

    pub fn duration(&self, name: &str) -> Option<Nanos> {
        self.value(name).and_then(|node| units::duration(node.as_text()?).ok())
    }

    pub fn distribution(&self, name: &str, faults: &mut Faults) -> Option<Distribution> {
        self.value(name).and_then(|node| distribution::read(&node, faults))
    }

    /// The items of a list with their places; empty if there is none.
    pub fn list(&self, name: &str) -> Vec<Node> {
        self.value(name).and_then(|node| node.as_list().map(<[Node]>::to_vec)).unwrap_or_default()
    }

    /// The strings of a list with their places.
    pub fn texts(&self, name: &str) -> Vec<(String, Span)> {
        let texts = self.list(name);
        texts.into_iter().filter_map(|node| Some((node.as_text()?.to_owned(), node.span.clone()))).collect()
    }

    /// A table inside this one; empty if it is left out.
    pub fn table(&self, name: &str, table: &'static Table) -> View<'a> {
        let entry = self.entry(name);
        View::new(table, entry.map(|entry| &entry.node), &self.key_span(name))
    }

    /// The entries of a table whose keys the author chose.
    pub fn names(&self, name: &str) -> &'a [Entry] {
        self.entry(name).map_or(&[], |entry| entry.node.entries())
    }
}
