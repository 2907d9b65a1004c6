//! Hosts and their incarnations: names, addresses, what runs on them, and where they listen.
//!
//! Invariants: each incarnation has an address of its own, and a name leads to the newest one; a dead incarnation never runs
//! again; sockets end with their incarnation, since its programs are dropped before another one starts. Neighbours: `fabric`
//! holds them behind its lock. Left out: the programs, which engines run.

use super::wires::WireId;
use rehearsal_scenarios::distribution::Nanos;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::Waker;

/// A host, by the order in which hosts were added.
pub type HostId = usize;

/// The first port that a machine takes when nobody names one.
const EPHEMERAL: u16 = 49_152;

/// What runs on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its programs.
    Running,
    /// Nothing: its machine refuses connections.
    Killed,
    /// The machine is gone: silence.
    Lost,
}

/// Connections that have come to a port and that no program has accepted yet.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// When each is there, and its wire.
    pub(super) arrived: VecDeque<(Nanos, WireId)>,
    pub(super) acceptor: Option<Waker>,
}

/// A host and its newest incarnation.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: Arc<str>,
    pub(super) address: IpAddr,
    pub(super) condition: Condition,
    /// How often it has been started again.
    pub(super) incarnation: u32,
    pub(super) listening: BTreeMap<u16, Backlog>,
    next_port: u16,
}

impl Host {
    /// A port that no program listens at.
    pub(super) fn free_port(&mut self) -> u16 {
        self.free_port_but(|_| false)
    }

    /// A port that no program listens at, and that is not taken otherwise.
    pub(super) fn free_port_but(&mut self, is_taken: impl Fn(u16) -> bool) -> u16 {
        loop {
            let port = self.next_port;
            self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL);
            if !self.listening.contains_key(&port) && !is_taken(port) {
                return port;
            }
        }
    }

    /// Where the port is on the network.
    pub(super) fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }

    /// A program starts to listen, at a free port if it names none.
    pub(super) fn listen(&mut self, port: u16) -> io::Result<u16> {
        let port = if port == 0 { self.free_port() } else { port };
        if self.listening.contains_key(&port) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.listening.insert(port, Backlog::default());
        Ok(port)
    }
}

/// All hosts of a world.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: Vec<Host>,
    by_name: BTreeMap<Arc<str>, HostId>,
    by_address: BTreeMap<IpAddr, HostId>,
    machines: u32,
}

impl Hosts {
    /// A further host. It runs.
    pub(super) fn add(&mut self, name: &str) -> HostId {
        let (id, name, address) = (self.hosts.len(), Arc::<str>::from(name), self.next_address());
        self.by_name.insert(name.clone(), id);
        self.by_address.insert(address, id);
        let (condition, listening) = (Condition::Running, BTreeMap::new());
        self.hosts.push(Host { name, address, condition, incarnation: 0, listening, next_port: EPHEMERAL });
        id
    }

    /// The host of this name, or the one that has or had this address.
    pub(super) fn find(&self, name: &str) -> Option<HostId> {
        self.by_name.get(name).or_else(|| self.by_address.get(&name.parse::<IpAddr>().ok()?)).copied()
    }

    pub(super) fn get(&self, host: HostId) -> &Host {
        &self.hosts[host]
    }

    pub(super) fn get_mut(&mut self, host: HostId) -> &mut Host {
        &mut self.hosts[host]
    }

    /// A further incarnation of a host begins.
    pub(super) fn start_again(&mut self, host: HostId) {
        let address = self.next_address();
        self.by_address.insert(address, host);
        let host = &mut self.hosts[host];
        host.address = address;
        host.condition = Condition::Running;
        host.incarnation += 1;
        host.next_port = EPHEMERAL;
    }

    fn next_address(&mut self) -> IpAddr {
        self.machines += 1;
        // 10.0.0.0/8, from 10.0.0.1 on.
        let [_, b, c, d] = self.machines.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(10, b, c, d))
    }
}
