//! What a program finds around it in any test, real network or not: bytes that differ, and tasks on this runtime.

use rehearsal_reference::surroundings::{Random, Spawn, Task, TaskHandle};
use std::sync::atomic::{AtomicU64, Ordering};

/// Different bytes on each call: tests need no surprise, only ids that differ.
#[derive(Default)]
pub struct Counted(AtomicU64);

impl Random for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = (self.0.fetch_add(1, Ordering::Relaxed) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&(drawn ^ drawn >> 29).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Runs tasks on the test's own runtime, which ends them.
pub struct OnThisRuntime;

impl Spawn for OnThisRuntime {
    #[expect(clippy::disallowed_methods, reason = "a test is its own host")]
    fn spawn(&self, _: &'static str, task: Task) -> TaskHandle {
        TaskHandle::new(tokio::spawn(task).abort_handle())
    }
}
