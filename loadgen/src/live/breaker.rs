//! The circuit breaker: a target that fails most operations at its doors is left alone for a while, tried again with a few, and
//! given up if that does not help, before more load makes it worse.
//!
//! Neighbours: `pulse` counts, `holding_back` asks once a second and acts. Left out: targets on which nothing ever succeeded,
//! which the driver tells apart, and slow or refusing ones, which checks and thresholds judge.

use super::pulse::Pulse;
use std::collections::VecDeque;
use std::time::Duration;

/// How many seconds are looked at.
const WINDOW_S: usize = 10;
/// Fewer ended operations are no evidence against a target under load.
const OPERATIONS_MIN: u64 = 20;
/// Fewer are no evidence against one that is only tried.
const TRIED_MIN: u64 = 5;
/// A try lasts so long unless many succeed before.
const TRY_S: u64 = 5;
/// Nobody knows more about a target on which nothing ends for so long; what hangs has timed out by then.
const TRY_S_MAX: u64 = 15;

/// How much a breaker puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long the target is left alone the first time; twice as long each further time.
    pub back_off: Duration,
    /// How often it is tried again before the run ends.
    pub tries: u32,
    /// How many may begin in a second while it is tried.
    pub tries_per_second: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { back_off: Duration::from_secs(10), tries: 3, tries_per_second: 10 }
    }
}

/// What the breaker does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nobody begins anything for so many seconds, since so many of the operations that ended did not reach the target.
    BackOff {
        /// Those that did not.
        unreached: u64,
        /// All.
        ended: u64,
        /// For how long, in seconds.
        for_s: u64,
    },
    /// A few are let through.
    Try,
    /// Everybody is: the target is back.
    Close,
    /// The run ends.
    Stop,
}

/// Looks at the last seconds of a run.
pub struct Breaker {
    patience: Patience,
    state: State,
    /// How often the target was tried since it last did well.
    tried: u32,
}

enum State {
    Watching { seconds: VecDeque<Pulse> },
    BackedOff { left_s: u64 },
    Trying { from: Pulse, for_s: u64 },
}

/// What ended between two pulses.
struct Ended {
    all: u64,
    unreached: u64,
}

impl Ended {
    fn between(before: Pulse, now: Pulse) -> Ended {
        Ended { all: now.tried() - before.tried(), unreached: now.unreached - before.unreached }
    }

    fn is_bad(&self) -> bool {
        self.unreached * 2 > self.all
    }
}

impl Breaker {
    /// One that has seen nothing yet.
    pub fn new(patience: Patience) -> Breaker {
        Breaker { patience, state: State::watching(), tried: 0 }
    }

    /// Takes the pulse, once a second. Under load the target is left alone once more than half of the operations of the last 10 s
    /// failed to reach it or lost it, and at least 20 ended.
    pub fn second(&mut self, now: Pulse) -> Option<Turn> {
        match &mut self.state {
            State::Watching { seconds } => {
                let before = seconds.front().copied().unwrap_or_default();
                let is_whole = seconds.len() > WINDOW_S;
                if is_whole {
                    seconds.pop_front();
                }
                seconds.push_back(now);
                let ended = Ended::between(before, now);
                if ended.all >= OPERATIONS_MIN && ended.is_bad() {
                    return Some(self.back_off(&ended));
                }
                if is_whole {
                    self.tried = 0;
                }
                None
            }
            State::BackedOff { left_s } => {
                *left_s -= 1;
                if *left_s > 0 {
                    return None;
                }
                self.state = State::Trying { from: now, for_s: 0 };
                Some(Turn::Try)
            }
            State::Trying { from, for_s } => {
                *for_s += 1;
                let (ended, is_over) = (Ended::between(*from, now), *for_s >= TRY_S_MAX);
                if ended.is_bad() {
                    return (ended.all >= TRIED_MIN || is_over).then(|| self.back_off(&ended));
                }
                let is_enough = ended.all >= OPERATIONS_MIN || *for_s >= TRY_S && ended.all > 0;
                if !is_enough && !is_over {
                    return None;
                }
                self.state = State::Watching { seconds: VecDeque::from([now]) };
                Some(Turn::Close)
            }
        }
    }

    fn back_off(&mut self, ended: &Ended) -> Turn {
        if self.tried >= self.patience.tries {
            return Turn::Stop;
        }
        let for_s = self.patience.back_off.as_secs().max(1).saturating_mul(1 << self.tried.min(16));
        self.tried += 1;
        self.state = State::BackedOff { left_s: for_s };
        Turn::BackOff { unreached: ended.unreached, ended: ended.all, for_s }
    }
}

impl State {
    fn watching() -> State {
        State::Watching { seconds: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(succeeded: u64, errors: u64, unreached: u64) -> Pulse {
        Pulse { succeeded, errors, unreached, dropped: 0 }
    }

    fn first(now: Pulse) -> Option<Turn> {
        Breaker::new(Patience::default()).second(now)
    }

    /// Takes one pulse a second until the breaker does something; says after how many.
    fn until_it_turns(breaker: &mut Breaker, pulse_at: impl Fn(u64) -> Pulse) -> (u64, Option<Turn>) {
        let turned = (1..=60).find_map(|second| breaker.second(pulse_at(second)).map(|turn| (second, turn)));
        turned.map_or((60, None), |(second, turn)| (second, Some(turn)))
    }

    /// One that has just backed off at this pulse, for 2 s.
    fn backed_off(tries: u32) -> (Breaker, Pulse) {
        let patience = Patience { back_off: Duration::from_secs(2), tries, tries_per_second: 10 };
        let (mut breaker, bad) = (Breaker::new(patience), pulse(5, 25, 25));
        assert_eq!(breaker.second(bad), Some(Turn::BackOff { unreached: 25, ended: 30, for_s: 2 }));
        (breaker, bad)
    }

    #[test]
    fn it_backs_off_past_one_half_of_enough_operations() {
        assert_eq!(first(pulse(0, 19, 19)), None, "too few");
        assert_eq!(first(pulse(10, 10, 10)), None, "one half");
        assert_eq!(first(pulse(5, 50, 5)), None, "refused by the target, which is there");
        assert_eq!(first(Pulse { dropped: 15, ..pulse(0, 30, 15) }), None, "dropped work shows nothing");
        assert!(matches!(first(pulse(9, 11, 11)), Some(Turn::BackOff { for_s: 10, .. })));
    }

    #[test]
    fn a_long_good_run_does_not_hide_ten_bad_seconds() {
        let mut breaker = Breaker::new(Patience::default());
        assert_eq!(breaker.second(pulse(1_000_000, 0, 0)), None);
        let (second, turn) = until_it_turns(&mut breaker, |second| pulse(1_000_000, second * 3, second * 3));
        assert_eq!((second, turn), (7, Some(Turn::BackOff { unreached: 21, ended: 21, for_s: 10 })));
    }

    #[test]
    fn what_went_wrong_long_ago_is_forgiven() {
        let mut breaker = Breaker::new(Patience::default());
        assert_eq!(breaker.second(pulse(0, 15, 15)), None);
        assert_eq!(until_it_turns(&mut breaker, |second| pulse(second * 2, 15, 15)).1, None);
    }

    #[test]
    fn a_target_that_serves_those_who_try_is_loaded_again() {
        let (mut breaker, bad) = backed_off(1);
        assert_eq!(until_it_turns(&mut breaker, |_| bad), (2, Some(Turn::Try)));
        let served = |second| Pulse { succeeded: bad.succeeded + second * 3, ..bad };
        assert_eq!(until_it_turns(&mut breaker, served), (5, Some(Turn::Close)));
        assert_eq!(until_it_turns(&mut breaker, |second| served(10 + second)).1, None, "old failures are forgotten");
    }

    #[test]
    fn many_who_are_served_show_it_sooner_and_a_target_that_nobody_tries_is_not_avoided_for_ever() {
        let (mut breaker, bad) = backed_off(1);
        until_it_turns(&mut breaker, |_| bad);
        let served = |second| Pulse { succeeded: bad.succeeded + second * 10, ..bad };
        assert_eq!(until_it_turns(&mut breaker, served), (2, Some(Turn::Close)));
        let (mut breaker, bad) = backed_off(1);
        until_it_turns(&mut breaker, |_| bad);
        assert_eq!(until_it_turns(&mut breaker, |_| bad), (TRY_S_MAX, Some(Turn::Close)));
    }

    #[test]
    fn a_target_that_stays_broken_is_left_alone_for_longer_and_then_given_up() {
        let (mut breaker, bad) = backed_off(2);
        until_it_turns(&mut breaker, |_| bad);
        let failing = |second| pulse(5, 25 + second * 3, 25 + second * 3);
        assert_eq!(
            until_it_turns(&mut breaker, failing),
            (2, Some(Turn::BackOff { unreached: 6, ended: 6, for_s: 4 }))
        );
        assert_eq!(until_it_turns(&mut breaker, |_| failing(2)), (4, Some(Turn::Try)));
        assert_eq!(until_it_turns(&mut breaker, |second| failing(2 + second)), (2, Some(Turn::Stop)));
    }

    #[test]
    fn a_target_that_fails_again_after_it_did_well_has_all_its_tries_again() {
        let (mut breaker, bad) = backed_off(1);
        until_it_turns(&mut breaker, |_| bad);
        let served = |second| Pulse { succeeded: bad.succeeded + second * 10, ..bad };
        assert_eq!(until_it_turns(&mut breaker, served).1, Some(Turn::Close));
        assert_eq!(until_it_turns(&mut breaker, |second| served(2 + second)).1, None);
        let fails = |second| Pulse { errors: 25 + second * 500, unreached: 25 + second * 500, ..served(62) };
        assert!(matches!(until_it_turns(&mut breaker, fails).1, Some(Turn::BackOff { for_s: 2, .. })));
    }

    #[test]
    fn without_any_tries_it_stops_at_once() {
        let mut breaker = Breaker::new(Patience { tries: 0, ..Patience::default() });
        assert_eq!(breaker.second(pulse(9, 11, 11)), Some(Turn::Stop));
    }
}
