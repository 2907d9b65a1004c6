//! A worker that is told to leave while its server does not read, in memory and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/log.rs"]
mod log;
#[path = "common/memory.rs"]
mod memory;
#[path = "common/worker_profile.rs"]
mod worker_profile;

use futures_util::{SinkExt, StreamExt};
use log::Log;
use memory::{Incoming, network, surroundings};
use rehearsal_reference::http_client::{RoomKey, SignIn};
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::target::Target;
use rehearsal_reference::user::User;
use rehearsal_reference::worker::{WorkerOptions, run_worker};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use worker_profile::worker_profile;

fn user() -> User {
    User {
        target: Arc::new(Target::plain("server", 8080, "rehearsal/test")),
        room: RoomKey { room_id: "r".into(), room_token: "t".into() },
        sign_in: Some(SignIn { id_token: "jwt".into(), username: "w".into() }),
        signs_in: None,
        peer_id: None,
        first_conn: 1,
        knows: None,
        may_join: None,
    }
}

/// Admits the worker, then asks it for one thing after the other and never reads what it says.
async fn asks_and_never_reads(mut incoming: Incoming) {
    let mut server = accept_async(incoming.next().await).await.unwrap();
    server.next().await.unwrap().unwrap();
    let says = |message: Value| Message::text(message.to_string());
    server.send(says(json!({ "type": "registered_auth", "room_id": "r", "peer_id": "w" }))).await.unwrap();
    for n in 0.. {
        let payload = json!({ "app_message_type": "job_request", "job_id": format!("j{n}"), "job_type": "training" });
        let request = json!({ "type": "peer_message", "from_peer_id": "c", "to_peer_id": "w", "payload": payload });
        server.send(says(request)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_server_does_not_read_leaves_two_seconds_after_it_was_told_to() {
    let (memory, incoming) = network();
    let (shutdown, told) = watch::channel(Shutdown::Run);
    let log = Arc::new(Log::default());
    let options = WorkerOptions { user: user(), profile: worker_profile(Duration::from_secs(60)) };
    let telling = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        shutdown.send_replace(Shutdown::Now);
        Instant::now()
    };
    let working = async {
        run_worker(options, memory, surroundings(), log.clone(), told).await.unwrap();
        Instant::now()
    };
    let (told_at, left_at) = tokio::select! {
        both = async { tokio::join!(telling, working) } => both,
        () = asks_and_never_reads(incoming) => panic!("the server ended"),
    };
    assert_eq!((left_at - told_at).as_secs(), 2);
    let lines = log.take();
    assert_eq!(lines.last().unwrap(), "1 closed by Us None");
    assert!(lines.iter().filter(|line| *line == "1 sent job_response").count() > 100, "it was stuck in a send");
}
