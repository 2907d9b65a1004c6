//! What a host hands to the programs on it besides the network: a wall clock, randomness, and a spawner that owns every
//! task. In a simulation all three come from the seed; on a machine from its operating system.
//! Monotonic time is `tokio::time`, which both worlds control.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A boxed task.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The wall clock: identity tokens, room expiry and time stamps are judged with it.
pub trait WallClock: Send + Sync {
    /// Time since 1970-01-01 00:00 UTC.
    fn now(&self) -> Duration;
}

/// A stream of random bytes.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// Runs tasks and owns them: whoever drops or kills the host ends them all.
pub trait Spawn: Send + Sync {
    /// Starts a task; `origin` names it in reports of panics and stuck runs.
    fn spawn(&self, origin: &'static str, task: Task) -> TaskHandle;
}

/// Ends its task when dropped, unless detached.
#[must_use = "dropping the handle ends the task"]
pub struct TaskHandle {
    abort: Option<tokio::task::AbortHandle>,
}

impl TaskHandle {
    /// A handle over a task that the spawner keeps as well.
    pub fn new(abort: tokio::task::AbortHandle) -> Self {
        TaskHandle { abort: Some(abort) }
    }
    /// Lets the task run on by itself; its spawner still owns it.
    pub fn detach(mut self) {
        self.abort = None;
    }
    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.abort.as_ref().is_none_or(tokio::task::AbortHandle::is_finished)
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
    }
}

/// What a program finds around it. Cheap to clone.
#[derive(Clone)]
pub struct Surroundings {
    /// The wall clock.
    pub clock: Arc<dyn WallClock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where tasks run.
    pub spawner: Arc<dyn Spawn>,
}

impl Surroundings {
    /// Random bytes.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// Lower-case hex digits, `digits` of them (an even number).
    pub fn random_hex(&self, digits: usize) -> String {
        let mut bytes = vec![0; digits / 2];
        self.random.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A version 4 UUID.
    pub fn random_uuid(&self) -> String {
        let mut bytes: [u8; 16] = self.random_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}
