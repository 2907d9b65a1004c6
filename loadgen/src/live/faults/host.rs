//! A host that faults name: in a live run the one user that the plan gives it, with links of its own and a spawner for each
//! life. A life ends at once: nothing of it is polled any more, also while its tasks are still being dropped.
//!
//! Neighbours: `mod` starts lives and ends them, `links` are its network. Left out: when.

use super::links::Links;
use crate::commons::lock;
use crate::faults::gate::Gate;
use crate::live::machine::MachineSpawner;
use crate::live::network::LiveStream;
use rehearsal_reference::surroundings::{Spawn, Task, TaskHandle};
use std::any::Any;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// Whatever is told, when dropped, that a user has come to its end.
pub(super) type Told = Box<dyn Any + Send>;

/// A host.
pub(super) struct Host {
    pub(super) users: Vec<u32>,
    pub(super) gate: Arc<Gate>,
    pub(super) links: Arc<Links<LiveStream>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    incarnation: u32,
    life: Option<Life>,
    told: BTreeMap<u32, Told>,
}

/// What runs on a host until it goes down.
#[derive(Clone)]
pub(super) struct Life {
    pub(super) incarnation: u32,
    tasks: Arc<MachineSpawner>,
    hold: Arc<Hold>,
}

/// Whether the programs of a life may go on. Asked before each poll and each read, so that a fault takes hold at once, also
/// in the middle of a poll.
pub struct Hold {
    gate: Arc<Gate>,
    is_over: AtomicBool,
}

impl Hold {
    /// Of a life that goes on, with its host's gate.
    pub(super) fn new(gate: Arc<Gate>) -> Arc<Hold> {
        Arc::new(Hold { gate, is_over: AtomicBool::new(false) })
    }

    /// Whether the task is held; then it is woken when it may go on, if ever.
    pub(super) fn holds(&self, waker: &Waker) -> bool {
        self.is_over.load(Ordering::Acquire) || self.gate.holds(waker)
    }
}

impl Host {
    pub(super) fn new(users: Vec<u32>, links: Arc<Links<LiveStream>>) -> Host {
        Host { users, gate: Arc::default(), links, state: Mutex::default() }
    }

    /// Something that is told when this user has come to its end for good.
    pub(super) fn keep(&self, user: u32, told: Told) {
        lock(&self.state).told.insert(user, told);
    }

    /// A user has come to its end for good.
    pub(super) fn has_ended(&self, user: u32) {
        let told = lock(&self.state).told.remove(&user);
        drop(told);
    }

    /// Nothing will ever run here again.
    pub(super) fn is_gone(&self) {
        let told = std::mem::take(&mut lock(&self.state).told);
        drop(told);
    }

    /// A life begins, unless one goes on.
    pub(super) fn begin_life(&self, run: &MachineSpawner) -> Option<Life> {
        let mut state = lock(&self.state);
        if state.life.is_some() {
            return None;
        }
        let life = Life { incarnation: state.incarnation, tasks: run.beside(), hold: Hold::new(self.gate.clone()) };
        state.incarnation += 1;
        state.life = Some(life.clone());
        Some(life)
    }

    /// The life ends now, if one goes on. Its tasks are still to be dropped.
    pub(super) fn end_life(&self) -> Option<Life> {
        let life = lock(&self.state).life.take();
        life.inspect(|life| life.hold.is_over.store(true, Ordering::Release))
    }
}

impl Life {
    /// Whether a fault has ended it.
    pub(super) fn is_over(&self) -> bool {
        self.hold.is_over.load(Ordering::Acquire)
    }

    /// Whether its programs may go on.
    pub(super) fn hold(&self) -> Arc<Hold> {
        self.hold.clone()
    }

    /// Drops its tasks, and waits until they are gone.
    pub(super) async fn drop_tasks(&self) {
        self.tasks.end_all().await;
    }

    /// Where programs of this life spawn.
    pub(super) fn spawner(&self) -> Arc<dyn Spawn> {
        Arc::new(LifeSpawner(self.clone()))
    }
}

struct LifeSpawner(Life);

impl Spawn for LifeSpawner {
    fn spawn(&self, origin: &'static str, mut task: Task) -> TaskHandle {
        let hold = self.0.hold();
        let held = poll_fn(move |cx| if hold.holds(cx.waker()) { Poll::Pending } else { task.as_mut().poll(cx) });
        self.0.tasks.spawn(origin, Box::pin(held))
    }
}
