//! Who may begin something new on the target: everybody, unless the circuit breaker of a live run holds users back.
//!
//! Planned work that is not admitted is dropped and counted; whoever has no plan waits at the door. Neighbours:
//! `live::holding_back` decides, users ask before they start, connect or repeat. Left out: work that is under way.

use crate::commons::lock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Those who waited come in so far apart once everybody may: all at once would be the next storm.
const BACK_EVERY: Duration = Duration::from_millis(1);

/// Who may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admits {
    /// Everybody.
    #[default]
    All,
    /// One after the other, so far apart.
    Few {
        /// How far.
        every: Duration,
    },
    /// Nobody.
    Nobody,
}

/// How somebody came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// As planned.
    AtOnce,
    /// After it was held back.
    Late,
}

/// The door, shared by all users of a run.
#[derive(Default)]
pub struct Admission {
    admits: watch::Sender<Admits>,
    next: Mutex<Option<Instant>>,
    dropped: AtomicU64,
    held_back: AtomicU64,
}

impl Admission {
    /// From now on these may begin.
    pub fn set(&self, admits: Admits) {
        *lock(&self.next) = None;
        self.admits.send_replace(admits);
    }

    /// Whether everybody may begin at the moment.
    pub fn is_free(&self) -> bool {
        *self.admits.borrow() == Admits::All
    }

    /// Whether planned work may begin now. If not it is to be dropped, and counts as that.
    pub fn admits_planned(&self) -> bool {
        let admitted = match *self.admits.borrow() {
            Admits::All => true,
            Admits::Few { every } => self.take_turn(every),
            Admits::Nobody => false,
        };
        self.dropped.fetch_add(u64::from(!admitted), Ordering::Relaxed);
        admitted
    }

    /// Waits until it is this caller's turn.
    pub async fn enter(&self) -> Entered {
        if self.is_free() {
            return Entered::AtOnce;
        }
        self.held_back.fetch_add(1, Ordering::Relaxed);
        let mut admits = self.admits.subscribe();
        loop {
            let now = *admits.borrow_and_update();
            let turn = match now {
                Admits::All => self.turn(BACK_EVERY),
                Admits::Few { every } => self.turn(every),
                // The sender is in here, so that waiting cannot fail.
                Admits::Nobody => {
                    let _ = admits.changed().await;
                    continue;
                }
            };
            tokio::select! {
                biased;
                _ = admits.changed() => {}
                () = sleep_until(turn) => return Entered::Late,
            }
        }
    }

    /// How much planned work was dropped so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How often somebody had to wait so far.
    pub fn held_back(&self) -> u64 {
        self.held_back.load(Ordering::Relaxed)
    }

    fn turn(&self, every: Duration) -> Instant {
        let mut next = lock(&self.next);
        let at = next.unwrap_or_else(Instant::now).max(Instant::now());
        *next = Some(at + every);
        at
    }

    /// Takes the turn that has come, if one has.
    fn take_turn(&self, every: Duration) -> bool {
        let mut next = lock(&self.next);
        let now = Instant::now();
        let is_due = next.is_none_or(|next| next <= now);
        if is_due {
            *next = Some(now + every);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[tokio::test(start_paused = true)]
    async fn a_free_door_keeps_nobody() {
        let admission = Admission::default();
        assert_eq!(admission.enter().await, Entered::AtOnce);
        assert!(admission.admits_planned());
        assert_eq!((admission.dropped(), admission.held_back()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn planned_work_is_dropped_while_nobody_may_begin_and_most_of_it_while_few_may() {
        let admission = Admission::default();
        admission.set(Admits::Nobody);
        assert!(!admission.admits_planned());
        admission.set(Admits::Few { every: Duration::from_millis(100) });
        let mut admitted = 0;
        for _ in 0..100 {
            admitted += u32::from(admission.admits_planned());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!((admitted, admission.dropped()), (10, 91));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_come_in_one_after_the_other_also_when_the_door_is_opened_for_all() {
        let admission = Admission::default();
        admission.set(Admits::Few { every: Duration::from_secs(1) });
        let begun = Instant::now();
        let waiting = join_all((0..100).map(|_| async {
            let entered = admission.enter().await;
            (entered, begun.elapsed())
        }));
        let opening = async {
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            admission.set(Admits::All);
        };
        let (entered, ()) = tokio::join!(waiting, opening);
        assert!(entered.iter().all(|(entered, _)| *entered == Entered::Late));
        let by = |millis| entered.iter().filter(|(_, after)| *after <= Duration::from_millis(millis)).count();
        assert_eq!((by(2_499), by(2_510) < 20, by(2_700)), (3, true, 100));
        assert_eq!(admission.held_back(), 100);
    }
}
