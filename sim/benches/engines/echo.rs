//! Clients that say a word and hear it again, through hyper's upgrades and tungstenite: on the event engine, and over
//! in-memory pipes on a paused runtime, which is what the same messages cost without any network.

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rehearsal_reference::surroundings::Task;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::NetworkPlan;
use rehearsal_sim::engine::Engine;
use rehearsal_sim::event_engine::{EventEngine, Manner};
use rehearsal_sim::host::Host;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

const PORT: u16 = 80;
const MS: u64 = 1_000_000;

/// Some clients, how often each speaks, and for how long.
#[derive(Clone, Copy)]
pub struct Echoes {
    pub clients: u32,
    pub every: Duration,
    pub virtual_time: Duration,
    pub buffers: Buffers,
}

/// The network of all rows: 1–20 ms.
pub fn network() -> NetworkPlan {
    NetworkPlan::new(Distribution::Uniform(MS, 20 * MS), 15_000 * MS)
}

/// How much a WebSocket reads at once, and clears before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Buffers {
    /// 128 KiB, tungstenite's default.
    Tungstenite,
    /// 4 KiB, as the reference server and client have them.
    Small,
}

impl Buffers {
    fn config(self) -> Option<WebSocketConfig> {
        (self == Buffers::Small).then(|| WebSocketConfig::default().read_buffer_size(4 << 10))
    }
}

impl Echoes {
    fn expected(&self) -> u64 {
        u64::from(self.clients) * (self.virtual_time.as_secs() / self.every.as_secs())
    }

    /// One server, every client on a host of its own.
    pub fn on_the_event_engine(self, manner: Manner) {
        std::thread::scope(|scope| scope.spawn(move || self.play_here(manner)).join()).unwrap();
    }

    fn play_here(self, manner: Manner) {
        let heard = Arc::new(AtomicU64::new(0));
        let mut engine = EventEngine::new(1, Duration::from_secs(1), network()).unwrap().with_manner(manner);
        engine.add_host("server", Box::new(move |host| Box::pin(serve(host, self.buffers))));
        for client in 0..self.clients {
            let heard = heard.clone();
            let program = move |host: Host| -> Task {
                let heard = heard.clone();
                Box::pin(async move {
                    let server = Endpoint { host: "server".into(), port: PORT, tls: false };
                    self.chat(host.network.connect(&server).await.unwrap(), heard).await;
                })
            };
            engine.add_host(&format!("client-{client}"), Box::new(program));
        }
        let clock = engine.clock();
        while heard.load(Ordering::Relaxed) < self.expected() {
            engine.step(clock.now_ns() + 60_000 * MS).unwrap();
        }
    }

    /// No hosts, no latency: what the libraries cost.
    pub fn over_pipes(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let heard = Arc::new(AtomicU64::new(0));
        runtime.block_on(async {
            let clients: Vec<_> = (0..self.clients)
                .map(|_| {
                    let (ours, theirs) = tokio::io::duplex(64 << 10);
                    spawn(Box::pin(serve_connection(theirs, self.buffers, Arc::new(spawn))));
                    spawn_and_wait(Box::pin(self.chat(ours, heard.clone())))
                })
                .collect();
            for client in clients {
                client.await.unwrap();
            }
        });
        assert_eq!(heard.load(Ordering::Relaxed), self.expected());
    }

    async fn chat(self, stream: impl AsyncRead + AsyncWrite + Unpin, heard: Arc<AtomicU64>) {
        let (mut socket, _) =
            tokio_tungstenite::client_async_with_config("ws://server/", stream, self.buffers.config()).await.unwrap();
        for _ in 0..self.virtual_time.as_secs() / self.every.as_secs() {
            tokio::time::sleep(self.every).await;
            socket.send("hello".into()).await.unwrap();
            socket.next().await.unwrap().unwrap();
            heard.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "outside of a simulated world nobody else owns tasks")]
fn spawn_and_wait(task: Task) -> tokio::task::JoinHandle<()> {
    tokio::spawn(task)
}

fn spawn(task: Task) {
    spawn_and_wait(task);
}

async fn serve(host: Host, buffers: Buffers) {
    let spawner = host.surroundings("server").spawner;
    let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let inner = spawner.clone();
        let spawn = move |task| inner.spawn("echo", task).detach();
        spawner.spawn("connection", Box::pin(serve_connection(stream, buffers, Arc::new(spawn)))).detach();
    }
}

async fn serve_connection<S>(stream: S, buffers: Buffers, spawn: Arc<dyn Fn(Task) + Send + Sync>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let upgrade = move |mut request: Request<Incoming>| {
        let upgrade = hyper::upgrade::on(&mut request);
        spawn(Box::pin(async move {
            if let Ok(upgraded) = upgrade.await {
                echo(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, buffers.config()).await)
                    .await;
            }
        }));
        let accept = derive_accept_key(request.headers()["sec-websocket-key"].as_bytes());
        let response = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-accept", accept)
            .body(String::new())
            .unwrap();
        async move { Ok::<_, Infallible>(response) }
    };
    let connection = hyper::server::conn::http1::Builder::new();
    let _ = connection.serve_connection(TokioIo::new(stream), service_fn(upgrade)).with_upgrades().await;
}

async fn echo(mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>) {
    while let Some(Ok(message)) = socket.next().await {
        if message.is_text() && socket.send(message).await.is_err() {
            return;
        }
    }
}
