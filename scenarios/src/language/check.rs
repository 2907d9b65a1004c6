//! Walks a document along its shapes and collects every fault of form: unknown keys, wrong kinds, values out of range,
//! keys that are missing, keys that are not there yet.
//!
//! Neighbours: `shape` (what is allowed), `view` (reads what passed). Left out: contradictions, which the sections
//! find.

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{Later, NameRule, Names, Presence, Shape, Table, Why, Words};
use crate::tree::{Entry, Node, Span, Value};

/// Checks a value; `anchor` is where a fault about what is missing points, usually the key.
pub(crate) fn check(shape: &Shape, node: &Node, anchor: &Span, faults: &mut Faults) {
    match (shape, &node.value) {
        (Shape::Text, Value::Text(_)) | (Shape::Flag, Value::Flag(_)) => {}
        (Shape::Form(form), Value::Text(text)) => {
            if let Err(why) = (form.accepts)(text) {
                faults.push(refused(node, shape, why));
            }
        }
        (Shape::Word(words), Value::Text(word)) => check_word(words, word, node, faults),
        (Shape::Whole(least, most), Value::Whole(_)) => {
            if !node.as_whole().is_some_and(|whole| (*least..=*most).contains(&whole)) {
                faults.push(refused(node, shape, "the number is out of range"));
            }
        }
        (Shape::Number(least, most), Value::Whole(_) | Value::Number(_)) => {
            if !node.as_number().is_some_and(|number| (*least..=*most).contains(&number)) {
                faults.push(refused(node, shape, "the number is out of range"));
            }
        }
        (Shape::Json, _) | (Shape::JsonTable, Value::Table(_)) => check_json(node, faults),
        (Shape::List(item, least), Value::List(list)) => {
            if list.len() < *least {
                faults.push(refused(node, shape, "the list is too short"));
            }
            list.iter().for_each(|node| check(item, node, &node.span, faults));
        }
        (Shape::Pair(item), Value::List(list)) => {
            if list.len() != 2 {
                faults.push(refused(node, shape, "the list is of the wrong length"));
            }
            list.iter().for_each(|node| check(item, node, &node.span, faults));
        }
        (Shape::Names(names), Value::Table(entries)) => check_names(names, entries, faults),
        (Shape::Table(table), Value::Table(entries)) => check_table(table, entries, anchor, faults),
        (Shape::Either(shapes), _) => match shapes.iter().find(|shape| accepts_kind(shape, &node.value)) {
            Some(shape) => check(shape, node, anchor, faults),
            None => faults.push(refused(node, shape, "this kind of value does not belong here")),
        },
        _ => faults.push(refused(node, shape, "this kind of value does not belong here")),
    }
}

/// What a shape wants, for messages.
pub(crate) fn wanted(shape: &Shape) -> String {
    match shape {
        Shape::Text => "a string".to_owned(),
        Shape::Form(form) => format!("{} such as {}", form.what, form.example),
        Shape::Word(words) => crate::diagnostics::one_of(words.words),
        Shape::Whole(least, u64::MAX) => format!("a whole number from {least}"),
        Shape::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Shape::Number(least, most) if *most == f64::MAX => format!("a number from {least}"),
        Shape::Number(least, most) => format!("a number from {least} to {most}"),
        Shape::Flag => "`true` or `false`".to_owned(),
        Shape::Json => "a value".to_owned(),
        Shape::JsonTable => "a table".to_owned(),
        Shape::List(item, 0) => format!("a list, each item {}", wanted(item)),
        Shape::List(item, least) => format!("a list of at least {least}, each item {}", wanted(item)),
        Shape::Pair(item) => format!("a list of two, each item {}", wanted(item)),
        Shape::Names(names) => format!("a table with a {} for each name", names.what),
        Shape::Table(table) => format!("{} ({})", table.name, table.doc),
        Shape::Either(shapes) => shapes.iter().map(wanted).collect::<Vec<_>>().join(", or "),
    }
}

fn refused(node: &Node, shape: &Shape, message: impl Into<String>) -> Fault {
    let fault = Fault::new(&node.span, message).found(node.describe()).expected(wanted(shape));
    match node.as_text() {
        Some(text) if text.starts_with("${") => {
            fault.hint("this is filled in while playing; a value of another kind must be a parameter: `[params]`")
        }
        _ if matches!((shape, &node.value), (Shape::Names(_), Value::List(_))) => {
            fault.hint("each has a name: write `[….NAME]` for each, in place of a list")
        }
        _ if wants_a_form(shape) && node.as_number().is_some() => {
            fault.hint("units are always written, inside quotes: \"5s\", \"200ms\", \"2m\"")
        }
        _ => fault,
    }
}

fn wants_a_form(shape: &Shape) -> bool {
    match shape {
        Shape::Form(_) => true,
        Shape::Either(shapes) => shapes.iter().any(wants_a_form),
        _ => false,
    }
}

fn accepts_kind(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::Text | Shape::Form(_) | Shape::Word(_) => matches!(value, Value::Text(_)),
        Shape::Whole(..) => matches!(value, Value::Whole(_)),
        Shape::Number(..) => matches!(value, Value::Whole(_) | Value::Number(_)),
        Shape::Flag => matches!(value, Value::Flag(_)),
        Shape::Json => true,
        Shape::List(..) | Shape::Pair(_) => matches!(value, Value::List(_)),
        Shape::JsonTable | Shape::Names(_) | Shape::Table(_) => matches!(value, Value::Table(_)),
        Shape::Either(shapes) => shapes.iter().any(|shape| accepts_kind(shape, value)),
    }
}

fn check_word(words: &Words, word: &str, node: &Node, faults: &mut Faults) {
    if words.words.contains(&word) {
        return;
    }
    faults.push(match words.later.iter().find(|later| later.name == word) {
        Some(Later { why: Why::NotYet, hint, .. }) => {
            Fault::new(&node.span, format!("`{word}` is not there yet")).hint(*hint)
        }
        Some(Later { why: Why::Elsewhere, hint, .. }) => {
            Fault::new(&node.span, format!("`{word}` alone says too little")).hint(*hint)
        }
        None => Fault::new(&node.span, format!("unknown word `{word}`")).among(word, words.words.iter().copied()),
    });
}

fn check_json(node: &Node, faults: &mut Faults) {
    match &node.value {
        Value::Date(_) => faults.push(
            Fault::new(&node.span, "JSON has no dates").found(node.describe()).hint("write it as a string, in quotes"),
        ),
        Value::Number(number) if !number.is_finite() => {
            faults.push(Fault::new(&node.span, "JSON has no such number").found(node.describe()));
        }
        Value::List(list) => list.iter().for_each(|node| check_json(node, faults)),
        Value::Table(entries) => entries.iter().for_each(|entry| check_json(&entry.node, faults)),
        _ => {}
    }
}

fn check_names(names: &Names, entries: &[Entry], faults: &mut Faults) {
    for entry in entries {
        if let Err(why) = name_follows(names.rule, &entry.key) {
            faults.push(
                Fault::new(&entry.key_span, format!("`{}` is no name for a {}", entry.key, names.what)).expected(why),
            );
        }
        check(&names.value, &entry.node, &entry.key_span, faults);
    }
}

fn name_follows(rule: NameRule, name: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let follows = match rule {
        NameRule::Plain => {
            name.len() <= 40 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain)
        }
        NameRule::Any => !name.is_empty(),
    };
    match (follows, rule) {
        (true, _) => Ok(()),
        (false, NameRule::Plain) => Err("at most 40 lower-case letters, digits, `-` and `_`, with a letter first"),
        (false, NameRule::Any) => Err("at least one character"),
    }
}

fn check_table(table: &'static Table, entries: &[Entry], anchor: &Span, faults: &mut Faults) {
    let has = |name: &str| entries.iter().any(|entry| entry.key == name);
    for entry in entries {
        match table.key(&entry.key) {
            Some(key) => {
                if !key.with.is_empty() && !key.with.iter().any(|with| has(with)) {
                    faults.push(
                        Fault::new(&entry.key_span, format!("`{}` means nothing here", key.name))
                            .expected(format!("it beside {}", crate::diagnostics::one_of(key.with))),
                    );
                }
                check(&key.shape, &entry.node, &entry.key_span, faults);
            }
            None => faults.push(unknown_key(table, entry)),
        }
    }
    for key in table.keys {
        if key.presence == Presence::Needed && !has(key.name) {
            faults.push(
                Fault::new(anchor, format!("`{}` is missing in {}", key.name, table.name))
                    .expected(format!("`{} = …`: {}", key.name, wanted(&key.shape)))
                    .hint(key.doc),
            );
        }
    }
    check_one_of(table, entries, anchor, faults);
}

fn unknown_key(table: &'static Table, entry: &Entry) -> Fault {
    match table.later(&entry.key) {
        Some(Later { why: Why::NotYet, hint, .. }) => {
            Fault::new(&entry.key_span, format!("`{}` is not there yet in {}", entry.key, table.name)).hint(*hint)
        }
        Some(Later { why: Why::Elsewhere, hint, .. }) => {
            Fault::new(&entry.key_span, format!("{} has no `{}`", table.name, entry.key)).hint(*hint)
        }
        None => Fault::new(&entry.key_span, format!("unknown key `{}` in {}", entry.key, table.name))
            .among(&entry.key, table.keys.iter().map(|key| key.name)),
    }
}

fn check_one_of(table: &Table, entries: &[Entry], anchor: &Span, faults: &mut Faults) {
    if table.one_of.is_empty() {
        return;
    }
    let mut present = entries.iter().filter(|entry| table.one_of.contains(&entry.key.as_str()));
    let Some(first) = present.next() else {
        // An unknown or future key was probably meant to be the one, and has been reported.
        if entries.iter().all(|entry| table.key(&entry.key).is_some()) {
            faults.push(
                Fault::new(anchor, format!("{} says nothing", table.name))
                    .expected(crate::diagnostics::one_of(table.one_of)),
            );
        }
        return;
    };
    for other in present {
        faults.push(
            Fault::new(&other.key_span, format!("`{}` and `{}` exclude each other", first.key, other.key))
                .expected(format!("{} with only one of them", table.name)),
        );
    }
}
