//! The network as programs on a host of this engine see it: names, listeners, connecting.
//!
//! Invariants: a name leads to the newest incarnation, also for a connect that is still waiting; a connect ends within
//! the time-out; every call into turmoil-net is made with its own machine current. Neighbours: `stream` is an open
//! connection, `fates` what happens to its packets.

use super::fates::Fates;
use super::segment::address_of;
use super::stream::{EventStream, Manner};
use super::tasks;
use rehearsal_reference::network::{Endpoint, Listener, Network};
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;
use turmoil_net::HostId;
use turmoil_net::shim::tokio::net::{TcpListener, TcpStream};

/// A machine, as we number it and as turmoil-net does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Machine {
    pub(super) number: usize,
    pub(super) kernel: HostId,
}

impl Machine {
    /// From here on, sockets that are opened, used or dropped are this machine's.
    pub(super) fn make_current(self) {
        tasks::sockets_are_used();
        turmoil_net::set_current(self.kernel);
    }
}

/// A connection that its program aborted, until the pump cuts it off.
pub(super) struct Aborted {
    pub(super) machine: Machine,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    /// Held so that the kernel keeps the socket until it has heard of the reset.
    pub(super) _socket: TcpStream,
}

impl Drop for Aborted {
    fn drop(&mut self) {
        self.machine.make_current();
    }
}

/// What the pump and all streams of a world share.
pub(super) struct Shared {
    fates: Mutex<Fates>,
    aborted: Mutex<Vec<Aborted>>,
}

impl Shared {
    pub(super) fn new(fates: Fates) -> Shared {
        Shared { fates: Mutex::new(fates), aborted: Mutex::default() }
    }

    pub(super) fn fates(&self) -> MutexGuard<'_, Fates> {
        // A panic breaks the run anyway; its streams are still dropped in order.
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn abort(&self, aborted: Aborted) {
        self.aborted.lock().unwrap_or_else(PoisonError::into_inner).push(aborted);
    }

    pub(super) fn take_aborted(&self) -> Vec<Aborted> {
        std::mem::take(&mut self.aborted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The network as one incarnation of a host sees it.
#[derive(Clone)]
pub struct EventNetwork {
    shared: Arc<Shared>,
    machine: Machine,
    timeout: Duration,
    manner: Manner,
}

impl EventNetwork {
    pub(super) fn new(shared: Arc<Shared>, machine: Machine, timeout: Duration, manner: Manner) -> EventNetwork {
        EventNetwork { shared, machine, timeout, manner }
    }

    fn stream(&self, socket: TcpStream) -> io::Result<EventStream> {
        let (local, peer) = (socket.local_addr()?, socket.peer_addr()?);
        Ok(EventStream::new(socket, self.shared.clone(), self.machine, [local, peer], self.manner))
    }
}

impl Network for EventNetwork {
    type Stream = EventStream;
    type Listener = EventListener;

    async fn bind(&self, address: &str) -> io::Result<EventListener> {
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let port = port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("no port in {address}")))?;
        self.machine.make_current();
        let bound = TcpListener::bind(SocketAddr::from(([0, 0, 0, 0], port))).await?;
        Ok(EventListener { network: self.clone(), socket: bound })
    }

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<EventStream> {
        if endpoint.tls {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "there is no TLS on the simulated network"));
        }
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("no host is called {}", endpoint.host));
        let mut newest = {
            let fates = self.shared.fates();
            fates.hosts.newest(fates.hosts.find(&endpoint.host).ok_or_else(unknown)?)
        };
        let attempts = async {
            loop {
                let target = SocketAddr::new(address_of(*newest.borrow_and_update()), endpoint.port);
                tokio::select! {
                    biased;
                    opened = Dialing::begin(self.machine, target) => return self.stream(opened?),
                    // The machine has been replaced: what is sent again reaches the new one. An error means that the
                    // world is over.
                    changed = newest.changed() => if changed.is_err() { return Err(io::ErrorKind::TimedOut.into()) },
                }
            }
        };
        timeout(self.timeout, attempts).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A connect on its way. Its machine is current whenever it is polled or dropped.
struct Dialing {
    machine: Machine,
    connect: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>,
}

impl Dialing {
    fn begin(machine: Machine, target: SocketAddr) -> Dialing {
        Dialing { machine, connect: Box::pin(TcpStream::connect(target)) }
    }
}

impl Future for Dialing {
    type Output = io::Result<TcpStream>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.machine.make_current();
        self.connect.as_mut().poll(context)
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        self.machine.make_current();
    }
}

/// A listening socket of a host.
pub struct EventListener {
    network: EventNetwork,
    socket: TcpListener,
}

impl Listener for EventListener {
    type Stream = EventStream;

    async fn accept(&mut self) -> io::Result<(EventStream, SocketAddr)> {
        let (socket, peer) = poll_fn(|context| {
            self.network.machine.make_current();
            self.socket.poll_accept(context)
        })
        .await?;
        Ok((self.network.stream(socket)?, peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.network.machine.make_current();
        Ok(SocketAddr::new(address_of(self.network.machine.number), self.socket.local_addr()?.port()))
    }
}

impl Drop for EventListener {
    fn drop(&mut self) {
        self.network.machine.make_current();
    }
}
