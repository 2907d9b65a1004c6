//! Entropy and clocks of a simulating thread: what code that nobody of us wrote gets when it asks the machine.
//!
//! While a [`Simulating`] guard lives on a thread, `getrandom`, `getentropy`, `clock_gettime`, `gettimeofday` and `time`
//! answer from the seed and from virtual time (`interpose` holds the C symbols). Random bytes are a pure function of
//! (seed, stream, number of the call within the stream), where a stream is a host's incarnation or the thread itself, so
//! that one host's calls shift nobody else's. `ledger` counts who asked what, `callers` names them. Left out: the reference
//! system's own randomness (`surroundings`), which does not come this way.

mod callers;
mod interpose;
mod ledger;
mod task;

pub(crate) use callers::name_callers;
pub use callers::{Call, Charge};
pub(crate) use ledger::close as close_ledger;
pub use ledger::{Counts, HostCounts, Ledger};
pub(crate) use task::TaskId;

use rehearsal_scenarios::draw::Draw;
use std::cell::Cell;
use std::marker::PhantomData;
use std::time::Duration;

/// Where the monotonic clock of a simulation starts: not at 0, since programs subtract from it.
const MONOTONIC_START: Duration = Duration::from_secs(1_000_000);

thread_local! {
    // Without a destructor, so that it can be read at any time of a thread's life, and cheaply on every clock call.
    static WORLD: Cell<Option<World>> = const { Cell::new(None) };
}

/// What the overrides answer from.
#[derive(Clone, Copy)]
struct World {
    entropy: Draw,
    epoch: Duration,
    elapsed: Duration,
}

/// A way by which a program reaches the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// `getrandom`, and everything that is seeded by it.
    Randomness,
    /// The time of day.
    WallClock,
    /// The clock that only goes forward.
    MonotonicClock,
}

/// Whether this platform lets a simulation answer the machine's entropy and clocks.
pub fn supported() -> bool {
    cfg!(all(target_os = "linux", target_env = "gnu"))
}

/// The machine's clock and entropy cannot be answered from a seed in this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the machine's clock and entropy cannot be taken over here; simulate on Linux with the GNU C library")]
pub struct NotInterposed;

/// Makes this thread a simulating one for as long as it lives. Not `Send`: it belongs to its thread.
#[must_use = "the thread simulates only while this lives"]
pub struct Simulating(PhantomData<*const ()>);

impl Simulating {
    /// From now on this thread's entropy comes from `seed` and its clocks start at `epoch` (time since 1970).
    ///
    /// The standard library and `rand` keep per-thread state, so only a fresh thread gives the same answers twice.
    ///
    /// # Errors
    /// If the machine's clock still answers: on another platform, or if the linker took libc's symbols before ours.
    pub fn begin(seed: u64, epoch: Duration) -> Result<Simulating, NotInterposed> {
        let entropy = Draw::of_seed(seed).named("entropy");
        WORLD.set(Some(World { entropy, epoch, elapsed: Duration::ZERO }));
        let simulating = Simulating(PhantomData);
        #[allow(clippy::disallowed_methods, reason = "whether this very door is ours is the question")]
        let now = std::time::SystemTime::now();
        ledger::open();
        if now == std::time::UNIX_EPOCH + epoch { Ok(simulating) } else { Err(NotInterposed) }
    }

    /// Sets the clocks of this thread to this distance from the start of the simulation.
    pub fn set_elapsed(&self, elapsed: Duration) {
        set_elapsed(elapsed);
    }
}

impl Drop for Simulating {
    fn drop(&mut self) {
        WORLD.set(None);
    }
}

/// Sets the clocks of this thread, if it simulates, to this distance from the start of the simulation.
pub(crate) fn set_elapsed(elapsed: Duration) {
    if let Some(world) = WORLD.get() {
        WORLD.set(Some(World { elapsed, ..world }));
    }
}

/// How far the clocks of this thread are from the start of its simulation; 0 if it does not simulate.
pub(crate) fn elapsed() -> Duration {
    WORLD.get().map_or(Duration::ZERO, |world| world.elapsed)
}

/// Whether this thread simulates.
fn is_simulating() -> bool {
    WORLD.get().is_some()
}

/// Fills the buffer from the seed if this thread simulates, else says no.
fn fill(buffer: &mut [u8]) -> bool {
    let Some(world) = WORLD.get() else { return false };
    // The first thread of a process probes with length 0: these calls must not shift the others.
    if buffer.is_empty() {
        return true;
    }
    if let Some(number) = callers::number_of_own_draw() {
        fill_from(world.entropy.named("wound up").at(number), buffer);
        return true;
    }
    let stream = task::stream();
    fill_from(world.entropy.at(stream).at(ledger::number_of_draw(stream)), buffer);
    ledger::note_draw(stream, buffer);
    callers::note(Door::Randomness);
    true
}

/// Bytes of one place in the tree of draws.
pub(crate) fn fill_from(place: Draw, buffer: &mut [u8]) {
    for (index, chunk) in buffer.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&place.at(index as u64).bits().to_le_bytes()[..chunk.len()]);
    }
}

/// Time since 1970 if this thread simulates.
fn wall_clock() -> Option<Duration> {
    let world = WORLD.get()?;
    ledger::note_clock(task::stream(), Door::WallClock);
    callers::note(Door::WallClock);
    Some(world.epoch + world.elapsed)
}

/// The monotonic clock if this thread simulates.
fn monotonic_clock() -> Option<Duration> {
    let world = WORLD.get()?;
    ledger::note_clock(task::stream(), Door::MonotonicClock);
    callers::note(Door::MonotonicClock);
    Some(MONOTONIC_START + world.elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::hash_map::RandomState;
    use std::hash::BuildHasher;
    use std::sync::Arc;

    const EPOCH: Duration = Duration::from_secs(1_700_000_000);

    fn begin(seed: u64) -> Simulating {
        Simulating::begin(seed, EPOCH).expect("Linux answers")
    }

    fn on_a_fresh_thread<R: Send>(work: impl Send + FnOnce() -> R) -> R {
        std::thread::scope(|scope| scope.spawn(work).join().expect("the thread does not panic"))
    }

    fn machine_draws(seed: u64) -> (u64, Vec<u8>, [u8; 7]) {
        on_a_fresh_thread(|| {
            let _simulating = begin(seed);
            let mut bytes = [0; 7];
            assert!(fill(&mut bytes));
            let mask = tokio_tungstenite::tungstenite::handshake::client::generate_key();
            (RandomState::new().hash_one("key"), mask.into_bytes(), bytes)
        })
    }

    #[test]
    fn the_same_seed_answers_hash_maps_and_masks_alike() {
        assert_eq!(machine_draws(7), machine_draws(7));
        let (one, other) = (machine_draws(7), machine_draws(8));
        assert_ne!(one.0, other.0);
        assert_ne!(one.1, other.1);
        assert_ne!(one.2, other.2);
    }

    #[test]
    fn outside_a_simulation_the_machine_answers() {
        let draw = || on_a_fresh_thread(|| RandomState::new().hash_one("key"));
        assert_ne!(draw(), draw());
        let simulated = on_a_fresh_thread(|| {
            drop(begin(7));
            RandomState::new().hash_one("key")
        });
        assert_ne!(simulated, machine_draws(7).0);
    }

    #[test]
    #[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the doors themselves are tested")]
    fn clocks_stand_still_until_the_simulation_moves_them() {
        on_a_fresh_thread(|| {
            let simulating = begin(1);
            let started = std::time::Instant::now();
            let wall = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
            assert_eq!(wall(), EPOCH);
            assert_eq!(started.elapsed(), Duration::ZERO);
            simulating.set_elapsed(Duration::from_millis(1_500));
            assert_eq!(wall(), EPOCH + Duration::from_millis(1_500));
            assert_eq!(started.elapsed(), Duration::from_millis(1_500));
            drop(simulating);
            assert!(wall() > EPOCH + Duration::from_secs(1_000_000), "the machine's clock is back");
        });
    }

    #[test]
    fn a_host_s_calls_do_not_shift_another_s() {
        let bytes_of_two = |calls_of_one: u64| {
            on_a_fresh_thread(|| {
                let _simulating = begin(7);
                let mut bytes = [0; 16];
                let hosts: [Arc<str>; 2] = ["one".into(), "two".into()];
                let mut tasks = [0, 1].map(|number: usize| TaskId::next_of(number as u64, &hosts[number], "test"));
                for _ in 0..calls_of_one {
                    tasks[0].poll(&hosts[0], || fill(&mut bytes));
                }
                tasks[1].poll(&hosts[1], || fill(&mut bytes));
                bytes
            })
        };
        assert_eq!(bytes_of_two(0), bytes_of_two(5));
    }

    #[test]
    fn calls_of_length_zero_are_not_counted() {
        on_a_fresh_thread(|| {
            let _simulating = begin(7);
            assert!(fill(&mut []));
            let mut after_probe = [0; 8];
            fill(&mut after_probe);
            let place = Draw::of_seed(7).named("entropy").at(task::STREAM_OF_THREAD).at(1);
            assert_eq!(after_probe, place.at(0).bits().to_le_bytes());
        });
    }
}
