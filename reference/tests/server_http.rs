//! The HTTP interface over real loopback sockets.

#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/served.rs"]
mod served;

use http::StatusCode;
use rehearsal_reference::protocol::Profile;
use rehearsal_reference::server::ServerOptions;
use serde_json::{Value, json};
use served::{Served, closed_with, receive, send, send_frame, text_of};
use tokio_tungstenite::tungstenite::Message;

async fn documented() -> Served {
    Served::start(ServerOptions::default()).await
}

async fn deployed() -> Served {
    Served::start(ServerOptions { profile: Profile::Deployed, ..ServerOptions::default() }).await
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
    let room = served.room().await;
    let bearer = format!("Bearer {}", served.sign_in().await);
    let headers = [("authorization", bearer.as_str())];
    let body = json!({ "room_id": room.room_id }).to_string();
    let extended = served.http("POST", "/extend-room", &headers, &body).await;
    assert_eq!(extended.json()["room_id"], room.room_id);
    assert!(extended.json()["expires_at"].is_u64());
    let unknown = served.http("POST", "/extend-room", &headers, r#"{"room_id":"none"}"#).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
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
    assert_eq!(asked(json!({ "tags": 1 })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn two_ports_share_their_rooms_and_stop_together() {
    let served = Served::start_on(ServerOptions::default(), 2).await;
    let room = served.room().await;
    let (mut peer, _) = served.join(&room, "p", "peer", json!({})).await;
    assert_eq!(served.http("GET", "/metrics", &[], "").await.json()["active_connections"], 1);
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
    assert_eq!(served.http("POST", "/delete-peer", &[], &large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let unknown = served.http("GET", "/dance", &[], "").await;
    assert_eq!((unknown.status, unknown.json()), (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" })));
    assert_eq!(served.http("GET", "/create-room", &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED);
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
