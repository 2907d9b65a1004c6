//! Getting ready against a slow target: sign-ins do not wait for each other.

use crate::support::{MS, network, plan, target, user, worker};
use rehearsal_loadgen::commons::{Commons, RunPhase};
use rehearsal_loadgen::journal::NoJournal;
use rehearsal_loadgen::live::machine;
use rehearsal_loadgen::live::network::{LiveStream, TcpNetwork};
use rehearsal_loadgen::prepare::{PrepareError, Prepared, SESSIONS, prepare};
use rehearsal_loadgen::sink::{Draft, EventSink};
use rehearsal_loadgen::users::UserEnv;
use rehearsal_reference::network::{Listener, Network};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;

struct Nowhere;

impl EventSink for Nowhere {
    fn now_ns(&self) -> i64 {
        0
    }
    fn record(&self, _: Draft) {}
}

/// A target that answers the run's own two requests at once, and users' sign-ins only when all sessions wait for one.
/// With `broken` it refuses those.
async fn together(broken: bool) -> (u16, JoinSet<()>) {
    let mut listener = network().bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (barrier, asked) = (Arc::new(Barrier::new(SESSIONS)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer(stream, barrier.clone(), asked.clone(), broken));
        }
    });
    (port, tasks)
}

async fn answer(mut stream: LiveStream, barrier: Arc<Barrier>, asked: Arc<AtomicUsize>, broken: bool) {
    let mut request = [0; 4_096];
    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
        let nth = asked.fetch_add(1, Ordering::Relaxed);
        if nth >= 2 {
            barrier.wait().await;
        }
        let body = match nth {
            1 => r#"{"room_id":"00000000","token":"000000"}"#.to_owned(),
            _ => format!(r#"{{"id_token":"t","username":"u{nth}"}}"#),
        };
        let status = if broken && nth >= 2 { "503 Busy" } else { "200 OK" };
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn prepare_against(port: u16, users: usize) -> (Result<Prepared, PrepareError>, usize) {
    prepare_within(port, users, 10_000 * MS).await
}

async fn prepare_within(port: u16, users: usize, within_ns: u64) -> (Result<Prepared, PrepareError>, usize) {
    let users = (0..users as u32).map(|number| user(number, "workers", number, worker(1))).collect();
    let mut plan = plan(users);
    plan.phases.prepare_ns = within_ns;
    let (_tell, phase) = watch::channel(RunPhase::Preparing);
    let (surroundings, _spawner) = machine::surroundings();
    let env: UserEnv<TcpNetwork> = UserEnv {
        plan: Arc::new(plan),
        network: network(),
        surroundings,
        target: Arc::new(target(port)),
        sink: Arc::new(Nowhere),
        commons: Arc::new(Commons::new()),
        journal: Arc::new(NoJournal),
        tokens: None,
        phase,
        run_id: "test".into(),
    };
    let prepared = prepare(&env, |_| {}).await;
    (prepared, env.commons.usernames().len())
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_given_as_long_as_the_scenario_says() {
    // Fewer users than the target waits for.
    let (port, _target) = together(false).await;
    let (prepared, identities) = prepare_within(port, 3, 300 * MS).await;
    let error = prepared.unwrap_err().to_string();
    assert_eq!(error, "1 of 4 rooms and identities were made within 300ms, the length of `prepare` in `[time]`");
    assert_eq!(identities, 1, "the owner of the room");
}

#[tokio::test]
async fn sign_ins_do_not_wait_for_each_other() {
    let (port, _target) = together(false).await;
    let (prepared, identities) = prepare_against(port, 3 * SESSIONS).await;
    assert_eq!(prepared.unwrap(), Prepared { rooms: 1, identities: 3 * SESSIONS });
    assert_eq!(identities, 3 * SESSIONS + 1);
}

#[tokio::test]
async fn a_refused_sign_in_ends_preparing_after_what_had_begun() {
    let (port, _target) = together(true).await;
    let (prepared, identities) = prepare_against(port, 3 * SESSIONS).await;
    assert!(matches!(prepared, Err(PrepareError::SignIn(_))), "{prepared:?}");
    assert_eq!(identities, 1, "only the run itself is signed in");
}
