//! What a host hands to the programs on it besides the network: a wall clock, timers, randomness, and a spawner that owns
//! every task. In a simulation all of them come from the seed; on a machine from its operating system.
//!
//! Both worlds control `tokio::time`. What a program does after a while, or counts as too long, goes through its host's
//! timers all the same, since these may be too fast or too slow; only how long hyper waits for the head of a request is
//! tokio's own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A boxed task.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The wall clock: identity tokens, room expiry and time stamps are judged with it.
pub trait WallClock: Send + Sync {
    /// Time since 1970-01-01 00:00 UTC.
    fn now(&self) -> Duration;
}

/// Monotonic time of a host, as fast as the host runs.
pub trait Timers: Send + Sync {
    /// Time since some moment of the host's own.
    fn now(&self) -> Duration;
    /// When, by tokio's clock, that time will have come to `at` at its pace of now; never early by that pace.
    fn rings(&self, at: Duration) -> Instant;
    /// Told each time the pace changes, which timers that are set must follow; none if it never does.
    fn repaced(&self) -> Option<&Notify> {
        None
    }
}

impl dyn Timers + '_ {
    /// Waits until that time has come to `at`, also if its pace changes meanwhile.
    pub async fn sleep_until(&self, at: Duration) {
        let Some(repaced) = self.repaced() else { return tokio::time::sleep_until(self.rings(at)).await };
        loop {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.rings(at)) => return,
                () = repaced.notified() => {}
            }
        }
    }

    /// Waits for so long by these timers.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().saturating_add(duration)).await;
    }

    /// Runs a future for so long at most, by these timers.
    ///
    /// # Errors
    /// If it has not ended by then; it is dropped.
    pub async fn timeout<T>(&self, duration: Duration, future: impl Future<Output = T>) -> Result<T, TooLate> {
        tokio::select! {
            biased;
            result = future => Ok(result),
            // Looks at no clock before it is polled, which it is not where the future is ready at once.
            () = self.sleep(duration) => Err(TooLate),
        }
    }
}

/// Timers that run as tokio's clock does.
#[derive(Clone, Copy, Debug)]
pub struct TokioTimers {
    began: Instant,
}

impl TokioTimers {
    /// Timers whose time begins now.
    pub fn new() -> TokioTimers {
        TokioTimers { began: Instant::now() }
    }
}

impl Default for TokioTimers {
    fn default() -> TokioTimers {
        TokioTimers::new()
    }
}

impl Timers for TokioTimers {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn rings(&self, at: Duration) -> Instant {
        self.began + at
    }
}

/// What was waited for has not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it took too long")]
pub struct TooLate;

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
    /// Monotonic time.
    pub timers: Arc<dyn Timers>,
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
        hex(&bytes)
    }

    /// A version 4 UUID.
    pub fn random_uuid(&self) -> String {
        let mut bytes: [u8; 16] = self.random_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = hex(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// These bytes as lower-case hex digits.
fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
}
