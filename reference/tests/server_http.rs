//! The HTTP interface over real loopback sockets.

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/served.rs"]
mod served;

use http::StatusCode;
use loopback::Loopback;
use rehearsal_reference::identity::{Hs256Identity, Rs256Identity};
use rehearsal_reference::network::Network;
use rehearsal_reference::protocol::Profile;
use rehearsal_reference::server::{ListenerRole, ServerOptions};
use serde_json::{Value, json};
use served::{Served, closed_with, receive, send, send_frame, text_of};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

async fn documented() -> Served {
    Served::start(ServerOptions::default()).await
}

async fn deployed() -> Served {
    Served::start(ServerOptions { profile: Profile::Deployed, ..ServerOptions::default() }).await
}

/// A connection on which nothing was said yet.
async fn stream(served: &Served) -> loopback::LoopbackStream {
    Loopback.connect(&served.http_endpoint).await.expect("the server listens")
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[tokio::test]
async fn a_sign_in_gives_a_token_and_a_name_and_a_room_an_id_and_a_token() {
    let served = documented().await;
    let answer = served.post("/anonymous-signin", json!({})).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let identity = answer.json();
    assert_eq!(identity["username"].as_str().map(str::len), Some(36));
    assert_eq!(identity["id_token"].as_str().map(|token| token.split('.').count()), Some(3));
    let room = served.room().await;
    assert!(is_hex(&room.room_id, 8) && is_hex(&room.token, 6), "{} {}", room.room_id, room.token);
}

#[tokio::test]
async fn a_room_needs_an_identity() {
    let served = documented().await;
    for path in ["/create-room", "/extend-room"] {
        let without = served.http("POST", path, &[], "{}").await;
        assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(without.json()["detail"][0]["loc"], json!(["header", "authorization"]));
        let rubbish = served.http("POST", path, &[("authorization", "Bearer rubbish")], "{}").await;
        assert_eq!(rubbish.status, StatusCode::UNAUTHORIZED);
        assert!(rubbish.json()["detail"].is_string());
    }
}

#[tokio::test]
async fn a_room_that_is_extended_ends_two_hours_from_now() {
    let served = documented().await;
    let owner = served.sign_in().await;
    let room = served.room_of(&owner).await;
    let bearer = format!("BEARER {owner}");
    let headers = [("authorization", bearer.as_str())];
    let body = json!({ "room_id": room.room_id }).to_string();
    let extended = served.http("POST", "/extend-room", &headers, &body).await;
    assert_eq!(extended.json()["room_id"], room.room_id);
    assert!(extended.json()["expires_at"].is_u64());
    let unknown = served.http("POST", "/extend-room", &headers, r#"{"room_id":"none"}"#).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let stranger = format!("Bearer {}", served.sign_in().await);
    let refused = served.http("POST", "/extend-room", &[("authorization", &stranger)], &body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.json()["detail"].is_string());
    assert_eq!(deployed().await.http("POST", "/extend-room", &headers, &body).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn health_names_the_version_and_only_the_documented_time_has_a_zone() {
    let health = documented().await.http("GET", "/health", &[], "").await.json();
    assert_eq!((&health["status"], &health["version"]), (&json!("healthy"), &json!("2.0.0")));
    assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
    let health = deployed().await.http("GET", "/health", &[], "").await.json();
    assert!(!health["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn metrics_are_json_or_what_prometheus_asks_for() {
    let served = documented().await;
    let room = served.room().await;
    let (mut peer, _) = served.join(&room, "w", "worker", json!({})).await;
    send(&mut peer, json!({ "type": "peer_message", "from_peer_id": "w", "to_peer_id": "w", "payload": {} })).await;
    receive(&mut peer).await;
    let mut figures = served.http("GET", "/metrics", &[], "").await.json();
    assert!(figures["timestamp"].take().is_string());
    let expected = json!({ "timestamp": null, "active_rooms": 1, "active_connections": 1,
        "peers_by_role": { "worker": 1 }, "total_connections": 1, "total_messages": 1, "rooms_created": 1 });
    assert_eq!(figures, expected);
    let text = served.http("GET", "/metrics", &[("accept", "text/plain;version=0.0.4")], "").await;
    assert_eq!(text.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for negotiated in [&text, &served.http("GET", "/metrics", &[], "").await] {
        assert_eq!(negotiated.headers["vary"], "accept");
    }
    assert!(text.body.contains("\nsignaling_peers{role=\"worker\"} 1\n"), "{}", text.body);
}

#[tokio::test]
async fn a_deleted_peer_is_gone_and_its_socket_closed_with_4002() {
    let served = documented().await;
    let room = served.room().await;
    let (mut peer, _) = served.join(&room, "p", "peer", json!({})).await;
    let deleted = served.post("/delete-peer", json!({ "peer_id": "p" })).await.json();
    assert_eq!(deleted, json!({ "status": "peer p deleted" }));
    assert_eq!(closed_with(&mut peer).await, Some(4002));
    let again = served.post("/delete-peer", json!({ "peer_id": "p" })).await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(again.json()["status"].as_str().unwrap().contains("nothing"));
}

#[tokio::test]
async fn a_room_is_deleted_by_its_id_or_by_one_of_its_peers() {
    let served = documented().await;
    for by_peer in [true, false] {
        let room = served.room().await;
        let (mut peer, _) = served.join(&room, "p", "peer", json!({})).await;
        let body = if by_peer { json!({ "peer_id": "p" }) } else { json!({ "room_id": room.room_id }) };
        let deleted = served.post("/delete-peers-and-room", body.clone()).await.json();
        assert_eq!(deleted["status"], format!("room {} deleted with 1 peers", room.room_id));
        assert_eq!(closed_with(&mut peer).await, Some(4002));
        let again = served.post("/delete-peers-and-room", body).await;
        assert!(again.json()["status"].as_str().unwrap().contains("nothing"));
        let mut late = served.connect().await;
        send(&mut late, served.registration(&room, "q", "peer", json!({})).await).await;
        assert_eq!(receive(&mut late).await["code"], "ROOM_NOT_FOUND");
    }
}

#[tokio::test]
async fn the_old_discovery_works_and_says_that_it_is_deprecated() {
    let served = documented().await;
    let room = served.room().await;
    let _worker = served.join(&room, "w", "worker", json!({ "properties": { "status": "busy" } })).await;
    let _client = served.join(&room, "c", "client", json!({})).await;
    let asked =
        |filters: Value| served.post("/discover-workers", json!({ "room_id": room.room_id, "filters": filters }));
    let everybody = served.post("/discover-workers", json!({ "room_id": room.room_id })).await;
    assert_eq!(everybody.headers["deprecation"], "@1762128000");
    assert_eq!(everybody.headers["sunset"], "Sun, 03 May 2026 00:00:00 GMT");
    assert_eq!(everybody.json()["workers"][0]["peer_id"], "w");
    assert_eq!(everybody.json()["count"], 1);
    assert_eq!(asked(json!({ "properties": { "status": "available" } })).await.json()["count"], 0);
    for bad in [json!({ "tags": 1 }), json!("all"), json!([])] {
        assert_eq!(asked(bad.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    assert_eq!(asked(Value::Null).await.json()["count"], 1);
}

#[tokio::test]
async fn two_ports_share_their_rooms_and_stop_together() {
    let roles = [ListenerRole::WebSockets, ListenerRole::Http];
    let served = Served::start_on(ServerOptions::default(), &roles, Arc::new(Hs256Identity::simulated())).await;
    let room = served.room().await;
    let (mut peer, _) = served.join(&room, "p", "peer", json!({})).await;
    assert_eq!(served.http("GET", "/metrics", &[], "").await.json()["active_connections"], 1);
    // Neither does the other's work.
    let upgrade = [("upgrade", "websocket"), ("connection", "Upgrade"), ("sec-websocket-version", "13")];
    for answer in
        [served.http_at(&served.endpoint, "GET", "/health", &[], "").await, served.http("GET", "/", &upgrade, "").await]
    {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.json()["detail"].is_string());
    }
    let ended = served.stop();
    assert_eq!(closed_with(&mut peer).await, Some(1001));
    ended.await.unwrap();
}

#[tokio::test]
async fn rubbish_over_http_is_refused_in_words() {
    let served = documented().await;
    for body in ["", "rubbish", "[]", "{}", r#"{"peer_id":7}"#] {
        let answer = served.http("POST", "/delete-peer", &[], body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(answer.json()["detail"][0]["msg"].is_string());
    }
    let large = format!(r#"{{"peer_id":"{}"}}"#, "x".repeat(100_000));
    let too_large = served.http("POST", "/delete-peer", &[], &large).await;
    assert_eq!(too_large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(too_large.json()["detail"].is_string());
    let deep = format!(r#"{{"peer_id":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let deep = served.http("POST", "/delete-peer", &[], &deep).await.json();
    assert!(deep["detail"][0]["msg"].as_str().unwrap().contains("128 levels"), "{deep}");
    let both = served.post("/delete-peers-and-room", json!({ "room_id": 5, "peer_id": "p" })).await;
    assert_eq!(both.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = served.http("GET", "/dance", &[], "").await;
    assert_eq!((unknown.status, unknown.json()), (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" })));
    let not_this_way = served.http("GET", "/create-room", &[], "").await;
    assert_eq!(
        (not_this_way.status, &not_this_way.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
    assert!(not_this_way.json()["detail"].is_string());
    let done = served.http("POST", "/health", &[], "").await;
    assert_eq!((done.status, &done.headers["allow"]), (StatusCode::METHOD_NOT_ALLOWED, &"GET,HEAD".parse().unwrap()));
}

#[tokio::test]
async fn who_asks_for_the_head_alone_is_told_how_long_the_body_would_be() {
    let served = documented().await;
    let (whole, head) = (served.http("GET", "/health", &[], "").await, served.http("HEAD", "/health", &[], "").await);
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    for header in ["content-type", "content-length"] {
        assert_eq!(head.headers[header], whole.headers[header]);
    }
    assert_eq!(head.headers["content-length"].to_str().unwrap(), whole.body.len().to_string());
}

#[tokio::test]
async fn a_server_that_only_verifies_says_that_nobody_can_sign_in_here() {
    let identity = Arc::new(Rs256Identity::simulated().unwrap().verifier().unwrap());
    let served = Served::start_on(ServerOptions::default(), &[ListenerRole::Both], identity).await;
    let refused = served.post("/anonymous-signin", json!({})).await;
    assert_eq!(refused.status, StatusCode::NOT_IMPLEMENTED);
    assert!(refused.json()["detail"].is_string());
}

#[tokio::test]
async fn a_connection_past_the_most_is_closed_and_its_place_is_given_again() {
    let served = Served::start(ServerOptions { connections_max: 1, ..ServerOptions::default() }).await;
    let mut first = served.connect().await;
    let mut rest = Vec::new();
    // A reset is as good as an end here.
    let _ = stream(&served).await.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
    first.close(None).await.unwrap();
    assert_eq!(closed_with(&mut first).await, None);
    drop(first);
    // The server gives the seat back when its task ends, a moment after the close frame.
    loop {
        let mut next = stream(&served).await;
        let (request, mut answer) = (b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", Vec::new());
        let _ = next.write_all(request).await;
        let _ = next.read_to_end(&mut answer).await;
        if answer.starts_with(b"HTTP/1.1 200 ") {
            break;
        }
        assert_eq!(answer, b"");
    }
}

#[tokio::test]
async fn half_a_request_does_not_hold_up_a_server_that_stops() {
    let served = documented().await;
    let mut halves = Vec::new();
    for half in ["POST /delete-peer HTTP/1.1\r\ncontent-length: 9\r\n\r\n{", "GET /hea"] {
        let mut stream = stream(&served).await;
        stream.write_all(half.as_bytes()).await.unwrap();
        halves.push(stream);
    }
    served.stop().await.unwrap();
    for mut stream in halves {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

#[tokio::test]
async fn an_upgrade_request_with_faults_is_refused_and_serves_no_socket() {
    let served = documented().await;
    let upgrade = [("upgrade", "websocket"), ("connection", "Upgrade")];
    let old = served.http("GET", "/", &[upgrade[0], upgrade[1], ("sec-websocket-version", "8")], "").await;
    assert_eq!(
        (old.status, &old.headers["sec-websocket-version"]),
        (StatusCode::UPGRADE_REQUIRED, &"13".parse().unwrap())
    );
    let keyless = served.http("GET", "/", &[upgrade[0], upgrade[1], ("sec-websocket-version", "13")], "").await;
    assert_eq!(keyless.status, StatusCode::BAD_REQUEST);
    let lonely = served.http("GET", "/", &[upgrade[0]], "").await;
    assert_eq!(lonely.status, StatusCode::BAD_REQUEST);
    for refused in [old, keyless, lonely] {
        assert!(refused.json()["detail"].is_string());
    }
}

#[tokio::test]
async fn deleting_a_peer_leaves_its_socket_open_when_deployed() {
    let served = deployed().await;
    let room = served.room().await;
    let (mut peer, _) = served.join(&room, "p", "peer", json!({})).await;
    served.post("/delete-peer", json!({ "peer_id": "p" })).await;
    send_frame(&mut peer, Message::text(r#"{"type":"discover_peers"}"#)).await;
    assert!(text_of(&mut peer).await.contains("NOT_IN_ROOM"));
    let ended = served.stop();
    assert_eq!(closed_with(&mut peer).await, Some(1001));
    ended.await.unwrap();
}
