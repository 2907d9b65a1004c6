//! The search beside trying everything, for any object: whatever order there is, it must find, and none where there is none.
//! Each object of the check is held to it with calls of its own.

use super::{Model, Order, Span, Steps, order};
use rehearsal_scenarios::draw::Draw;

/// Draws one after the other.
pub(crate) struct Draws {
    draw: Draw,
    number: u64,
}

impl Draws {
    pub(crate) fn new() -> Draws {
        Draws { draw: Draw::of_seed(1), number: 0 }
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.number += 1;
        self.draw.at(self.number).below(limit)
    }
}

/// A small history: up to six calls that overlap or not, some of which nobody knows the end of.
pub(crate) fn spans<C>(draws: &mut Draws, call: &dyn Fn(&mut Draws) -> C) -> Vec<Span<C>> {
    let calls = 1 + draws.below(6);
    let mut spans = Vec::new();
    for _ in 0..calls {
        let call = call(draws);
        let began = draws.below(12) as i64;
        let ended = (draws.below(5) > 0).then(|| (began + draws.below(6) as i64, 0));
        spans.push(Span { call, began: (began, 0), ended });
    }
    spans
}

/// Whether some order of some choice of the calls that may have happened explains all of them.
pub(crate) fn is_explained<M: Model>(state: &M::State, spans: &[Span<M::Call>]) -> bool {
    go_on::<M>(state, spans, &mut Vec::new())
}

fn go_on<M: Model>(state: &M::State, spans: &[Span<M::Call>], happened: &mut Vec<usize>) -> bool {
    let open: Vec<usize> = (0..spans.len()).filter(|index| !happened.contains(index)).collect();
    if open.iter().all(|index| spans[*index].ended.is_none()) {
        return true;
    }
    for next in &open {
        // Nothing may come after a call that began only when this one had ended.
        let is_too_late = |other: &usize| spans[*other].ended.is_some_and(|ended| ended < spans[*next].began);
        if open.iter().any(is_too_late) {
            continue;
        }
        if let Some(after) = M::step(state, &spans[*next].call) {
            happened.push(*next);
            let found = go_on::<M>(&after, spans, happened);
            happened.pop();
            if found {
                return true;
            }
        }
    }
    false
}

/// Compares them on ten thousand histories of these calls. How many of them have no order.
pub(crate) fn search_and_force_agree<M: Model>(initial: &M::State, call: &dyn Fn(&mut Draws) -> M::Call) -> u32 {
    let mut draws = Draws::new();
    let mut without = 0;
    for number in 0..10_000 {
        let spans = spans(&mut draws, call);
        let by_force = is_explained::<M>(initial, &spans);
        let found = order::<M>(std::slice::from_ref(initial), &spans, &mut Steps::new(100_000));
        assert_eq!(found == Order::Found, by_force, "history {number}");
        assert_ne!(found, Order::GivenUp, "history {number}");
        without += u32::from(!by_force);
    }
    without
}
