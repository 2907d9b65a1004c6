//! Datagrams: sockets without connections, whose packets are lost, doubled and overtaken as the plan says.
//!
//! Invariants: nothing is sent again and nobody is told; what is under way when a link is cut is lost; a socket gets what
//! arrives while it is bound, and nothing else; what nobody reads waits in its buffer, and what does not fit into that is lost;
//! every fate is drawn at a place that both sockets and a number name. Neighbours: `fabric` (the state), `inbox` (what has
//! come to a socket), `link` (how long one takes), `alarm` (waiting). Left out: what a machine says about a closed port.

use super::alarm::rest;
use super::fabric::Fabric;
use super::hosts::HostId;
use super::inbox::{Datagram, Inbox};
use rehearsal_reference::network::DatagramSocket;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Notify;

/// The most that UDP over IPv4 carries: 65,535 less both headers.
const BYTES_MAX: usize = 65_507;

/// A port of a host.
type Port = (HostId, u16);

/// A bound socket for datagrams.
pub struct SimDatagrams {
    fabric: Arc<Fabric>,
    port: Port,
    address: SocketAddr,
    arrivals: Arc<Notify>,
}

impl SimDatagrams {
    pub(super) fn bind(fabric: Arc<Fabric>, host: HostId, port: u16) -> io::Result<SimDatagrams> {
        let arrivals = Arc::<Notify>::default();
        let address = fabric.with(|state, _, _| {
            let machine = state.hosts.get_mut(host);
            let is_bound = |port: u16| state.datagrams.inboxes.contains_key(&(host, port));
            let port = if port == 0 { machine.free_port_but(is_bound) } else { port };
            if is_bound(port) {
                return Err(io::Error::from(io::ErrorKind::AddrInUse));
            }
            state.datagrams.inboxes.insert((host, port), Inbox::new(arrivals.clone()));
            Ok(machine.at(port))
        })?;
        Ok(SimDatagrams { fabric, port: (host, address.port()), address, arrivals })
    }
}

impl DatagramSocket for SimDatagrams {
    async fn send_to(&self, datagram: &[u8], to: &str) -> io::Result<()> {
        if datagram.len() > BYTES_MAX {
            let reason = format!("{} bytes do not fit into a datagram, at most {BYTES_MAX} do", datagram.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let (host, _) = to.rsplit_once(':').unwrap_or((to, ""));
        let to = self.fabric.address_of(host, super::port_of(to)?)?;
        self.fabric.send_datagram(self.port, self.address, to, datagram);
        Ok(())
    }

    async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        loop {
            let (now, next_ns) = match self.fabric.take_datagram(self.port) {
                Ok(Datagram { from, bytes }) => {
                    let length = bytes.len().min(buffer.len());
                    buffer[..length].copy_from_slice(&bytes[..length]);
                    return Ok((length, from));
                }
                Err(waits) => waits,
            };
            let due = async {
                match next_ns {
                    Some(next_ns) => rest(&self.fabric, next_ns.saturating_sub(now), Draw::of_seed(next_ns)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = due => {}
                () = self.arrivals.notified() => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for SimDatagrams {
    fn drop(&mut self) {
        let inbox = self.fabric.with(|state, _, _| state.datagrams.inboxes.remove(&self.port));
        drop(inbox);
    }
}

/// All datagrams of a world.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    inboxes: BTreeMap<Port, Inbox>,
    /// From one socket to another: how many were sent, and when the last one in order arrives.
    flows: BTreeMap<(Port, Port), (u64, Nanos)>,
}

impl Datagrams {
    /// A link is cut: what is under way on it is lost.
    pub(super) fn lose_between(&mut self, from: HostId, to: HostId, now: Nanos) {
        for (_, inbox) in self.inboxes.range_mut((to, 0)..=(to, u16::MAX)) {
            inbox.lose_from(from, now);
        }
    }
}

impl Fabric {
    /// Where a name or an address leads now.
    fn address_of(&self, host: &str, port: u16) -> io::Result<SocketAddr> {
        // What was sent to an address of the past is lost: it stays as it is written.
        if let Ok(address) = host.parse() {
            return Ok(SocketAddr::new(address, port));
        }
        let host = self.resolve(host)?;
        Ok(self.with(|state, _, _| state.hosts.get(host).at(port)))
    }

    fn send_datagram(&self, from: Port, source: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Ok(host) = self.resolve(&to.ip().to_string()) else { return };
        let target = (host, to.port());
        let arrivals = self.with(|state, now, _| {
            self.touch_links(state, from.0, host);
            let is_current = state.hosts.get(host).address == to.ip();
            let flow = self.draw_of_datagrams(state, from, target);
            let inbox = state.datagrams.inboxes.get_mut(&target).filter(|_| is_current)?;
            let (sent, last_due_ns) = state.datagrams.flows.entry((from, target)).or_default();
            let place = flow.at(*sent);
            *sent += 1;
            let (plan, link) = (self.datagram_plan(), state.wires.link(from.0, host));
            let happens = |what: &str, share: f64| place.named(what).unit() < share;
            if happens("loss", plan.loss) {
                return None;
            }
            let copies = 1 + u64::from(happens("duplicate", plan.duplicate));
            for copy in 0..copies {
                let Some(delay) = link.datagram_crossing(now, bytes.len(), place.at(copy)) else { continue };
                let mut due_ns = now.saturating_add(delay);
                if happens("reorder", plan.reorder) {
                    // A detour: what is sent after it may come before it.
                    due_ns = due_ns.saturating_add(link.datagram_crossing(now, 0, place.named("detour")).unwrap_or(0));
                } else if copy == 0 {
                    due_ns = due_ns.max(*last_due_ns);
                    *last_due_ns = due_ns;
                }
                let datagram = Datagram { from: source, bytes: bytes.to_vec() };
                inbox.send(now, (due_ns, flow.bits(), 2 * *sent + copy), from.0, datagram);
            }
            Some(inbox.arrivals())
        });
        if let Some(arrivals) = arrivals {
            arrivals.notify_one();
        }
    }

    /// The oldest datagram that has arrived at a port; else the time, and when the next one does.
    fn take_datagram(&self, port: Port) -> Result<Datagram, (Nanos, Option<Nanos>)> {
        self.with(|state, now, _| {
            let inbox = state.datagrams.inboxes.get_mut(&port).ok_or((now, None))?;
            inbox.take(now).ok_or_else(|| (now, inbox.next_ns()))
        })
    }
}
