//! A peer and a link against servers that misbehave, in memory and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/log.rs"]
mod log;
#[path = "common/memory.rs"]
mod memory;

use futures_util::{SinkExt, StreamExt};
use log::Log;
use memory::{Incoming, Memory, network, surroundings};
use rehearsal_reference::failure::{Failure, FailureClass};
use rehearsal_reference::http_client::SignIn;
use rehearsal_reference::observer::Side;
use rehearsal_reference::peer::{
    ANSWER_WITHIN, AskError, Credentials, Introduction, Link, LinkError, LinkEvent, LinkOptions, Peer, SignsIn,
    anonymously,
};
use rehearsal_reference::protocol::{Metadata, Object};
use rehearsal_reference::target::Target;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

type ServerSide = WebSocketStream<DuplexStream>;

fn target() -> Target {
    Target::plain("server", 8080, "rehearsal/test")
}

fn credentials() -> Credentials {
    let text = |text: &str| text.to_string();
    Credentials { peer_id: text("me"), id_token: text("jwt"), room_id: text("r"), room_token: text("t") }
}

/// A connected peer, the server's end, and what was observed since.
async fn connected() -> (Peer<Memory>, ServerSide, Arc<Log>) {
    let (memory, mut incoming) = network();
    let log = Arc::new(Log::default());
    let target = target();
    let server = async { accept_async(incoming.next().await).await.unwrap() };
    let (peer, server) = tokio::join!(Peer::connect(&memory, surroundings().timers, &target, 1, log.clone()), server);
    assert_eq!(log.take(), ["1 connecting", "1 opened"]);
    (peer.unwrap(), server, log)
}

async fn says(server: &mut ServerSide, message: Value) {
    server.send(Message::text(message.to_string())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_question_gets_its_answer_and_other_messages_stay_in_order() {
    let (mut peer, mut server, _) = connected().await;
    for n in [1, 2] {
        says(&mut server, json!({ "type": "peer_message", "from_peer_id": "x", "payload": { "n": n } })).await;
    }
    says(&mut server, json!({ "type": "error", "code": "PEER_NOT_FOUND", "message": "an earlier relay" })).await;
    says(&mut server, json!({ "type": "peer_list", "peers": [] })).await;
    let answer = peer.discover("me", &Object::new(), ANSWER_WITHIN).await.unwrap();
    assert_eq!(answer["type"], "peer_list");
    let second = peer.receive_matching(Instant::now(), |message| message["payload"]["n"] == 2).await.unwrap();
    assert!(second.is_some());
    assert_eq!(peer.receive().await.unwrap()["payload"]["n"], 1);
    assert_eq!(peer.receive().await.unwrap()["code"], "PEER_NOT_FOUND");
}

#[tokio::test(start_paused = true)]
async fn all_three_forms_of_a_refusal_end_a_registration() {
    for (refusal, code) in [
        (json!({ "type": "error", "code": "ROOM_NOT_FOUND", "message": "m" }), "ROOM_NOT_FOUND"),
        (json!({ "type": "error", "reason": "Room expired" }), "ROOM_EXPIRED"),
        (json!({ "error": "Invalid token" }), "INVALID_IDENTITY"),
    ] {
        let (mut peer, mut server, _) = connected().await;
        says(&mut server, refusal).await;
        let refused = peer.register(&credentials(), Introduction::V1, ANSWER_WITHIN).await.unwrap_err();
        assert_eq!(refused.class(), code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_times_out_and_stays_unknown() {
    let (mut peer, _server, _) = connected().await;
    let before = Instant::now();
    let answer = peer.discover("me", &Object::new(), Duration::from_secs(3)).await;
    assert_eq!(answer, Err(AskError::TimedOut));
    assert_eq!(before.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn garbage_is_observed_and_skipped_and_binary_json_is_read() {
    let (mut peer, mut server, log) = connected().await;
    server.send(Message::text("{ no json")).await.unwrap();
    server.send(Message::binary(vec![0xff, 0xfe])).await.unwrap();
    server.send(Message::binary(br#"{"type":"hello"}"#.to_vec())).await.unwrap();
    assert_eq!(peer.receive().await.unwrap()["type"], "hello");
    assert_eq!(log.take(), ["1 garbage", "1 garbage", "1 received hello"]);
}

#[tokio::test(start_paused = true)]
async fn a_text_goes_out_as_it_is_and_is_observed_whether_it_is_json_or_not() {
    let (mut peer, mut server, log) = connected().await;
    for text in ["{ \"type\": broken", "{ \"type\": \"whole\" }"] {
        peer.send_text(text.to_string()).await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Message::text(text));
    }
    assert_eq!(log.take(), ["1 sent ?", "1 sent whole"]);
}

#[tokio::test(start_paused = true)]
async fn the_oldest_message_that_nobody_waits_for_is_dropped_and_told() {
    let (mut peer, mut server, log) = connected().await;
    for n in 0..10_001 {
        says(&mut server, json!({ "type": format!("kept {n}") })).await;
        peer.receive_matching(Instant::now() + Duration::from_millis(1), |_| false).await.unwrap();
    }
    let told = log.take();
    assert_eq!(told.iter().filter(|line| line.contains("dropped")).collect::<Vec<_>>(), ["1 dropped kept 0"]);
    assert_eq!(peer.receive().await.unwrap()["type"], "kept 1");
}

#[tokio::test(start_paused = true)]
async fn a_close_that_nobody_asked_for_is_the_other_sides_even_with_code_1000() {
    let (mut peer, mut server, log) = connected().await;
    let frame = CloseFrame { code: 1000.into(), reason: "".into() };
    server.close(Some(frame)).await.unwrap();
    let end = peer.receive().await.unwrap_err();
    assert_eq!((end.by, end.code), (Side::Peer, Some(1000)));
    assert_eq!(peer.send(&json!({})).await.unwrap_err(), end, "what ended stays ended");
    assert_eq!(log.take(), ["1 closed by Peer Some(1000)", "1 sent ?"]);
    assert!(matches!(server.next().await, Some(Ok(Message::Close(_)))), "the close is answered");
}

#[tokio::test(start_paused = true)]
async fn an_end_without_a_close_frame_has_no_code() {
    let (mut peer, server, _) = connected().await;
    drop(server);
    let end = peer.receive().await.unwrap_err();
    assert_eq!((end.by, end.code), (Side::Peer, None));
}

#[tokio::test(start_paused = true)]
async fn a_clean_close_is_ours_and_waits_for_the_answer() {
    let (peer, mut server, log) = connected().await;
    let serve = async {
        says(&mut server, json!({ "type": "late" })).await;
        while let Some(Ok(_)) = server.next().await {}
    };
    let (end, ()) = tokio::join!(peer.close(), serve);
    assert_eq!((end.by, end.code), (Side::Us, Some(1000)));
    assert_eq!(log.take(), ["1 received late", "1 closed by Us Some(1000)"]);
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_not_answered_ends_after_two_seconds() {
    let (peer, _server, _) = connected().await;
    let before = Instant::now();
    assert_eq!(peer.close().await.by, Side::Us);
    assert_eq!(before.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_reads_ends_a_send_after_ten_seconds() {
    let (mut peer, _server, _) = connected().await;
    let end = loop {
        if let Err(end) = peer.send(&json!({ "filler": "x".repeat(10_000) })).await {
            break end;
        }
    };
    assert_eq!(end.by, Side::Network);
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_a_peer_idles() {
    let (mut peer, mut server, _) = connected().await;
    server.send(Message::Ping(Bytes::from_static(b"?"))).await.unwrap();
    says(&mut server, json!({ "type": "kept" })).await;
    assert!(timeout(Duration::from_secs(60), peer.idle()).await.is_err());
    assert!(matches!(server.next().await, Some(Ok(Message::Pong(_)))));
    assert_eq!(peer.receive().await.unwrap()["type"], "kept");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_speak_websocket_is_told_by_class() {
    let answers: [(&str, FailureClass); 3] = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", FailureClass::NotWebsocket),
        ("220 mail.example ESMTP\r\n", FailureClass::NotWebsocket),
        ("", FailureClass::Reset),
    ];
    for (answer, class) in answers {
        let (memory, mut incoming) = network();
        let log = Arc::new(Log::default());
        let target = target();
        let serve = async {
            let mut stream = incoming.next().await;
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let (peer, ()) = tokio::join!(Peer::connect(&memory, surroundings().timers, &target, 1, log.clone()), serve);
        assert_eq!(peer.err().map(|failure| failure.class), Some(class), "{answer}");
        assert_eq!(log.take(), ["1 connecting".to_string(), format!("1 failed {}", class.word())]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_times_out_and_an_absent_one_refuses() {
    let (memory, incoming) = network();
    let target = target();
    let before = Instant::now();
    let silent =
        Peer::connect(&memory, surroundings().timers, &target, 1, Arc::new(Log::default())).await.err().unwrap();
    assert_eq!((silent.class, before.elapsed()), (FailureClass::TimedOut, Duration::from_secs(10)));
    drop(incoming);
    let absent =
        Peer::connect(&memory, surroundings().timers, &target, 2, Arc::new(Log::default())).await.err().unwrap();
    assert_eq!(absent.class, FailureClass::Refused);
}

fn link(memory: Memory, log: Arc<Log>) -> Link<Memory> {
    link_that(anonymously(memory.clone(), Arc::new(target()), surroundings()), memory, log)
}

fn link_that(signs_in: SignsIn, memory: Memory, log: Arc<Log>) -> Link<Memory> {
    let target = Arc::new(target());
    let credentials = Arc::new(credentials());
    let options = LinkOptions {
        target,
        credentials,
        signs_in,
        role: "worker".into(),
        first_conn: 1,
        knows: None,
        may_join: None,
    };
    Link::new(options, memory, surroundings(), log)
}

/// Accepts a connection and takes its registration.
async fn asked_to_admit(incoming: &mut Incoming) -> (ServerSide, Value) {
    let mut server = accept_async(incoming.next().await).await.unwrap();
    let register = server.next().await.unwrap().unwrap();
    let register: Value = serde_json::from_str(register.to_text().unwrap()).unwrap();
    assert_eq!((&register["type"], &register["role"]), (&json!("register"), &json!("worker")));
    (server, register)
}

/// Accepts a connection and answers its registration with this.
async fn admits(incoming: &mut Incoming, answer: Value) -> ServerSide {
    let (mut server, _) = asked_to_admit(incoming).await;
    says(&mut server, answer).await;
    server
}

fn welcome() -> Value {
    json!({ "type": "registered_auth", "room_id": "r", "peer_id": "me" })
}

#[tokio::test(start_paused = true)]
async fn a_link_comes_back_after_a_loss_under_the_next_number() {
    let (memory, mut incoming) = network();
    let log = Arc::new(Log::default());
    let mut link = link(memory, log.clone());
    let (event, server) = tokio::join!(link.next(Metadata::default), admits(&mut incoming, welcome()));
    assert!(matches!(event, Ok(LinkEvent::Joined)));
    drop(server);
    assert!(matches!(link.next(Metadata::default).await, Ok(LinkEvent::Lost(_))));
    let (event, _server) = tokio::join!(link.next(Metadata::default), admits(&mut incoming, welcome()));
    assert!(matches!(event, Ok(LinkEvent::Joined)));
    let lines = log.take();
    assert!(lines.contains(&"1 closed by Peer None".to_string()), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "2 received registered_auth");
}

#[tokio::test(start_paused = true)]
async fn a_silent_link_is_probed_and_then_given_up() {
    let (memory, mut incoming) = network();
    let log = Arc::new(Log::default());
    let mut link = link(memory, log.clone());
    let (_, _server) = tokio::join!(link.next(Metadata::default), admits(&mut incoming, welcome()));
    let before = Instant::now();
    let Ok(LinkEvent::Lost(end)) = link.next(Metadata::default).await else { panic!("the link is still there") };
    assert_eq!((end.by, before.elapsed().as_secs()), (Side::Network, 45));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_hears_pongs_is_kept() {
    let (memory, mut incoming) = network();
    let mut link = link(memory, Arc::new(Log::default()));
    let (_, mut server) = tokio::join!(link.next(Metadata::default), admits(&mut incoming, welcome()));
    tokio::select! {
        event = link.next(Metadata::default) => panic!("{event:?}"),
        () = async { while let Some(Ok(_)) = server.next().await {} } => panic!("closed"),
        () = tokio::time::sleep(Duration::from_secs(600)) => {}
    }
}

/// A link that is refused with this code each time it registers: how it ends, and after how many refusals.
async fn refused_each_time(code: &str) -> (LinkError, usize) {
    let (memory, mut incoming) = network();
    let mut link = link(memory, Arc::new(Log::default()));
    let mut refusals = 0;
    let refuse = async {
        loop {
            let refusal = json!({ "type": "error", "code": code, "message": "" });
            let mut server = admits(&mut incoming, refusal).await;
            refusals += 1;
            while let Some(Ok(_)) = server.next().await {}
        }
    };
    let error = tokio::select! { event = link.next(Metadata::default) => event.unwrap_err(), () = refuse => panic!() };
    (error, refusals)
}

#[tokio::test(start_paused = true)]
async fn a_link_ends_after_five_refusals_that_might_have_passed() {
    let (error, refusals) = refused_each_time("ROOM_FULL").await;
    assert!(matches!(error, LinkError::Refused { code, .. } if code == "ROOM_FULL"));
    assert_eq!(refusals, 5);
}

#[tokio::test(start_paused = true)]
async fn a_link_into_a_room_that_is_not_there_ends_at_once() {
    for code in ["ROOM_EXPIRED", "ROOM_NOT_FOUND", "INVALID_TOKEN"] {
        let (error, refusals) = refused_each_time(code).await;
        assert!(matches!(error, LinkError::Room { code: told, .. } if told == code));
        assert_eq!(refusals, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_signs_in_again_under_the_same_peer_id_until_the_server_says_no_for_good() {
    for refusal in [json!({ "error": "Invalid token" }), json!({ "type": "error", "code": "INVALID_IDENTITY" })] {
        let (memory, mut incoming) = network();
        let signed_in = Arc::new(AtomicUsize::new(0));
        let count = signed_in.clone();
        let signs_in: SignsIn = Arc::new(move || {
            let outcome = match count.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Failure::new(FailureClass::Refused, "it is starting")),
                1 => Ok(SignIn { id_token: "fresh".into(), username: "somebody".into() }),
                _ => Err(Failure::new(FailureClass::Status(403), "no more")),
            };
            Box::pin(async move { outcome })
        });
        let mut link = link_that(signs_in, memory, Arc::new(Log::default()));
        let serve = async {
            for proof in ["jwt", "fresh"] {
                let (mut server, register) = asked_to_admit(&mut incoming).await;
                assert_eq!((&register["peer_id"], &register["id_token"]), (&json!("me"), &json!(proof)));
                says(&mut server, refusal.clone()).await;
                while let Some(Ok(_)) = server.next().await {}
            }
            std::future::pending::<()>().await;
        };
        let error =
            tokio::select! { event = link.next(Metadata::default) => event.unwrap_err(), () = serve => panic!() };
        assert!(matches!(error, LinkError::SignIn(_)), "{error}");
        assert_eq!(signed_in.load(Ordering::Relaxed), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_was_replaced_does_not_fight_for_its_place() {
    let (memory, mut incoming) = network();
    let mut link = link(memory, Arc::new(Log::default()));
    let (_, mut server) = tokio::join!(link.next(Metadata::default), admits(&mut incoming, welcome()));
    server.close(Some(CloseFrame { code: 4001.into(), reason: "registered elsewhere".into() })).await.unwrap();
    assert_eq!(link.next(Metadata::default).await.unwrap_err(), LinkError::Replaced);
}
