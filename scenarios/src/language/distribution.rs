//! How a random duration is written: `"5s"`, `{ uniform = ["5s", "20s"] }`, `{ exponential = "4s" }`,
//! `{ lognormal = { p50 = "4ms", p99 = "40ms" } }`, `{ pick = ["1s", "9s"], weights = [9, 1] }`.
//! Neighbours: `crate::distribution` samples what is read here.

use crate::diagnostics::{Fault, Faults};
use crate::distribution::{Distribution, Nanos};
use crate::language::shape::{Shape, Table, beside, key, needed};
use crate::language::units::{self, DURATION};
use crate::language::view::View;
use crate::tree::{Node, Span};

/// A duration, or a distribution over durations.
pub(crate) const DISTRIBUTION: Shape = Shape::Either(&[DURATION, Shape::Table(&DISTRIBUTION_TABLE)]);

pub(crate) static DISTRIBUTION_TABLE: Table = Table {
    name: "a distribution",
    doc: "exactly one of uniform, exponential, lognormal, pick",
    keys: &[
        key("uniform", Shape::Pair(&DURATION), "Evenly between two durations, both included."),
        key("exponential", DURATION, "Memoryless, with this mean."),
        key("lognormal", Shape::Table(&LOGNORMAL), "Log-normal, given by its median and its 99th percentile."),
        key("pick", Shape::List(&DURATION, 1), "One of these."),
        beside(&["pick"], "weights", WEIGHTS, None, "How often each is picked, in relation; evenly if left out."),
    ],
    one_of: &["uniform", "exponential", "lognormal", "pick"],
    later: &[],
};

static LOGNORMAL: Table = Table {
    name: "a log-normal distribution",
    doc: "median and 99th percentile",
    keys: &[needed("p50", DURATION, "The median."), needed("p99", DURATION, "The 99th percentile.")],
    one_of: &[],
    later: &[],
};

/// Weights of a choice.
pub(crate) const WEIGHTS: Shape = Shape::List(&Shape::Number(0.0, f64::MAX), 1);

/// Reads a distribution and reports what contradicts itself.
pub(crate) fn read(node: &Node, faults: &mut Faults) -> Option<Distribution> {
    if let Some(text) = node.as_text() {
        return units::duration(text).ok().map(Distribution::Fixed);
    }
    let view = View::new(&DISTRIBUTION_TABLE, node.is_table().then_some(node), &node.span);
    if view.has("uniform") {
        uniform(&view, faults)
    } else if view.has("exponential") {
        view.duration("exponential").map(Distribution::Exponential)
    } else if view.has("lognormal") {
        lognormal(&view, faults)
    } else {
        let values = durations(&view, "pick")?;
        let weights = weights(&view.list("weights"), values.len(), &view.span("weights"), faults)?;
        (!values.is_empty()).then_some(Distribution::Pick { values, weights })
    }
}

fn uniform(view: &View<'_>, faults: &mut Faults) -> Option<Distribution> {
    match durations(view, "uniform")?.as_slice() {
        [low, high] if low <= high => Some(Distribution::Uniform(*low, *high)),
        [_, _] => {
            faults.push(
                Fault::new(&view.span("uniform"), "the lower end is above the upper end")
                    .hint("write the smaller one first"),
            );
            None
        }
        _ => None,
    }
}

fn lognormal(view: &View<'_>, faults: &mut Faults) -> Option<Distribution> {
    let table = view.table("lognormal", &LOGNORMAL);
    let (p50, p99) = (table.duration("p50")?, table.duration("p99")?);
    if p50 == 0 || p99 < p50 {
        faults.push(
            Fault::new(&view.span("lognormal"), "these percentiles contradict each other")
                .expected("0 < p50 and p50 <= p99"),
        );
        return None;
    }
    Some(Distribution::Lognormal { p50, p99 })
}

fn durations(view: &View<'_>, name: &str) -> Option<Vec<Nanos>> {
    view.texts(name).iter().map(|(text, _)| units::duration(text).ok()).collect()
}

/// Weights for `count` alternatives: all 1 if there are none.
pub(crate) fn weights(list: &[Node], count: usize, span: &Span, faults: &mut Faults) -> Option<Vec<f64>> {
    if list.is_empty() {
        return Some(vec![1.0; count]);
    }
    let weights: Vec<f64> = list.iter().filter_map(Node::as_number).collect();
    if weights.len() != count {
        faults.push(
            Fault::new(span, "each alternative needs one weight")
                .found(format!("{} weights", weights.len()))
                .expected(format!("{count}")),
        );
        return None;
    }
    if weights.iter().sum::<f64>() <= 0.0 {
        faults.push(
            Fault::new(span, "all weights are 0, so nothing can be picked").hint("leave `weights` out to pick evenly"),
        );
        return None;
    }
    Some(weights)
}
