//! Shapes: the one description of the language. Tables of keys with shape, default and words; the shape check, the
//! suggestions for unknown keys, the defaults and the JSON Schema all come from them, so they cannot drift apart.
//!
//! Neighbours: each section's file declares its table, `check` walks a document along them, `schema` prints them,
//! `view` reads values. Left out: contradictions between keys, which each section's reader finds.

/// What a value looks like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any string.
    Text,
    /// A string made for one purpose, checked by its own function.
    Form(&'static Form),
    /// One of a few words.
    Word(&'static Words),
    /// A whole number, both ends included.
    Whole(u64, u64),
    /// A number, both ends included.
    Number(f64, f64),
    /// `true` or `false`.
    Flag,
    /// Anything that JSON can hold.
    Json,
    /// A table of anything that JSON can hold.
    JsonTable,
    /// A list; the second number is the least length.
    List(&'static Shape, usize),
    /// A list of two.
    Pair(&'static Shape),
    /// A table whose keys are names that the author chooses.
    Names(&'static Names),
    /// A table with known keys.
    Table(&'static Table),
    /// The first alternative that accepts the value's kind decides.
    Either(&'static [Shape]),
}

/// A string made for one purpose.
#[derive(Debug)]
pub(crate) struct Form {
    /// What it is, such as `a duration`.
    pub what: &'static str,
    /// How it is written, such as `"5s"`.
    pub example: &'static str,
    /// A pattern for editors; may accept more than `accepts` does.
    pub pattern: &'static str,
    /// Whether a string has this form, and if not, why not.
    pub accepts: fn(&str) -> Result<(), String>,
}

/// A few words, and those that are not there yet.
#[derive(Debug)]
pub(crate) struct Words {
    pub words: &'static [&'static str],
    pub later: &'static [Later],
}

/// A table whose keys are chosen by the author.
#[derive(Debug)]
pub(crate) struct Names {
    /// What the names stand for, such as `group`.
    pub what: &'static str,
    /// Which names are allowed.
    pub rule: NameRule,
    /// What each name has.
    pub value: Shape,
}

/// Which names an author may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// Lower-case letters, digits, `-` and `_`, with a letter first: they become names of users, hosts and files.
    Plain,
    /// Anything but the empty name.
    Any,
}

/// A table with known keys.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its name in the schema and in messages.
    pub name: &'static str,
    /// What it is about.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Exactly one of these must be there, if any are named here.
    pub one_of: &'static [&'static str],
    /// Keys that are not there yet, or stand elsewhere.
    pub later: &'static [Later],
}

/// A key of a table.
#[derive(Debug)]
pub(crate) struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub presence: Presence,
    /// Keys of which one must be there for this one to mean something; no condition if empty.
    pub with: &'static [&'static str],
    pub doc: &'static str,
}

/// Whether a key may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It must be there.
    Needed,
    /// It may be left out.
    Optional,
    /// Left out, it has this value, written in TOML.
    Default(&'static str),
}

/// Something that the language does not have here: refused by name, never as unknown.
#[derive(Debug)]
pub(crate) struct Later {
    pub name: &'static str,
    pub why: Why,
    /// What to write instead.
    pub hint: &'static str,
}

/// Why the language does not have something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It will have it.
    NotYet,
    /// It says the same in another way.
    Elsewhere,
}

impl Table {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    pub fn later(&self, name: &str) -> Option<&'static Later> {
        self.later.iter().find(|later| later.name == name)
    }
}

/// A key that may be left out.
pub(crate) const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, presence: Presence::Optional, with: &[], doc }
}

/// A key that must be there.
pub(crate) const fn needed(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, presence: Presence::Needed, with: &[], doc }
}

/// A key with a default, written in TOML.
pub(crate) const fn default(name: &'static str, shape: Shape, value: &'static str, doc: &'static str) -> Key {
    Key { name, shape, presence: Presence::Default(value), with: &[], doc }
}

/// A key that means something only beside one of `with`; `value` is its default there.
pub(crate) const fn beside(
    with: &'static [&'static str],
    name: &'static str,
    shape: Shape,
    value: Option<&'static str>,
    doc: &'static str,
) -> Key {
    let presence = match value {
        Some(value) => Presence::Default(value),
        None => Presence::Optional,
    };
    Key { name, shape, presence, with, doc }
}

/// Something that is not there yet.
pub(crate) const fn later(name: &'static str, hint: &'static str) -> Later {
    Later { name, why: Why::NotYet, hint }
}

/// Something that is said in another way, which the hint shows.
pub(crate) const fn elsewhere(name: &'static str, hint: &'static str) -> Later {
    Later { name, why: Why::Elsewhere, hint }
}
