//! Worker, client and peer over real loopback sockets, against the real server.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/client_profile.rs"]
mod client_profile;
#[path = "common/log.rs"]
mod log;
#[path = "common/loopback.rs"]
mod loopback;
#[path = "common/worker_profile.rs"]
mod worker_profile;

use client_profile::client_profile;
use log::Log;
use loopback::{Loopback, LoopbackListener, surroundings};
use rehearsal_reference::client::{ClientOptions, ClientProfile, run_client};
use rehearsal_reference::http_client::{HttpClient, RoomKey};
use rehearsal_reference::identity::Hs256Identity;
use rehearsal_reference::network::{Listener, Network};
use rehearsal_reference::observer::{Observed, Observer};
use rehearsal_reference::peer::Peer;
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::store::MemoryRoomStore;
use rehearsal_reference::target::Target;
use rehearsal_reference::user::User;
use rehearsal_reference::worker::{WorkerOptions, run_worker};
use std::future::pending;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, watch};
use worker_profile::worker_profile;

/// A log that also wakes whoever waits for a job to begin.
#[derive(Default)]
struct JobWatch {
    log: Log,
    began: Notify,
}

impl Observer for JobWatch {
    fn observe(&self, observed: Observed<'_>) {
        self.log.observe(observed);
        if matches!(observed, Observed::JobBegan { .. }) {
            self.began.notify_one();
        }
    }
}

fn server(store: &Arc<MemoryRoomStore>) -> Server {
    let identity = Arc::new(Hs256Identity::simulated());
    Server::new(ServerOptions::default(), surroundings(), identity, store.clone())
}

async fn listen() -> (LoopbackListener, Arc<Target>) {
    let listener = Loopback.bind("127.0.0.1:0").await.unwrap();
    let target = Target::plain("127.0.0.1", listener.local_addr().unwrap().port(), "rehearsal/test");
    (listener, Arc::new(target))
}

async fn create_room(target: &Arc<Target>) -> RoomKey {
    let mut session = HttpClient::new(Loopback, target.clone(), surroundings());
    let identity = session.anonymous_signin().await.unwrap();
    session.create_room(&identity.id_token).await.unwrap()
}

fn user(target: &Arc<Target>, room: &RoomKey) -> User {
    User {
        target: target.clone(),
        room: room.clone(),
        sign_in: None,
        signs_in: None,
        peer_id: None,
        first_conn: 1,
        knows: None,
        may_join: None,
    }
}

fn client(user: User) -> ClientOptions {
    let profile = ClientProfile { ask: 3, job_prefix: Some("client".to_string()), ..client_profile(1) };
    ClientOptions { user, profile }
}

/// Plays one job to its end while `serve` serves; the worker is watched.
async fn one_job(target: &Arc<Target>, job: Duration, watched: &Arc<JobWatch>) -> Vec<String> {
    let room = create_room(target).await;
    let (shutdown, _) = watch::channel(Shutdown::Run);
    let log = Arc::new(Log::default());
    let asking = async {
        let options = client(user(target, &room));
        run_client(options, Loopback, surroundings(), log.clone(), shutdown.subscribe()).await.unwrap();
        shutdown.send_replace(Shutdown::Drain);
    };
    let options = WorkerOptions { user: user(target, &room), profile: worker_profile(job) };
    let working = run_worker(options, Loopback, surroundings(), watched.clone(), shutdown.subscribe());
    let (worked, ()) = tokio::join!(working, asking);
    worked.unwrap();
    log.take()
}

#[tokio::test]
async fn a_job_is_done_over_real_sockets() {
    let (listener, target) = listen().await;
    let server = server(&Arc::new(MemoryRoomStore::new()));
    let watched = Arc::new(JobWatch::default());
    let told = tokio::select! {
        () = server.run(listener, pending()) => panic!("the server ended"),
        told = one_job(&target, Duration::from_millis(20), &watched) => told,
    };
    let ended = told.iter().rfind(|line| line.starts_with("attempt")).unwrap();
    assert!(ended.ends_with("completed"), "{told:#?}");
    assert_eq!(told.last().unwrap(), "1 closed by Us Some(1000)");
}

#[tokio::test]
async fn a_job_survives_a_server_that_restarts_meanwhile() {
    let (listener, target) = listen().await;
    let store = Arc::new(MemoryRoomStore::new());
    let watched = Arc::new(JobWatch::default());
    let serving = async {
        server(&store).run(listener, watched.began.notified()).await;
        let again = Loopback.bind(&target.ws.authority()).await.unwrap();
        server(&store).run(again, pending()).await;
    };
    let told = tokio::select! {
        () = serving => panic!("the server ended"),
        told = one_job(&target, Duration::from_millis(700), &watched) => told,
    };
    let attempts: Vec<_> = told.iter().filter(|line| line.starts_with("attempt")).collect();
    assert_eq!(attempts.last().unwrap().as_str(), format!("{} completed", attempts[attempts.len() - 2]));
    let worked = watched.log.take();
    assert!(worked.contains(&"1 closed by Peer Some(1001)".to_string()), "{worked:#?}");
    assert_eq!(worked.iter().filter(|line| line.starts_with("began")).count(), 1);
    assert_eq!(worked.iter().filter(|line| line.starts_with("ended")).count(), 1);
}

#[tokio::test]
async fn an_aborted_connection_is_a_reset_for_the_other_side() {
    let (mut listener, target) = listen().await;
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.unwrap()
    };
    let log = Arc::new(Log::default());
    let (peer, socket) =
        tokio::join!(Peer::connect(&Loopback, surroundings().timers, &target, 1, log.clone()), accepting);
    peer.unwrap().abort();
    let read = socket.into_inner().read(&mut [0; 16]).await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(log.take().last().unwrap(), "1 closed by Us None");
}
