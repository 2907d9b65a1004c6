//! Whether operations of several users on one object have an order that explains all their answers: linearizability, after
//! Wing and Gong, with the just-in-time search of Lowe. Calls are looked at in the order in which they began and ended;
//! kept are all configurations (a state, and which open calls have happened) that explain everything so far, each once.
//! When a call ends in which none of them is left, that call has no place.
//!
//! A call whose outcome nobody knows may have happened at any time since it began, or never. The search counts its steps
//! and gives up when they are spent: the verdict is then unknown, and the same on every machine.
//!
//! - [`counterexample`]: the few calls that already have no order
//!
//! Neighbour: `checks::history_is_linearizable` makes calls of events. Left out: events, users and words.

#[cfg(test)]
pub(crate) mod by_force;
pub mod counterexample;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

/// An object that does one thing at a time.
pub trait Model {
    /// What it is like between two calls.
    type State: Clone + Ord;
    /// A call with its outcome.
    type Call: Clone;

    /// The state after this call in this state, if it can have had this outcome there.
    fn step(state: &Self::State, call: &Self::Call) -> Option<Self::State>;
    /// Whether the call changes no state: it then can take its place as soon as there is one.
    fn is_read(call: &Self::Call) -> bool;
    /// The states that the call can leave behind, whatever was before: none for a read.
    fn leaves(call: &Self::Call) -> Vec<Self::State>;
}

/// When something happened: plan time in nanoseconds, and the number of the event to tell apart what has one time.
pub type Moment = (i64, u64);

/// A call from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<C> {
    /// What was called, and what came of it.
    pub call: C,
    /// When it began.
    pub began: Moment,
    /// When it had happened for certain; none if nobody knows whether it ever did.
    pub ended: Option<Moment>,
}

/// Whether there is an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// There is.
    Found,
    /// There is none: the call with this index is the first that has no place when it ends.
    None {
        /// Its index.
        at: usize,
    },
    /// The search was given up.
    GivenUp,
}

/// How many steps a search may still take.
#[derive(Clone, Copy, Debug)]
pub struct Steps(u64);

impl Steps {
    /// So many.
    pub fn new(steps: u64) -> Steps {
        Steps(steps)
    }

    fn take(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

/// A state, and those of the open calls that have happened, by index.
type Configuration<M> = (<M as Model>::State, Vec<usize>);

/// Looks for an order of all these calls, from any of these states on.
pub fn order<M: Model>(initial: &[M::State], spans: &[Span<M::Call>], steps: &mut Steps) -> Order {
    let mut search =
        Search::<M> { spans, open: Vec::new(), now: initial.iter().map(|it| (it.clone(), Vec::new())).collect() };
    for turn in turns(spans) {
        match turn {
            Turn::Began(index) => search.began(index),
            Turn::Ended(index) => {
                if !search.ended(index, steps) {
                    return Order::GivenUp;
                }
                if search.now.is_empty() {
                    return Order::None { at: index };
                }
            }
        }
    }
    Order::Found
}

/// A call begins or ends.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Began(usize),
    Ended(usize),
}

/// All beginnings and ends by time; of one moment the beginnings come first, which forbids the least.
fn turns<C>(spans: &[Span<C>]) -> impl Iterator<Item = Turn> + use<C> {
    let mut turns: Vec<(Moment, u8, usize)> = Vec::with_capacity(spans.len() * 2);
    for (index, span) in spans.iter().enumerate() {
        turns.push((span.began, 0, index));
        turns.extend(span.ended.map(|ended| (ended.max(span.began), 1, index)));
    }
    turns.sort_unstable();
    turns.into_iter().map(|(_, end, index)| if end == 0 { Turn::Began(index) } else { Turn::Ended(index) })
}

struct Search<'a, M: Model> {
    spans: &'a [Span<M::Call>],
    /// Calls that have begun and not ended.
    open: Vec<usize>,
    now: BTreeSet<Configuration<M>>,
}

impl<M: Model> Search<'_, M> {
    fn began(&mut self, index: usize) {
        self.open.push(index);
        if M::is_read(&self.spans[index].call) {
            let before = std::mem::take(&mut self.now);
            self.now = before.into_iter().map(|configuration| self.settled(configuration)).collect();
        }
    }

    /// Keeps what has this call happen by now; false if the steps are spent.
    fn ended(&mut self, index: usize, steps: &mut Steps) -> bool {
        let mut seen = BTreeSet::new();
        let mut next = BTreeSet::new();
        let mut todo: Vec<Configuration<M>> = std::mem::take(&mut self.now).into_iter().collect();
        while let Some((state, happened)) = todo.pop() {
            if !steps.take() {
                return false;
            }
            if happened.contains(&index) {
                let happened = happened.into_iter().filter(|it| *it != index).collect();
                next.insert((state, happened));
                continue;
            }
            for call in self.open.iter().filter(|it| !happened.contains(it)) {
                let Some(after) = M::step(&state, &self.spans[*call].call) else { continue };
                let mut happened = happened.clone();
                happened.push(*call);
                happened.sort_unstable();
                let configuration = self.settled((after, happened));
                if !seen.contains(&configuration) {
                    seen.insert(configuration.clone());
                    todo.push(configuration);
                }
            }
        }
        self.open.retain(|it| *it != index);
        self.now = self.without_the_dominated(next);
        true
    }

    /// Every open read that has a place here takes it: it changes nothing, so nothing is lost by that.
    fn settled(&self, (state, mut happened): Configuration<M>) -> Configuration<M> {
        for call in &self.open {
            let span = &self.spans[*call].call;
            if M::is_read(span) && !happened.contains(call) && M::step(&state, span).is_some() {
                happened.push(*call);
            }
        }
        happened.sort_unstable();
        (state, happened)
    }

    /// Of two configurations that differ only in calls that need not happen, the one that has used fewer can do whatever the
    /// other can.
    fn without_the_dominated(&self, all: BTreeSet<Configuration<M>>) -> BTreeSet<Configuration<M>> {
        let may_never_happen = |index: &usize| self.spans[*index].ended.is_none();
        if all.len() < 2 || !self.open.iter().any(may_never_happen) {
            return all;
        }
        let split =
            |happened: &[usize]| -> (Vec<usize>, Vec<usize>) { happened.iter().partition(|it| may_never_happen(it)) };
        let list: Vec<_> = all.iter().map(|(state, happened)| (state, split(happened))).collect();
        let is_dominated = |one: usize| {
            let (state, (free, bound)) = &list[one];
            list.iter().enumerate().any(|(other, (their_state, (their_free, their_bound)))| {
                other != one
                    && their_state == state
                    && their_bound == bound
                    && their_free.len() < free.len()
                    && their_free.iter().all(|it| free.contains(it))
            })
        };
        let kept: Vec<bool> = (0..list.len()).map(|index| !is_dominated(index)).collect();
        all.into_iter().zip(kept).filter(|(_, is_kept)| *is_kept).map(|(configuration, _)| configuration).collect()
    }
}
