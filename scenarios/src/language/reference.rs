//! The language as a page for readers: every table with its keys, what they take, and what they are if left out. Derived
//! from the shapes alone, like the schema. Neighbours: `shape`, `schema`. Left out: what is not there yet.

use crate::language::ROOT;
use crate::language::check::wanted;
use crate::language::shape::{Key, Presence, Shape, Table};
use crate::language::templates::{OWN, WITH_A_PART};
use std::fmt::Write;

const OPENING: &str = "# The scenario language

One TOML file says what is deployed, who does what, what goes wrong and what must hold. Only `format` and one group of
users are needed; everything else has a default. `rehearsal lint FILE` names the faults of a file, `rehearsal schema`
prints this language for your editor, and `rehearsal plan FILE` shows what a seed makes of a file.

This page is printed from the tables that the reader of the language uses; a test holds the two together.
";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut tables = Vec::new();
    collect(&Shape::Table(&ROOT), &mut tables);
    let mut page = OPENING.to_owned();
    // Writing into a string cannot fail.
    let _ = tables
        .into_iter()
        .try_for_each(|table| write_table(&mut page, table))
        .and_then(|()| write_templates(&mut page));
    page
}

/// All tables with keys that a shape leads to, each before those that it mentions.
fn collect(shape: &Shape, tables: &mut Vec<&'static Table>) {
    match shape {
        Shape::Table(table) if !tables.iter().any(|known| std::ptr::eq(*known, *table)) => {
            if !table.keys.is_empty() {
                tables.push(table);
            }
            table.keys.iter().for_each(|key| collect(&key.shape, tables));
        }
        Shape::List(item, _) | Shape::Pair(item) => collect(item, tables),
        Shape::Names(names) => collect(&names.value, tables),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| collect(shape, tables)),
        _ => {}
    }
}

fn write_table(page: &mut String, table: &Table) -> std::fmt::Result {
    writeln!(page, "\n## {}\n\n{}.", capital(table.name), capital(table.doc))?;
    if table.one_of.len() > 1 && !table.doc.starts_with("exactly one of") {
        writeln!(page, "\nExactly one of {}.", code_list(table.one_of))?;
    }
    writeln!(page, "\n| key | what it takes | if left out | what it means |\n| --- | --- | --- | --- |")?;
    for key in table.keys {
        let beside = if key.with.is_empty() { String::new() } else { format!(" Beside {}.", code_list(key.with)) };
        let [takes, left_out, doc] = [wanted(&key.shape), if_left_out(table, key), key.doc.to_owned()].map(cell);
        writeln!(page, "| `{}` | {takes} | {left_out} | {doc}{beside} |", key.name)?;
    }
    Ok(())
}

const TEMPLATES: &str = "
## Names in the strings of steps

A string of a step may say `\"${NAME}\"`; a string that is nothing else becomes the value, a number or a table included. Parameters are
filled in before the file is read, these while it is played. What a step saves (`save = { variable = \"/pointer\" }`) has its own name.

| name | what it stands for |
| --- | --- |
";

fn write_templates(page: &mut String) -> std::fmt::Result {
    page.push_str(TEMPLATES);
    OWN.iter().chain(&WITH_A_PART).try_for_each(|(name, meaning)| writeln!(page, "| `${{{name}}}` | {meaning} |"))
}

fn if_left_out(table: &Table, key: &Key) -> String {
    match key.presence {
        _ if table.one_of == [key.name] => "needed".to_owned(),
        _ if table.one_of.contains(&key.name) => String::new(),
        Presence::Needed => "needed".to_owned(),
        Presence::Optional => "—".to_owned(),
        Presence::Default(text) => format!("`{}`", text.replace('\'', "\"")),
    }
}

/// A bar would end the cell.
fn cell(text: String) -> String {
    text.replace('|', "\\|")
}

fn code_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
