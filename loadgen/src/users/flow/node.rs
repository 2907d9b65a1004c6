//! A flow's steps with what stays the same each time they are played: a number, by which their draws are indexed, and a
//! name of the author's own, if they have one. Neighbours: `interpreter` walks them.

use rehearsal_reports::event::Name;
use rehearsal_scenarios::plan::{Step, Verb};

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
    /// The steps inside a repetition.
    pub inside: Vec<Node<'a>>,
}

/// Numbers the steps of a flow.
pub fn number(steps: &[Step]) -> Vec<Node<'_>> {
    let mut next = 0;
    number_from(steps, &mut next)
}

/// How many steps a flow has, those inside repetitions included.
pub fn count(steps: &[Step]) -> usize {
    steps.iter().map(|step| 1 + count(inside(step))).sum()
}

fn number_from<'a>(steps: &'a [Step], next: &mut usize) -> Vec<Node<'a>> {
    let mut nodes = Vec::with_capacity(steps.len());
    for step in steps {
        let number = *next;
        *next += 1;
        let name = Name::from(if step.name.is_empty() { step.verb.word() } else { &step.name });
        let own_name = (&*name != step.verb.word()).then(|| name.clone());
        nodes.push(Node { step, number, name, own_name, inside: number_from(inside(step), next) });
    }
    nodes
}

fn inside(step: &Step) -> &[Step] {
    match &step.verb {
        Verb::Repeat { steps, .. } => steps,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_scenarios::plan::{Ending, Otherwise};

    fn step(verb: Verb) -> Step {
        Step { name: String::new(), verb, save: Default::default(), otherwise: Otherwise::Fail }
    }

    #[test]
    fn a_step_after_a_repetition_keeps_its_number_whatever_is_inside() {
        let inside = vec![step(Verb::Register), step(Verb::Connect)];
        let repeat = step(Verb::Repeat { times: None, every: None, steps: inside });
        let steps = [step(Verb::Join), repeat, step(Verb::Disconnect(Ending::Clean))];
        let nodes = number(&steps);
        assert_eq!(nodes[1].inside.iter().map(|node| node.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((nodes[2].number, count(&steps)), (4, 5));
    }
}
