//! `[check.NAME]`: a check of the scenario's own over messages and operations, without any program. Neighbours:
//! `event_pattern` reads patterns, `checks` knows those that come with the program, `reports` judges.

use crate::diagnostics::{Fault, Faults};
use crate::language::checks;
use crate::language::event_pattern::{self, EVENT, Known};
use crate::language::shape::{NameRule, Names, Shape, Table, beside, default, key, needed};
use crate::language::units::DURATION;
use crate::language::view::View;
use crate::plan::{DeclaredCheck, EventPattern, Rule, Span};
use crate::tree::{Entry, Node};

/// `[check.NAME]`.
pub(crate) static DECLARED: Names = Names { what: "check", rule: NameRule::Plain, value: Shape::Table(&CHECK) };

const RULES: &[&str] = &["exclusive", "answered", "at_most_once", "ordered", "never", "sometimes"];

static CHECK: Table = Table {
    name: "`[check.NAME]`",
    doc: "a check of your own over messages and operations; exactly one of the rules `exclusive`, `answered`, \
          `at_most_once`, `ordered`, `never` and `sometimes`",
    keys: &[
        key("about", Shape::Text, "The property as a sentence; the name if left out."),
        key("exclusive", Shape::Table(&SPAN), "Spans from an opening to a closing event never overlap."),
        key("answered", Shape::Table(&ANSWERED), "What is asked is answered."),
        key("at_most_once", Shape::Table(&EVENT), "An event is seen once or not at all."),
        key(
            "ordered",
            Shape::List(&Shape::Table(&EVENT), 2),
            "Steps: none is seen before the one in front of it was. They may repeat.",
        ),
        key("never", Shape::Table(&EVENT), "An event is not seen."),
        key(
            "sometimes",
            Shape::Table(&EVENT),
            "An event is seen in at least one of the seeds that are played; one that is not is reported.",
        ),
        default("by", KEYS, "[]", "Captures that tell apart what is judged by itself, or `user`, `peer`, `room`."),
        beside(&["never", "sometimes"], "during", Shape::Table(&SPAN), None, "Only while such a span is open."),
        beside(&["sometimes"], "times", Shape::Whole(1, 1_000), Some("1"), "How often it is seen in one group."),
        beside(&["sometimes"], "different", Shape::Text, None, "A capture that has another value each time."),
    ],
    one_of: RULES,
    later: &[],
};

const KEYS: Shape = Shape::Either(&[Shape::Text, Shape::List(&Shape::Text, 0)]);

const EVENTS: Shape = Shape::Either(&[Shape::Table(&EVENT), Shape::List(&Shape::Table(&EVENT), 1)]);

static SPAN: Table = Table {
    name: "a span",
    doc: "from an opening to a closing event; what both capture must be equal",
    keys: &[
        needed("from", Shape::Table(&EVENT), "The event that opens it."),
        needed("to", EVENTS, "The event that closes it, or several of which any does."),
    ],
    one_of: &[],
    later: &[],
};

static ANSWERED: Table = Table {
    name: "`answered`",
    doc: "a question and its answer; what both capture must be equal",
    keys: &[
        needed("from", Shape::Table(&EVENT), "The event that asks."),
        needed("to", EVENTS, "The event that answers, or several of which any does."),
        key("within", DURATION, "How long after the question; before the run ends if left out."),
        key("unless", EVENTS, "Events that make an answer needless."),
    ],
    one_of: &[],
    later: &[],
};

/// What every event has, whether or not a pattern captures it.
const OWN: [&str; 3] = ["user", "peer", "room"];

/// All checks of the scenario's own, in the order of the file.
pub(crate) fn read_all(entries: &[Entry], known: &Known<'_>, faults: &mut Faults) -> Vec<DeclaredCheck> {
    entries.iter().filter_map(|entry| read(entry, known, faults)).collect()
}

fn read(entry: &Entry, known: &Known<'_>, faults: &mut Faults) -> Option<DeclaredCheck> {
    let view = View::new(&CHECK, Some(&entry.node), &entry.key_span);
    if checks::names().any(|name| name == entry.key) {
        faults.push(
            Fault::new(&entry.key_span, format!("`{}` comes with the program", entry.key))
                .hint("give your own check another name; `[checks]` sets the bound of this one"),
        );
    }
    let rule = rule(&view, known, faults)?;
    let by = match view.entry("by").and_then(|entry| entry.node.as_text()) {
        Some(one) => vec![one.to_owned()],
        None => view.texts("by").into_iter().map(|(name, _)| name).collect(),
    };
    check_keys(&view, &rule, &by, faults);
    check_closing(&view, &rule, faults);
    let about = view.text("about").unwrap_or_else(|| entry.key.replace(['_', '-'], " "));
    Some(DeclaredCheck { name: entry.key.clone(), about, by, rule })
}

fn rule(view: &View<'_>, known: &Known<'_>, faults: &mut Faults) -> Option<Rule> {
    let name = RULES.iter().find(|rule| view.has(rule))?;
    let mut one = |node: &Node| event_pattern::read(node, known, faults);
    Some(match *name {
        "exclusive" => Rule::Exclusive(span(&view.table("exclusive", &SPAN), &mut one)?),
        "answered" => {
            let answered = view.table("answered", &ANSWERED);
            let from = one(&*answered.value("from")?)?;
            let (to, unless) = (several(&answered, "to", &mut one), several(&answered, "unless", &mut one));
            Rule::Answered { from, to, within_ns: answered.duration("within"), unless }
        }
        "ordered" => Rule::Ordered(view.list("ordered").iter().filter_map(one).collect()),
        rule => {
            let what = one(&*view.value(rule)?)?;
            let during = view.table("during", &SPAN);
            let during = if view.has("during") { span(&during, &mut one) } else { None };
            match rule {
                "at_most_once" => Rule::AtMostOnce(what),
                "never" => Rule::Never { what, during },
                _ => {
                    let (times, different) = (view.whole("times")?, view.text("different"));
                    Rule::Sometimes { what, during, times, different }
                }
            }
        }
    })
}

fn span(view: &View<'_>, one: &mut impl FnMut(&Node) -> Option<EventPattern>) -> Option<Span> {
    Some(Span { from: one(&*view.value("from")?)?, to: several(view, "to", one) })
}

/// A pattern, or a list of them.
fn several(view: &View<'_>, key: &str, one: &mut impl FnMut(&Node) -> Option<EventPattern>) -> Vec<EventPattern> {
    match view.value(key) {
        Some(node) if node.is_table() => one(&node).into_iter().collect(),
        Some(_) => view.list(key).iter().filter_map(one).collect(),
        None => Vec::new(),
    }
}

/// What a closing event captures is held against the opening one: a name that this does not capture would be held against
/// nothing, so that any such event closes.
fn check_closing(view: &View<'_>, rule: &Rule, faults: &mut Faults) {
    let (key, from, closing): (_, _, [(_, &[EventPattern]); 2]) = match rule {
        Rule::Exclusive(Span { from, to }) => ("exclusive", from, [("to", to), ("", &[])]),
        Rule::Answered { from, to, unless, .. } => ("answered", from, [("to", to), ("unless", unless)]),
        Rule::Never { during: Some(Span { from, to }), .. }
        | Rule::Sometimes { during: Some(Span { from, to }), .. } => ("during", from, [("to", to), ("", &[])]),
        Rule::AtMostOnce(_) | Rule::Ordered(_) | Rule::Never { .. } | Rule::Sometimes { .. } => return,
    };
    let table = view.table(key, if key == "answered" { &ANSWERED } else { &SPAN });
    let known = from.captures();
    for (key, patterns) in closing {
        let captured = patterns.iter().flat_map(EventPattern::captures);
        if let Some(name) = captured.into_iter().find(|name| !known.contains(name)) {
            faults.push(
                Fault::new(&table.span(key), format!("`?{name}` is held against nothing: `from` does not capture it"))
                    .among(name, known.iter().copied())
                    .hint("capture it in `from` as well, or leave it out"),
            );
        }
    }
}

/// Whatever is grouped or told apart by must be captured by every pattern that opens, asks or counts.
fn check_keys(view: &View<'_>, rule: &Rule, by: &[String], faults: &mut Faults) {
    let (leading, different): (Vec<&EventPattern>, _) = match rule {
        Rule::Exclusive(span) => (vec![&span.from], None),
        Rule::Answered { from, .. } => (vec![from], None),
        Rule::AtMostOnce(what) | Rule::Never { what, .. } => (vec![what], None),
        Rule::Ordered(steps) => (steps.iter().collect(), None),
        Rule::Sometimes { what, different, .. } => (vec![what], different.as_ref()),
    };
    let keys = by.iter().map(|name| ("by", name)).chain(different.map(|name| ("different", name)));
    for (key, name) in keys {
        let lacking = leading.iter().find(|pattern| !pattern.captures().contains(&name.as_str()));
        if let Some(pattern) = lacking.filter(|_| !OWN.contains(&name.as_str())) {
            let known = pattern.captures().into_iter().chain(OWN);
            faults.push(
                Fault::new(&view.span(key), format!("nothing is captured as `{name}`"))
                    .among(name, known)
                    .hint(format!("write `\"?{name}\"` where the pattern is to capture it")),
            );
        }
    }
}
