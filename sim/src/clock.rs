//! Virtual time of one world, in nanoseconds since the world was built; the same on every host.
//!
//! On turmoil, tokio's clock differs from host to host (each has a runtime of its own, which restarts with the host), so
//! nothing compares two hosts by it; between steps, when no host runs, time stands at the start of the next step. The event
//! engine keeps the clocks of its thread, and this one shows them. Left out: time 0 of the plan, which comes after prepare.

use crate::entropy;
use rehearsal_scenarios::distribution::Nanos;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The clock of a world. Shared by everything on its thread.
#[derive(Debug, Default)]
pub struct Clock {
    source: Source,
    between_steps_ns: AtomicU64,
    stepping: AtomicBool,
    /// Whether somebody wants the step to end with this moment.
    enough: AtomicBool,
}

/// Who knows the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    #[default]
    Turmoil,
    Thread,
}

impl Clock {
    /// A clock that shows what the clocks of the simulating thread show.
    pub(crate) fn of_thread() -> Clock {
        Clock { source: Source::Thread, ..Clock::default() }
    }

    /// Nanoseconds since the world was built.
    pub fn now_ns(&self) -> Nanos {
        if self.source == Source::Thread {
            return nanos(entropy::elapsed());
        }
        let between = self.between_steps_ns.load(Ordering::Relaxed);
        if !self.stepping.load(Ordering::Relaxed) {
            // A killed host's streams are dropped outside its runtime, where tokio would show the machine's clock.
            return between;
        }
        turmoil::sim_elapsed().map_or(between, nanos)
    }

    /// When the step began that hosts run in, or the next one: while it lasts, no time passes between tasks.
    pub(crate) fn step_began_ns(&self) -> Nanos {
        if self.source == Source::Thread {
            return self.now_ns();
        }
        self.between_steps_ns.load(Ordering::Relaxed)
    }

    /// Asks the event engine to end its step with this moment: whoever steps the world has something to do in it. turmoil goes on to
    /// the end of its tick.
    pub(crate) fn stop_here(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked for that since the last call.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.enough.swap(false, Ordering::Relaxed)
    }

    /// From here on hosts run.
    pub(crate) fn step_begins(&self) {
        self.stepping.store(true, Ordering::Relaxed);
    }

    /// All hosts have run up to this time.
    pub(crate) fn step_ended(&self, elapsed: Duration) {
        self.stepping.store(false, Ordering::Relaxed);
        self.between_steps_ns.store(nanos(elapsed), Ordering::Relaxed);
    }
}

/// A duration in nanoseconds; 584 years are enough.
pub(crate) fn nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}
