//! `${…}` in the strings of steps: which names there are, and what is wrong with others. `loadgen` fills them in.

use crate::diagnostics::{Fault, Faults};
use crate::language::users::{Roster, is_user};
use crate::tree::{Node, Span, Value};
use std::collections::BTreeSet;

/// Names that every user has, and what they stand for.
pub(crate) const OWN: [(&str, &str); 7] = [
    ("user.id", "The user's name, such as `workers-0`."),
    ("user.name", "The same."),
    ("user.peer_id", "The id that it registers with."),
    ("room.id", "The id of its room."),
    ("room.token", "The token of its room."),
    ("run.id", "The id of this run: for names that no other run has."),
    ("repetition", "How often its flow was begun before: a number from 0."),
];

/// Names that have a part of their own.
pub(crate) const WITH_A_PART: [(&str, &str); 4] = [
    ("peer.GROUP-NUMBER", "The id that another user registers with, such as `${peer.workers-0}`."),
    ("row.COLUMN", "A value of the row that this repetition takes, of the group's `rows`."),
    ("filler.BYTES", "Text of this size, such as `${filler.1024}`."),
    ("user.token", "The identity token; only in `raw`, which goes into no record."),
];

fn own<'a>() -> impl Iterator<Item = &'a str> {
    OWN.into_iter().map(|(name, _)| name)
}

/// Longest `${filler.BYTES}`.
pub const FILLER_BYTES_MAX: usize = 1 << 24;

/// The identity token: only in `raw` messages, which go to the server and into no record.
const SECRET: &str = "user.token";

/// Whether every user has something of this name.
pub(crate) fn is_own(name: &str) -> bool {
    own().any(|own| own == name)
}

/// The names that a flow can use.
pub(crate) struct Known<'a> {
    /// Variables that its steps save.
    pub saved: BTreeSet<String>,
    /// Whether the identity token may be named.
    pub secrets: Secrets,
    /// Columns of the rows that the users take: `${row.name}`. None if nobody knows them.
    pub columns: Option<BTreeSet<String>>,
    /// Groups with their counts: `${peer.workers-0}`.
    pub roster: &'a Roster,
}

/// Whether the identity token may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrets {
    Allowed,
    Hidden,
}

/// Checks all strings of a value.
pub(crate) fn check(node: &Node, known: &Known<'_>, faults: &mut Faults) {
    match &node.value {
        Value::Text(text) => check_text(text, &node.span, known, faults),
        Value::List(list) => list.iter().for_each(|node| check(node, known, faults)),
        Value::Table(entries) => entries.iter().for_each(|entry| check(&entry.node, known, faults)),
        Value::Whole(_) | Value::Number(_) | Value::Flag(_) | Value::Date(_) => {}
    }
}

fn check_text(text: &str, span: &Span, known: &Known<'_>, faults: &mut Faults) {
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            faults.push(Fault::new(span, "`${` without its `}`").hint("a name is written `${name}`"));
            return;
        };
        check_name(&rest[start + 2..start + length], span, known, faults);
        rest = &rest[start + length + 1..];
    }
}

fn check_name(name: &str, span: &Span, known: &Known<'_>, faults: &mut Faults) {
    if is_own(name) || known.saved.contains(name) {
        return;
    }
    if name == SECRET {
        if known.secrets == Secrets::Hidden {
            faults.push(
                Fault::new(span, format!("`${{{SECRET}}}` may only stand in a `raw` message"))
                    .hint("elsewhere it would end up in records; `http` sends it with `bearer = true`"),
            );
        }
        return;
    }
    if let Some(bytes) = name.strip_prefix("filler.") {
        if bytes.parse::<usize>().is_ok_and(|bytes| bytes <= FILLER_BYTES_MAX) {
            return;
        }
        let fault = Fault::new(span, format!("`${{{name}}}` is no filler"));
        faults.push(fault.expected(format!("a number of bytes up to {FILLER_BYTES_MAX}, such as `${{filler.1024}}`")));
        return;
    }
    if let Some(column) = name.strip_prefix("row.") {
        if let Some(columns) = known.columns.as_ref().filter(|columns| !columns.contains(column)) {
            let fault = Fault::new(span, format!("no row has a column `{column}`"));
            let hint = "every group that plays this flow needs `rows` with this column";
            faults.push(fault.among(column, columns.iter().map(String::as_str)).hint(hint));
        }
        return;
    }
    if let Some(user) = name.strip_prefix("peer.") {
        if !is_user(user, known.roster) {
            faults.push(
                Fault::new(span, format!("there is no user `{user}`"))
                    .expected("a group and a number below its count, such as `${peer.workers-0}`")
                    .among(user, known.roster.keys().map(String::as_str)),
            );
        }
        return;
    }
    let parts = WITH_A_PART.into_iter().filter(|(part, _)| *part != SECRET).map(|(part, _)| part);
    let names = own().chain(known.saved.iter().map(String::as_str)).chain(parts);
    faults.push(
        Fault::new(span, format!("nothing is called `${{{name}}}`"))
            .among(name, names)
            .hint("a step keeps a value with `save = { variable = \"/pointer\" }`"),
    );
}
