//! The few calls that already have no order. A call is never taken away, since the others may rest on what it did: it is
//! set free instead, so that it may happen at any time or never. What has no order even then has none for sure.

use super::{Model, Moment, Order, Span, Steps, order};

/// Steps for one attempt to leave a call out.
const STEPS: u64 = 20_000;
/// Windows grow from this many calls.
const WINDOW_MIN: usize = 4;
/// In a longer history than this the calls are printed as they are.
const WINDOW_MAX: usize = 256;

/// Indexes of the calls that have no order, in the order of their beginnings, the one that breaks it (`at`) among them.
pub fn shrink<M: Model>(initial: &[M::State], spans: &[Span<M::Call>], at: usize) -> Vec<usize> {
    let Some(end) = spans[at].ended else { return vec![at] };
    let mut before: Vec<usize> = (0..spans.len()).filter(|index| spans[*index].began <= end).collect();
    // The newest last; `at` is the very last.
    before.sort_by_key(|index| (*index == at, spans[*index].ended.map_or(end, |ended| ended.min(end)), *index));
    let mut window = WINDOW_MIN;
    let mut kept = loop {
        let first = before.len().saturating_sub(window);
        let kept: Vec<usize> = before[first..].to_vec();
        if has_none::<M>(initial, spans, &before, &kept) {
            break kept;
        }
        if first == 0 || window >= WINDOW_MAX {
            return vec![at];
        }
        window *= 2;
    };
    for index in kept.clone() {
        let without: Vec<usize> = kept.iter().copied().filter(|it| *it != index).collect();
        if index != at && has_none::<M>(initial, spans, &before, &without) {
            kept = without;
        }
    }
    kept.sort_by_key(|index| (spans[*index].began, *index));
    kept
}

/// Whether these calls have no order, whatever the others did and when.
fn has_none<M: Model>(initial: &[M::State], spans: &[Span<M::Call>], all: &[usize], kept: &[usize]) -> bool {
    let Some(start) = kept.iter().map(|index| spans[*index].began).min() else { return false };
    let mut states = initial.to_vec();
    let mut calls = Vec::new();
    for index in all {
        let span = &spans[*index];
        if kept.contains(index) {
            calls.push(span.clone());
        } else if !M::is_read(&span.call) {
            states.extend(M::leaves(&span.call));
            if span.ended.is_none_or(|ended| ended >= start) {
                calls.push(Span { call: span.call.clone(), began: Moment::min(start, span.began), ended: None });
            }
        }
    }
    states.sort();
    states.dedup();
    matches!(order::<M>(&states, &calls, &mut Steps::new(STEPS)), Order::None { .. })
}
