//! Opening a connection: a SYN that takes a latency, waits out a cut, and is answered, refused or never heard of again.
//!
//! turmoil refuses across a partition at once and never answers for a crashed host; here both become what a real network
//! does: a time-out. Only once the SYN has arrived at a host that accepts does turmoil open the carrier. Neighbours:
//! `mod` (the `Network` that programs see), `fabric` (links and hosts).

use super::fabric::{Condition, Fabric, HostId};
use super::link::Crossing;
use super::stream::TurmoilStream;
use super::wire::Side;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use turmoil::net::TcpStream;

/// Connects from one host to a port of another. Ends within the network's TCP time-out, give or take a tick.
pub(super) async fn connect(
    fabric: Arc<Fabric>,
    from: HostId,
    to: HostId,
    port: u16,
    place: Draw,
) -> io::Result<TurmoilStream> {
    let gives_up_ns = fabric.clock.now_ns().saturating_add(fabric.tcp_timeout_ns());
    let left = Duration::from_nanos(fabric.tcp_timeout_ns());
    let handshake = async {
        cross(&fabric, from, to, place.named("syn"), gives_up_ns).await;
        let answer = if fabric.is_listening(to, port) {
            carry(fabric.clone(), SocketAddr::new(fabric.address(to), port)).await
        } else {
            Err(io::ErrorKind::ConnectionRefused.into())
        };
        cross(&fabric, to, from, place.named("answer"), gives_up_ns).await;
        answer
    };
    timeout(left, handshake).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Waits until a packet that is sent now has arrived; for ever if it never does.
async fn cross(fabric: &Fabric, from: HostId, to: HostId, place: Draw, gives_up_ns: Nanos) {
    let is_blocked = || {
        let is_cut = fabric.link(from, to, |link| link.cut_since().is_some());
        is_cut || fabric.condition(to) == Condition::Lost
    };
    for attempt in 0.. {
        // Held back, or nobody there: sent again once something has changed.
        while is_blocked() {
            fabric.changed().await;
        }
        let left_ns = gives_up_ns.saturating_sub(fabric.clock.now_ns());
        match fabric.link(from, to, |link| link.crossing(fabric.latency(), left_ns, place.at(attempt))) {
            Crossing::After(delay) => sleep(Duration::from_nanos(delay)).await,
            Crossing::Never => std::future::pending().await,
        }
        if !is_blocked() {
            return;
        }
    }
}

/// Opens turmoil's stream and takes hold of the wire's client end.
async fn carry(fabric: Arc<Fabric>, target: SocketAddr) -> io::Result<TurmoilStream> {
    let opening = async move {
        let carrier = TcpStream::connect(target).await?;
        let (client, server) = (carrier.local_addr()?, carrier.peer_addr()?);
        let wire = fabric.attach(Side::Client, client, server)?;
        Ok(TurmoilStream::new(carrier, fabric, wire, Side::Client))
    };
    // In a task of its own: a connect that is given up in between would leave the server with a peer that never existed.
    #[allow(clippy::disallowed_methods, reason = "it must outlive whoever connects, and ends with its host")]
    let opened = tokio::spawn(opening);
    opened.await.unwrap_or_else(|_| Err(io::ErrorKind::ConnectionAborted.into()))
}
