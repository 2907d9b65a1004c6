//! A TOML document as a tree of our own: owned values with the span of each key and value, in the order of the file.
//! Neighbours: `source` (the text), `language` (what the tree means). Left out: meaning.

use crate::diagnostics::{Fault, Faults};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A place in the file, in bytes.
pub(crate) type Span = Range<usize>;

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub span: Span,
    pub value: Value,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    Date(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
}

impl Node {
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_whole(&self) -> Option<u64> {
        match self.value {
            Value::Whole(whole) => u64::try_from(whole).ok(),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        match self.value {
            Value::Whole(whole) => Some(whole as f64),
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    /// The entries of a table; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The same, to be changed.
    pub fn entries_mut(&mut self) -> &mut [Entry] {
        match &mut self.value {
            Value::Table(entries) => entries,
            _ => &mut [],
        }
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries_mut().iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    pub fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// What the file says here, for messages: kind and value.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Text(text) if text.chars().count() > 40 => {
                format!("the string \"{}…\"", text.chars().take(40).collect::<String>().escape_debug())
            }
            Value::Text(text) => format!("the string \"{}\"", text.escape_debug()),
            Value::Whole(whole) => format!("the whole number {whole}"),
            Value::Number(number) => format!("the number {number:?}"),
            Value::Flag(flag) => format!("`{flag}`"),
            Value::Date(date) => format!("the date {date}"),
            Value::List(list) => format!("a list of {}", list.len()),
            Value::Table(_) => "a table".to_owned(),
        }
    }

    /// The same value as JSON. Dates become strings and numbers that JSON lacks become null; the shape check refuses
    /// both.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Text(text) => text.as_str().into(),
            Value::Whole(whole) => (*whole).into(),
            Value::Number(number) => (*number).into(),
            Value::Flag(flag) => (*flag).into(),
            Value::Date(date) => date.as_str().into(),
            Value::List(list) => list.iter().map(Node::to_json).collect(),
            Value::Table(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect(),
        }
    }
}

impl Node {
    /// The value of JSON, as it would be read at no place of the file; none for what TOML lacks.
    pub fn of_json(json: &serde_json::Value) -> Option<Node> {
        use serde_json::Value as Json;
        let value = match json {
            Json::Null => return None,
            Json::Bool(flag) => Value::Flag(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Value::Whole(whole),
                None => Value::Number(number.as_f64()?),
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(list) => Value::List(list.iter().map(Node::of_json).collect::<Option<_>>()?),
            Json::Object(fields) => Value::Table(
                fields
                    .iter()
                    .map(|(key, value)| Some(Entry { key: key.clone(), key_span: 0..0, node: Node::of_json(value)? }))
                    .collect::<Option<_>>()?,
            ),
        };
        Some(Node { span: 0..0, value })
    }
}

/// Parses a document. What could not be parsed is a fault; what could is in the tree.
pub(crate) fn parse(text: &str, faults: &mut Faults) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let end = text.len().saturating_sub(1);
        let span = error.span().unwrap_or(end..end);
        let fault = Fault::new(&span, format!("this is not TOML: {}", error.message()));
        faults.push(fault.hint("nothing else is looked at before this is TOML"));
    }
    Node { span: table.span(), value: Value::Table(entries_of(table.into_inner())) }
}

/// Parses a value that is written in this crate, such as a default.
pub(crate) fn parse_value(text: &str) -> Option<Node> {
    DeValue::parse(text).ok().map(|value| Node { span: value.span(), value: value_of(value.into_inner()) })
}

fn entries_of(table: DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            key_span: key.span(),
            key: key.into_inner().into_owned(),
            node: Node { span: value.span(), value: value_of(value.into_inner()) },
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn value_of(value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(whole) => Value::Whole(whole),
            // TOML allows 64 bits; what is larger is a number that no key accepts.
            Err(_) => Value::Number(f64::INFINITY),
        },
        DeValue::Float(float) => Value::Number(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(list) => Value::List(
            list.into_iter().map(|item| Node { span: item.span(), value: value_of(item.into_inner()) }).collect(),
        ),
        DeValue::Table(table) => Value::Table(entries_of(table)),
    }
}
