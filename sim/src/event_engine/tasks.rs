//! Tasks and the machines that they run on: who owns a task, who is polled now, and what it takes to end them all at
//! once.
//!
//! Invariants: every task belongs to the roster of one incarnation; once a roster is ended, no code of its tasks runs
//! again; before any task is polled, the clocks of the thread show virtual time. Everything here belongs to one thread,
//! which plays one world. Neighbours: `host` wraps what is spawned (panics, entropy), `pump` asks whether anything has
//! run.

use crate::entropy;
use crate::host::message_of;
use crate::network::fabric::Fabric;
use crate::network::{Manner, rest};
use rehearsal_reference::surroundings::{Task, TaskHandle};
use rehearsal_scenarios::draw::Draw;
use rehearsal_scenarios::plan::{DelayPoint, Hold};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio::runtime::{Builder, RngSeed, Runtime};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The runtime comes back to the pump after so many polls, or when nothing is ready.
const POLLS_AT_ONCE: u32 = 128;

thread_local! {
    /// When this thread's world began, by tokio's clock.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    /// How many polls there were since the pump last looked, and whom to wake at the first one.
    static POLLS: Cell<u32> = const { Cell::new(0) };
    static PUMP: RefCell<Option<Waker>> = const { RefCell::new(None) };
    /// The host whose task is polled.
    static POLLED: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
    /// Whether a roster is spawning.
    static SPAWNING: Cell<bool> = const { Cell::new(false) };
    /// Tasks that are held back until no other can run.
    static BEHIND: RefCell<Vec<(Waker, Arc<AtomicBool>)>> = const { RefCell::new(Vec::new()) };
    static STRAY: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The one runtime of a world, paused, whose order of everything comes from the seed.
pub(super) fn runtime(seed: u64) -> std::io::Result<Runtime> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .event_interval(POLLS_AT_ONCE)
        .rng_seed(RngSeed::from_bytes(&seed.to_le_bytes()))
        .on_task_spawn(|task| {
            if !SPAWNING.get() && !owns_only_a_socket(task.spawned_at()) {
                let host = POLLED.with_borrow(|host| host.as_deref().unwrap_or("no host").to_owned());
                let stray = format!("a task on {host} came past its host's spawner, spawned at {}", task.spawned_at());
                STRAY.with_borrow_mut(|found| _ = found.get_or_insert(stray));
            }
        })
        .on_before_task_poll(|_| {
            // Time has not moved since the first poll: it moves only when nobody can run, and the pump is asked first.
            if POLLS.replace(POLLS.get() + 1) == 0 {
                show_time();
                PUMP.take().into_iter().for_each(Waker::wake);
            }
        })
        .build()?;
    STRAY.set(None);
    BEHIND.take();
    POLLS.set(0);
    BEGAN.set(Some(runtime.block_on(async { Instant::now() })));
    Ok(runtime)
}

/// Where libraries spawn tasks by themselves that own nothing but a socket, and that end with what they serve: the folder
/// of the registry begins with this, the file ends with that.
const TASKS_OF_LIBRARIES: [(&str, &str); 1] = [("redis-", "/src/aio/tokio.rs")];

fn owns_only_a_socket(spawned_at: &Location<'_>) -> bool {
    let Some((_, in_registry)) = spawned_at.file().split_once("/registry/src/") else { return false };
    let Some((_, file)) = in_registry.split_once('/') else { return false };
    TASKS_OF_LIBRARIES.iter().any(|(library, end)| file.starts_with(library) && file.ends_with(end))
}

/// When this thread's world began, by tokio's clock.
pub(super) fn began() -> Instant {
    // A thread without a world has no tasks and no pump, so that nobody asks there.
    BEGAN.get().unwrap_or_else(Instant::now)
}

/// Lets the clocks of this thread show what tokio's shows. Call it inside of the runtime.
pub(super) fn show_time() {
    entropy::set_elapsed(Instant::now().saturating_duration_since(began()));
}

/// Who has run since the pump last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Nobody,
    /// Everybody who was ready: nobody is now.
    All,
    /// As many as the runtime polls before it comes back: others may be ready.
    PerhapsNotAll,
}

/// Asked by a pump that has just given way.
pub(super) fn take_ran() -> Ran {
    match POLLS.replace(0) {
        0 => Ran::Nobody,
        1..POLLS_AT_ONCE => Ran::All,
        _ => Ran::PerhapsNotAll,
    }
}

/// Ready once any task has run.
pub(super) fn poll_have_run(context: &mut Context<'_>) -> Poll<()> {
    if POLLS.get() > 0 {
        return Poll::Ready(());
    }
    PUMP.set(Some(context.waker().clone()));
    Poll::Pending
}

/// The first task that came past its host's spawner, in words.
pub(super) fn stray() -> Option<String> {
    STRAY.take()
}

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
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let work = Arc::new(Mutex::new((!state.is_over).then_some(task)));
        let number = state.spawned;
        state.spawned += 1;
        let points = self.points.iter().filter(|point| point.task == number).map(|point| (point.poll, point.hold));
        let owned = Owned {
            host,
            work: work.clone(),
            draw: self.draw.at(number),
            manner: self.manner,
            points: points.collect(),
            fabric: self.fabric.clone(),
        };
        SPAWNING.set(true);
        #[allow(clippy::disallowed_methods, reason = "this is what a spawner of this engine rests on")]
        let abort = tokio::spawn(owned.run()).abort_handle();
        SPAWNING.set(false);
        if state.tasks.len() >= state.prune_at {
            state.tasks.retain(|(_, abort)| !abort.is_finished());
            state.prune_at = 2 * state.tasks.len() + 16;
        }
        state.tasks.push((work, abort.clone()));
        TaskHandle::new(abort)
    }

    /// Ends every task at once, in the order of spawning, and any that is spawned later. The words of a panic, if a
    /// task panics while it is dropped.
    pub(super) fn end(&self) -> Option<String> {
        let tasks = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
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
                Some(Hold::BehindOthers) => behind_others().await,
                Some(Hold::For(nanos)) => rest(&self.fabric, *nanos, self.draw.named("held").at(polls)).await,
                None if self.lets_others_go_first(polls) => let_others_go_first().await,
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
        let before = POLLED.replace(Some(self.host.clone()));
        let polled = task.as_mut().poll(context);
        POLLED.set(before);
        polled
    }
}

/// Ready at the second poll, which is asked for at the first one: whoever is ready by then runs before.
async fn let_others_go_first() {
    let mut gave_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Ready once nobody else can run at this moment.
async fn behind_others() {
    let is_released = Arc::new(AtomicBool::new(false));
    let mut waits = false;
    poll_fn(|context| {
        if is_released.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut waits, true) {
            BEHIND.with_borrow_mut(|behind| behind.push((context.waker().clone(), is_released.clone())));
        }
        Poll::Pending
    })
    .await;
}

/// Lets tasks run that were held back behind all others, which have run by now. Whether there are any.
pub(super) fn release_those_behind() -> bool {
    let behind = BEHIND.take();
    for (waker, is_released) in &behind {
        is_released.store(true, Ordering::Relaxed);
        waker.wake_by_ref();
    }
    !behind.is_empty()
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
