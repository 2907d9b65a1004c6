//! A simulated host as its program finds it: a name, an incarnation, the network, and surroundings from the seed.
//!
//! Every task of a host goes through its spawner, which counts entropy for the host and catches panics: a panic breaks
//! the run and is named, it is never silent. Neighbours: `engine` runs hosts, `entropy` counts streams. Left out: what the
//! program does (`seed`).

use crate::clock::Clock;
use crate::entropy::{self, TaskId};
use crate::event_engine::Roster;
use crate::network::SimNetwork;
use crate::standing::Standing;
use rehearsal_reference::surroundings::{Random, Spawn, Surroundings, Task, TaskHandle};
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// When every simulated world begins: 2026-01-01 00:00 UTC. Fixed, so that time stamps are the same on every machine.
pub const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// What a host runs, made anew for each incarnation.
pub type Program = Box<dyn Fn(Host) -> Task>;

/// One incarnation of a host.
#[derive(Clone)]
pub struct Host {
    /// Its name in the plan.
    pub name: Arc<str>,
    /// How often it has been started before.
    pub incarnation: u32,
    /// The network from here.
    pub network: SimNetwork,
    pub(crate) life: Arc<Life>,
}

/// What all tasks of an incarnation share.
pub(crate) struct Life {
    pub(crate) clock: Arc<Clock>,
    pub(crate) panics: Arc<Panics>,
    pub(crate) host: Arc<str>,
    /// The place of this incarnation's draws.
    pub(crate) draw: Draw,
    pub(crate) polls: Polls,
    /// Shared with the other incarnations.
    pub(crate) standing: Arc<Standing>,
    /// Who owns its tasks, unless a runtime of its own does.
    pub(crate) roster: Option<Arc<Roster>>,
}

/// Counts polls of a host's tasks within one step: virtual time stands still while tasks only wake each other.
#[derive(Default)]
pub(crate) struct Polls {
    step_ns: AtomicU64,
    count: AtomicU64,
}

/// A busy server polls a few thousand times in a step; a livelock comes here within a second of real time.
const POLLS_IN_A_STEP_MAX: u64 = 1_000_000;

impl Polls {
    /// Whether a poll in the step that began then is one too many.
    fn is_too_many(&self, step_ns: Nanos) -> bool {
        if self.step_ns.swap(step_ns, Ordering::Relaxed) != step_ns {
            self.count.store(0, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed) >= POLLS_IN_A_STEP_MAX
    }
}

impl Host {
    /// Surroundings for one program of this host; `who` sets its random stream apart from its neighbours' on the host.
    pub fn surroundings(&self, who: &str) -> Surroundings {
        let place = self.life.draw.named("random").named(who);
        Surroundings {
            clock: self.life.standing.clock.clone(),
            timers: self.life.standing.clock.clone(),
            random: Arc::new(SimRandom { place, calls: AtomicU64::new(0) }),
            spawner: Arc::new(SimSpawner(self.life.clone())),
        }
    }
}

impl Life {
    /// Runs what the machine itself does, past everything that holds its programs.
    pub(crate) fn on_machine(&self, task: Task) -> TaskHandle {
        match &self.roster {
            Some(roster) => roster.spawn_unheld(self.host.clone(), task),
            None => spawn_local(task),
        }
    }

    fn report(&self, origin: &str, message: String) {
        let (host, origin) = (self.host.to_string(), origin.to_owned());
        self.panics.report(Panic { host, origin, t_ns: self.clock.now_ns(), message });
    }
}

struct SimRandom {
    place: Draw,
    calls: AtomicU64,
}

impl Random for SimRandom {
    fn fill(&self, bytes: &mut [u8]) {
        entropy::fill_from(self.place.at(self.calls.fetch_add(1, Ordering::Relaxed)), bytes);
    }
}

struct SimSpawner(Arc<Life>);

impl Spawn for SimSpawner {
    fn spawn(&self, origin: &'static str, task: Task) -> TaskHandle {
        let task = watched(self.0.clone(), origin, task);
        if let Some(roster) = &self.0.roster {
            return roster.spawn(self.0.host.clone(), Box::pin(task));
        }
        spawn_local(task)
    }
}

/// On turmoil's local set, not with `tokio::spawn`: a runtime that dies drops its tasks by the remainders of their ids, and
/// ids are counted for the whole process, so that a kill would depend on what else the process has played.
fn spawn_local(task: impl Future<Output = ()> + 'static) -> TaskHandle {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the spawner; the host's runtime owns the task and dies with it"
    )]
    let spawned = tokio::task::spawn_local(task);
    TaskHandle::new(spawned.abort_handle())
}

/// Runs a task on behalf of its host until it ends or panics.
pub(crate) fn watched(life: Arc<Life>, origin: &'static str, mut task: Task) -> impl Future<Output = ()> + Send {
    let mut id = TaskId::next_of(life.draw.bits(), &life.host, origin);
    poll_fn(move |context| poll_watched(&life, origin, &mut id, task.as_mut(), context))
}

fn poll_watched(
    life: &Life,
    origin: &'static str,
    id: &mut TaskId,
    task: Pin<&mut (dyn Future<Output = ()> + Send)>,
    context: &mut Context<'_>,
) -> Poll<()> {
    if life.standing.gate.holds(context.waker()) {
        return Poll::Pending;
    }
    if life.polls.is_too_many(life.clock.step_began_ns()) {
        let message = format!("it never rests: {POLLS_IN_A_STEP_MAX} polls, and virtual time stands still");
        life.report(origin, message);
        return Poll::Ready(());
    }
    let polled = id.poll(&life.host, || catch_unwind(AssertUnwindSafe(|| task.poll(context))));
    polled.unwrap_or_else(|payload| {
        life.report(origin, message_of(payload.as_ref()));
        Poll::Ready(())
    })
}

/// A panic inside a simulated program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin} on {host} panicked after {:.3} s: {message}", *t_ns as f64 / 1e9)]
pub struct Panic {
    /// The host.
    pub host: String,
    /// Who spawned the task.
    pub origin: String,
    /// Virtual time since the world was built, in nanoseconds.
    pub t_ns: Nanos,
    /// What it said.
    pub message: String,
}

/// The panics of a world; the first one breaks the run.
#[derive(Default)]
pub(crate) struct Panics(Mutex<Option<Panic>>);

impl Panics {
    pub(crate) fn report(&self, panic: Panic) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
    }

    pub(crate) fn take(&self) -> Option<Panic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The words of a panic.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
