//! Datagrams: UDP between simulated hosts. Each is lost, doubled and delayed on its own; what is lost stays lost.
//!
//! Invariants: the fate of a datagram is drawn at a place that its hosts, its sender's port and its number name; those that
//! may not be overtaken arrive in the order in which they were sent between two sockets; a socket that is gone receives
//! nothing, and nobody is told. Neighbours: `link` (cuts, latency, loss, bandwidth), `alarm` (waiting). Left out: what is too
//! large for one packet, errors from the other side.

use super::alarm::rest;
use super::fabric::Fabric;
use super::hosts::HostId;
use rehearsal_reference::network::DatagramSocket;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Notify;

/// The most that fits into one UDP datagram over IPv4.
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// What a socket has room for, as on Linux; more is dropped.
const MAILBOX_BYTES_MAX: usize = 208 << 10;

/// All sockets for datagrams of a world, and what is under way between them.
#[derive(Default)]
pub(super) struct Datagrams {
    mailboxes: BTreeMap<(HostId, u16), Mailbox>,
    flows: BTreeMap<(SocketAddr, SocketAddr), Flow>,
}

/// What is on its way to a socket, or has arrived and was not read, by the time of arrival and then by a draw.
#[derive(Default)]
struct Mailbox {
    datagrams: BTreeMap<(Nanos, u64), (SocketAddr, Vec<u8>)>,
    bytes: usize,
    changed: Arc<Notify>,
}

/// What was sent from one socket to another.
#[derive(Default)]
struct Flow {
    sent: u64,
    /// When the last one that may not be overtaken arrives.
    last_ns: Nanos,
}

impl Mailbox {
    fn put(&mut self, due_ns: Nanos, tie: u64, from: SocketAddr, bytes: &[u8]) {
        if self.bytes + bytes.len() > MAILBOX_BYTES_MAX {
            return;
        }
        self.bytes += bytes.len();
        self.datagrams.insert((due_ns, tie), (from, bytes.to_vec()));
        self.changed.notify_one();
    }

    fn take(&mut self, now: Nanos) -> Taken {
        match self.datagrams.first_entry() {
            Some(first) if first.key().0 <= now => {
                let (from, bytes) = first.remove();
                self.bytes -= bytes.len();
                Taken::Datagram(from, bytes)
            }
            first => Taken::Wait(first.map(|first| first.key().0 - now), self.changed.clone()),
        }
    }
}

enum Taken {
    Datagram(SocketAddr, Vec<u8>),
    /// The next one arrives after so long, if one is under way.
    Wait(Option<Nanos>, Arc<Notify>),
}

impl Fabric {
    /// Where it is, and the place that orders its owner among those who wake in the same moment.
    fn open_mailbox(&self, host: HostId, port: u16) -> io::Result<(SocketAddr, Draw)> {
        self.with(|state, _, _| {
            let mailboxes = &mut state.datagrams.mailboxes;
            let machine = state.hosts.get_mut(host);
            let port = if port == 0 { machine.free_port() } else { port };
            if mailboxes.contains_key(&(host, port)) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            mailboxes.insert((host, port), Mailbox::default());
            let name = &*machine.name;
            Ok((machine.at(port), self.place_of_datagrams(name, name).named("waits").at(port.into())))
        })
    }

    /// Sends a datagram from a socket of one host to a port of another.
    fn send_datagram(&self, (from, local): (HostId, SocketAddr), (to, port): (HostId, u16), bytes: &[u8]) {
        let plan = self.datagram_plan();
        self.with(|state, now, _| {
            let target = state.hosts.get(to).at(port);
            let names = [state.hosts.get(from).name.clone(), state.hosts.get(to).name.clone()];
            let flow = state.datagrams.flows.entry((local, target)).or_default();
            let number = flow.sent;
            flow.sent += 1;
            let place =
                self.place_of_datagrams(&names[0], &names[1]).at(local.port().into()).at(port.into()).at(number);
            let happens = |what: &str, share: f64| place.named(what).unit() < share;
            let copies = match (happens("loss", plan.loss), happens("duplicate", plan.duplicate)) {
                (true, _) => 0,
                (false, is_doubled) => 1 + u64::from(is_doubled),
            };
            for copy in 0..copies {
                let place = place.named("copy").at(copy);
                let Some(delay) = self.link_between(state, from, to).datagram_crossing(now, bytes.len(), place) else {
                    continue;
                };
                let mut due_ns = now.saturating_add(delay);
                let flow = state.datagrams.flows.entry((local, target)).or_default();
                if copy == 0 && !happens("reorder", plan.reorder) {
                    due_ns = due_ns.max(flow.last_ns.saturating_add(1));
                    flow.last_ns = due_ns;
                }
                if let Some(mailbox) = state.datagrams.mailboxes.get_mut(&(to, port)) {
                    mailbox.put(due_ns, place.bits(), local, bytes);
                }
            }
        });
    }

    fn take_datagram(&self, host: HostId, port: u16) -> io::Result<Taken> {
        let taken = self
            .with(|state, now, _| state.datagrams.mailboxes.get_mut(&(host, port)).map(|mailbox| mailbox.take(now)));
        taken.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// A socket for datagrams on the simulated network.
pub struct SimDatagrams {
    fabric: Arc<Fabric>,
    host: HostId,
    address: SocketAddr,
    place: Draw,
}

impl SimDatagrams {
    pub(super) fn bind(fabric: Arc<Fabric>, host: HostId, port: u16) -> io::Result<SimDatagrams> {
        let (address, place) = fabric.open_mailbox(host, port)?;
        Ok(SimDatagrams { fabric, host, address, place })
    }
}

impl DatagramSocket for SimDatagrams {
    async fn send_to(&self, datagram: &[u8], to: &str) -> io::Result<()> {
        if datagram.len() > DATAGRAM_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a datagram has at most 65,507 bytes"));
        }
        let (host, _) = to.rsplit_once(':').unwrap_or((to, ""));
        let target = (self.fabric.resolve(host)?, super::port_of(to)?);
        self.fabric.send_datagram((self.host, self.address), target, datagram);
        Ok(())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            match self.fabric.take_datagram(self.host, self.address.port())? {
                Taken::Datagram(from, bytes) => {
                    let length = bytes.len().min(buffer.len());
                    buffer[..length].copy_from_slice(&bytes[..length]);
                    return Ok((length, from));
                }
                Taken::Wait(Some(delay), changed) => tokio::select! {
                    biased;
                    () = rest(&self.fabric, delay, self.place) => {}
                    () = changed.notified() => {}
                },
                Taken::Wait(None, changed) => changed.notified().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for SimDatagrams {
    fn drop(&mut self) {
        let mailbox = (self.host, self.address.port());
        drop(self.fabric.with(|state, _, _| state.datagrams.mailboxes.remove(&mailbox)));
    }
}
