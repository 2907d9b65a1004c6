//! All tasks of one incarnation of a host: who owns them, and what it takes to end them all at once.
//!
//! Invariants: every task belongs to the roster of one incarnation; once a roster is ended, no code of its tasks runs
//! again. Neighbours: `host` wraps what is spawned (panics, entropy), `turns` runs it, `holding` lets others go first.

use super::{holding, turns};
use crate::host::message_of;
use crate::network::fabric::Fabric;
use crate::network::{Manner, rest};
use rehearsal_reference::surroundings::{Task, TaskHandle};
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{DelayPoint, Hold};
use std::any::Any;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::task::AbortHandle;

/// What a task was given to do, until it is done, dropped or killed.
type Work = Mutex<Option<Task>>;

/// Share of polls that let other tasks of the moment run first. tokio's queue is first in, first out, so that without this
/// no seed would ever try another order.
const YIELDING_SHARE: f64 = 1.0 / 16.0;

/// All tasks of one incarnation of a host.
pub(crate) struct Roster {
    fabric: Arc<Fabric>,
    /// The place of its draws.
    draw: Draw,
    manner: Manner,
    /// Where the plan holds tasks back.
    points: Vec<DelayPoint>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_over: bool,
    spawned: u64,
    tasks: Vec<(Arc<Work>, AbortHandle)>,
    prune_at: usize,
}

impl Roster {
    pub(super) fn new(fabric: Arc<Fabric>, draw: Draw, manner: Manner, points: Vec<DelayPoint>) -> Roster {
        Roster { fabric, draw, manner, points, state: Mutex::default() }
    }

    /// Spawns a task of this incarnation.
    pub(crate) fn spawn(&self, host: Arc<str>, task: Task) -> TaskHandle {
        let mut state = self.state();
        let number = state.spawned;
        state.spawned += 1;
        let points = self.points.iter().filter(|point| point.task == number).map(|point| (point.poll, point.hold));
        self.own(&mut state, host, task, self.draw.at(number), self.manner, points.collect())
    }

    /// Spawns a task of the machine itself, which no delay point counts and nothing holds back.
    pub(crate) fn spawn_unheld(&self, host: Arc<str>, task: Task) -> TaskHandle {
        self.own(&mut self.state(), host, task, self.draw, Manner::Plain, BTreeMap::new())
    }

    fn own(
        &self,
        state: &mut State,
        host: Arc<str>,
        task: Task,
        draw: Draw,
        manner: Manner,
        points: BTreeMap<u64, Hold>,
    ) -> TaskHandle {
        let work = Arc::new(Mutex::new((!state.is_over).then_some(task)));
        let owned = Owned { host, work: work.clone(), draw, manner, points, fabric: self.fabric.clone() };
        let abort = turns::spawn(owned.run()).abort_handle();
        if state.tasks.len() >= state.prune_at {
            state.tasks.retain(|(_, abort)| !abort.is_finished());
            state.prune_at = 2 * state.tasks.len() + 16;
        }
        state.tasks.push((work, abort.clone()));
        TaskHandle::new(abort)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every task at once, in the order of spawning, and any that is spawned later. The words of a panic, if a
    /// task panics while it is dropped.
    pub(super) fn end(&self) -> Option<String> {
        let tasks = {
            let mut state = self.state();
            state.is_over = true;
            std::mem::take(&mut state.tasks)
        };
        let mut panicked = None;
        for (work, abort) in tasks {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(take(&work)))) {
                panicked.get_or_insert(message_of(payload.as_ref() as &(dyn Any + Send)));
            }
            abort.abort();
        }
        panicked
    }
}

/// A task as the runtime sees it.
struct Owned {
    host: Arc<str>,
    work: Arc<Work>,
    draw: Draw,
    manner: Manner,
    /// Where it is held back, by the number of the poll.
    points: BTreeMap<u64, Hold>,
    fabric: Arc<Fabric>,
}

impl Owned {
    async fn run(self) {
        let mut polls = 0;
        loop {
            match self.points.get(&polls) {
                Some(Hold::BehindOthers) => holding::behind_others().await,
                Some(Hold::For(nanos)) => rest(&self.fabric, *nanos, self.draw.named("held").at(polls)).await,
                None if self.lets_others_go_first(polls) => holding::let_others_go_first().await,
                None => {}
            }
            polls += 1;
            // One poll, and then until the next one is asked for.
            let mut was_polled = false;
            let polled = poll_fn(|context| {
                if std::mem::replace(&mut was_polled, true) {
                    return Poll::Ready(Poll::Pending);
                }
                self.poll(context).map(Poll::Ready)
            });
            if polled.await.is_ready() {
                return;
            }
        }
    }

    fn lets_others_go_first(&self, poll: u64) -> bool {
        self.manner == Manner::Searching && self.draw.at(poll).unit() < YIELDING_SHARE
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(task) = work.as_mut() else { return Poll::Ready(()) };
        turns::of(&self.host, || task.as_mut().poll(context))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        drop(take(&self.work));
    }
}

/// What is dropped may spawn or end others: never while the lock is held.
fn take(work: &Work) -> Option<Task> {
    work.lock().unwrap_or_else(PoisonError::into_inner).take()
}
