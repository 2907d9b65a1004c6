//! What waits to be written to one connection: bounded in messages and in bytes, so that a receiver that does not read
//! costs a known amount of memory. Neighbours: `hub` puts in, `socket` takes out.

use crate::rooms::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, oneshot};

/// What a connection is to write.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// A message.
    Text(String),
    /// A sign of life is wanted; the pong carries the same number.
    Ping(u64),
}

impl Outgoing {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Outgoing::Text(text) => text.len(),
            Outgoing::Ping(_) => 0,
        }
    }
}

/// An order to close a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CloseOrder {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

/// The way to a connection's task.
#[derive(Debug)]
pub(super) struct Outbound {
    queue: mpsc::Sender<Outgoing>,
    backlog: Backlog,
    bytes_max: usize,
    close: oneshot::Sender<CloseOrder>,
}

/// The connection's end of it.
pub(super) struct Waiting {
    pub(super) queue: mpsc::Receiver<Outgoing>,
    pub(super) backlog: Backlog,
    pub(super) ordered: oneshot::Receiver<CloseOrder>,
}

/// Bytes of messages that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog(Arc<AtomicUsize>);

impl Backlog {
    /// So many bytes are written, and wait no more.
    pub(super) fn written(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Outbound {
    /// With nothing in it.
    pub(super) fn new(limits: &Limits) -> (Outbound, Waiting) {
        let (queue, queued) = mpsc::channel(limits.outbound_queue_max.max(1));
        let (close, ordered) = oneshot::channel();
        let backlog = Backlog::default();
        let waiting = Waiting { queue: queued, backlog: backlog.clone(), ordered };
        (Outbound { queue, backlog, bytes_max: limits.outbound_bytes_max, close }, waiting)
    }

    /// The queue alone, for pings.
    pub(super) fn queue(&self) -> mpsc::Sender<Outgoing> {
        self.queue.clone()
    }

    /// Puts a message in; says no if it is one too many. Only one task at a time may call it: the hub's lock sees to that.
    pub(super) fn put(&self, text: String) -> bool {
        let (bytes, waiting) = (text.len(), self.backlog.0.load(Ordering::Relaxed));
        if waiting > 0 && waiting.saturating_add(bytes) > self.bytes_max {
            return false;
        }
        // Counted first: the connection may have written it before we are back.
        self.backlog.0.fetch_add(bytes, Ordering::Relaxed);
        let is_queued = self.queue.try_send(Outgoing::Text(text)).is_ok();
        if !is_queued {
            self.backlog.written(bytes);
        }
        is_queued
    }

    /// Has the connection closed.
    pub(super) fn close(self, order: CloseOrder) {
        // The task may have ended by itself meanwhile.
        let _ = self.close.send(order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbound(queue_max: usize, bytes_max: usize) -> (Outbound, Waiting) {
        let limits = Limits { outbound_queue_max: queue_max, outbound_bytes_max: bytes_max, ..Limits::default() };
        Outbound::new(&limits)
    }

    #[test]
    fn few_large_messages_fill_it_as_many_small_ones_do() {
        let (by_bytes, _waiting) = outbound(1_000, 10);
        assert!(by_bytes.put("12345".into()) && by_bytes.put("12345".into()));
        assert!(!by_bytes.put("1".into()));
        let (by_count, _waiting) = outbound(2, 1_000);
        assert!(by_count.put("1".into()) && by_count.put("1".into()));
        assert!(!by_count.put("1".into()));
    }

    #[test]
    fn one_message_may_always_wait_however_large() {
        let (outbound, mut waiting) = outbound(1_000, 10);
        assert!(outbound.put("x".repeat(1_000)));
        assert!(!outbound.put("1".into()));
        let bytes = waiting.queue.try_recv().unwrap().bytes();
        assert!(!outbound.put("1".into()), "it waits until it is written");
        waiting.backlog.written(bytes);
        assert!(outbound.put("1".into()));
    }

    #[test]
    fn what_found_no_place_is_not_counted() {
        let (outbound, mut waiting) = outbound(1, 10);
        assert!(outbound.put("1234".into()));
        assert!(!outbound.put("1234".into()));
        waiting.backlog.written(waiting.queue.try_recv().unwrap().bytes());
        assert!(outbound.put("1234567890".into()));
    }
}
