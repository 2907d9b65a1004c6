//! A worker for one asker alone, for a time (operational document, option B). A reservation keeps others from reserving,
//! nothing else: messages still pass, and the worker's metadata stays its own word. It ends at its time, when its holder
//! releases it, or when either of the two leaves. Neighbours: `membership` ends them with their peers.

use super::{ConnectionId, Rooms};
use crate::defects::Defect;
use crate::protocol::{ErrorCode, Refusal, server_message, shortened};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The longest reservation; who asks for more gets this.
const RESERVATION_MAX: Duration = Duration::from_secs(60 * 60);

/// The reservations of a room, by worker.
#[derive(Debug, Default)]
pub(super) struct Reservations(BTreeMap<Arc<str>, Reservation>);

#[derive(Debug)]
struct Reservation {
    holder: Arc<str>,
    /// Time since 1970; what has ended but was not asked for since is still written down.
    until: Duration,
}

impl Reservations {
    /// Ends what a peer holds, and what holds it.
    pub(super) fn end_of(&mut self, peer: &str) {
        self.0.retain(|worker, reservation| &**worker != peer && &*reservation.holder != peer);
    }
}

impl Rooms {
    pub(super) fn reserve(
        &mut self,
        conn: ConnectionId,
        worker_id: &str,
        duration: Duration,
        now: Duration,
    ) -> Result<(), Refusal> {
        let asker = self.speaker(conn, None)?;
        self.target(&asker, worker_id)?;
        let worker = self.peers.intern(&asker.room, worker_id).peer;
        let never_ends = self.defects.has(Defect::ReservationNeverExpires);
        let Some(room) = self.peers.room_mut(&asker.room) else { return Ok(()) };
        if let Some(held) = room.reservations.0.get(&worker)
            && held.holder != asker.peer
            && (held.until > now || never_ends)
        {
            let (worker, holder) = (shortened(worker_id), shortened(&held.holder));
            let sentence = format!("`{worker}` is reserved by `{holder}`");
            return Err(ErrorCode::WorkerReserved.because(sentence));
        }
        let until = now + duration.min(RESERVATION_MAX);
        room.reservations.0.insert(worker, Reservation { holder: asker.peer.clone(), until });
        self.send(conn, server_message::worker_reserved(worker_id, &asker.peer, until.as_secs_f64()));
        Ok(())
    }

    pub(super) fn release(&mut self, conn: ConnectionId, worker_id: &str, now: Duration) -> Result<(), Refusal> {
        let asker = self.speaker(conn, None)?;
        self.target(&asker, worker_id)?;
        let Some(room) = self.peers.room_mut(&asker.room) else { return Ok(()) };
        let held = room.reservations.0.get(worker_id);
        if !held.is_some_and(|held| held.holder == asker.peer && held.until > now) {
            let sentence = format!("you hold no reservation of `{}`", shortened(worker_id));
            return Err(ErrorCode::NotReserved.because(sentence));
        }
        room.reservations.0.remove(worker_id);
        self.send(conn, server_message::worker_released(worker_id));
        Ok(())
    }
}
