//! Round trips per second through the whole server over loopback sockets: 50 peers, each sends a `peer_message` to itself
//! and waits for it. The server has a thread of its own; the peers are plain tungstenite on another.

#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark has a machine, and may end early")]

#[path = "../tests/common/loopback.rs"]
mod loopback;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::{SinkExt, StreamExt};
use loopback::{Loopback, LoopbackStream, surroundings};
use rehearsal_reference::identity::{Hs256Identity, Identity};
use rehearsal_reference::network::{Endpoint, Listener, Network};
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::store::{MemoryRoomStore, RoomRecord, RoomStore};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

const PEERS: u64 = 50;
const ROUND_TRIPS: u64 = 20;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Starts a server on a thread that lives as long as the benchmark; returns its port.
fn serve() -> u16 {
    let (say_port, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let store = Arc::new(MemoryRoomStore::new());
            let expires_at = Duration::from_secs(u64::from(u32::MAX));
            store.create(RoomRecord { room_id: "red".into(), token: "key".into(), owner: "o".into(), expires_at });
            let identity = Arc::new(Hs256Identity::simulated());
            let server = Server::new(ServerOptions::default(), surroundings(), identity, store);
            let listener = Loopback.bind("127.0.0.1:0").await.unwrap();
            say_port.send(listener.local_addr().unwrap().port()).unwrap();
            server.run(listener, std::future::pending()).await;
        });
    });
    port.recv().unwrap()
}

async fn join(port: u16, peer: u64) -> WebSocketStream<LoopbackStream> {
    let endpoint = Endpoint { host: "127.0.0.1".to_string(), port, tls: false };
    let stream = Loopback.connect(&endpoint).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async("ws://localhost/", stream).await.unwrap();
    let id_token = Hs256Identity::simulated().issue("ada", surroundings().clock.now()).unwrap();
    let register = json!({ "type": "register", "peer_id": format!("peer-{peer}"), "room_id": "red", "token": "key",
        "id_token": id_token });
    socket.send(Message::text(register.to_string())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket
}

async fn round_trips(socket: &mut WebSocketStream<LoopbackStream>, message: &Message) {
    for _ in 0..ROUND_TRIPS {
        socket.send(message.clone()).await.unwrap();
        while !socket.next().await.unwrap().unwrap().is_text() {}
    }
}

fn sockets(criterion: &mut Criterion) {
    let (port, clients) = (serve(), runtime());
    let mut peers = clients.block_on(async {
        let mut peers = Vec::new();
        for peer in 0..PEERS {
            let id = format!("peer-{peer}");
            let payload = json!({ "app_message_type": "job_status", "job_id": "job-1", "status": "running" });
            let text = json!({ "type": "peer_message", "from_peer_id": id, "to_peer_id": id, "payload": payload });
            peers.push((join(port, peer).await, Message::text(text.to_string())));
        }
        peers
    });
    let mut group = criterion.benchmark_group("round trips over sockets");
    group.throughput(Throughput::Elements(PEERS * ROUND_TRIPS));
    group.bench_function("50 peers", |bencher| {
        bencher.iter(|| {
            let all = peers.iter_mut().map(|(socket, message)| round_trips(socket, message));
            clients.block_on(futures_util::future::join_all(all));
        });
    });
    group.finish();
}

criterion_group!(benches, sockets);
criterion_main!(benches);
