//! The networks, each with a server and a client.

use crate::scenes::Scene;
use rehearsal_loadgen::live::{network::TcpNetwork, tls::Trust};
use rehearsal_reference::network::{Endpoint, Listener, Network, Stream};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::NetworkPlan;
use rehearsal_sim::engine::{Engine, EngineKind};
use rehearsal_sim::event_engine::EventEngine;
use rehearsal_sim::host::Host;
use rehearsal_sim::turmoil_engine::TurmoilEngine;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

const MS: u64 = 1_000_000;
const PORT: u16 = 7_000;

/// Plays a scene on every network and compares what server and client have seen.
pub fn same_everywhere<S: Scene>(expected: [&str; 2]) {
    assert_eq!(on_loopback::<S>(), expected, "on loopback");
    for engine in EngineKind::ALL {
        for seed in 1..=5 {
            assert_eq!(simulated::<S>(engine, seed), expected, "on {}, seed {seed}", engine.name());
        }
    }
}

/// Connects to a port on which nobody listens, on every network.
pub fn refused_everywhere() {
    let refused = |error: std::io::Error| assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    runtime().block_on(async {
        let network = loopback();
        let port = network.bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        // The listener is gone by now.
        refused(network.connect(&at("127.0.0.1", port)).await.err().unwrap());
    });
    for engine in EngineKind::ALL {
        let seen = play(
            engine,
            1,
            |_, _| Box::pin(std::future::pending()),
            |host, seen| {
                Box::pin(async move {
                    let error = host.network.connect(&at("server", PORT)).await.err().unwrap();
                    tell(&seen, "client", format!("{:?}", error.kind()));
                    tell(&seen, "server", String::new());
                })
            },
        );
        assert_eq!(seen[1], "ConnectionRefused", "on {}", engine.name());
    }
}

/// Connects to a listener that never accepts and then goes away, on every network.
pub fn never_accepted_everywhere(expected: &str) {
    let told = runtime().block_on(async {
        let (network, connected) = (loopback(), Notify::new());
        let listener = network.bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async { drop((connected.notified().await, listener)) };
        let client = async { write_unheard(network.connect(&at("127.0.0.1", port)).await.unwrap(), &connected).await };
        tokio::join!(server, client).1
    });
    assert_eq!(told, expected, "on loopback");
    for engine in EngineKind::ALL {
        let connected = Arc::new(Notify::new());
        let seen_by_server = connected.clone();
        let seen = play(
            engine,
            1,
            move |host, seen| {
                let connected = seen_by_server.clone();
                Box::pin(async move {
                    let listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
                    connected.notified().await;
                    drop(listener);
                    tell(&seen, "server", String::new());
                })
            },
            move |host, seen| {
                let connected = connected.clone();
                Box::pin(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    let stream = host.network.connect(&at("server", PORT)).await.unwrap();
                    tell(&seen, "client", write_unheard(stream, &connected).await);
                })
            },
        );
        assert_eq!(seen[1], expected, "on {}", engine.name());
    }
}

/// Writes to a server that has not accepted yet, lets it go away, and waits for what comes.
async fn write_unheard(mut stream: impl Stream, connected: &Notify) -> String {
    let written =
        stream.write_all(b"hello").await.map_or_else(|error| format!("{:?}", error.kind()), |()| "written".into());
    connected.notify_one();
    let told = stream.read_u8().await.map_or_else(|error| format!("{:?}", error.kind()), |_| "a byte".into());
    format!("{written}, {told}")
}

fn at(host: &str, port: u16) -> Endpoint {
    Endpoint { host: host.to_owned(), port, tls: false }
}

fn loopback() -> TcpNetwork {
    TcpNetwork::new(&Trust::default()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn on_loopback<S: Scene>() -> [String; 2] {
    runtime().block_on(async {
        let (network, go) = (loopback(), Notify::new());
        let mut listener = network.bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async { S::server(listener.accept().await.unwrap().0, &go).await };
        let client = async { S::client(network.connect(&at("127.0.0.1", port)).await.unwrap(), &go).await };
        let (server, client) = tokio::join!(server, client);
        [server, client]
    })
}

type Seen = Arc<Mutex<BTreeMap<&'static str, String>>>;

fn tell(seen: &Seen, who: &'static str, what: String) {
    seen.lock().unwrap().insert(who, what);
}

fn simulated<S: Scene>(engine: EngineKind, seed: u64) -> [String; 2] {
    let go = Arc::new(Notify::new());
    let gone = go.clone();
    let server = move |host: Host, seen: Seen| -> rehearsal_reference::surroundings::Task {
        let go = gone.clone();
        Box::pin(async move {
            let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
            let said = S::server(listener.accept().await.unwrap().0, &go).await;
            tell(&seen, "server", said);
        })
    };
    let client = move |host: Host, seen: Seen| -> rehearsal_reference::surroundings::Task {
        let go = go.clone();
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let said = S::client(host.network.connect(&at("server", PORT)).await.unwrap(), &go).await;
            tell(&seen, "client", said);
        })
    };
    play(engine, seed, server, client)
}

fn play(
    kind: EngineKind,
    seed: u64,
    server: impl Fn(Host, Seen) -> rehearsal_reference::surroundings::Task + Send + 'static,
    client: impl Fn(Host, Seen) -> rehearsal_reference::surroundings::Task + Send + 'static,
) -> [String; 2] {
    let played = || {
        let network = NetworkPlan::new(Distribution::Uniform(MS, 20 * MS), 15_000 * MS);
        let step = Duration::from_millis(5);
        let mut engine: Box<dyn Engine> = match kind {
            EngineKind::Turmoil => Box::new(TurmoilEngine::new(seed, step, network).unwrap()),
            EngineKind::Event => Box::new(EventEngine::new(seed, step, network).unwrap()),
        };
        let seen = Seen::default();
        let (by_server, by_client) = (seen.clone(), seen.clone());
        engine.add_host("server", Box::new(move |host| server(host, by_server.clone())));
        engine.add_host("client", Box::new(move |host| client(host, by_client.clone())));
        let clock = engine.clock();
        while seen.lock().unwrap().len() < 2 {
            assert!(clock.now_ns() < 60_000 * MS, "only {seen:?}");
            engine.step(60_000 * MS).unwrap();
        }
        let told = std::mem::take(&mut *seen.lock().unwrap());
        ["server", "client"].map(|who| told[who].clone())
    };
    std::thread::scope(|scope| scope.spawn(played).join().unwrap())
}
