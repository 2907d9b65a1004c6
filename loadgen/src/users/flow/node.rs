//! A flow's steps with what stays the same each time they are played: a number, by which their draws are indexed, a name of
//! the author's own, if they have one, and whether there is anything to fill in. Neighbours: `interpreter` walks them.

use crate::users::template::has_variables;
use rehearsal_reference::peer::Written;
use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::{Step, Verb};
use serde_json::Value;
use std::collections::BTreeSet;

/// The longest message that a user keeps written.
const WRITTEN_BYTES_MAX: usize = 512;

/// A step at its place.
pub struct Node<'a> {
    /// The step.
    pub step: &'a Step,
    /// Its number in the flow, counted in the order of reading, from 0.
    pub number: usize,
    /// What it is called in events and failures.
    pub name: Name,
    /// The author's own name for its operation, if there is one.
    pub own_name: Option<Name>,
    /// Whether what it sends or waits for is the same each time: looking through it again would find no variable.
    pub is_fixed: bool,
    /// The text of a short message that is the same each time.
    pub written: Option<Written>,
    /// The span that it belongs to.
    pub span: Option<Span>,
    /// The steps of a repetition, or of each branch.
    pub inside: Vec<Vec<Node<'a>>>,
}

/// A step's place in a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its name.
    pub name: Name,
    /// Whether no later step on the same way belongs to it.
    pub is_last: bool,
}

/// Numbers the steps of a flow.
pub fn number(steps: &[Step]) -> Vec<Node<'_>> {
    number_from(steps, &mut 0, &BTreeSet::new())
}

/// How many steps a flow has, those inside others included.
pub fn count(steps: &[Step]) -> usize {
    steps.iter().map(|step| 1 + step.verb.inside().into_iter().map(count).sum::<usize>()).sum()
}

/// `later` are the spans that go on after these steps.
fn number_from<'a>(steps: &'a [Step], next: &mut usize, later: &BTreeSet<&'a str>) -> Vec<Node<'a>> {
    let mut nodes = Vec::with_capacity(steps.len());
    for (index, step) in steps.iter().enumerate() {
        let number = *next;
        *next += 1;
        let mut after = later.clone();
        collect_spans(&steps[index + 1..], &mut after);
        let name = Name::from(if step.name.is_empty() { step.verb.word() } else { &step.name });
        let own_name = (&*name != step.verb.word()).then(|| name.clone());
        let inside = step.verb.inside().into_iter().map(|steps| number_from(steps, next, &after)).collect();
        step.verb.inside().into_iter().for_each(|steps| collect_spans(steps, &mut after));
        let span = step.span.as_deref().map(|span| Span { name: span.into(), is_last: !after.contains(span) });
        let is_fixed = is_fixed(&step.verb);
        let written = if is_fixed { written(&step.verb) } else { None };
        nodes.push(Node { step, number, name, own_name, is_fixed, written, span, inside });
    }
    nodes
}

/// Said of the steps that are played again and again; others look for variables each time.
fn is_fixed(verb: &Verb) -> bool {
    match verb {
        Verb::Raw { message } => !has_variables(message),
        Verb::Send { payload, .. } => !has_variables(payload),
        Verb::Expect { pattern, .. } => !has_variables(pattern),
        Verb::ExpectOneOf { branches, .. } => branches.iter().all(|branch| !has_variables(&branch.pattern)),
        _ => false,
    }
}

/// Long ones are written each time, since every user would keep its own.
fn written(verb: &Verb) -> Option<Written> {
    let Verb::Raw { message: message @ Value::Object(_) } = verb else { return None };
    Some(Written::of(message)).filter(|written| written.bytes() <= WRITTEN_BYTES_MAX)
}

fn collect_spans<'a>(steps: &'a [Step], spans: &mut BTreeSet<&'a str>) {
    for step in steps {
        spans.extend(step.span.as_deref());
        step.verb.inside().into_iter().for_each(|steps| collect_spans(steps, spans));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_scenarios::plan::{Branch, Ending, Otherwise};

    fn step(verb: Verb) -> Step {
        Step { name: String::new(), verb, save: Default::default(), otherwise: Otherwise::Fail, span: None }
    }

    #[test]
    fn a_step_after_a_repetition_keeps_its_number_whatever_is_inside() {
        let inside = vec![step(Verb::Register), step(Verb::Connect)];
        let repeat = step(Verb::Repeat { times: None, first: None, until: None, every: None, steps: inside });
        let steps = [step(Verb::Join), repeat, step(Verb::Disconnect(Ending::Clean))];
        let nodes = number(&steps);
        assert_eq!(nodes[1].inside[0].iter().map(|node| node.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((nodes[2].number, count(&steps)), (4, 5));
    }

    #[test]
    fn a_span_ends_with_its_last_step_on_each_way() {
        let of = |verb| Step { span: Some("job".into()), ..step(verb) };
        let branch = |steps| Branch { pattern: Default::default(), save: Default::default(), steps };
        let branches =
            vec![branch(vec![of(Verb::Connect)]), branch(vec![of(Verb::Join), of(Verb::Connect)]), branch(vec![])];
        let steps = [of(Verb::Join), step(Verb::ExpectOneOf { branches, within_ns: 1 }), step(Verb::Join)];
        let nodes = number(&steps);
        let is_last = |node: &Node<'_>| node.span.as_ref().map(|span| span.is_last);
        assert_eq!(is_last(&nodes[0]), Some(false));
        let [first, second, third] = nodes[1].inside.as_slice() else { panic!("three branches") };
        assert_eq!(first.iter().map(is_last).collect::<Vec<_>>(), [Some(true)]);
        assert_eq!(second.iter().map(is_last).collect::<Vec<_>>(), [Some(false), Some(true)]);
        assert!(third.is_empty());
    }
}
