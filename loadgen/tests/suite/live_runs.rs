//! Live runs over loopback: against the real reference server, and against targets that are down, refuse, babble or die.

use crate::support::{MS, Served, client, network, plan, saving, step, target, user, worker};
use rehearsal_loadgen::live::files::{EVENTS, HEADER, LATENCY, SAMPLES, VERDICT};
use rehearsal_loadgen::live::guard::Refused;
use rehearsal_loadgen::live::options::{Interrupt, LiveError, LiveOptions, LiveRun};
use rehearsal_loadgen::live::outcome::Ending;
use rehearsal_loadgen::live::preflight::Preflight;
use rehearsal_loadgen::live::progress::{OnProgress, Progress};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::{finish, journal_file, preflight_only, run};
use rehearsal_loadgen::target::Target;
use rehearsal_reference::failure::FailureClass;
use rehearsal_reference::http_client::HttpClient;
use rehearsal_reference::network::{Listener, Network};
use rehearsal_reference::observer::Unobserved;
use rehearsal_reference::peer::{ANSWER_WITHIN, Credentials, Introduction, Peer};
use rehearsal_reference::protocol::{self, Metadata, Object};
use rehearsal_reference::server::ServerOptions;
use rehearsal_reference::target::Headers;
use rehearsal_reports::outcome::{Outcome, Overall, Validity};
use rehearsal_reports::record::{EventReader, FileEnd, Header, VerdictFile, judge_record};
use rehearsal_reports::verdict::CheckVerdict;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{Begin, Behaviour, FaultAction, FaultPlan, Otherwise, Plan, Profile, Step, Verb};
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

pub fn options(target: Target, out: &TempDir) -> LiveOptions {
    LiveOptions {
        out: Some(out.path().to_owned()),
        scenario_text: "format = 1\n".into(),
        lock_hash: "00".into(),
        arguments: vec!["load".into(), "test.toml".into()],
        ..LiveOptions::new(target, "test".into())
    }
}

/// Never interrupted, and watched by nobody.
pub async fn run_quietly(plan: Plan, options: LiveOptions) -> Result<LiveRun, LiveError> {
    let (_never, interrupt) = watch::channel(Interrupt::None);
    run(Arc::new(plan), options, Box::new(|_| {}), interrupt).await
}

/// What the checks say of a record, by what is in its folder.
fn judged_again(plan: &Plan, record: &Path) -> Vec<CheckVerdict> {
    let verdict = VerdictFile::from_bytes(&std::fs::read(record.join("verdict.json")).unwrap()).unwrap();
    let events = EventReader::new(File::open(record.join("events.jsonl.zst")).unwrap()).unwrap();
    judge_record(plan, events, &verdict.told).unwrap().verdicts
}

/// Never interrupted.
pub async fn first_contact(plan: Plan, options: LiveOptions) -> Result<Preflight, LiveError> {
    let (_never, interrupt) = watch::channel(Interrupt::None);
    preflight_only(Arc::new(plan), &options, interrupt).await
}

/// A worker, two clients, and a peer that looks around until the measure phase ends.
fn busy_plan(jobs: u32) -> Plan {
    let look = step(Verb::Discover { filters: json!({ "role": "worker" }), retry: None });
    let every = Some(Distribution::Fixed(5 * MS));
    let flow =
        vec![step(Verb::Join), step(Verb::Repeat { times: None, first: None, until: None, every, steps: vec![look] })];
    plan(vec![
        user(0, "workers", 0, worker(20)),
        user(1, "clients", 0, client(jobs)),
        user(2, "clients", 1, client(jobs)),
        user(3, "lookers", 0, Behaviour::Flow(flow.into())),
    ])
}

fn names(verdicts: &Outcome, word: &str) -> Vec<String> {
    let with_word = verdicts.checks.iter().filter(|it| it.check.verdict.word() == word);
    with_word.map(|it| format!("{}: {:?}", it.check.name, it.check.verdict)).collect()
}

pub fn events(folder: &Path) -> (usize, Option<FileEnd>) {
    let mut reader = EventReader::new(File::open(folder.join(EVENTS)).unwrap()).unwrap();
    let count = reader.by_ref().inspect(|event| assert!(event.is_ok(), "{event:?}")).count();
    (count, reader.end())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_holds_leaves_a_whole_record_and_nothing_on_the_target() {
    let served = Served::start(ServerOptions::default()).await;
    let out = tempfile::tempdir().unwrap();
    let mut plan = busy_plan(2);
    plan.phases.measure_ns = 500 * MS;
    let run = run_quietly(plan, options(served.target(), &out)).await.unwrap();
    assert_eq!(
        run.outcome.verdict,
        Overall::Holds,
        "{:?} {:?}",
        names(&run.outcome, "broken"),
        names(&run.outcome, "unknown")
    );
    assert!(run.left_behind.is_nothing() && run.unreachable.is_none() && run.interrupted == Interrupt::None);
    let record = run.record.as_path();
    assert_eq!(out.path().join("latest").canonicalize().unwrap(), record.canonicalize().unwrap());
    let header = Header::from_bytes(&std::fs::read(record.join(HEADER)).unwrap()).unwrap();
    assert!(header.targets.len() == 2 && header.started_unix_s.is_some());
    let (count, end) = events(&run.record);
    assert!(count > 100 && end == Some(FileEnd::Finished), "{count} {end:?}");
    let verdict = VerdictFile::from_bytes(&std::fs::read(record.join(VERDICT)).unwrap()).unwrap().outcome;
    assert_eq!(verdict.verdict, Overall::Holds);
    for file in [SAMPLES, LATENCY] {
        assert!(!std::fs::read_to_string(run.record.join(file)).unwrap().is_empty());
    }
    let look = verdict.operations.iter().find(|operation| operation.name == "discover").unwrap();
    assert!(look.count > 10 && look.errors == 0, "{look:?}");
    let journal = std::fs::read_to_string(run.record.join(journal_file::FILE)).unwrap();
    let left = journal_file::read(&journal).unwrap();
    assert!(left.resources.is_empty() && left.unknown == 0);
    for file in [HEADER, VERDICT, SAMPLES, journal_file::FILE] {
        assert!(!std::fs::read_to_string(run.record.join(file)).unwrap().contains("eyJ"), "a token is in {file}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_flow_makes_itself_is_removed_as_well_also_in_the_first_contact() {
    let served = Served::start(ServerOptions::default()).await;
    let out = tempfile::tempdir().unwrap();
    let make = |path: &str| {
        step(Verb::Http { method: "POST".into(), path: path.into(), body: None, bearer: true, status: vec![200] })
    };
    let flow = vec![step(Verb::Join), make("/create-room"), make("/anonymous-signin")];
    let plan = plan(vec![user(0, "makers", 0, Behaviour::Flow(flow.into()))]);
    let run = run_quietly(plan, options(served.target(), &out)).await.unwrap();
    assert!(run.left_behind.is_nothing(), "{:?}", run.left_behind);
    let journal = std::fs::read_to_string(run.record.join(journal_file::FILE)).unwrap();
    // The first contact makes a room, a holder and a walker, the run a room, its owner and a user; the flow two each time.
    assert_eq!(journal.matches("\"did\":\"made\"").count(), 10, "{journal}");
    assert!(journal_file::read(&journal).unwrap().resources.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployed_server_is_played_with_the_same_users() {
    let deployed = ServerOptions { profile: protocol::Profile::Deployed, ..ServerOptions::default() };
    let served = Served::start(deployed).await;
    let out = tempfile::tempdir().unwrap();
    let mut plan = busy_plan(1);
    plan.phases.measure_ns = 300 * MS;
    let found = first_contact(plan.clone(), options(served.target(), &out)).await.unwrap();
    assert_eq!((found.joined, found.profile), (3, Some(Profile::Deployed)));
    let run = run_quietly(plan, options(served.target(), &out)).await.unwrap();
    assert_eq!(names(&run.outcome, "broken"), Vec::<String>::new());
}

#[tokio::test]
async fn a_fault_is_refused_by_its_name_and_a_far_target_without_permission() {
    let out = tempfile::tempdir().unwrap();
    let mut faulty = busy_plan(1);
    let action = FaultAction::Kill { hosts: vec!["server-0".into()] };
    faulty.faults.push(FaultPlan { name: "death".into(), begins: Begin::At(0), for_ns: None, action });
    match run_quietly(faulty, options(target(1), &out)).await {
        Err(LiveError::Refused(Refused::Fault { name, why })) => {
            assert_eq!((name.as_str(), why), ("death", "it hits a server"))
        }
        other => panic!("{:?}", other.err()),
    }
    let mut far = target(1);
    far.http.host = "stg.example".into();
    match run_quietly(busy_plan(1), options(far, &out)).await {
        Err(LiveError::Refused(Refused::NotAllowed { host })) => assert_eq!(host, "stg.example"),
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "nothing is written for a run that is refused");
}

/// Joins, waits in vain, then asks over HTTP for something with this path.
fn asking_for(path: &str) -> Plan {
    let hopeless = Verb::Expect { pattern: json!({ "type": "never" }), within_ns: 3_600_000 * MS };
    let request = Verb::Http { method: "GET".into(), path: path.into(), body: None, bearer: false, status: vec![200] };
    let flow = vec![
        step(Verb::Join),
        step(Verb::Think(Distribution::Fixed(3_600_000 * MS))),
        Step { otherwise: Otherwise::Continue, ..step(hopeless.clone()) },
        step(Verb::Repeat {
            times: None,
            first: None,
            until: None,
            every: None,
            steps: vec![step(request), step(hopeless)],
        }),
    ];
    plan(vec![
        user(0, "askers", 0, Behaviour::Flow(flow.clone().into())),
        user(1, "askers", 1, Behaviour::Flow(flow.into())),
    ])
}

#[tokio::test]
async fn a_flow_is_walked_once_before_any_load_and_a_status_that_a_step_does_not_want_ends_all() {
    let served = Served::start(ServerOptions::default()).await;
    let out = tempfile::tempdir().unwrap();
    match run_quietly(asking_for("/nowhere"), options(served.target(), &out)).await {
        Err(LiveError::Unreachable { failure, doing, .. }) => {
            assert_eq!((failure.class, doing), (FailureClass::Status(404), "walk a flow once"));
            assert!(failure.reason.contains("`askers-0`: `http`"), "{failure}");
        }
        other => panic!("{:?}", other.err()),
    }
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0, "nothing more is sent, nothing is recorded");
    let found = first_contact(asking_for("/health"), options(served.target(), &out)).await.unwrap();
    assert_eq!((found.joined, found.remarks.len()), (1, 1), "{:?}", found.remarks);
    assert!(found.remarks[0].contains("step `expect`: timed_out"), "{:?}", found.remarks);
}

#[tokio::test]
async fn an_interrupt_ends_the_first_contact_and_nothing_is_recorded() {
    let served = Served::start(ServerOptions::default()).await;
    let out = tempfile::tempdir().unwrap();
    let (_tell, interrupt) = watch::channel(Interrupt::Polite);
    let run = run(Arc::new(asking_for("/health")), options(served.target(), &out), Box::new(|_| {}), interrupt).await;
    assert!(matches!(run.err(), Some(LiveError::Interrupted)));
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 0);
}

/// A listener that answers every connection with these bytes and closes it.
async fn babbler(bytes: &'static [u8]) -> (u16, tokio::task::JoinSet<()>) {
    let mut listener = network().bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    (port, tasks)
}

#[tokio::test]
async fn targets_that_are_down_or_babble_are_unreachable_with_a_class_and_a_hint() {
    let out = tempfile::tempdir().unwrap();
    let down = {
        let listener = network().bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let (garbage, _garbage) = babbler(b"\x00\xff rubbish rubbish rubbish\r\n\r\n").await;
    let (status, _status) = babbler(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
    let (no_json, _no_json) = babbler(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let (silent, _silent) = babbler(b"").await;
    let mut tls = target(garbage);
    (tls.ws.tls, tls.http.tls) = (true, true);
    let cases = [
        (target(down), FailureClass::Refused),
        (target(garbage), FailureClass::NotHttp),
        (target(status), FailureClass::Status(403)),
        (target(no_json), FailureClass::Garbage),
        (target(silent), FailureClass::Reset),
        (tls, FailureClass::Tls),
    ];
    for (target, expected) in cases {
        match run_quietly(busy_plan(1), options(target, &out)).await {
            Err(LiveError::Unreachable { failure, hint, .. }) => {
                assert_eq!(failure.class, expected, "{failure}");
                assert!(!hint.is_empty());
            }
            other => panic!("{expected:?}: {:?}", other.err()),
        }
    }
}

/// Asks for something at the first beat of a run.
pub fn at_first_beat(action: impl FnOnce() + Send + 'static) -> OnProgress {
    let action = Mutex::new(Some(action));
    Box::new(move |progress: &Progress| {
        if progress.t_ns > 0
            && let Some(action) = action.lock().unwrap().take()
        {
            action();
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_dies_in_mid_run_is_counted_and_its_leftovers_are_in_the_journal() {
    let served = Arc::new(Served::start(ServerOptions::default()).await);
    let out = tempfile::tempdir().unwrap();
    let (_never, interrupt) = watch::channel(Interrupt::None);
    let mut plan = busy_plan(1_000);
    plan.phases.measure_ns = 2_500 * MS;
    let (port, dying, runtime) = (served.port, served.clone(), tokio::runtime::Handle::current());
    let on_progress = at_first_beat(move || runtime.block_on(dying.kill()));
    let run = run(Arc::new(plan), options(target(port), &out), on_progress, interrupt).await.unwrap();
    assert_eq!(run.left_behind.rooms.len(), 1);
    assert_eq!(run.left_behind.identities.len(), 5);
    assert!(run.unreachable.is_none(), "something had succeeded before");
    let (count, end) = events(&run.record);
    assert!(count > 100 && end == Some(FileEnd::Finished));
    // A server comes back at the same address: `rehearsal cleanup` has everything it needs.
    let listener = network().bind(&format!("127.0.0.1:{port}")).await.unwrap();
    let _back = Served::start_on(listener, ServerOptions::default());
    let finished = finish::finish(&run.record, &Trust::Machine, &[], Headers::default()).await.unwrap();
    assert_eq!((finished.removed, finished.left.is_nothing()), (6, true), "{:?}", finished.failure);
    let again = finish::finish(&run.record, &Trust::Machine, &[], Headers::default()).await.unwrap();
    assert_eq!(again.removed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_has_no_time_to_get_ready_cannot_be_judged_and_one_that_has_none_to_clean_up_says_what_it_left() {
    let served = Served::start(ServerOptions::default()).await;
    let out = tempfile::tempdir().unwrap();
    let mut plan = busy_plan(1_000);
    plan.phases.measure_ns = 500 * MS;
    plan.prepare.sign_in_rate = 5.0;
    plan.phases.prepare_ns = 300 * MS;
    let (_never, interrupt) = watch::channel(Interrupt::None);
    let late = run(Arc::new(plan.clone()), options(served.target(), &out), Box::new(|_| ()), interrupt.clone());
    let late = late.await.unwrap();
    assert!(matches!(&late.ending, Ending::TooLate(why) if why.contains("within 300ms")), "{:?}", late.ending);
    assert!(late.left_behind.is_nothing() && late.unreachable.is_none());
    assert_eq!(late.outcome.generator.unwrap().validity, Validity::Invalid);
    plan.prepare.sign_in_rate = 0.0;
    plan.phases.prepare_ns = 10_000 * MS;
    plan.phases.cleanup_ns = 0;
    let left = run(Arc::new(plan), options(served.target(), &out), Box::new(|_| ()), interrupt).await.unwrap();
    assert_eq!((left.left_behind.rooms.len(), left.left_behind.identities.len()), (1, 5));
    let notes = &left.outcome.notes;
    assert!(notes.iter().any(|note| note.contains("`rehearsal cleanup` removes them later")), "{notes:?}");
    let finished = finish::finish(&left.record, &Trust::Machine, &[], Headers::default()).await.unwrap();
    assert_eq!((finished.removed, finished.left.is_nothing()), (6, true), "{:?}", finished.failure);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_politely_and_a_second_one_at_once_and_both_leave_a_record() {
    for (ask, leaves_something) in [(Interrupt::Polite, false), (Interrupt::Now, true)] {
        let served = Served::start(ServerOptions::default()).await;
        let out = tempfile::tempdir().unwrap();
        let (tell, interrupt) = watch::channel(Interrupt::None);
        let on_progress = at_first_beat(move || {
            tell.send_replace(ask);
        });
        let mut plan = busy_plan(1_000);
        plan.phases.measure_ns = 600_000 * MS;
        let plan = Arc::new(plan);
        let run = run(plan.clone(), options(served.target(), &out), on_progress, interrupt).await.unwrap();
        assert_eq!(run.interrupted, ask);
        assert_eq!(!run.left_behind.is_nothing(), leaves_something);
        let judged = judged_again(&plan, &run.record);
        let when_it_ended = run.outcome.checks.iter().map(|summary| &summary.check);
        assert_eq!(judged.iter().collect::<Vec<_>>(), when_it_ended.collect::<Vec<_>>(), "judged again");
        assert!(run.outcome.notes.iter().any(|note| note.contains("interrupted")), "{:?}", run.outcome.notes);
        assert_eq!(events(&run.record).1, Some(FileEnd::Finished));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_in_a_room_that_exists_is_counted_and_sent_nothing() {
    let served = Served::start(ServerOptions::default()).await;
    let target = Arc::new(served.target());
    let mut http = HttpClient::new(network(), target.clone(), served.surroundings.clone());
    let owner = http.anonymous_signin().await.unwrap();
    let room = http.create_room(&owner.id_token).await.unwrap();
    let mut stranger =
        Peer::connect(&network(), served.surroundings.timers.clone(), &target, 1, Arc::new(Unobserved)).await.unwrap();
    let (room_id, room_token) = (room.room_id.clone(), room.room_token.clone());
    let credentials = Credentials { peer_id: owner.username.clone(), id_token: owner.id_token, room_id, room_token };
    let metadata = Metadata::new([], Object::from_iter([("status".to_owned(), json!("available"))]));
    let introduction = Introduction::V2 { role: "worker", metadata: &metadata, is_admin: false };
    stranger.register(&credentials, introduction, ANSWER_WITHIN).await.unwrap();

    let out = tempfile::tempdir().unwrap();
    let place = out.path().join("room");
    std::fs::write(&place, format!("{}:{}", room.room_id, room.room_token)).unwrap();
    let find = saving(Verb::Discover { filters: json!({ "role": "worker" }), retry: None }, "peer", "/peers/0/peer_id");
    let send = step(Verb::Send { to: "${peer}".into(), payload: json!({ "hello": true }) });
    let flow = vec![step(Verb::Join), find, Step { otherwise: Otherwise::Continue, ..send }];
    let mut plan = plan(vec![user(0, "clients", 0, client(1)), user(1, "lookers", 0, Behaviour::Flow(flow.into()))]);
    plan.live.existing_rooms = vec![format!("file:{}", place.display())];
    plan.phases.measure_ns = 1_500 * MS;
    let run = run_quietly(plan, options(served.target(), &out)).await.unwrap();

    let told = run.outcome.notes.join("\n");
    assert!(told.contains("discovery showed 1 stranger"), "{told}");
    let metrics = http.metrics().await.unwrap();
    assert_eq!(metrics["total_messages"], 0, "{metrics}");
    assert_eq!(metrics["active_connections"], 1, "the stranger is still there: {metrics}");
    stranger.close().await;
}
