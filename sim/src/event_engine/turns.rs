//! The one runtime of a world, and what happens around each turn of a task: clocks show virtual time, the pump hears that
//! somebody has run, and a task that came past its host's spawner is found.
//!
//! Invariants: before any task is polled, the clocks of the thread show virtual time; everything here belongs to one thread,
//! which plays one world. Neighbours: `roster` spawns and says whose turn it is, `pump` asks whether anything has run.

use super::holding;
use crate::entropy;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::runtime::{Builder, RngSeed, Runtime};
use tokio::task::JoinHandle;
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
    holding::forget();
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

/// Spawns a task that a roster owns.
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    SPAWNING.set(true);
    #[allow(clippy::disallowed_methods, reason = "this is what a spawner of this engine rests on")]
    let spawned = tokio::spawn(task);
    SPAWNING.set(false);
    spawned
}

/// Lets a task of a host have its turn.
pub(super) fn of<R>(host: &Arc<str>, turn: impl FnOnce() -> R) -> R {
    let before = POLLED.replace(Some(host.clone()));
    let result = turn();
    POLLED.set(before);
    result
}
