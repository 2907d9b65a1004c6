//! HTTP sessions against the real server and against servers that misbehave, in memory and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/memory.rs"]
mod memory;

use memory::{Incoming, Memory, network, surroundings};
use rehearsal_reference::failure::FailureClass;
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::identity::Hs256Identity;
use rehearsal_reference::observer::Unobserved;
use rehearsal_reference::peer::Peer;
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::store::MemoryRoomStore;
use rehearsal_reference::target::Target;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

fn session(memory: Memory) -> HttpClient<Memory> {
    HttpClient::new(memory, Arc::new(Target::plain("server", 8080, "rehearsal/test")), surroundings())
}

fn serve(incoming: Incoming) {
    let identity = Arc::new(Hs256Identity::simulated());
    let surroundings = surroundings();
    let server =
        Server::new(ServerOptions::default(), surroundings.clone(), identity, Arc::new(MemoryRoomStore::new()));
    let keeps = surroundings.clone();
    let running = Box::pin(async move {
        let _keeps = keeps;
        server.run(incoming, std::future::pending()).await;
    });
    surroundings.spawner.spawn("server", running).detach();
}

/// Answers each request of each connection with this text; how many connections there were.
async fn answers(incoming: &mut Incoming, requests: usize, answer: &str) -> usize {
    let mut served = 0;
    for connections in 1.. {
        let mut stream = incoming.next().await;
        let mut request = vec![0; 4096];
        while stream.read(&mut request).await.unwrap() > 0 {
            stream.write_all(answer.as_bytes()).await.unwrap();
            served += 1;
            if served == requests {
                return connections;
            }
            if answer.contains("connection: close") {
                break;
            }
        }
    }
    unreachable!("the loop has no end")
}

#[tokio::test(start_paused = true)]
async fn a_user_signs_in_makes_a_room_and_leaves_nothing_behind() {
    let (memory, incoming) = network();
    serve(incoming);
    let mut session = session(memory);
    assert_eq!(session.health().await.unwrap()["status"], "healthy");
    let identity = session.anonymous_signin().await.unwrap();
    let room = session.create_room(&identity.id_token).await.unwrap();
    assert_eq!((room.room_id.len(), room.room_token.len()), (8, 6));
    assert!(session.extend_room(&identity.id_token, &room.room_id).await.unwrap() > 1.7e9);
    assert!(session.metrics().await.unwrap().get("active_rooms").is_some());
    session.delete_peer(&identity.username).await.unwrap();
    session.delete_peers_and_room(&room.room_id).await.unwrap();
    let refused = session.create_room("no token").await.err().unwrap();
    assert_eq!(refused.class, FailureClass::Status(401));
}

#[tokio::test(start_paused = true)]
async fn one_connection_serves_many_requests_and_is_replaced_when_it_ended() {
    let lasting = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let closing = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    for (answer, connections) in [(lasting, 1), (closing, 3)] {
        let (memory, mut incoming) = network();
        let mut session = session(memory);
        let asking = async {
            for _ in 0..3 {
                assert_eq!(session.health().await.unwrap(), json!({}));
            }
        };
        let (served, ()) = tokio::join!(answers(&mut incoming, 3, answer), asking);
        assert_eq!(served, connections, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_none_are_told_by_class() {
    for (answer, class) in [
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", FailureClass::Status(503)),
        ("220 mail.example ESMTP\r\n", FailureClass::NotHttp),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", FailureClass::Garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{\"id_token\":", FailureClass::Garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", FailureClass::Garbage),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", FailureClass::Reset),
    ] {
        let (memory, mut incoming) = network();
        let mut session = session(memory);
        let (_, signed_in) = tokio::join!(answers(&mut incoming, 1, answer), session.anonymous_signin());
        assert_eq!(signed_in.err().map(|failure| failure.class), Some(class), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_times_out_and_an_absent_one_refuses() {
    let (memory, incoming) = network();
    let mut session = session(memory);
    let before = Instant::now();
    assert_eq!(session.health().await.unwrap_err().class, FailureClass::TimedOut);
    assert_eq!(before.elapsed(), Duration::from_secs(10));
    drop(incoming);
    assert_eq!(session.health().await.unwrap_err().class, FailureClass::Refused);
}

/// Reads one request head and answers it; the cookies that came with it.
async fn cookies_asked_with(incoming: &mut Incoming, answer: &str) -> Option<String> {
    let mut stream = incoming.next().await;
    let mut request = vec![0; 4096];
    let length = stream.read(&mut request).await.unwrap();
    stream.write_all(answer.as_bytes()).await.unwrap();
    let head = String::from_utf8_lossy(&request[..length]).into_owned();
    head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("cookie: ").map(str::to_owned))
}

#[tokio::test(start_paused = true)]
async fn a_user_brings_the_cookie_of_its_balancer_to_its_websocket_and_another_user_does_not() {
    let (memory, mut incoming) = network();
    let deployment = Target::plain("server", 8080, "rehearsal/test");
    let pinned = "HTTP/1.1 200 OK\r\nset-cookie: lb=two; Path=/\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    let refused = "HTTP/1.1 503 Busy\r\nset-cookie: seen=1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let balancer = async {
        let mut asked = Vec::new();
        for answer in [pinned, refused, pinned] {
            asked.push(cookies_asked_with(&mut incoming, answer).await);
        }
        asked
    };
    let users = async {
        let one = Arc::new(deployment.for_one_user(Default::default()));
        HttpClient::new(memory.clone(), one.clone(), surroundings()).health().await.unwrap();
        assert!(Peer::connect(&memory, surroundings().timers, &one, 1, Arc::new(Unobserved)).await.is_err());
        let other = Arc::new(deployment.for_one_user(Default::default()));
        HttpClient::new(memory.clone(), other, surroundings()).health().await.unwrap();
    };
    let (asked, ()) = tokio::join!(balancer, users);
    assert_eq!(asked, [None, Some("lb=two".to_owned()), None]);
}
