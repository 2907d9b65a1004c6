//! `[pinned]`: a scenario whose choices are all made: a plan as it was played, kept because it failed. No seed changes it.
//! Such a file has nothing else but what it is about and the verdict that is expected, which one edit changes when the
//! failure is mended.
//!
//! Neighbours: `mod` reads all other files. Left out: finding what is worth keeping (`sim`), and files.

use crate::diagnostics::{Fault, Faults};
use crate::language::shape::{Shape, Table, default, key, needed};
use crate::language::view::View;
use crate::language::{check, expect};
use crate::plan::{Expectation, Plan};
use crate::scenario::{Overrides, PerWorld, Pinned};
use crate::tree::Node;
use std::fmt::Write;

/// The whole file.
static ROOT: Table = Table {
    name: "a pinned scenario",
    doc: "a plan as it was played, and the verdict that is expected of it",
    keys: &[
        needed("format", Shape::Whole(1, u64::MAX), "Version of the language: 1."),
        default("about", Shape::Text, "''", "What failed, in a sentence."),
        key("expect", expect::EXPECT, "The verdict that is expected; every check holds if left out."),
        needed("pinned", Shape::Table(&PINNED), "The plan."),
    ],
    one_of: &[],
    later: &[],
};

static PINNED: Table = Table {
    name: "`[pinned]`",
    doc: "all choices of a seed, made",
    keys: &[needed("plan", Shape::Text, "The plan as JSON, as `rehearsal keep` writes it.")],
    one_of: &[],
    later: &[],
};

/// Whether the file is one of these.
pub(super) fn is_pinned(root: &Node) -> bool {
    root.get("pinned").is_some()
}

/// Reads the file.
pub(super) fn read(root: &Node, overrides: &Overrides, faults: &mut Faults) -> Option<Pinned> {
    check::check(&Shape::Table(&ROOT), root, &(0..0), faults);
    let view = View::new(&ROOT, Some(root), &(0..0));
    super::check_format(&view, faults);
    let pinned = view.table("pinned", &PINNED);
    let mut plan: Plan = match serde_json::from_str(&pinned.text("plan")?) {
        Ok(plan) => plan,
        Err(error) => {
            let fault = Fault::new(&pinned.span("plan"), format!("this is no plan: {error}"));
            faults.push(fault.hint("`rehearsal keep` writes these files; a plan of another version is kept again"));
            return None;
        }
    };
    plan.about = view.text("about")?;
    let expect = match &overrides.expect {
        Some(expect) => PerWorld::both(expect.clone()),
        None => expect::read(view.value("expect").as_deref(), &plan.checks, faults),
    };
    Some(Pinned { plan, expect })
}

/// A plan as a scenario file of its own, with a comment on top and the checks that it breaks.
pub fn pinned(plan: &Plan, comment: &str) -> String {
    let mut text: String = comment.lines().map(commented).collect();
    // A plan is data with names as keys: always JSON. The quotes that would end the text only stand inside of strings.
    let json = plain(serde_json::to_string_pretty(plan)).replace("'''", r"\u0027\u0027\u0027");
    let expect = match &plan.expect {
        Expectation::Holds => "\"holds\"".to_owned(),
        Expectation::Either => "\"either\"".to_owned(),
        Expectation::Broken(checks) if checks.is_empty() => "\"broken\"".to_owned(),
        Expectation::Broken(checks) => format!("{{ broken = {} }}", quoted(checks)),
        Expectation::Checks { broken, either } if broken.is_empty() => format!("{{ either = {} }}", quoted(either)),
        Expectation::Checks { broken, either } => {
            format!("{{ broken = {}, either = {} }}", quoted(broken), quoted(either))
        }
    };
    let about = quoted(&plan.about);
    // Writing to a string cannot fail.
    let _ = write!(text, "format = 1\nabout = {about}\nexpect = {expect}\n\n[pinned]\nplan = '''\n{json}\n'''\n");
    text
}

/// A line of a comment, which may hold no control characters.
fn commented(line: &str) -> String {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("# {line}").trim_end().to_owned() + "\n"
}

/// Strings of JSON are strings of TOML.
fn quoted(value: &(impl serde::Serialize + ?Sized)) -> String {
    plain(serde_json::to_string(value))
}

/// JSON writes one control character as it is, which TOML refuses.
fn plain(json: serde_json::Result<String>) -> String {
    json.unwrap_or_default().replace('\u{7f}', r"\u007f")
}
