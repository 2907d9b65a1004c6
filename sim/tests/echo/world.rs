//! A small world: a server that echoes over hyper's upgrades, an axum router behind it, and clients that write down
//! what they see and when.

use crate::ENGINE;
use futures_util::{SinkExt, StreamExt};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rehearsal_reference::surroundings::Surroundings;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{FaultAction, NetworkPlan};
use rehearsal_sim::clock::Clock;
use rehearsal_sim::engine::{Engine, EngineError, EngineKind};
use rehearsal_sim::event_engine::EventEngine;
use rehearsal_sim::host::{Host, Program};
use rehearsal_sim::network::{SimNetwork, SimStream};
use rehearsal_sim::turmoil_engine::TurmoilEngine;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

pub const MS: u64 = 1_000_000;
pub const PORT: u16 = 8080;

/// What everybody in the world wrote down.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Vec<String>>>);

impl Trace {
    pub fn write(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
    pub fn has(&self, words: &str) -> bool {
        self.lines().iter().any(|line| line.contains(words))
    }
}

/// A world in the making, and what happens to it by time.
pub struct World {
    pub trace: Trace,
    hosts: Vec<(String, Program)>,
    faults: Vec<(u64, u64, FaultAction)>,
}

thread_local! {
    static CLOCK: RefCell<Option<Arc<Clock>>> = const { RefCell::new(None) };
}

/// The network of these tests: a fixed latency makes times readable, a connection gives up after 5 s.
pub fn network(latency: Distribution) -> NetworkPlan {
    NetworkPlan::new(latency, 5_000 * MS)
}

/// Plays a world on a fresh thread for so long, and hands back what was written.
pub fn play(
    seed: u64,
    latency: Distribution,
    for_ms: u64,
    build: impl Send + FnOnce(&mut World),
) -> Result<Trace, EngineError> {
    play_on(seed, network(latency), for_ms, build)
}

/// The same, on another network.
pub fn play_on(
    seed: u64,
    network: NetworkPlan,
    for_ms: u64,
    build: impl Send + FnOnce(&mut World),
) -> Result<Trace, EngineError> {
    std::thread::scope(|scope| {
        let played = scope.spawn(|| {
            let mut world = World { trace: Trace::default(), hosts: Vec::new(), faults: Vec::new() };
            build(&mut world);
            let engine = world.engine(seed, network);
            world.run(engine, for_ms)
        });
        played.join().unwrap()
    })
}

impl World {
    /// A fault from and until these times, in milliseconds.
    pub fn fault(&mut self, from_ms: u64, until_ms: u64, action: FaultAction) {
        self.faults.push((from_ms, until_ms, action));
    }

    pub fn add(
        &mut self,
        name: &str,
        program: impl Fn(Host, Trace) -> rehearsal_reference::surroundings::Task + 'static,
    ) {
        let trace = self.trace.clone();
        self.hosts.push((name.to_owned(), Box::new(move |host| program(host, trace.clone()))));
    }

    /// A server that echoes, at `server-0`.
    pub fn add_server(&mut self) {
        self.add("server-0", |host, trace| Box::pin(serve(host, trace)));
    }

    /// A client that says a number every `every_ms` and writes down the answers.
    pub fn add_client(&mut self, name: &str, every_ms: u64) {
        self.add(name, move |host, trace| Box::pin(chat(host, trace, every_ms)));
    }

    fn engine(&self, seed: u64, network: NetworkPlan) -> Box<dyn Engine> {
        let step = Duration::from_millis(5);
        match ENGINE {
            EngineKind::Turmoil => Box::new(TurmoilEngine::new(seed, step, network).unwrap()),
            EngineKind::Event => Box::new(EventEngine::new(seed, step, network).unwrap()),
        }
    }

    fn run(self, mut engine: Box<dyn Engine>, for_ms: u64) -> Result<Trace, EngineError> {
        let clock = engine.clock();
        CLOCK.set(Some(clock.clone()));
        self.hosts.into_iter().for_each(|(name, program)| engine.add_host(&name, program));
        // What a fault does at which time, in order.
        let begins = self.faults.iter().enumerate().map(|(id, (from_ms, ..))| (from_ms * MS, id, true));
        let ends = self.faults.iter().enumerate().map(|(id, (_, until_ms, _))| (until_ms * MS, id, false));
        let mut agenda: VecDeque<_> = begins.chain(ends).collect();
        agenda.make_contiguous().sort();
        while clock.now_ns() < for_ms * MS {
            while let Some((_, id, begins)) = agenda.pop_front_if(|(at, ..)| *at <= clock.now_ns()) {
                let action = &self.faults[id].2;
                if begins { engine.begin(id, action)? } else { engine.end(id, action)? }
            }
            let until = agenda.front().map_or(for_ms * MS, |(at, ..)| (*at).min(for_ms * MS));
            engine.step(until)?;
        }
        Ok(self.trace)
    }
}

async fn serve(host: Host, trace: Trace) {
    let surroundings = host.surroundings("server");
    let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (inner, trace) = (surroundings.clone(), trace.clone());
        surroundings.spawner.spawn("connection", Box::pin(serve_connection(stream, inner, trace))).detach();
    }
}

async fn serve_connection(stream: SimStream, surroundings: Surroundings, trace: Trace) {
    let app = axum::Router::new().route(
        "/",
        axum::routing::any(move |mut request: axum::extract::Request| {
            let upgrade = hyper::upgrade::on(&mut request);
            let echo = Box::pin(async move {
                if let Ok(upgraded) = upgrade.await {
                    echo(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await, trace)
                        .await;
                }
            });
            surroundings.spawner.spawn("echo", echo).detach();
            let key = request.headers()["sec-websocket-key"].as_bytes().to_owned();
            async move {
                let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(&key);
                let headers = [("connection", "Upgrade".to_owned()), ("upgrade", "websocket".to_owned())];
                (
                    axum::http::StatusCode::SWITCHING_PROTOCOLS,
                    headers.map(|(k, v)| (k, v)),
                    [("sec-websocket-accept", accept)],
                )
            }
        }),
    );
    let service = TowerToHyperService::new(app);
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = connection.with_upgrades().await;
}

async fn echo(mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>, trace: Trace) {
    loop {
        match socket.next().await {
            Some(Ok(message)) if message.is_text() => {
                if let Err(error) = socket.send(message).await {
                    return trace.write(format!("server {} cannot answer: {error}", now_ms()));
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return trace.write(format!("server {} lost: {error}", now_ms())),
            None => return trace.write(format!("server {} sees the end", now_ms())),
        }
    }
}

/// Virtual time of the world, in milliseconds.
pub fn now_ms() -> u128 {
    CLOCK.with_borrow(|clock| u128::from(clock.as_ref().unwrap().now_ns() / MS))
}

/// Opens a plain connection to the server.
pub async fn dial(network: &SimNetwork, port: u16) -> io::Result<SimStream> {
    network.connect(&Endpoint { host: "server-0".into(), port, tls: false }).await
}

async fn chat(host: Host, trace: Trace, every_ms: u64) {
    let name = host.name.clone();
    let mut socket = match dial(&host.network, PORT).await {
        Ok(stream) => match tokio_tungstenite::client_async("ws://server-0/", stream).await {
            Ok((socket, response)) => {
                trace.write(format!("{name} {} joined {:?}", now_ms(), response.headers()));
                socket
            }
            Err(error) => return trace.write(format!("{name} {} no handshake: {error}", now_ms())),
        },
        Err(error) => return trace.write(format!("{name} {} cannot connect: {:?}", now_ms(), error.kind())),
    };
    for number in 0u64.. {
        if let Err(error) = socket.send(format!("{number}").into()).await {
            return trace.write(format!("{name} {} cannot say {number}: {error:?}", now_ms()));
        }
        match socket.next().await {
            Some(Ok(answer)) => trace.write(format!("{name} {} heard {answer}", now_ms())),
            Some(Err(error)) => return trace.write(format!("{name} {} lost: {error:?}", now_ms())),
            None => return trace.write(format!("{name} {} sees the end", now_ms())),
        }
        tokio::time::sleep(Duration::from_millis(every_ms)).await;
    }
}
