//! The surroundings that this machine offers: its wall clock, the operating system's randomness, and a spawner on the
//! tokio runtime that owns its tasks and counts their panics. Also used by `rehearsal serve`, `worker` and `client`.
#![allow(clippy::disallowed_methods, reason = "live runs read the machine's clock")]

use crate::commons::lock;
use futures_util::FutureExt;
use rehearsal_reference::surroundings::{Random, Spawn, Surroundings, Task, TaskHandle, TokioTimers, WallClock};
use rustls::crypto::SecureRandom;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

/// What this machine offers, and the spawner behind it.
pub fn surroundings() -> (Surroundings, Arc<MachineSpawner>) {
    let spawner = Arc::new(MachineSpawner::default());
    let random = OsRandom(rustls::crypto::ring::default_provider().secure_random);
    let surroundings = Surroundings {
        clock: Arc::new(MachineClock),
        timers: Arc::new(TokioTimers::new()),
        random: Arc::new(random),
        spawner: spawner.clone(),
    };
    (surroundings, spawner)
}

/// The machine's wall clock.
struct MachineClock;

impl WallClock for MachineClock {
    fn now(&self) -> Duration {
        // A clock before 1970 is wrong; tokens are then judged as of 1970.
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}

/// The operating system's random stream, through the TLS library, which is linked anyway.
struct OsRandom(&'static dyn SecureRandom);

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("the operating system always has randomness once it has started");
    }
}

/// Spawns on the tokio runtime of the caller, owns every task, and keeps what panicked. Dropping it ends all tasks.
#[derive(Default)]
pub struct MachineSpawner {
    tasks: Mutex<JoinSet<()>>,
    panics: Arc<Mutex<Vec<String>>>,
}

impl MachineSpawner {
    /// Another spawner, whose panics are kept with those of this one.
    pub fn beside(&self) -> Arc<MachineSpawner> {
        Arc::new(MachineSpawner { tasks: Mutex::default(), panics: self.panics.clone() })
    }

    /// What panicked so far: origin and message.
    pub fn panics(&self) -> Vec<String> {
        lock(&self.panics).clone()
    }

    /// Ends all tasks, and waits until they are gone.
    pub async fn end_all(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        tasks.shutdown().await;
    }
}

impl Spawn for MachineSpawner {
    fn spawn(&self, origin: &'static str, task: Task) -> TaskHandle {
        let panics = self.panics.clone();
        let mut tasks = lock(&self.tasks);
        // Ended tasks leave the set here, so that it does not grow with every connection there ever was.
        while tasks.try_join_next().is_some() {}
        TaskHandle::new(tasks.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                lock(&panics).push(format!("{origin}: {}", message(&*panic)));
            }
        }))
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_task_is_kept_with_its_origin() {
        let (surroundings, spawner) = surroundings();
        let (done, ended) = tokio::sync::oneshot::channel::<()>();
        surroundings
            .spawner
            .spawn(
                "planted",
                Box::pin(async move {
                    let _done = done;
                    panic!("as planned");
                }),
            )
            .detach();
        let _ = ended.await;
        // The sender is dropped while the panic unwinds; the message is kept one poll later.
        while spawner.panics().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(spawner.panics(), ["planted: as planned"]);
    }
}
