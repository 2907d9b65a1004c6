//! Opening a connection: a SYN that takes a latency, waits out a cut, and is answered, refused or never heard of again.
//!
//! Invariants: a name leads to the newest incarnation, also for a connect that is still waiting; a connect ends within the
//! time-out, whether or not its program is held; one that is given up after its SYN has arrived closes what the server has
//! already. Neighbours: `mod` (the `Network` that programs see), `fabric` (links and hosts).

use super::alarm::rest;
use super::fabric::Fabric;
use super::hosts::{Condition, HostId};
use super::stream::SimStream;
use super::wire::Side;
use crate::netlog;
use rehearsal_loadgen::faults::link::Crossing;
use rehearsal_scenarios::distribution::Nanos;
use rehearsal_scenarios::draw::Draw;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Connects from one host to a port of another. Ends within the network's TCP time-out, give or take a tick.
pub(super) async fn connect(fabric: Arc<Fabric>, from: HostId, to: HostId, port: u16) -> io::Result<SimStream> {
    let place = fabric.place_of_next_wire(from, to);
    let gives_up_ns = fabric.clock.now_ns().saturating_add(fabric.tcp_timeout_ns());
    let left = Duration::from_nanos(fabric.tcp_timeout_ns());
    let handshake = async {
        cross(&fabric, from, to, "syn", place, gives_up_ns).await;
        let opened = fabric.open(place, from, to, port);
        let answer = opened.map(|wire| SimStream::new(fabric.clone(), wire, Side::Client));
        cross(&fabric, to, from, "answer", place, gives_up_ns).await;
        answer
    };
    timeout(left, handshake).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Waits until a packet that is sent now has arrived; for ever if it never does.
async fn cross(fabric: &Arc<Fabric>, from: HostId, to: HostId, says: &'static str, place: Draw, gives_up_ns: Nanos) {
    let place = place.named(says);
    for attempt in 0.. {
        // Held back, or nobody there: sent again once something has changed.
        while is_blocked(fabric, from, to) {
            fabric.changed().await;
        }
        let place = place.at(attempt);
        let crossing = fabric
            .with(|state, now, _| state.wires.link(from, to).crossing(now, 0, gives_up_ns.saturating_sub(now), place));
        let arrives_ns = match crossing {
            Crossing::After(delay) => Some(fabric.clock.now_ns().saturating_add(delay)),
            Crossing::Never => None,
        };
        netlog::packet(from, to, says, 0, arrives_ns);
        match crossing {
            Crossing::After(delay) => rest(fabric, delay, place).await,
            Crossing::Never => std::future::pending().await,
        }
        if !is_blocked(fabric, from, to) {
            return;
        }
    }
}

fn is_blocked(fabric: &Fabric, from: HostId, to: HostId) -> bool {
    fabric.with(|state, _, _| {
        state.wires.link(from, to).cut_since().is_some() || state.hosts.get(to).condition == Condition::Lost
    })
}
