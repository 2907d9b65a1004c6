//! A record for the tools of others. Neighbours: `story` (what one event says, and which message arrived when), `record`
//! (where events come from). Left out: files.
//!
//! - [`shiviz()`]: a log with vector clocks, for ShiViz: who could know of what
//! - [`trace()`]: Chrome's trace JSON, for Perfetto: what took how long

mod shiviz;
mod trace;

pub use shiviz::shiviz;
pub use trace::trace;

use crate::event::Event;
use crate::story::Arrivals;
use std::collections::BTreeSet;

/// Events by time and number; of one moment a sending comes before its arrival, and what a user does keeps its order: an
/// answer never comes before its question.
fn in_causal_order<'e>(events: &'e [Event], arrivals: &Arrivals) -> Vec<&'e Event> {
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| (event.t_ns, event.n));
    sorted.chunk_by_mut(|one, other| one.t_ns == other.t_ns).for_each(|moment| untangle(moment, arrivals));
    sorted
}

/// Live, the receiver may be the first of the two to write: then the arrival, and what its user did after it, waits.
fn untangle(moment: &mut [&Event], arrivals: &Arrivals) {
    let mut before = BTreeSet::new();
    let is_tangled = moment.iter().any(|event| {
        before.insert(event.n);
        arrivals.of_sent(event.n).is_some_and(|arrival| before.contains(&arrival.n))
    });
    if !is_tangled {
        return;
    }
    for begin in 0..moment.len() {
        let pending = &moment[begin..];
        let unsent: BTreeSet<u64> = pending.iter().filter_map(|it| Some(arrivals.of_sent(it.n)?.n)).collect();
        let mut waiting = BTreeSet::new();
        let is_ready = |event: &&Event| {
            let waits = unsent.contains(&event.n) || waiting.contains(&event.user);
            waits.then(|| waiting.insert(event.user.clone()));
            !waits
        };
        // Messages that wait for each other in a circle were matched wrongly, and stay as they are.
        let Some(ready) = pending.iter().position(is_ready) else { return };
        moment[begin..=begin + ready].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_for_tests::History;

    fn order(history: &History) -> Vec<u64> {
        let arrivals = Arrivals::of(&history.events, &BTreeSet::new());
        in_causal_order(&history.events, &arrivals).into_iter().map(|event| event.n).collect()
    }

    #[test]
    fn an_answer_at_the_moment_of_its_question_stays_behind_it() {
        let mut history = History::new();
        history.at(1.0).sends("a", 1, "b", "question").at(2.0);
        history.receives("b", 1, "a", "question").sends("b", 1, "a", "answer");
        assert_eq!(order(&history), [0, 1, 2]);
    }

    #[test]
    fn an_arrival_that_was_written_first_waits_for_its_sending_with_all_that_its_user_did_then() {
        let mut history = History::new();
        history.at(1.0).receives("b", 1, "a", "question").sends("b", 1, "c", "answer");
        history.receives("c", 1, "b", "answer").sends("a", 1, "b", "question");
        assert_eq!(order(&history), [3, 0, 1, 2]);
    }
}
