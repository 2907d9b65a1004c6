//! What is on its way to a bound socket for datagrams, and what waits there to be read.
//!
//! Invariants: what arrives when the buffer is full is lost, as on Linux; what has arrived is nobody's to take back, not even
//! a cut's; what arrives in the same moment comes in an order that is drawn. Pure: the time is handed in with each call, and a
//! later call finds what an earlier one would have found. Neighbours: `datagram`.

use super::hosts::HostId;
use rehearsal_scenarios::distribution::Nanos;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Notify;

/// Bytes that wait before the next datagram is lost: Linux' default (`net.core.rmem_default`).
const BUFFER_BYTES: usize = 212_992;

/// What a datagram takes of the buffer besides its bytes: about what Linux counts for a small one.
const OVERHEAD_BYTES: usize = 768;

/// When it arrives; in the same moment by a draw of the sockets, then by its number.
pub(super) type Place = (Nanos, u64, u64);

#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

impl Datagram {
    fn size(&self) -> usize {
        self.bytes.len() + OVERHEAD_BYTES
    }
}

/// A socket's datagrams.
#[derive(Debug)]
pub(super) struct Inbox {
    /// With the host that sent each.
    under_way: BTreeMap<Place, (HostId, Datagram)>,
    arrived: VecDeque<Datagram>,
    arrived_bytes: usize,
    arrivals: Arc<Notify>,
}

impl Inbox {
    /// An empty one; whoever reads hears of `arrivals` when something is sent.
    pub(super) fn new(arrivals: Arc<Notify>) -> Inbox {
        Inbox { under_way: BTreeMap::new(), arrived: VecDeque::new(), arrived_bytes: 0, arrivals }
    }

    /// Told when something is sent.
    pub(super) fn arrivals(&self) -> Arc<Notify> {
        self.arrivals.clone()
    }

    /// A host has sent something, which arrives then.
    pub(super) fn send(&mut self, now: Nanos, place: Place, sender: HostId, datagram: Datagram) {
        self.receive(now);
        self.under_way.insert(place, (sender, datagram));
    }

    /// The oldest that has arrived.
    pub(super) fn take(&mut self, now: Nanos) -> Option<Datagram> {
        self.receive(now);
        let datagram = self.arrived.pop_front()?;
        self.arrived_bytes -= datagram.size();
        Some(datagram)
    }

    /// When the next one arrives, if one is on its way.
    pub(super) fn next_ns(&self) -> Option<Nanos> {
        self.under_way.first_key_value().map(|((due_ns, ..), _)| *due_ns)
    }

    /// The link from that host is cut: what is on its way from there is lost.
    pub(super) fn lose_from(&mut self, sender: HostId, now: Nanos) {
        self.receive(now);
        self.under_way.retain(|_, (from, _)| *from != sender);
    }

    /// Puts into the buffer what has arrived by now. Nothing was read since, or it would have been put there before: so
    /// what does not fit now did not fit when it arrived.
    fn receive(&mut self, now: Nanos) {
        while let Some(first) = self.under_way.first_entry().filter(|first| first.key().0 <= now) {
            let (_, datagram) = first.remove();
            if self.arrived_bytes + datagram.size() <= BUFFER_BYTES {
                self.arrived_bytes += datagram.size();
                self.arrived.push_back(datagram);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn datagram(bytes: usize) -> Datagram {
        Datagram { from: (Ipv4Addr::LOCALHOST, 1).into(), bytes: vec![0; bytes] }
    }

    fn lengths(inbox: &mut Inbox, now: Nanos) -> Vec<usize> {
        std::iter::from_fn(|| inbox.take(now)).map(|datagram| datagram.bytes.len()).collect()
    }

    #[test]
    fn what_nobody_reads_waits_until_the_buffer_is_full_and_the_rest_is_lost() {
        let mut inbox = Inbox::new(Arc::default());
        for number in 0..300 {
            inbox.send(0, (number, 0, number), 0, datagram(256));
        }
        assert_eq!(lengths(&mut inbox, 300).len(), BUFFER_BYTES / (256 + OVERHEAD_BYTES));
        inbox.send(300, (400, 0, 0), 0, datagram(9));
        assert_eq!((inbox.next_ns(), lengths(&mut inbox, 399)), (Some(400), vec![]));
        assert_eq!(lengths(&mut inbox, 400), [9], "there is room again");
    }

    #[test]
    fn a_cut_loses_what_is_on_its_way_from_there_and_nothing_else() {
        let mut inbox = Inbox::new(Arc::default());
        for (due_ns, sender, bytes) in [(5, 1, 1), (15, 1, 2), (16, 2, 3)] {
            inbox.send(0, (due_ns, 0, 0), sender, datagram(bytes));
        }
        inbox.lose_from(1, 10);
        assert_eq!(lengths(&mut inbox, 20), [1, 3]);
    }
}
