//! The clocks of a host: its wall clock and its timers, which may be wrong.
//!
//! Invariants: without a fault both show the world's time; timers never go backwards, whatever begins or ends; the wall clock
//! is right again as soon as no fault is on. A drift applies from where it begins, as that of a machine's oscillator does: a
//! timer that was set before it, or while it lasted, rings when the host's own time has come to where it was set. An offset
//! moves no timer. Neighbours: `clock` (the world's time), `host` hands both to programs, engines let faults begin and end.

use crate::clock::{Clock, nanos};
use crate::host::EPOCH;
use rehearsal_loadgen::faults::FaultId;
use rehearsal_reference::surroundings::{Timers, WallClock};
use rehearsal_scenarios::distribution::Nanos;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A million: drifts are counted in millionths.
const MILLION: i128 = 1_000_000;

/// The slowest that timers may run: a millionth of their time.
const PACE_MIN: i128 = 1;

/// How wrong a fault makes the clocks of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// How far the wall clock is ahead, in nanoseconds.
    pub offset_ns: i64,
    /// How much too fast wall clock and timers run, in millionths.
    pub drift_ppm: i64,
}

/// Whether a fault may come that makes clocks wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clocks {
    /// One may, at any time.
    #[default]
    MayErr,
    /// None ever does: a timer that is set need not listen for one.
    NeverErr,
}

/// The clocks of one host, over all its incarnations.
pub struct HostClock {
    world: Arc<Clock>,
    state: Mutex<State>,
    clocks: Clocks,
    repaced: Notify,
}

struct State {
    skews: BTreeMap<FaultId, (Skew, Nanos)>,
    /// A moment at which the pace changed, in the world's time and in the host's.
    changed: (Nanos, Nanos),
    /// Millionths of the host's time that pass in a millionth of the world's.
    pace: i128,
}

impl HostClock {
    /// Clocks that are right.
    pub fn new(world: Arc<Clock>, clocks: Clocks) -> HostClock {
        let state = State { skews: BTreeMap::new(), changed: (0, 0), pace: MILLION };
        HostClock { world, state: Mutex::new(state), clocks, repaced: Notify::new() }
    }

    /// A fault makes the clocks wrong from now on.
    pub fn begin(&self, fault: FaultId, skew: Skew) {
        self.change(|skews, now| _ = skews.insert(fault, (skew, now)));
    }

    /// The fault is over.
    pub fn end(&self, fault: FaultId) {
        self.change(|skews, _| _ = skews.remove(&fault));
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<FaultId, (Skew, Nanos)>, Nanos)) {
        debug_assert_eq!(self.clocks, Clocks::MayErr, "timers that are set would not follow");
        let now = self.world.now_ns();
        let mut state = self.state();
        change(&mut state.skews, now);
        state.set_pace(now);
        drop(state);
        self.repaced.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn set_pace(&mut self, now: Nanos) {
        self.changed = (now, self.host_time(now));
        let drift: i128 = self.skews.values().map(|(skew, _)| i128::from(skew.drift_ppm)).sum();
        self.pace = (MILLION + drift).max(PACE_MIN);
    }

    /// The host's time at this time of the world, not before the last change.
    fn host_time(&self, now: Nanos) -> Nanos {
        let (world, host) = self.changed;
        host.saturating_add(scaled(now.saturating_sub(world), self.pace, MILLION))
    }

    /// What the wall clock shows: the world's time, and what every fault that is on adds to it.
    fn wall_time(&self, now: Nanos) -> Duration {
        let added = |(Skew { offset_ns, drift_ppm }, since): &(Skew, Nanos)| {
            i128::from(*offset_ns) + i128::from(now.saturating_sub(*since)) * i128::from(*drift_ppm) / MILLION
        };
        let shown = EPOCH.as_nanos() as i128 + i128::from(now) + self.skews.values().map(added).sum::<i128>();
        Duration::from_nanos(u64::try_from(shown.max(0)).unwrap_or(u64::MAX))
    }
}

/// `time * by / of`, rounded down.
fn scaled(time: Nanos, by: i128, of: i128) -> Nanos {
    Nanos::try_from(i128::from(time) * by / of).unwrap_or(Nanos::MAX)
}

/// `time * by / of`, rounded up.
fn scaled_up(time: Nanos, by: i128, of: i128) -> Nanos {
    Nanos::try_from((i128::from(time) * by + of - 1) / of).unwrap_or(Nanos::MAX)
}

impl WallClock for HostClock {
    fn now(&self) -> Duration {
        let now = self.world.now_ns();
        self.state().wall_time(now)
    }
}

impl Timers for HostClock {
    fn now(&self) -> Duration {
        let now = self.world.now_ns();
        Duration::from_nanos(self.state().host_time(now))
    }

    fn rings(&self, at: Duration) -> Instant {
        let now = self.world.now_ns();
        let state = self.state();
        let left = nanos(at).saturating_sub(state.host_time(now));
        // Rounded up: whoever wakes then finds that the time has come.
        Instant::now() + Duration::from_nanos(scaled_up(left, MILLION, state.pace))
    }

    fn repaced(&self) -> Option<&Notify> {
        (self.clocks == Clocks::MayErr).then_some(&self.repaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND_NS: Nanos = 1_000_000_000;

    fn skewed(skews: &[(FaultId, Skew, Nanos)]) -> State {
        let mut state = State { skews: BTreeMap::new(), changed: (0, 0), pace: MILLION };
        for (fault, skew, at) in skews {
            state.skews.insert(*fault, (*skew, *at));
            state.set_pace(*at);
        }
        state
    }

    #[test]
    fn clocks_that_nobody_touches_show_the_world_s_time() {
        let state = skewed(&[]);
        assert_eq!(state.host_time(7 * SECOND_NS), 7 * SECOND_NS);
        assert_eq!(state.wall_time(7 * SECOND_NS), EPOCH + Duration::from_secs(7));
    }

    #[test]
    fn an_offset_moves_the_wall_clock_alone_and_a_drift_moves_both() {
        let ahead = Skew { offset_ns: 5_000_000_000, drift_ppm: 0 };
        let state = skewed(&[(0, ahead, SECOND_NS)]);
        assert_eq!(state.wall_time(2 * SECOND_NS), EPOCH + Duration::from_secs(7));
        assert_eq!(state.host_time(2 * SECOND_NS), 2 * SECOND_NS);
        let fast = Skew { offset_ns: -1_000_000_000, drift_ppm: 500_000 };
        let state = skewed(&[(0, fast, 10 * SECOND_NS)]);
        assert_eq!(state.host_time(14 * SECOND_NS), 16 * SECOND_NS);
        assert_eq!(state.wall_time(14 * SECOND_NS), EPOCH + Duration::from_secs(15));
    }

    #[test]
    fn timers_go_on_from_where_they_are_when_a_drift_ends_and_the_wall_clock_is_right_again() {
        let mut state = skewed(&[(0, Skew { offset_ns: 0, drift_ppm: 1_000_000 }, 0)]);
        assert_eq!(state.host_time(4 * SECOND_NS), 8 * SECOND_NS);
        state.skews.remove(&0);
        state.set_pace(4 * SECOND_NS);
        assert_eq!(state.host_time(5 * SECOND_NS), 9 * SECOND_NS);
        assert_eq!(state.wall_time(5 * SECOND_NS), EPOCH + Duration::from_secs(5));
    }

    #[test]
    fn who_wakes_when_a_timer_rings_finds_that_the_time_has_come() {
        for drift_ppm in [-900_000, -333_333, -7, 0, 13, 333_333, 10_000_000] {
            let pace = MILLION + i128::from(drift_ppm);
            for wanted in [1, 2, 3, 999, 1_000_000_007, 86_400 * SECOND_NS] {
                let world = scaled_up(wanted, MILLION, pace);
                assert!(scaled(world, pace, MILLION) >= wanted, "{drift_ppm} {wanted}");
                let too_early = world.saturating_sub(1 + 1_000_000 / u64::try_from(pace).unwrap());
                assert!(scaled(too_early, pace, MILLION) <= wanted, "{drift_ppm} {wanted}");
            }
        }
    }
}
