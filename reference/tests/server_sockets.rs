//! The server over real loopback sockets: what its clients see on the wire.

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/served.rs"]
mod served;

use futures_util::{SinkExt, StreamExt};
use rehearsal_reference::rooms::Limits;
use rehearsal_reference::server::ServerOptions;
use serde_json::{Value, json};
use served::{Served, closed_with, receive, send, text_of};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn peers_register_discover_and_talk() {
    let served = Served::start(ServerOptions::default()).await;
    let room = served.room().await;
    let metadata = json!({ "tags": ["gpu"], "properties": { "status": "available", "gpu_memory_mb": 8192 } });
    let (mut worker, answer) = served.join(&room, "w", "worker", metadata.clone()).await;
    assert_eq!(answer["peers"], json!([]));
    let (mut client, answer) = served.join(&room, "c", "client", json!({})).await;
    assert_eq!(answer["peers"], json!([{ "peer_id": "w", "metadata": metadata, "is_admin": false }]));
    assert_eq!(answer["peer_list"], json!(["w"]));

    let filters = json!({ "role": "worker", "properties": { "gpu_memory_mb": { "$gte": 8192 } } });
    send(&mut client, json!({ "type": "discover_peers", "from_peer_id": "c", "filters": filters })).await;
    let found = receive(&mut client).await;
    assert_eq!((&found["type"], &found["count"]), (&json!("peer_list"), &json!(1)));
    assert_eq!(found["peers"][0]["metadata"], metadata);
    assert!(found["peers"][0]["connected_at"].is_u64());

    let message = json!({ "type": "peer_message", "from_peer_id": "c", "to_peer_id": "w", "payload": { "é": [1.5] } });
    send(&mut client, message.clone()).await;
    assert_eq!(receive(&mut worker).await, message);
}

#[tokio::test]
async fn a_binary_frame_with_json_is_a_message_and_another_is_refused() {
    let served = Served::start(ServerOptions::default()).await;
    let mut socket = served.connect().await;
    served::send_frame(&mut socket, Message::binary(&br#"{"type":"dance"}"#[..])).await;
    assert_eq!(receive(&mut socket).await["code"], "UNKNOWN_MESSAGE_TYPE");
    served::send_frame(&mut socket, Message::binary(&[0xff, 0xfe][..])).await;
    assert_eq!(receive(&mut socket).await["code"], "INVALID_JSON");
}

#[tokio::test]
async fn a_message_past_the_limit_closes_with_1009() {
    let limits = Limits { message_bytes_max: 1_000, ..Limits::default() };
    let served = Served::start(ServerOptions { limits, ..ServerOptions::default() }).await;
    let mut socket = served.connect().await;
    send(&mut socket, json!({ "type": "x".repeat(900) })).await;
    assert_eq!(receive(&mut socket).await["code"], "UNKNOWN_MESSAGE_TYPE");
    send(&mut socket, json!({ "type": "x".repeat(1_000) })).await;
    assert_eq!(closed_with(&mut socket).await, Some(1009));
}

#[tokio::test]
async fn the_second_registration_closes_the_first_with_4001_and_lives_on() {
    let served = Served::start(ServerOptions::default()).await;
    let room = served.room().await;
    let (mut old, _) = served.join(&room, "w", "worker", json!({})).await;
    let (mut new, _) = served.join(&room, "w", "worker", json!({})).await;
    assert_eq!(closed_with(&mut old).await, Some(4001));
    drop(old);
    let (mut other, answer) = served.join(&room, "c", "client", json!({})).await;
    assert_eq!(answer["peer_list"], json!(["w"]));
    let message = json!({ "type": "peer_message", "from_peer_id": "c", "to_peer_id": "w", "payload": {} });
    send(&mut other, message.clone()).await;
    assert_eq!(receive(&mut new).await, message);
}

#[tokio::test]
async fn a_slow_receiver_is_closed_with_1013_and_holds_up_nobody() {
    let limits = Limits { outbound_queue_max: 8, ..Limits::default() };
    let served = Served::start(ServerOptions { limits, ..ServerOptions::default() }).await;
    let room = served.room().await;
    let (mut slow, _) = served.join(&room, "slow", "peer", json!({})).await;
    let (mut sender, _) = served.join(&room, "s", "peer", json!({})).await;
    let (mut other, _) = served.join(&room, "o", "peer", json!({})).await;

    // `slow` does not read. Whatever the buffers of the kernel hold, one message at last does not fit.
    let large = "x".repeat(200_000);
    let to_slow =
        json!({ "type": "peer_message", "from_peer_id": "s", "to_peer_id": "slow", "payload": { "x": large } });
    let to_other = json!({ "type": "peer_message", "from_peer_id": "s", "to_peer_id": "o", "payload": {} });
    let refused = loop {
        send(&mut sender, to_slow.clone()).await;
        send(&mut sender, to_other.clone()).await;
        assert_eq!(receive(&mut other).await, to_other);
        // A message to oneself comes back behind whatever was refused before it.
        send(&mut sender, json!({ "type": "peer_message", "from_peer_id": "s", "to_peer_id": "s", "payload": {} }))
            .await;
        let answer = receive(&mut sender).await;
        if answer["type"] == "error" {
            break answer;
        }
    };
    assert_eq!(refused["code"], "DELIVERY_FAILED");
    assert_eq!(receive(&mut sender).await["type"], "peer_message");
    assert_eq!(closed_with(&mut slow).await, Some(1013));
    send(&mut sender, to_slow).await;
    assert_eq!(receive(&mut sender).await["code"], "PEER_NOT_FOUND");
}

#[tokio::test]
async fn few_large_messages_are_too_many_for_a_slow_receiver() {
    let limits = Limits { outbound_bytes_max: 1 << 20, ..Limits::default() };
    let served = Served::start(ServerOptions { limits, ..ServerOptions::default() }).await;
    let room = served.room().await;
    let (mut slow, _) = served.join(&room, "slow", "peer", json!({})).await;
    let (mut sender, _) = served.join(&room, "s", "peer", json!({})).await;
    let payload = json!({ "x": "x".repeat(1_000_000) });
    let large = json!({ "type": "peer_message", "from_peer_id": "s", "to_peer_id": "slow", "payload": payload });
    let to_self = json!({ "type": "peer_message", "from_peer_id": "s", "to_peer_id": "s", "payload": {} });
    let mut sent = 0;
    let refused = loop {
        send(&mut sender, large.clone()).await;
        sent += 1;
        send(&mut sender, to_self.clone()).await;
        let answer = receive(&mut sender).await;
        if answer["type"] == "error" {
            break answer;
        }
    };
    assert_eq!((&refused["code"], &refused["to_peer_id"]), (&json!("DELIVERY_FAILED"), &json!("slow")));
    // Two wait, the others are in the buffers of the kernel: far from the 1,024 messages that may wait.
    assert!(sent < 100, "{sent}");
    assert_eq!(closed_with(&mut slow).await, Some(1013));
}

#[tokio::test]
async fn a_peer_that_sends_many_messages_at_once_gets_every_answer() {
    let limits = Limits { outbound_queue_max: 100, ..Limits::default() };
    let served = Served::start(ServerOptions { limits, ..ServerOptions::default() }).await;
    let room = served.room().await;
    let (peer, _) = served.join(&room, "p", "peer", json!({})).await;
    let (mut sink, mut source) = peer.split();
    // All of them stand in the server's receive buffer before it reads the first one.
    let many = (0..2_000)
        .map(|n| json!({ "type": "peer_message", "from_peer_id": "p", "to_peer_id": "p", "payload": { "n": n } }));
    let mut messages = futures_util::stream::iter(many.map(|message| Ok(Message::text(message.to_string()))));
    let sending = sink.send_all(&mut messages);
    let receiving = async {
        for n in 0..2_000 {
            let message: Value =
                serde_json::from_str(source.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
            assert_eq!(message["payload"]["n"], n);
        }
    };
    let (sent, ()) = tokio::join!(sending, receiving);
    sent.unwrap();
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_closed_with_1011() {
    let (ping_every, pong_within) = (Duration::from_millis(20), Duration::from_millis(20));
    let served = Served::start(ServerOptions { ping_every, pong_within, ..ServerOptions::default() }).await;
    let mut silent = served.connect().await;
    // Below the WebSocket library nobody answers pings.
    let mut frames = [0; 14];
    silent.get_mut().read_exact(&mut frames).await.unwrap();
    let [ping @ .., code_high, code_low] = frames;
    assert_eq!(ping[..11], [0x89, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0x88], "the first ping, then a close frame");
    assert_eq!(u16::from_be_bytes([code_high, code_low]), 1011);
}

#[tokio::test]
async fn a_peer_that_answers_its_pings_stays() {
    let (ping_every, pong_within) = (Duration::from_millis(1), Duration::from_secs(3_600));
    let served = Served::start(ServerOptions { ping_every, pong_within, ..ServerOptions::default() }).await;
    let mut peer = served.connect().await;
    // Each ping is only sent once the one before was answered.
    for _ in 0..5 {
        assert!(matches!(peer.next().await, Some(Ok(Message::Ping(_)))));
    }
}

#[tokio::test]
async fn a_server_that_stops_closes_with_1001_and_ends() {
    let served = Served::start(ServerOptions::default()).await;
    let room = served.room().await;
    let (mut peer, _) = served.join(&room, "p", "peer", json!({})).await;
    let ended = served.stop();
    assert_eq!(closed_with(&mut peer).await, Some(1001));
    ended.await.unwrap();
}

#[tokio::test]
async fn rubbish_instead_of_json_is_refused_and_the_connection_goes_on() {
    let served = Served::start(ServerOptions::default()).await;
    let mut socket = served.connect().await;
    for text in ["", "rubbish", "[]", "{\"type\":"] {
        served::send_frame(&mut socket, Message::text(text)).await;
        assert_eq!(receive(&mut socket).await["code"], "INVALID_JSON", "{text}");
    }
    send(&mut socket, json!({ "type": "discover_peers", "from_peer_id": "x" })).await;
    assert_eq!(receive(&mut socket).await["code"], "NOT_IN_ROOM");
}

#[tokio::test]
async fn a_deployed_server_answers_in_ascii_and_refuses_without_codes() {
    let profile = rehearsal_reference::protocol::Profile::Deployed;
    let served = Served::start(ServerOptions { profile, ..ServerOptions::default() }).await;
    let room = served.room().await;
    let mut socket = served.connect().await;
    let mut register = served.registration(&room, "é", "peer", json!({})).await;
    register["token"] = json!("wrong");
    send(&mut socket, register.clone()).await;
    assert_eq!(receive(&mut socket).await, json!({ "type": "error", "reason": "Invalid token" }));
    register["id_token"] = json!("rubbish");
    send(&mut socket, register).await;
    assert_eq!(receive(&mut socket).await, json!({ "error": "Invalid token" }));
    send(&mut socket, json!({ "type": "register" })).await;
    let missing = json!({ "type": "error", "reason": "Missing required fields during registration." });
    assert_eq!(receive(&mut socket).await, missing);
    send(&mut socket, served.registration(&room, "é", "peer", json!({})).await).await;
    let text = text_of(&mut socket).await;
    assert!(text.is_ascii() && text.contains("\\u00e9") && !text.contains("\"peers\""), "{text}");
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["peer_id"], "é");
}
