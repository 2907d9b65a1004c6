//! Waiting until a moment of virtual time, on either engine: the event engine's agenda wakes at the nanosecond, on turmoil
//! each who waits sets a timer of the host's own runtime. Neighbours: `stream`, `connecting` and the listener wait;
//! `agenda` holds the times.

use super::agenda::SleeperId;
use super::fabric::Fabric;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// The alarm of a task on turmoil; on the event engine, which wakes whoever waits on the network, it never rings.
#[derive(Default)]
pub(super) struct Alarm(Option<(Nanos, Pin<Box<Sleep>>)>);

impl Alarm {
    /// Ready when virtual time has reached `until`; never without.
    pub(super) fn poll(&mut self, until: Option<Nanos>, fabric: &Fabric, context: &mut Context<'_>) -> Poll<()> {
        let Some(until) = until.filter(|_| !fabric.keeps_agenda()) else { return Poll::Pending };
        let sleep = match &mut self.0 {
            Some((set_for, sleep)) if *set_for == until => sleep,
            other => {
                let wait = Duration::from_nanos(until.saturating_sub(fabric.clock.now_ns()));
                &mut other.insert((until, Box::pin(tokio::time::sleep(wait)))).1
            }
        };
        ready!(sleep.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(())
    }
}

/// Ready after so long, to the nanosecond where the engine can; `place` orders those that wake in the same moment.
pub(crate) async fn rest(fabric: &Arc<Fabric>, delay: Nanos, place: Draw) {
    let until = fabric.clock.now_ns().saturating_add(delay);
    if fabric.keeps_agenda() {
        Resting { fabric: fabric.clone(), until, tie: place.bits(), asleep: None }.await;
    } else {
        tokio::time::sleep(Duration::from_nanos(delay)).await;
    }
}

struct Resting {
    fabric: Arc<Fabric>,
    until: Nanos,
    tie: u64,
    asleep: Option<SleeperId>,
}

impl Future for Resting {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.wake_up();
        if self.fabric.clock.now_ns() >= self.until {
            return Poll::Ready(());
        }
        let (until, tie, waker) = (self.until, self.tie, context.waker().clone());
        self.asleep = Some(self.fabric.with(|state, _, _| state.wires.agenda.sleep(until, tie, waker)));
        Poll::Pending
    }
}

impl Resting {
    fn wake_up(&mut self) {
        if let Some(id) = self.asleep.take() {
            drop(self.fabric.with(|state, _, _| state.wires.agenda.rouse(id)));
        }
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.wake_up();
    }
}
