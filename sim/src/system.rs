//! The system under test: which hosts a world has besides the users', what runs on them, and where users knock. Anybody's
//! service can be one; the first is the reference (`reference_system`).
//!
//! A server gets everything from its [`Host`]: the network, and with [`Host::surroundings`] clocks, randomness and a
//! spawner. It keeps what must survive a kill (a disk, a database) in what [`System::deploy`] captured, and all else in
//! its task, which a kill drops. Neighbours: `seed` plays, `host` is what a server sees. Left out: what users say to it.

use crate::host::Host;
use rehearsal_reference::surroundings::Task;
use rehearsal_scenarios::plan::Plan;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The host that users connect to, and the first that a fault on `server` names.
pub const FIRST_SERVER: &str = "server-0";

/// A system that can be deployed into a simulated world, again for each seed.
pub trait System: Send + Sync {
    /// The servers of a fresh world. Those called `server-0`, `server-1`, … are what a scenario's faults on `server` hit,
    /// as many as its `[system] servers` says; users connect to `server-0`.
    fn deploy(&self, plan: &Plan) -> Vec<Server>;

    /// The port of `server-0`, for WebSocket and HTTP together.
    fn port(&self) -> u16 {
        8080
    }

    /// The path of its WebSocket.
    fn path(&self) -> &str {
        "/"
    }
}

/// A host of the system, and what runs on it.
pub struct Server {
    pub(crate) name: String,
    pub(crate) start: Box<dyn Fn(Host, Stop) -> Task + Send + Sync>,
}

impl Server {
    /// A server. `start` makes the program of one incarnation: called once, and again after each kill. The program ends
    /// by itself some time after it is asked to stop, which a scenario's `stop` fault does.
    pub fn new<F>(name: impl Into<String>, start: impl Fn(Host, Stop) -> F + Send + Sync + 'static) -> Server
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Server { name: name.into(), start: Box::new(move |host, stop| Box::pin(start(host, stop))) }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Tells a server to stop gracefully, as SIGTERM does.
pub struct Stop(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Stop {
    pub(crate) fn new(asked: impl Future<Output = ()> + Send + 'static) -> Stop {
        Stop(Box::pin(asked))
    }

    /// Waits until this server is asked to stop; for ever if it never is.
    pub async fn asked(self) {
        self.0.await;
    }
}

/// A system that many seeds share.
pub type SharedSystem = Arc<dyn System>;
