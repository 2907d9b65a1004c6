//! Whether the steps of a flow stand in an order that can be played: what needs a connection comes after one is opened, and
//! nothing comes after the end. Neighbours: `flow` asks, `verb` reads each step by itself. Left out: whether the other side
//! has ended the connection by then, which only a run shows.

use crate::diagnostics::{Fault, Faults};
use crate::language::step::VERBS;
use crate::tree::{Node, Span};

/// Verbs that open a connection.
const OPENING: [&str; 3] = ["join", "connect", "reconnect"];

/// Verbs that have nothing to do with a connection.
const BESIDES: [&str; 5] = ["http", "at", "think", "meet", "stop"];

/// The steps of a flow that a group plays from its first step on. A verb that neither opens a connection nor goes without needs
/// one, or has needed one: what came over it may be looked for after its end.
pub(crate) fn check_beginning(steps: &[Node], faults: &mut Faults) {
    let Some((verb, span)) = first_about_a_connection(steps) else { return };
    // What is no verb may open one; it is a fault of its own.
    if VERBS.contains(&verb) && !OPENING.contains(&verb) {
        faults.push(
            Fault::new(span, format!("`{verb}` needs a connection, and no step before it opens one"))
                .hint("begin with \"join\" (connect and register), or \"connect\""),
        );
    }
}

/// The first step, however deep, that has to do with a connection, and where it stands.
fn first_about_a_connection(steps: &[Node]) -> Option<(&str, &Span)> {
    steps.iter().find_map(|step| {
        let (verb, span) = verb_of(step)?;
        match verb {
            "repeat" => first_about_a_connection(repeated(step).and_then(Node::as_list).unwrap_or_default()),
            verb => (!BESIDES.contains(&verb)).then_some((verb, span)),
        }
    })
}

/// Every list of steps, whoever leads to it.
pub(crate) fn check_end(steps: &[Node], faults: &mut Faults) {
    let ends = |step: &Node| verb_of(step).is_some_and(|(verb, _)| verb == "stop");
    let end = steps.iter().position(ends);
    if let Some(never) = end.and_then(|end| steps.get(end + 1)) {
        faults.push(
            Fault::new(&never.span, "no step after `stop` is ever played")
                .hint("a branch that stops says `then = \"stop\"`, a step that may fail `otherwise = \"stop\"`"),
        );
    }
    for step in steps {
        let branches = step.get("expect_one_of").and_then(Node::as_list).unwrap_or_default();
        let inside = repeated(step).into_iter().chain(branches.iter().filter_map(|branch| branch.get("then")));
        inside.filter_map(Node::as_list).for_each(|steps| check_end(steps, faults));
    }
}

fn repeated(step: &Node) -> Option<&Node> {
    step.get("repeat")?.get("steps")
}

/// The verb of a step, and where it stands.
fn verb_of(step: &Node) -> Option<(&str, &Span)> {
    if let Some(word) = step.as_text() {
        return Some((word, &step.span));
    }
    let entries = step.entries();
    let verb = entries.iter().find(|entry| VERBS.contains(&entry.key.as_str())).or(entries.first())?;
    Some((&verb.key, &verb.key_span))
}
