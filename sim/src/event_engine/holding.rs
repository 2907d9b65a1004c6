//! Letting others go first within a moment: tokio's queue is first in, first out, so that without this no seed would ever try
//! another order of tasks.
//!
//! Invariants: nobody is held past a moment in which no other task can run. Neighbours: `roster` decides who is held, `pump`
//! releases those behind. Left out: holding for a time (`network::rest`).

use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

thread_local! {
    /// Tasks that are held back until no other can run.
    static BEHIND: RefCell<Vec<(Waker, Arc<AtomicBool>)>> = const { RefCell::new(Vec::new()) };
}

/// A new world begins: nobody is held.
pub(super) fn forget() {
    BEHIND.take();
}

/// Ready at the second poll, which is asked for at the first one: whoever is ready by then runs before.
pub(super) async fn let_others_go_first() {
    let mut gave_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut gave_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Ready once nobody else can run at this moment.
pub(super) async fn behind_others() {
    let is_released = Arc::new(AtomicBool::new(false));
    let mut waits = false;
    poll_fn(|context| {
        if is_released.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        if !std::mem::replace(&mut waits, true) {
            BEHIND.with_borrow_mut(|behind| behind.push((context.waker().clone(), is_released.clone())));
        }
        Poll::Pending
    })
    .await;
}

/// Lets tasks run that were held back behind all others, which have run by now. Whether there are any.
pub(super) fn release_those_behind() -> bool {
    let behind = BEHIND.take();
    for (waker, is_released) in &behind {
        is_released.store(true, Ordering::Relaxed);
        waker.wake_by_ref();
    }
    !behind.is_empty()
}
