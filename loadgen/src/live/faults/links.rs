//! What faults do to the links of one live host: to the server and back, with the same model as in the simulated world. A
//! machine that is lost keeps its sockets open and says nothing over them.
//!
//! Neighbours: `mod` lets faults begin and end, `line` asks for each connection. Left out: the bytes.

use crate::commons::lock;
use crate::faults::link::{Crossing, Link};
use rehearsal_reference::network::Stream;
use rehearsal_reference::surroundings::Spawn;
use rehearsal_scenarios::distribution::{Distribution, Nanos};
use rehearsal_scenarios::draw::Draw;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// A direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the host to the server.
    There,
    /// From the server to the host.
    Back,
}

impl Way {
    /// Both.
    pub const ALL: [Way; 2] = [Way::There, Way::Back];
}

/// The links of one host. Shared by all its connections.
pub struct Links<S> {
    state: Mutex<State<S>>,
    draw: Draw,
    timeout_ns: Nanos,
    began: Instant,
    /// Runs what the kernel would do: bytes on their way outlive the program that sent them.
    pub(super) kernel: Arc<dyn Spawn>,
}

struct State<S> {
    there: Link,
    back: Link,
    conns: u64,
    /// The sockets of a machine that is lost, if it is.
    lost: Option<Vec<S>>,
    /// Who waits for a change.
    waiting: Vec<Waker>,
}

impl<S: Stream> Links<S> {
    /// Links without faults. What is unacknowledged for so long ends its connection.
    pub fn new(draw: Draw, timeout_ns: Nanos, kernel: Arc<dyn Spawn>) -> Arc<Links<S>> {
        let free = || Link::new(Distribution::Fixed(0), None);
        let state = State { there: free(), back: free(), conns: 0, lost: None, waiting: Vec::new() };
        Arc::new(Links { state: Mutex::new(state), draw, timeout_ns, began: Instant::now(), kernel })
    }

    /// A fault changes these directions.
    pub fn change(&self, ways: &[Way], change: impl Fn(&mut Link, Nanos)) {
        let now = self.now_ns();
        let mut state = lock(&self.state);
        ways.iter().for_each(|way| change(state.link(*way), now));
        state.wake_all();
    }

    /// The machine is lost: its sockets stay open, and nothing more is sent or read.
    pub fn lose(&self) {
        let mut state = lock(&self.state);
        state.lost.get_or_insert_default();
        state.wake_all();
    }

    /// Another machine takes its place, which knows nothing of the connections of the old one.
    pub fn replace(&self) {
        let mut state = lock(&self.state);
        let lost = state.lost.take();
        state.wake_all();
        drop(state);
        lost.into_iter().flatten().for_each(Stream::abort);
    }

    /// A socket whose program has let go of it; given back unless its machine is lost.
    pub fn bury(&self, socket: S) -> Option<S> {
        match &mut lock(&self.state).lost {
            Some(lost) => {
                lost.push(socket);
                None
            }
            None => Some(socket),
        }
    }

    /// Whether the machine is lost.
    pub fn is_lost(&self) -> bool {
        lock(&self.state).lost.is_some()
    }

    /// Whether everything crosses at once.
    pub fn is_free(&self, way: Way) -> bool {
        let mut state = lock(&self.state);
        state.lost.is_none() && state.link(way).is_free()
    }

    /// Whether nothing crosses.
    pub fn is_cut(&self, way: Way) -> bool {
        let mut state = lock(&self.state);
        state.lost.is_some() || state.link(way).cut_since().is_some()
    }

    /// How so many bytes that are sent now cross, drawn at their own place.
    pub fn crossing(&self, way: Way, bytes: usize, place: Draw) -> Crossing {
        let (now, mut state) = (self.now_ns(), lock(&self.state));
        state.link(way).crossing(now, bytes, self.timeout_ns, place)
    }

    /// The place of the next connection's draws.
    pub fn next_conn(&self) -> Draw {
        let mut state = lock(&self.state);
        state.conns += 1;
        self.draw.at(state.conns)
    }

    /// Wakes this one at the next change.
    pub fn wait(&self, waker: &Waker) {
        let waiting = &mut lock(&self.state).waiting;
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    /// Waits until something can cross both ways.
    pub async fn healed(&self) {
        std::future::poll_fn(|context| {
            // First, so that no change goes unnoticed.
            self.wait(context.waker());
            if Way::ALL.into_iter().any(|way| self.is_cut(way)) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// How long an end waits for an acknowledgement, in nanoseconds.
    pub fn timeout_ns(&self) -> Nanos {
        self.timeout_ns
    }

    /// Time of these links.
    pub fn now_ns(&self) -> Nanos {
        Nanos::try_from(self.began.elapsed().as_nanos()).unwrap_or(Nanos::MAX)
    }

    /// That time on tokio's clock; a time that never comes is far away.
    pub fn instant(&self, at_ns: Nanos) -> Instant {
        const FAR: Duration = Duration::from_secs(86_400 * 365);
        self.began + Duration::from_nanos(at_ns).min(FAR)
    }
}

impl<S> State<S> {
    fn link(&mut self, way: Way) -> &mut Link {
        match way {
            Way::There => &mut self.there,
            Way::Back => &mut self.back,
        }
    }

    fn wake_all(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}
