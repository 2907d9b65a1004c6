//! The signaling server: a thin shell around the rooms core. Start here: [`Server::run`]. It accepts connections of any
//! [`Listener`], serves HTTP (`http`) and WebSockets (`socket`) on each of them, and runs
//! every task under the spawner that was handed in. Neighbours: `rooms` decides, `hub` joins it with the sockets.
//! Absent on purpose: `axum::serve` and axum's own WebSocket upgrade, since both spawn tasks past the spawner.

mod accept;
mod closing;
mod http;
mod hub;
mod liveness;
mod long;
mod metrics;
mod negotiate;
mod outbound;
mod rooms_http;
mod socket;
mod timestamp;
mod upgrade;

use crate::defects::Defects;
use crate::identity::Identity;
use crate::network::Listener;
use crate::protocol::Profile;
use crate::rooms::{Limits, Rooms};
use crate::store::RoomStore;
use crate::surroundings::Surroundings;
use hub::Hub;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

/// How a server behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    /// Bounds that it enforces.
    pub limits: Limits,
    /// Known flaws that it is to have.
    pub defects: Defects,
    /// Which of the two known behaviours it shows.
    pub profile: Profile,
    /// Time between an answered ping and the next one.
    pub ping_every: Duration,
    /// How long a connection may take to answer a ping before it is dropped.
    pub pong_within: Duration,
    /// How long a WebSocket may be open before it has registered; a deployed server waits for ever.
    pub register_within: Duration,
    /// Most connections at a time, WebSockets or not; one more is closed as soon as it is accepted.
    pub connections_max: usize,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            limits: Limits::default(),
            defects: Defects::none(),
            profile: Profile::Documented,
            ping_every: Duration::from_secs(20),
            pong_within: Duration::from_secs(20),
            register_within: Duration::from_secs(60),
            connections_max: 20_000,
        }
    }
}

/// How long connections may take to end when the server shuts down.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// A signaling server. Cheap to clone; clones share their rooms.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// What every connection of a server needs.
struct Shared {
    options: ServerOptions,
    surroundings: Surroundings,
    identity: Arc<dyn Identity>,
    store: Arc<dyn RoomStore>,
    hub: Hub,
    /// A permit for each connection that may be open.
    seats: Arc<Semaphore>,
}

/// What a listener is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListenerRole {
    /// HTTP and WebSockets.
    #[default]
    Both,
    /// WebSockets: other requests are answered with 404.
    WebSockets,
    /// HTTP: WebSocket requests are answered with 404.
    Http,
}

impl Server {
    /// A server without peers. `store` may hold rooms already: it outlives servers.
    pub fn new(
        options: ServerOptions,
        surroundings: Surroundings,
        identity: Arc<dyn Identity>,
        store: Arc<dyn RoomStore>,
    ) -> Server {
        let rooms = Rooms::new(options.limits, options.defects.clone(), options.profile, store.clone());
        let hub = Hub::new(rooms, surroundings.clock.clone());
        let seats = Arc::new(Semaphore::new(options.connections_max.min(Semaphore::MAX_PERMITS)));
        Server { shared: Arc::new(Shared { options, surroundings, identity, store, hub, seats }) }
    }

    /// Serves HTTP and WebSockets on one listener until `shutdown` ends; then stops accepting, closes every WebSocket with
    /// 1001, and ends when all connections have, or after 5 s. Dropping it stops the server too, without waiting.
    pub async fn run<L: Listener>(&self, listener: L, shutdown: impl Future<Output = ()>) {
        self.run_on(vec![(ListenerRole::Both, listener)], shutdown).await;
    }

    /// The same on several listeners, such as one for WebSockets and one for HTTP as deployed.
    pub async fn run_on<L: Listener>(&self, listeners: Vec<(ListenerRole, L)>, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let (alive, mut all_ended) = mpsc::channel::<()>(1);
        let loops = listeners.into_iter().map(|(role, listener)| {
            let life = Life { stopped: stopped.clone(), _alive: alive.clone(), _seat: None };
            accept::accept_all(listener, role, self.shared.clone(), life)
        });
        let accepting = futures_util::future::join_all(loops);
        drop(alive);
        tokio::select! {
            biased;
            () = shutdown => {}
            _ = accepting => {}
        }
        stop.send_replace(true);
        // Every task holds a clone of `alive`: the channel ends with the last one. Who is late is left to the spawner.
        let _ = self.shared.surroundings.timers.timeout(SHUTDOWN_GRACE, all_ended.recv()).await;
    }
}

/// Tells a task when the server stops, and the server when the task has ended.
#[derive(Clone)]
struct Life {
    stopped: watch::Receiver<bool>,
    _alive: mpsc::Sender<()>,
    /// Held by everything that serves one connection.
    _seat: Option<Arc<OwnedSemaphorePermit>>,
}

impl Life {
    fn seated(&self, seat: OwnedSemaphorePermit) -> Life {
        Life { _seat: Some(Arc::new(seat)), ..self.clone() }
    }

    /// Ends when the server stops.
    async fn stopped(&mut self) {
        // An error means that the server is gone altogether.
        let _ = self.stopped.wait_for(|stopped| *stopped).await;
    }
}
