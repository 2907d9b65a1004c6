//! Joins the rooms core with the connections: one lock around both, held for one message at a time and never across a
//! wait. What the core wants sent goes into a bounded queue per connection, so that a slow receiver holds up nobody.
//! Neighbours: `socket` reads and writes, `outbound` is the queue, `rooms` decides.

use super::outbound::{CloseOrder, Outbound};
use crate::rooms::{ConnectionId, Input, Output, Rooms};
use crate::surroundings::WallClock;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Hub {
    state: Mutex<State>,
    clock: Arc<dyn WallClock>,
}

struct State {
    rooms: Rooms,
    connections: BTreeMap<ConnectionId, Outbound>,
    connections_ever: u64,
}

impl Hub {
    pub(super) fn new(rooms: Rooms, clock: Arc<dyn WallClock>) -> Hub {
        let state = State { rooms, connections: BTreeMap::new(), connections_ever: 0 };
        Hub { state: Mutex::new(state), clock }
    }

    pub(super) fn open(&self, outbound: Outbound) -> ConnectionId {
        let mut state = self.state();
        state.connections_ever += 1;
        let conn = ConnectionId(state.connections_ever);
        state.connections.insert(conn, outbound);
        self.apply(&mut state, |rooms, now| rooms.handle(Input::Opened(conn), now));
        conn
    }

    pub(super) fn handle(&self, input: Input<'_>) {
        self.apply(&mut self.state(), |rooms, now| rooms.handle(input, now));
    }

    pub(super) fn close(&self, conn: ConnectionId) {
        let mut state = self.state();
        state.connections.remove(&conn);
        self.apply(&mut state, |rooms, now| rooms.handle(Input::Closed(conn), now));
    }

    /// Lets the HTTP interface act on the rooms.
    pub(super) fn with_rooms<T>(&self, act: impl FnOnce(&mut Rooms) -> T) -> T {
        self.apply(&mut self.state(), |rooms, _| act(rooms))
    }

    fn apply<T>(&self, state: &mut State, act: impl FnOnce(&mut Rooms, std::time::Duration) -> T) -> T {
        let now = self.clock.now();
        let State { rooms, connections, .. } = state;
        let result = act(rooms, now);
        while let Some(output) = rooms.poll_output() {
            match output {
                Output::Send { to, text, from } => {
                    if !connections.get(&to).is_some_and(|outbound| outbound.put(text)) {
                        rooms.handle(Input::Undeliverable { to, from }, now);
                    }
                }
                Output::Close { conn, code, reason } => {
                    if let Some(outbound) = connections.remove(&conn) {
                        outbound.close(CloseOrder { code, reason });
                    }
                }
            }
        }
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held breaks a simulated run and a live server's connection; the others go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
