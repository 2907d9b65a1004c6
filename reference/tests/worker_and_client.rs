//! Worker and client as programs, against the real server, in memory and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/log.rs"]
mod log;
#[path = "common/memory.rs"]
mod memory;

use log::Log;
use memory::{Memory, network, surroundings};
use rehearsal_reference::client::{ClientOptions, ClientProfile, run_client};
use rehearsal_reference::defects::{Defect, Defects};
use rehearsal_reference::http_client::{HttpClient, RoomKey};
use rehearsal_reference::identity::Hs256Identity;
use rehearsal_reference::observer::{Observed, Observer};
use rehearsal_reference::protocol::job::Requirements;
use rehearsal_reference::protocol::{Object, Profile};
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::store::MemoryRoomStore;
use rehearsal_reference::surroundings::{Surroundings, TaskHandle};
use rehearsal_reference::target::Target;
use rehearsal_reference::user::User;
use rehearsal_reference::worker::{Strategy, WorkerOptions, WorkerProfile, run_worker};
use serde_json::json;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// A served room that programs can join.
struct Stage {
    memory: Memory,
    surroundings: Surroundings,
    target: Arc<Target>,
    room: RoomKey,
    shutdown: watch::Sender<Shutdown>,
    _server: TaskHandle,
}

impl Stage {
    async fn set(profile: Profile) -> Stage {
        let (memory, incoming) = network();
        let surroundings = surroundings();
        let options = ServerOptions { profile, ..ServerOptions::default() };
        let identity = Arc::new(Hs256Identity::simulated());
        let server = Server::new(options, surroundings.clone(), identity, Arc::new(MemoryRoomStore::new()));
        let running = Box::pin(async move { server.run(incoming, std::future::pending()).await });
        let _server = surroundings.spawner.spawn("server", running);
        let target = Arc::new(Target::plain("server", 8080, "rehearsal/test"));
        let mut session = HttpClient::new(memory.clone(), target.clone(), surroundings.clone());
        let identity = session.anonymous_signin().await.unwrap();
        let room = session.create_room(&identity.id_token).await.unwrap();
        let (shutdown, _) = watch::channel(Shutdown::Run);
        Stage { memory, surroundings, target, room, shutdown, _server }
    }

    fn user(&self, peer_id: &str) -> User {
        let (target, room) = (self.target.clone(), self.room.clone());
        User { target, room, sign_in: None, peer_id: Some(peer_id.to_string()), first_conn: 1 }
    }

    fn worker(&self, strategy: Strategy, defects: &[Defect], observer: Arc<dyn Observer>) -> impl Future<Output = ()> {
        let profile = WorkerProfile {
            strategy,
            defects: Defects::from_iter(defects.iter().copied()),
            tags: Vec::new(),
            properties: json!({ "gpu_memory_mb": 8192 }).as_object().unwrap().clone(),
            job_duration: Arc::new(|_| Duration::from_secs(30)),
        };
        let options = WorkerOptions { user: self.user("worker"), profile };
        let (memory, surroundings, told) = (self.memory.clone(), self.surroundings.clone(), self.shutdown.subscribe());
        async move { run_worker(options, memory, surroundings, observer, told).await.unwrap() }
    }

    fn client(&self, peer_id: &str, strategy: Strategy, observer: Arc<dyn Observer>) -> impl Future<Output = ()> {
        let profile = ClientProfile {
            strategy,
            tags: Vec::new(),
            properties: Object::new(),
            jobs: 2,
            job_type: "training".to_string(),
            requirements: Requirements::default(),
            choose: Object::new(),
            ask: 1,
            think: Arc::new(|_| Duration::from_secs(1)),
            cancel_after: Arc::new(|_| None),
            job_prefix: None,
        };
        let options = ClientOptions { user: self.user(peer_id), profile };
        let (memory, surroundings, told) = (self.memory.clone(), self.surroundings.clone(), self.shutdown.subscribe());
        async move { run_client(options, memory, surroundings, observer, told).await.unwrap() }
    }
}

/// Counts the jobs that a worker runs, and how many of them at once.
#[derive(Default)]
struct Jobs {
    running: AtomicUsize,
    most: AtomicUsize,
    completed: AtomicUsize,
}

impl Observer for Jobs {
    fn observe(&self, observed: Observed<'_>) {
        match observed {
            Observed::JobBegan { .. } => {
                let running = self.running.fetch_add(1, Ordering::Relaxed) + 1;
                self.most.fetch_max(running, Ordering::Relaxed);
            }
            Observed::JobEnded { outcome, .. } => {
                self.running.fetch_sub(1, Ordering::Relaxed);
                self.completed.fetch_add(usize::from(outcome == "completed"), Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// Two clients want two jobs each from one worker; the most jobs that ran at once.
async fn race(profile: Profile, strategy: Strategy, defects: &[Defect]) -> usize {
    let stage = Stage::set(profile).await;
    let jobs = Arc::new(Jobs::default());
    let clients = async {
        // The worker has joined by then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let quiet = || Arc::new(Log::default());
        tokio::join!(stage.client("c1", strategy, quiet()), stage.client("c2", strategy, quiet()));
        stage.shutdown.send_replace(Shutdown::Drain);
    };
    tokio::join!(stage.worker(strategy, defects, jobs.clone()), clients);
    assert_eq!(jobs.completed.load(Ordering::Relaxed), 4);
    jobs.most.load(Ordering::Relaxed)
}

#[tokio::test(start_paused = true)]
async fn every_strategy_gets_all_jobs_done_one_at_a_time_under_both_profiles() {
    for profile in [Profile::Documented, Profile::Deployed] {
        for strategy in [Strategy::RejectWhenBusy, Strategy::MetadataFirst, Strategy::Reservation] {
            assert_eq!(race(profile, strategy, &[]).await, 1, "{profile:?} {strategy:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_naive_worker_runs_two_jobs_at_once() {
    let naive = [Defect::StatusAfterAccept, Defect::NoBusyRejection];
    assert_eq!(race(Profile::Documented, Strategy::RejectWhenBusy, &naive).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_and_a_worker_tell_the_whole_story_of_a_job() {
    let stage = Stage::set(Profile::Documented).await;
    let (worker, client) = (Arc::new(Log::default()), Arc::new(Log::default()));
    let clients = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.client("c", Strategy::MetadataFirst, client.clone()).await;
        stage.shutdown.send_replace(Shutdown::Drain);
    };
    tokio::join!(stage.worker(Strategy::MetadataFirst, &[], worker.clone()), clients);
    let expected = [
        "1 connecting",
        "1 opened",
        "1 sent register",
        "1 received registered_auth",
        "attempt c-j0-a0",
        "1 sent discover_peers",
        "1 received peer_list",
        "1 sent job_request",
        "1 received job_response",
        "1 sent job_assignment",
        "1 received job_status",
    ];
    assert_eq!(client.take()[..expected.len()], expected);
    let told = worker.take();
    let at = |line: &str| told.iter().position(|told| told == line).unwrap_or_else(|| panic!("{line}: {told:#?}"));
    assert!(at("1 received metadata_updated") < at("1 sent job_response"), "metadata first");
    assert!(at("began c-j0-a0 for c") < at("ended c-j0-a0 completed"));
    assert_eq!(told.last().unwrap(), "1 closed by Us Some(1000)");
}

#[tokio::test(start_paused = true)]
async fn a_client_without_workers_leaves_when_it_is_told_to() {
    let stage = Stage::set(Profile::Documented).await;
    let log = Arc::new(Log::default());
    let telling = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        stage.shutdown.send_replace(Shutdown::Drain);
    };
    tokio::join!(stage.client("c", Strategy::MetadataFirst, log.clone()), telling);
    let attempts = log.take().iter().filter(|line| line.ends_with("nobody_free")).count();
    assert!((5..30).contains(&attempts), "it asks again, less and less often: {attempts}");
}
