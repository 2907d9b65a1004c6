//! The events of one seed, in memory: stamped with plan time, ordered, hashed and judged while the run goes on.
//!
//! turmoil runs one host after the other through the same tick, so events come out of order within a tick; they are
//! sorted by time when the tick is over, and numbered then. Until time 0 of the plan is known, events wait. Neighbours:
//! `loadgen` writes drafts, `reports` judges. Left out: files.

use crate::clock::{Clock, nanos};
use crate::netlog;
use rehearsal_loadgen::sink::{Draft, EventSink};
use rehearsal_reports::checks::RunEnd;
use rehearsal_reports::coverage::{Covered, Watch};
use rehearsal_reports::event::{Event, Kind, Name};
use rehearsal_reports::judge::Judge;
use rehearsal_reports::unmatched::Unmatched;
use rehearsal_reports::verdict::CheckVerdict;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::plan::Plan;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Where plan time stands before time 0 is known: far enough before it that nothing planned has come.
const BEFORE_TIME_0: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether the events themselves are wanted, or only what follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All of them.
    Events,
    /// Verdicts, counts and the hash.
    VerdictsOnly,
}

/// The events of one seed. Shared by all users of a world.
pub struct EventLog {
    clock: Arc<Clock>,
    state: Mutex<State>,
}

struct State {
    time_0_ns: Option<Nanos>,
    /// World time and draft, in the order of writing.
    waiting: Vec<(Nanos, Draft)>,
    folded: Option<Folded>,
    /// What has been invoked and not ended: user and operation number -> operation and since when, in world time.
    pending: BTreeMap<(Name, u64), (Name, Nanos)>,
}

struct Folded {
    judge: Judge,
    watch: Watch,
    hash: Xxh3,
    pieces: Pieces,
    count: u64,
    unmatched: Unmatched,
    keep: Keep,
    events: Vec<Event>,
}

/// The pieces of one event, put together for the hash, which is slow with small ones.
#[derive(Default)]
struct Pieces(Vec<u8>);

impl Hasher for Pieces {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        xxh3_64(&self.0)
    }
}

/// What a finished run leaves.
#[derive(Default)]
pub struct Finished {
    /// The verdicts of all checks.
    pub verdicts: Vec<CheckVerdict>,
    /// What the run covered.
    pub covered: Covered,
    /// Hash over all events.
    pub hash: u64,
    /// How many events there were.
    pub count: u64,
    /// The events, if they were kept.
    pub events: Vec<Event>,
    /// Messages that no step asked for.
    pub unmatched: Unmatched,
    /// World time of the plan's time 0; 0 if the run did not come to it.
    pub time_0_ns: Nanos,
}

/// An operation that never ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingOperation {
    /// Who waits.
    pub user: Name,
    /// For what.
    pub op: Name,
    /// Since when, in nanoseconds of plan time.
    pub since_ns: i64,
}

impl EventLog {
    /// An empty log, judged by the plan's checks.
    pub fn new(plan: &Plan, clock: Arc<Clock>, keep: Keep) -> EventLog {
        let folded = Folded {
            judge: Judge::new(plan),
            watch: Watch::default(),
            hash: Xxh3::new(),
            pieces: Pieces::default(),
            count: 0,
            unmatched: Unmatched::default(),
            keep,
            events: Vec::new(),
        };
        let state = State { time_0_ns: None, waiting: Vec::new(), folded: Some(folded), pending: BTreeMap::new() };
        EventLog { clock, state: Mutex::new(state) }
    }

    /// Time 0 of the plan is now.
    pub fn time_0_is_now(&self) {
        let now = self.clock.now_ns();
        netlog::time_0(*self.lock().time_0_ns.get_or_insert(now));
    }

    /// The engine's step is to end with this moment, if the engine can: somebody who steps it waits for what has happened.
    pub(crate) fn end_step_here(&self) {
        self.clock.stop_here();
    }

    /// Plan time, once time 0 is known.
    pub fn plan_ns(&self) -> Option<i64> {
        let time_0 = self.lock().time_0_ns?;
        Some(since(self.clock.now_ns(), time_0))
    }

    /// All hosts have run up to now: what they wrote gets its order and numbers.
    pub fn settle(&self) {
        let mut state = self.lock();
        let Some(time_0) = state.time_0_ns else { return };
        let mut waiting = std::mem::take(&mut state.waiting);
        // Stable: what one host wrote at one moment keeps its order.
        waiting.sort_by_key(|(at, _)| *at);
        for (at, draft) in waiting.drain(..) {
            state.fold(draft, since(at, time_0));
        }
        // Its room stays: the next step's events fill it again.
        state.waiting = waiting;
    }

    /// What has not ended, by user.
    pub fn pending(&self) -> Vec<PendingOperation> {
        let state = self.lock();
        let time_0 = state.time_0_ns.unwrap_or_default();
        let operation = |((user, _), (op, at)): (&(Name, u64), &(Name, Nanos))| PendingOperation {
            user: user.clone(),
            op: op.clone(),
            since_ns: since(*at, time_0),
        };
        state.pending.iter().map(operation).collect()
    }

    /// Ends the log: what is written from here on, by users that are dropped, is lost. Empty if it had ended before.
    pub fn finish(&self, complete: bool) -> Finished {
        // A run that never came to time 0 is told from its own start.
        let time_0_ns = *self.lock().time_0_ns.get_or_insert(0);
        self.settle();
        let t_ns = self.plan_ns().unwrap_or_default();
        match self.lock().folded.take() {
            Some(Folded { judge, watch, hash, count, events, unmatched, .. }) => {
                let verdicts = judge.finish(RunEnd { t_ns, complete });
                Finished { verdicts, covered: watch.finish(), hash: hash.digest(), count, events, unmatched, time_0_ns }
            }
            None => Finished::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of one user breaks the run anyway, and what was written before it shall be told.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, draft: &Draft, at: Nanos) {
        let Some(op_id) = draft.op_id else { return };
        let key = (draft.user.clone(), op_id);
        match draft.kind {
            Kind::Invoked => drop(self.pending.insert(key, (draft.op.clone(), at))),
            _ => drop(self.pending.remove(&key)),
        }
    }

    fn fold(&mut self, draft: Draft, t_ns: i64) {
        let Some(folded) = &mut self.folded else { return };
        draft.digest.hash(&mut folded.pieces);
        let event = draft.stamp(folded.count, t_ns);
        folded.count += 1;
        event.hash(&mut folded.pieces);
        folded.hash.update(&folded.pieces.0);
        folded.pieces.0.clear();
        folded.judge.observe(&event);
        folded.unmatched.observe(&event);
        folded.watch.observe(&event);
        if folded.keep == Keep::Events {
            folded.events.push(event);
        }
    }
}

impl EventSink for EventLog {
    fn now_ns(&self) -> i64 {
        let before = since(self.clock.now_ns(), nanos(BEFORE_TIME_0));
        self.plan_ns().unwrap_or(before)
    }

    fn keeps_contents(&self) -> bool {
        self.lock().folded.as_ref().is_some_and(|folded| folded.keep == Keep::Events)
    }

    fn wants_digests(&self) -> bool {
        true
    }

    fn record(&self, event: Draft) {
        let now = self.clock.now_ns();
        let mut state = self.lock();
        state.note(&event, now);
        state.waiting.push((now, event));
    }
}

/// World time as plan time.
fn since(world_ns: Nanos, time_0_ns: Nanos) -> i64 {
    let signed = |time: Nanos| i64::try_from(time).unwrap_or(i64::MAX);
    signed(world_ns) - signed(time_0_ns)
}
