//! Worker and client as programs, against the real server, in memory and in virtual time.

#![allow(clippy::unwrap_used, reason = "a test may fail this way")]

#[path = "common/client_profile.rs"]
mod client_profile;
#[path = "common/log.rs"]
mod log;
#[path = "common/memory.rs"]
mod memory;
#[path = "common/worker_profile.rs"]
mod worker_profile;

use client_profile::client_profile;
use log::Log;
use memory::{Incoming, Memory, network, surroundings};
use rehearsal_reference::client::{ClientOptions, ClientProfile, JobsDone, Think, run_client};
use rehearsal_reference::defects::{Defect, Defects};
use rehearsal_reference::http_client::{HttpClient, RoomKey};
use rehearsal_reference::identity::{Hs256Identity, Issuer, TOKEN_LIVES};
use rehearsal_reference::observer::{Observed, Observer};
use rehearsal_reference::protocol::Profile;
use rehearsal_reference::server::{Server, ServerOptions};
use rehearsal_reference::shutdown::Shutdown;
use rehearsal_reference::store::MemoryRoomStore;
use rehearsal_reference::surroundings::{Surroundings, TaskHandle};
use rehearsal_reference::target::Target;
use rehearsal_reference::user::{User, UserError};
use rehearsal_reference::worker::{Strategy, WorkerOptions, WorkerProfile, run_worker};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use worker_profile::worker_profile;

/// A served room that programs can join.
struct Stage {
    profile: Profile,
    memory: Memory,
    incoming: Incoming,
    store: Arc<MemoryRoomStore>,
    surroundings: Surroundings,
    target: Arc<Target>,
    room: RoomKey,
    shutdown: watch::Sender<Shutdown>,
    server: Option<(oneshot::Sender<()>, TaskHandle)>,
}

impl Stage {
    async fn set(profile: Profile) -> Stage {
        let (memory, incoming) = network();
        let (shutdown, _) = watch::channel(Shutdown::Run);
        let mut stage = Stage {
            profile,
            memory,
            incoming,
            store: Arc::new(MemoryRoomStore::new()),
            surroundings: surroundings(),
            target: Arc::new(Target::plain("server", 8080, "rehearsal/test")),
            room: RoomKey { room_id: String::new(), room_token: String::new() },
            shutdown,
            server: None,
        };
        stage.serve(Hs256Identity::simulated());
        let mut session = HttpClient::new(stage.memory.clone(), stage.target.clone(), stage.surroundings.clone());
        let identity = session.anonymous_signin().await.unwrap();
        stage.room = session.create_room(&identity.id_token).await.unwrap();
        stage
    }

    /// Starts a server with this key in place of the one that runs. The rooms stay, the connections end.
    fn serve(&mut self, identity: Hs256Identity) {
        drop(self.server.take());
        let options = ServerOptions { profile: self.profile, ..ServerOptions::default() };
        let server = Server::new(options, self.surroundings.clone(), Arc::new(identity), self.store.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let incoming = self.incoming.clone();
        let running = Box::pin(async move { server.run(incoming, async { drop(stopped.await) }).await });
        self.server = Some((stop, self.surroundings.spawner.spawn("server", running)));
    }

    fn user(&self, peer_id: &str) -> User {
        let (target, room) = (self.target.clone(), self.room.clone());
        User {
            target,
            room,
            sign_in: None,
            signs_in: None,
            peer_id: Some(peer_id.to_string()),
            first_conn: 1,
            knows: None,
            may_join: None,
        }
    }

    fn worker(
        &self,
        strategy: Strategy,
        defects: &[Defect],
        observer: Arc<dyn Observer>,
    ) -> impl Future<Output = Result<(), UserError>> + use<> {
        let profile = WorkerProfile {
            strategy,
            defects: Defects::from_iter(defects.iter().copied()),
            ..worker_profile(Duration::from_secs(30))
        };
        let options = WorkerOptions { user: self.user("worker"), profile };
        run_worker(options, self.memory.clone(), self.surroundings.clone(), observer, self.shutdown.subscribe())
    }

    fn client(
        &self,
        peer_id: &str,
        strategy: Strategy,
        observer: Arc<dyn Observer>,
    ) -> impl Future<Output = Result<JobsDone, UserError>> + use<> {
        let think: Think = Arc::new(|job| Duration::from_secs(job.min(1)));
        let profile = ClientProfile { strategy, think, ..client_profile(2) };
        let options = ClientOptions { user: self.user(peer_id), profile };
        run_client(options, self.memory.clone(), self.surroundings.clone(), observer, self.shutdown.subscribe())
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
        let (one, other) = tokio::join!(stage.client("c1", strategy, quiet()), stage.client("c2", strategy, quiet()));
        assert!(one.unwrap().is_all() && other.unwrap().is_all());
        stage.shutdown.send_replace(Shutdown::Drain);
    };
    let (worked, ()) = tokio::join!(stage.worker(strategy, defects, jobs.clone()), clients);
    worked.unwrap();
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
        stage.client("c", Strategy::MetadataFirst, client.clone()).await.unwrap();
        stage.shutdown.send_replace(Shutdown::Drain);
    };
    let (worked, ()) = tokio::join!(stage.worker(Strategy::MetadataFirst, &[], worker.clone()), clients);
    worked.unwrap();
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
    let (asked, ()) = tokio::join!(stage.client("c", Strategy::MetadataFirst, log.clone()), telling);
    assert_eq!(asked.unwrap(), JobsDone { wanted: 2, completed: 0 });
    let attempts = log.take().iter().filter(|line| line.ends_with("nobody_free")).count();
    assert!((5..30).contains(&attempts), "it asks again, less and less often: {attempts}");
}

/// A worker is there, then the server is replaced by one with this key, and a client of the new one wants its jobs done.
/// What the worker did from its second connection on.
async fn server_replaced(after: Duration, identity: Hs256Identity) -> Vec<String> {
    let mut stage = Stage::set(Profile::Documented).await;
    let worker = Arc::new(Log::default());
    let working = stage.worker(Strategy::MetadataFirst, &[], worker.clone());
    let clients = async {
        tokio::time::sleep(after).await;
        stage.serve(identity);
        tokio::time::sleep(Duration::from_secs(10)).await;
        stage.client("c", Strategy::MetadataFirst, Arc::new(Log::default())).await.unwrap();
        stage.shutdown.send_replace(Shutdown::Drain);
    };
    let (worked, ()) = tokio::join!(working, clients);
    worked.unwrap();
    worker.take().into_iter().skip_while(|line| !line.starts_with('2')).collect()
}

/// It comes back, is refused, and comes back again with a token that is accepted.
const SIGNED_IN_AGAIN: [&str; 9] = [
    "2 connecting",
    "2 opened",
    "2 sent register",
    "2 received error",
    "2 closed",
    "3 connecting",
    "3 opened",
    "3 sent register",
    "3 received registered_auth",
];

#[tokio::test(start_paused = true)]
async fn a_worker_that_comes_back_after_its_token_has_expired_signs_in_again() {
    let told = server_replaced(TOKEN_LIVES * 5 / 4, Hs256Identity::simulated()).await;
    assert!(told.iter().zip(SIGNED_IN_AGAIN).all(|(told, expected)| told.starts_with(expected)), "{told:#?}");
    let fresh = server_replaced(TOKEN_LIVES / 4, Hs256Identity::simulated()).await;
    assert_eq!(fresh[3], "2 received registered_auth", "a token that is still valid is used again");
}

#[tokio::test(start_paused = true)]
async fn a_worker_signs_in_again_when_a_restarted_server_has_a_new_key() {
    let new_key = Hs256Identity::new(Issuer::default(), b"another secret, of the server that took over");
    let told = server_replaced(Duration::from_secs(60), new_key).await;
    assert!(told.iter().zip(SIGNED_IN_AGAIN).all(|(told, expected)| told.starts_with(expected)), "{told:#?}");
}
