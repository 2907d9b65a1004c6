//! The system under test, in either world: which servers there are, and what each life of one runs. Anybody's service can be
//! one; the first is the reference.
//!
//! A server gets everything from its [`Host`]: the network, and with [`Host::surroundings`] clocks, randomness and a
//! spawner. It keeps what must survive a kill (a disk, a database) in what [`System::deploy`] captured, and all else in
//! its task, which a kill drops. Neighbours: `sim` deploys one into each simulated world, `live::deployment` on this machine.
//! Left out: what users say to it.

use rehearsal_reference::network::Network;
use rehearsal_reference::surroundings::{Surroundings, Task};
use rehearsal_scenarios::plan::Plan;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

/// The host that users connect to, and the first that a fault on `server` names.
pub const FIRST_SERVER: &str = "server-0";

/// A system that can be deployed into a world, again for each seed.
pub trait System: Send + Sync + 'static {
    /// The servers of a fresh world, on the network of that world. Those called `server-0`, `server-1`, … are what a scenario's
    /// faults on `server` hit, as many as its `[system] servers` says; users connect to `server-0`.
    fn deploy<N: Network>(&self, plan: &Plan) -> Vec<Server<N>>;

    /// Where servers listen in a simulated world, for WebSocket and HTTP together. On a machine it is a free port.
    fn port(&self) -> u16 {
        8080
    }

    /// The path of its WebSocket.
    fn path(&self) -> &str {
        "/"
    }
}

type Start<N> = dyn Fn(Host<N>, Stop) -> Task + Send + Sync;

/// A host of the system, and what runs on it.
pub struct Server<N: Network> {
    name: String,
    start: Box<Start<N>>,
}

impl<N: Network> Server<N> {
    /// A server. `start` makes the program of one incarnation: called once, and again after each kill. The program ends
    /// by itself some time after it is asked to stop, which a scenario's `stop` fault does.
    pub fn new<F>(name: impl Into<String>, start: impl Fn(Host<N>, Stop) -> F + Send + Sync + 'static) -> Server<N>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Server { name: name.into(), start: Box::new(move |host, stop| Box::pin(start(host, stop))) }
    }

    /// The name of its host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program of one incarnation. Called by worlds.
    #[doc(hidden)]
    pub fn start(&self, host: Host<N>, stop: Stop) -> Task {
        (self.start)(host, stop)
    }
}

impl<N: Network> fmt::Debug for Server<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A host as the program on it finds it. Cheap to clone.
#[derive(Clone)]
pub struct Host<N: Network> {
    /// Its name in the plan.
    pub name: Arc<str>,
    /// How often it has been started before.
    pub incarnation: u32,
    /// The network from here.
    pub network: N,
    world: Arc<dyn HostWorld>,
}

/// What a world tells a host.
pub trait HostWorld: Send + Sync {
    /// Surroundings for one program of the host; `who` sets its random stream apart from its neighbours' on the host.
    fn surroundings(&self, who: &str) -> Surroundings;
    /// Where it is to listen for users, as `address:port`.
    fn address(&self) -> String;
    /// It listens there.
    fn listens(&self, _at: SocketAddr) {}
}

impl<N: Network> Host<N> {
    /// A host of this world. Called by worlds.
    #[doc(hidden)]
    pub fn new(name: Arc<str>, incarnation: u32, network: N, world: Arc<dyn HostWorld>) -> Host<N> {
        Host { name, incarnation, network, world }
    }

    /// Surroundings for one program of this host; `who` sets its random stream apart from its neighbours' on the host.
    pub fn surroundings(&self, who: &str) -> Surroundings {
        self.world.surroundings(who)
    }

    /// Listens where the world wants its users to knock: at [`System::port`] in a simulated world, at a free port of
    /// 127.0.0.1 on a machine.
    ///
    /// # Errors
    /// If the network refuses, as it does where this host listens already.
    pub async fn listen(&self) -> io::Result<N::Listener> {
        use rehearsal_reference::network::Listener;
        let listener = self.network.bind(&self.world.address()).await?;
        self.world.listens(listener.local_addr()?);
        Ok(listener)
    }
}

/// Tells a server to stop gracefully, as SIGTERM does.
pub struct Stop(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Stop {
    /// A stop that is asked for when this ends. Called by worlds.
    #[doc(hidden)]
    pub fn new(asked: impl Future<Output = ()> + Send + 'static) -> Stop {
        Stop(Box::pin(asked))
    }

    /// Waits until this server is asked to stop; for ever if it never is.
    pub async fn asked(self) {
        self.0.await;
    }
}
