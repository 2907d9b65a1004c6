//! Users against the real reference server over loopback, with their events kept in memory.

use crate::support::{MS, Served, client, network, plan, saving, step, user, worker};
use rehearsal_loadgen::cleanup::clean_up;
use rehearsal_loadgen::commons::{Commons, RunPhase};
use rehearsal_loadgen::journal::NoJournal;
use rehearsal_loadgen::live::network::TcpNetwork;
use rehearsal_loadgen::prepare::prepare;
use rehearsal_loadgen::sink::{Draft, EventSink};
use rehearsal_loadgen::users::{UserEnd, UserEnv, play_user};
use rehearsal_reference::server::ServerOptions;
use rehearsal_reports::checks::RunEnd;
use rehearsal_reports::event::{Body, Event, Kind};
use rehearsal_reports::judge::Judge;
use rehearsal_reports::verdict::Verdict;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{Behaviour, Ending, Otherwise, Plan, Protocol, Retry, Step, Verb};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::time::Instant;

struct Memory {
    start: Instant,
    events: Mutex<Vec<Event>>,
}

impl EventSink for Memory {
    fn now_ns(&self) -> i64 {
        self.start.elapsed().as_nanos() as i64
    }
    fn record(&self, event: Draft) {
        let mut events = self.events.lock().unwrap();
        let n = events.len() as u64;
        events.push(event.stamp(n, self.now_ns()));
    }
}

/// What came of playing a plan: how each finite user ended, and all events.
struct Played {
    plan: Arc<Plan>,
    ends: Vec<UserEnd>,
    events: Vec<Event>,
}

impl Played {
    fn of_user(&self, name: &str) -> impl Iterator<Item = &Event> {
        self.events.iter().filter(move |event| &*event.user == name)
    }

    fn count(&self, kind: Kind, op: &str) -> usize {
        self.events.iter().filter(|event| event.kind == kind && &*event.op == op).count()
    }

    /// Names of the checks that are broken or unknown.
    fn not_holding(&self) -> Vec<String> {
        let mut judge = Judge::new(&self.plan);
        for event in &self.events {
            judge.observe(event);
        }
        let t_ns = self.events.last().map_or(0, |event| event.t_ns);
        let verdicts = judge.finish(RunEnd { t_ns, complete: true });
        let bad = verdicts.into_iter().filter(|it| !matches!(it.verdict, Verdict::Holds | Verdict::NotJudged { .. }));
        bad.map(|it| format!("{}: {:?}", it.name, it.verdict)).collect()
    }
}

async fn play(plan: Plan) -> Played {
    play_against(plan, ServerOptions::default()).await
}

async fn play_against(plan: Plan, server: ServerOptions) -> Played {
    let served = Served::start(server).await;
    let plan = Arc::new(plan);
    let sink = Arc::new(Memory { start: Instant::now(), events: Mutex::default() });
    let (phase, phases) = watch::channel(RunPhase::Preparing);
    let env: Arc<UserEnv<TcpNetwork>> = Arc::new(UserEnv {
        plan: plan.clone(),
        network: network(),
        surroundings: served.surroundings.clone(),
        target: Arc::new(served.target()),
        sink: sink.clone(),
        commons: Arc::new(Commons::new()),
        journal: Arc::new(NoJournal),
        tokens: None,
        phase: phases,
        run_id: "test".into(),
    });
    prepare(&env, |_| {}).await.unwrap();
    phase.send_replace(RunPhase::Playing);
    let lives = plan.users.iter().map(|user| play_user(env.clone(), user.number, 0));
    let is_worker = |user: u32| matches!(plan.users[user as usize].behaviour, Behaviour::Worker(_));
    let (workers, finite): (Vec<_>, Vec<_>) = lives.enumerate().partition(|(number, _)| is_worker(*number as u32));
    let working = futures_util::future::join_all(workers.into_iter().map(|(_, life)| life));
    let playing = async {
        let ends = futures_util::future::join_all(finite.into_iter().map(|(_, life)| life)).await;
        phase.send_replace(RunPhase::Ended);
        ends
    };
    let (_, ends) = tokio::join!(working, playing);
    assert!(clean_up(&env).await.is_nothing());
    drop(env);
    let events = std::mem::take(&mut *sink.events.lock().unwrap());
    Played { plan, ends, events }
}

fn flow(steps: Vec<Step>) -> Behaviour {
    Behaviour::Flow(steps.into())
}

fn expect(pattern: serde_json::Value) -> Verb {
    Verb::Expect { pattern, within_ns: 5_000 * MS }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_and_one_worker_get_their_jobs_done_and_every_check_holds() {
    let users =
        vec![user(0, "workers", 0, worker(20)), user(1, "clients", 0, client(2)), user(2, "clients", 1, client(1))];
    let played = play(plan(users)).await;
    assert_eq!(played.ends, [UserEnd::Finished, UserEnd::Finished]);
    assert_eq!(played.count(Kind::Began, "job"), 3);
    assert_eq!(played.count(Kind::Ok, "request_job"), 3);
    assert_eq!(played.not_holding(), Vec::<String>::new());
}

#[tokio::test]
async fn a_flow_discovers_saves_sends_and_expects_across_users() {
    let asker = vec![
        step(Verb::Join),
        saving(
            Verb::Discover {
                filters: json!({ "role": "echo" }),
                retry: Some(Retry { every_ns: 10 * MS, for_ns: 5_000 * MS }),
            },
            "other",
            "/peers/0/peer_id",
        ),
        step(Verb::Send { to: "${other}".into(), payload: json!({ "app_message_type": "hello", "n": 7 }) }),
        saving(expect(json!({ "payload": { "back": "${user.name}" } })), "n", "/payload/n"),
        step(Verb::UpdateMetadata { metadata: json!({ "properties": { "n": "${n}" } }) }),
        step(Verb::Http { method: "GET".into(), path: "/health".into(), body: None, bearer: false, status: vec![200] }),
        step(Verb::Disconnect(Ending::Clean)),
    ];
    let echo = vec![
        step(Verb::Join),
        saving(expect(json!({ "type": "peer_message" })), "n", "/payload/n"),
        step(Verb::Send { to: "${peer.asker-0}".into(), payload: json!({ "back": "asker-0", "n": "${n}" }) }),
        step(Verb::Meet { point: "end".into(), count: 1, within_ns: 1_000 * MS }),
        step(Verb::Think(Distribution::Fixed(50 * MS))),
    ];
    let mut users = vec![user(0, "asker", 0, flow(asker)), user(1, "echo", 0, flow(echo))];
    users[1].role = "echo".into();
    let played = play(plan(users)).await;
    assert_eq!(played.ends, [UserEnd::Finished, UserEnd::Finished]);
    let updated = played.of_user("asker-0").find_map(|event| match &event.body {
        Body::Updated { metadata } => Some(metadata.clone()),
        _ => None,
    });
    assert_eq!(updated.unwrap()["properties"]["n"], json!(7));
    assert_eq!(played.not_holding(), Vec::<String>::new());
    let words = serde_json::to_string(&played.events).unwrap();
    assert!(!words.contains("eyJ"), "an identity token is in the events");
}

#[tokio::test]
async fn every_ending_is_followed_by_a_registration_of_the_same_peer() {
    for ending in [Ending::Clean, Ending::Abrupt, Ending::Silent] {
        let steps = vec![
            step(Verb::Join),
            step(Verb::Reconnect { ending, after: Distribution::Fixed(MS) }),
            step(Verb::Discover { filters: json!({}), retry: None }),
        ];
        let played = play(plan(vec![user(0, "back", 0, flow(steps))])).await;
        assert_eq!(played.ends, [UserEnd::Finished], "{ending:?}");
        assert_eq!(played.count(Kind::Ok, "register"), 2);
        let closed = played.events.iter().filter(|event| event.kind == Kind::Closed).count();
        assert_eq!(closed, 2, "each connection's end is told once ({ending:?})");
    }
}

#[tokio::test]
async fn a_version_1_peer_registers_without_role_and_offers_to_a_version_2_peer() {
    let old = vec![
        step(Verb::Join),
        step(Verb::Meet { point: "both".into(), count: 2, within_ns: 5_000 * MS }),
        step(Verb::Raw {
            message: json!({ "type": "offer", "sender": "${user.peer_id}", "target": "${peer.new-0}", "sdp": "v=0" }),
        }),
        step(Verb::Think(Distribution::Fixed(20 * MS))),
    ];
    let new = vec![
        step(Verb::Join),
        step(Verb::Meet { point: "both".into(), count: 2, within_ns: 5_000 * MS }),
        step(expect(json!({ "type": "offer", "sender": "${peer.old-0}" }))),
    ];
    let mut users = vec![user(0, "old", 0, flow(old)), user(1, "new", 0, flow(new))];
    users[0].protocol = Protocol::V1;
    let played = play(plan(users)).await;
    assert_eq!(played.ends, [UserEnd::Finished, UserEnd::Finished]);
    assert_eq!(played.not_holding(), Vec::<String>::new());
}

#[tokio::test]
async fn a_planned_repetition_carries_its_planned_times_and_a_name_of_its_own() {
    let look = Step { name: "look".into(), ..step(Verb::Discover { filters: json!({}), retry: None }) };
    let every = Some(Distribution::Fixed(5 * MS));
    let steps = vec![
        step(Verb::Join),
        step(Verb::Repeat { times: Some(4), first: None, until: None, every, steps: vec![look] }),
    ];
    let played = play(plan(vec![user(0, "looker", 0, flow(steps))])).await;
    let planned: Vec<i64> =
        played.events.iter().filter(|it| &*it.op == "look").filter_map(|it| it.planned_ns).collect();
    let gaps: Vec<i64> = planned.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [5_000_000; 3]);
    assert_eq!(played.count(Kind::Ok, "look"), 4);
}

#[tokio::test]
async fn a_refused_step_ends_the_flow_as_its_author_says() {
    let wrong = || Verb::Raw { message: json!({ "type": "no_such_thing" }) };
    let failing = |otherwise| {
        let hopeless = Verb::Expect { pattern: json!({ "type": "never" }), within_ns: MS };
        vec![
            step(Verb::Join),
            step(wrong()),
            step(expect(json!({ "type": "error", "code": "UNKNOWN_MESSAGE_TYPE" }))),
            Step { otherwise, ..step(hopeless) },
        ]
    };
    let choices = [Otherwise::Fail, Otherwise::Stop, Otherwise::Continue];
    let users = choices.into_iter().zip(0..).map(|(choice, n)| user(n, "users", n, flow(failing(choice)))).collect();
    let played = play(plan(users)).await;
    assert!(
        matches!(&played.ends[0], UserEnd::Failed(why) if why.contains("step `expect`: timed_out")),
        "{:?}",
        played.ends
    );
    assert_eq!(played.ends[1..], [UserEnd::Stopped, UserEnd::Finished]);
    let broken = played.not_holding();
    assert!(matches!(&broken[..], [only] if only.starts_with("flows_come_to_their_end")), "{broken:?}");
}

#[tokio::test]
async fn a_capture_that_finds_nothing_fails_its_step() {
    let alone = Verb::Discover { filters: json!({ "role": "nobody" }), retry: None };
    let capture = |otherwise| Step { otherwise, ..saving(alone.clone(), "worker", "/peers/7/peer_id") };
    let failing = vec![step(Verb::Join), capture(Otherwise::Fail)];
    let going_on = vec![step(Verb::Join), capture(Otherwise::Continue)];
    let played = play(plan(vec![user(0, "a", 0, flow(failing)), user(1, "b", 1, flow(going_on))])).await;
    assert_eq!(played.ends[0], UserEnd::Failed("step `discover`: no /peers/7/peer_id in the answer".to_owned()));
    assert_eq!(played.ends[1], UserEnd::Finished);
}

#[tokio::test]
async fn a_raw_registration_may_name_the_identity_token_which_no_event_holds() {
    let message = json!({ "type": "register", "peer_id": "${user.peer_id}", "room_id": "${room.id}",
        "token": "${room.token}", "id_token": "${user.token}" });
    let steps =
        vec![step(Verb::Connect), step(Verb::Raw { message }), step(expect(json!({ "type": "registered_auth" })))];
    let played = play(plan(vec![user(0, "raw", 0, flow(steps))])).await;
    assert_eq!(played.ends, [UserEnd::Finished]);
    assert_eq!(played.count(Kind::Ok, "register"), 1);
    assert!(!serde_json::to_string(&played.events).unwrap().contains("eyJ"));
}

#[tokio::test]
async fn a_raw_string_reaches_the_server_as_it_is_and_is_recorded_without_its_words() {
    let message = json!("{ \"type\": \"register\", \"id_token\": \"${user.token}\"");
    let refused = json!({ "type": "error", "code": "INVALID_JSON" });
    let steps = vec![step(Verb::Connect), step(Verb::Raw { message }), step(expect(refused))];
    let played = play(plan(vec![user(0, "raw", 0, flow(steps))])).await;
    assert_eq!(played.ends, [UserEnd::Finished]);
    let sent: Vec<_> = played.events.iter().filter(|event| event.kind == Kind::Sent).collect();
    assert!(matches!(sent[..], [Event { body: Body::Other { kind }, .. }] if kind.is_empty()), "{sent:?}");
    assert!(!serde_json::to_string(&played.events).unwrap().contains("eyJ"));
}
