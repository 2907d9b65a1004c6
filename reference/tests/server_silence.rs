//! What the server does about connections that say nothing, in memory and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/memory.rs"]
mod memory;

use futures_util::{SinkExt, StreamExt};
use memory::{Memory, Pipe, network, surroundings};
use rehearsal_reference::identity::{Hs256Identity, Identity};
use rehearsal_reference::network::{Endpoint, Network};
use rehearsal_reference::protocol::Profile;
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::store::{MemoryRoomStore, RoomRecord, RoomStore};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// A server with the room `red`, whose token is `key`.
fn serve(profile: Profile) -> Memory {
    let (memory, incoming) = network();
    let surroundings = surroundings();
    let store = Arc::new(MemoryRoomStore::new());
    let expires_at = surroundings.clock.now() + Duration::from_secs(7_200);
    store.create(RoomRecord { room_id: "red".into(), token: "key".into(), owner: "o".into(), expires_at });
    let options = ServerOptions { profile, ..ServerOptions::default() };
    let server = Server::new(options, surroundings.clone(), Arc::new(Hs256Identity::simulated()), store);
    let keeps = surroundings.clone();
    let running = async move {
        let _keeps = keeps;
        server.run(incoming, std::future::pending()).await;
    };
    surroundings.spawner.spawn("server", Box::pin(running)).detach();
    memory
}

async fn stream(memory: &Memory) -> Pipe {
    memory.connect(&Endpoint { host: "server".to_string(), port: 1, tls: false }).await.unwrap()
}

async fn socket(memory: &Memory) -> WebSocketStream<Pipe> {
    tokio_tungstenite::client_async("ws://server/", stream(memory).await).await.unwrap().0
}

async fn join(memory: &Memory, peer_id: &str) -> WebSocketStream<Pipe> {
    let mut socket = socket(memory).await;
    let id_token = Hs256Identity::simulated().issue("ada", surroundings().clock.now()).unwrap();
    let register =
        json!({ "type": "register", "peer_id": peer_id, "room_id": "red", "token": "key", "id_token": id_token });
    assert_eq!(ask(&mut socket, register).await["type"], "registered_auth");
    socket
}

async fn ask(socket: &mut WebSocketStream<Pipe>, message: Value) -> Value {
    socket.send(Message::text(message.to_string())).await.unwrap();
    serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
}

/// Until when, after it registered, a peer that reads nothing is discovered; to the second.
async fn discovered_for_sec(profile: Profile) -> u64 {
    let memory = serve(profile);
    let began = Instant::now();
    let _silent = join(&memory, "silent").await;
    // Replaced by the next one, so that the room is never empty: a deployed server would delete it.
    let mut former = join(&memory, "asker").await;
    for second in 1..100 {
        sleep_until(began + Duration::from_secs(second) + Duration::from_millis(1)).await;
        let mut asker = join(&memory, "asker").await;
        let message = json!({ "type": "peer_message", "from_peer_id": "asker", "to_peer_id": "silent", "payload": {} });
        let discovery = json!({ "type": "discover_peers", "from_peer_id": "asker" });
        let answer = ask(&mut asker, discovery.clone()).await;
        if answer["count"] == 0 {
            return second;
        }
        // Messages to it vanish: the sender hears of nothing but its next discovery.
        asker.send(Message::text(message.to_string())).await.unwrap();
        assert_eq!(ask(&mut asker, discovery).await["type"], "peer_list", "in second {second}");
        drop(std::mem::replace(&mut former, asker));
    }
    panic!("it is never forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_forgotten_after_40_s_and_after_50_s_when_deployed() {
    assert_eq!(discovered_for_sec(Profile::Documented).await, 40);
    assert_eq!(discovered_for_sec(Profile::Deployed).await, 50);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_register_is_closed_after_a_minute_unless_deployed() {
    let (documented, deployed) = (serve(Profile::Documented), serve(Profile::Deployed));
    let (mut idle, mut registered) = (socket(&documented).await, join(&documented, "p").await);
    let mut tolerated = socket(&deployed).await;
    let began = Instant::now();
    let code = loop {
        tokio::select! {
            message = idle.next() => if let Some(Ok(Message::Close(frame))) = message { break frame.unwrap().code },
            _ = registered.next() => {}
        }
    };
    assert_eq!((u16::from(code), began.elapsed().as_secs()), (1008, 60));
    let for_two_minutes = async {
        loop {
            tokio::select! {
                Some(Ok(message)) = registered.next() => assert!(!message.is_close()),
                Some(Ok(message)) = tolerated.next() => assert!(!message.is_close()),
                else => panic!("a connection has ended"),
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(120), for_two_minutes).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_after_10_s() {
    let memory = serve(Profile::Documented);
    let mut half = stream(&memory).await;
    half.write_all(b"POST /delete-peer HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{").await.unwrap();
    let (began, mut answer) = (Instant::now(), String::new());
    half.read_to_string(&mut answer).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 10);
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains(r#"{"detail":"#), "{answer}");
}
