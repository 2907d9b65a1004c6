//! The search against trying everything, on ten thousand small histories; and what it says of larger ones.

use super::by_force::{Draws, is_explained, search_and_force_agree, spans};
use super::*;

/// A register with compare and swap.
struct Register;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Write(u8),
    Read(u8),
    Swap { from: u8, to: u8 },
}

impl Model for Register {
    type State = u8;
    type Call = Call;

    fn step(state: &u8, call: &Call) -> Option<u8> {
        match *call {
            Call::Write(value) => Some(value),
            Call::Read(value) => (*state == value).then_some(value),
            Call::Swap { from, to } => (*state == from).then_some(to),
        }
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Read(_))
    }

    fn leaves(call: &Call) -> Vec<u8> {
        match *call {
            Call::Write(value) | Call::Swap { to: value, .. } => vec![value],
            Call::Read(_) => Vec::new(),
        }
    }
}

fn span(call: Call, began: i64, ended: Option<i64>) -> Span<Call> {
    Span { call, began: (began, 0), ended: ended.map(|ended| (ended, 0)) }
}

fn call(draws: &mut Draws) -> Call {
    let mut value = || draws.below(3) as u8;
    let (one, other) = (value(), value());
    match draws.below(5) {
        0 | 1 => Call::Write(one),
        2 | 3 => Call::Read(one),
        _ => Call::Swap { from: one, to: other },
    }
}

#[test]
fn it_says_what_trying_everything_says_on_ten_thousand_small_histories() {
    let without = search_and_force_agree::<Register>(&0, &call);
    assert!((2_000..8_000).contains(&without), "{without} have no order");
}

#[test]
fn a_counterexample_has_no_order_and_each_of_its_calls_is_needed() {
    let mut draws = Draws::new();
    let mut shrunk = 0;
    for _ in 0..3_000 {
        let spans = spans(&mut draws, &call);
        let Order::None { at } = order::<Register>(&[0], &spans, &mut Steps::new(100_000)) else { continue };
        let few = counterexample::shrink::<Register>(&[0], &spans, at);
        assert!(few.contains(&at) && few.is_sorted_by_key(|index| spans[*index].began), "{few:?} of {spans:?}");
        // Whatever was before them, and whatever others do that may happen meanwhile.
        let start = few.iter().map(|index| spans[*index].began).min();
        let is_meanwhile = |span: &Span<Call>| {
            Some(span.began) <= spans[at].ended && span.ended.is_none_or(|ended| Some(ended) >= start)
        };
        let free = |(index, span): (usize, &Span<Call>)| match few.contains(&index) {
            true => Some(span.clone()),
            false => is_meanwhile(span).then(|| Span { ended: None, ..span.clone() }),
        };
        let freed: Vec<_> = spans.iter().enumerate().filter_map(free).collect();
        let others = spans
            .iter()
            .enumerate()
            .filter(|(index, span)| !few.contains(index) && Some(span.began) <= spans[at].ended);
        let states: Vec<u8> = others.flat_map(|(_, span)| Register::leaves(&span.call)).chain([0]).collect();
        let is_explained = states.iter().any(|state| is_explained::<Register>(state, &freed));
        assert!(!is_explained, "{few:?} of {spans:?}");
        shrunk += usize::from(few.len() < spans.len());
    }
    assert!(shrunk > 100, "{shrunk}");
}

#[test]
fn a_stale_read_after_a_thousand_calls_is_told_by_two() {
    let mut spans: Vec<_> = (0..1_000_i64)
        .map(|n| {
            span(
                if n % 2 == 0 { Call::Write((n % 100) as u8) } else { Call::Read(((n - 1) % 100) as u8) },
                n * 10,
                Some(n * 10 + 5),
            )
        })
        .collect();
    spans.push(span(Call::Read(96), 10_000, Some(10_005)));
    let Order::None { at } = order::<Register>(&[0], &spans, &mut Steps::new(100_000)) else { panic!("it is stale") };
    assert_eq!(at, 1_000);
    let few = counterexample::shrink::<Register>(&[0], &spans, at);
    assert_eq!(few, [999, 1_000], "a read of the newer value, and one of the older; nothing was written between them");
}

#[test]
fn a_call_that_nobody_knows_of_may_have_happened_late_or_never() {
    let late = [span(Call::Write(1), 0, None), span(Call::Read(0), 10, Some(11)), span(Call::Read(1), 20, Some(21))];
    assert_eq!(order::<Register>(&[0], &late, &mut Steps::new(1_000)), Order::Found);
    let twice = [late.as_slice(), &[span(Call::Read(0), 30, Some(31))]].concat();
    assert_eq!(order::<Register>(&[0], &twice, &mut Steps::new(1_000)), Order::None { at: 3 });
}

#[test]
fn a_search_that_is_too_long_is_given_up_at_the_same_step() {
    let mut spans: Vec<_> = (0..40).map(|n| span(Call::Write(n), 0, Some(100))).collect();
    spans.push(span(Call::Read(200), 0, Some(100)));
    assert_eq!(order::<Register>(&[0], &spans, &mut Steps::new(10_000)), Order::GivenUp);
}
