//! Echo round trips a second and core: users with recording, checks and numbers on, beside a bare loop that does nothing
//! else, against the same bare WebSocket echo server in the same run. The target is at least 60 % of the bare loop.
//!
//! Rates are counted per second of processor time of the generator: the thread of the users, and the recorder's thread as
//! well. The server has a thread of its own, which is not counted. The two take short turns, since a machine that others share
//! is twice as fast in one minute as in the next; the median of many turns is told. A turn lasts a second, so that what the recorder
//! does once a second weighs as it does in a run.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark measures real time over real sockets"
)]

use futures_util::{SinkExt, StreamExt};
use rehearsal_loadgen::commons::{Commons, IdentityCredentials, RoomCredentials, RunPhase};
use rehearsal_loadgen::journal::NoJournal;
use rehearsal_loadgen::live::files::Files;
use rehearsal_loadgen::live::machine;
use rehearsal_loadgen::live::network::TcpNetwork;
use rehearsal_loadgen::live::recorder::{self, Shared};
use rehearsal_loadgen::live::tls::Trust;
use rehearsal_loadgen::live::umpires::Umpires;
use rehearsal_loadgen::target::{Target, user_agent};
use rehearsal_loadgen::users::{UserEnv, play_user};
use rehearsal_reports::record::{FORMAT, Header};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{
    Behaviour, ChecksPlan, Expectation, Identities, Limits, LivePlan, NetworkPlan, Otherwise, Phases, Plan,
    PreparePlan, Profile, Protocol, Service, Stage, Step, SystemPlan, UserPlan, Verb, World,
};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{accept_async_with_config, client_async_with_config};

/// Connections at once: enough to keep the generator's core busy.
const CONNECTIONS: u32 = 32;
const ROUNDS: usize = 40;

/// Round trips, and the processor time and wall time that they took.
struct Measured {
    round_trips: u64,
    cpu: Duration,
    wall: Duration,
}

impl Measured {
    fn per_core(&self) -> f64 {
        self.round_trips as f64 / self.cpu.as_secs_f64()
    }
}

fn main() {
    // `cargo test --benches` wants to see that it runs; `cargo bench` wants numbers.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let length = Duration::from_millis(if is_bench { 1_000 } else { 100 });
    let port = start_server();
    stay_on(1);
    let turn = |_| (bare_loop(port, length), users(port, length));
    let turns: Vec<(Measured, Measured)> = (0..if is_bench { ROUNDS } else { 1 }).map(turn).collect();
    println!("{:22} {:>14} {:>14}", "echo, medians", "per core and s", "per s");
    print("bare loop", turns.iter().map(|(bare, _)| bare));
    print("users, all checks on", turns.iter().map(|(_, users)| users));
    let ratios = sorted(turns.iter().map(|(bare, users)| users.per_core() / bare.per_core() * 100.0));
    let (least, most) = (ratios[ratios.len() / 10], ratios[ratios.len() * 9 / 10]);
    let median = ratios[ratios.len() / 2];
    println!("of the bare loop: {median:.0} % ({least:.0} to {most:.0} % in 8 of 10 turns), target at least 60 %");
}

fn print<'a>(name: &str, turns: impl Iterator<Item = &'a Measured> + Clone) {
    let per_core = sorted(turns.clone().map(Measured::per_core));
    let per_second = sorted(turns.map(|turn| turn.round_trips as f64 / turn.wall.as_secs_f64()));
    println!("{name:22} {:>14.0} {:>14.0}", per_core[per_core.len() / 2], per_second[per_second.len() / 2]);
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4 << 10).write_buffer_size(0)
}

/// A bare echo server on a thread of its own, for as long as the process lives.
fn start_server() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        stay_on(0);
        runtime().block_on(async {
            tokio::spawn(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(async move {
                    let Ok(mut socket) = accept_async_with_config(stream, Some(config())).await else { return };
                    while let Some(Ok(message)) = socket.next().await {
                        if message.is_text() && socket.send(message).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
    });
    port
}

/// Keeps this thread, and those that it starts, on one processor, where there are two.
fn stay_on(processor: usize) {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1) {
        let mut set = CpuSet::new();
        set.set(processor);
        sched_setaffinity(None, &set).unwrap();
    }
}

/// Sends and receives, and nothing else.
fn bare_loop(port: u16, length: Duration) -> Measured {
    let text = message().to_string();
    runtime().block_on(async {
        let mut sockets = Vec::new();
        for _ in 0..CONNECTIONS {
            let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let url = format!("ws://127.0.0.1:{port}/");
            sockets.push(client_async_with_config(url, stream, Some(config())).await.unwrap().0);
        }
        let (start, cpu) = (Instant::now(), thread_cpu());
        let mut tasks = tokio::task::JoinSet::new();
        for mut socket in sockets {
            let text = text.clone();
            tasks.spawn(async move {
                let mut round_trips = 0_u64;
                while start.elapsed() < length {
                    socket.send(Message::text(text.clone())).await.unwrap();
                    socket.next().await.unwrap().unwrap();
                    round_trips += 1;
                }
                round_trips
            });
        }
        let round_trips = tasks.join_all().await.into_iter().sum();
        Measured { round_trips, cpu: thread_cpu() - cpu, wall: start.elapsed() }
    })
}

/// The same by users of a plan, with everything on that a live run has on.
fn users(port: u16, length: Duration) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let plan = Arc::new(plan(length));
    let files = Files::create(folder.path(), header()).unwrap();
    let shared = Shared::start().unwrap();
    let recorder_cpu = Arc::new(std::sync::Mutex::new(Duration::ZERO));
    let told = recorder_cpu.clone();
    let on_progress = Box::new(move |_: &_| *told.lock().unwrap() = thread_cpu());
    let thread =
        recorder::start(plan.clone(), files, shared.clone(), Umpires::new(&plan, None, None), on_progress).unwrap();
    let (cpu, wall) = runtime().block_on(async {
        let (phase, phases) = watch::channel(RunPhase::Preparing);
        let env = Arc::new(UserEnv {
            plan: plan.clone(),
            network: TcpNetwork::new(&Trust::Machine).unwrap(),
            surroundings: machine::surroundings().0,
            target: Arc::new(Target::plain("127.0.0.1", port, &user_agent("bench"))),
            sink: shared.clone(),
            commons: Arc::new(commons(&plan)),
            journal: Arc::new(NoJournal),
            tokens: None,
            phase: phases,
            run_id: "bench".into(),
        });
        let mut tasks = tokio::task::JoinSet::new();
        for user in &plan.users {
            tasks.spawn(play_user(env.clone(), user.number, 0));
        }
        shared.sink.set_zero();
        let (start, cpu) = (Instant::now(), thread_cpu());
        phase.send_replace(RunPhase::Playing);
        tokio::time::sleep(length).await;
        phase.send_replace(RunPhase::Leaving);
        tasks.join_all().await;
        (thread_cpu() - cpu, start.elapsed())
    });
    shared.end(true, Vec::new());
    let recorded = thread.join().unwrap();
    let echo = recorded.numbers.operations.iter().find(|operation| operation.name == "echo");
    assert_eq!(echo.map_or(0, |echo| echo.errors), 0);
    assert!(recorded.write_error.is_none());
    let cpu = cpu + *recorder_cpu.lock().unwrap();
    Measured { round_trips: echo.map_or(0, |echo| echo.count), cpu, wall }
}

fn message() -> serde_json::Value {
    json!({ "type": "echo", "payload": { "job_id": "clients-0-j1", "progress": 0.25 } })
}

fn commons(plan: &Plan) -> Commons {
    let commons = Commons::new();
    commons.add_room(RoomCredentials { id: "room".into(), token: "token".into() });
    for user in &plan.users {
        commons.add_identity(user.number, IdentityCredentials { username: user.name.clone(), id_token: "".into() });
    }
    commons
}

fn plan(length: Duration) -> Plan {
    let step = |name: &str, verb| Step {
        name: name.into(),
        verb,
        save: Default::default(),
        otherwise: Otherwise::Fail,
        span: None,
    };
    let echo = vec![
        step("raw", Verb::Raw { message: message() }),
        step("echo", Verb::Expect { pattern: json!({ "type": "echo" }), within_ns: 5_000_000_000 }),
    ];
    let steps = vec![
        step("connect", Verb::Connect),
        step("repeat", Verb::Repeat { times: None, first: None, until: None, every: None, steps: echo }),
    ];
    let user = |number| UserPlan {
        number,
        name: format!("echoes-{number}"),
        group: "echoes".into(),
        room: 0,
        host: "echoes".into(),
        start_ns: 0,
        protocol: Protocol::V2,
        behaviour: Behaviour::Flow(steps.clone().into()),
        role: "peer".into(),
        tags: Vec::new(),
        properties: Default::default(),
        drop_when_late_ns: None,
        churn: None,
        rows: None,
    };
    Plan {
        scenario: "echo".into(),
        about: String::new(),
        parameters: Default::default(),
        seed: 1,
        world: World::Live,
        system: SystemPlan {
            service: Service::Reference,
            stage: Stage::Single,
            servers: 1,
            defects: Vec::new(),
            restart_takes_ns: 0,
            profile: Profile::Documented,
            identity: Default::default(),
            limits: Limits::default(),
        },
        network: NetworkPlan::new(Distribution::Fixed(0), 0),
        rooms: vec!["room".into()],
        tables: Default::default(),
        users: (0..CONNECTIONS).map(user).collect(),
        faults: Vec::new(),
        delay_points: Vec::new(),
        drawn: Vec::new(),
        phases: Phases {
            ramp_ns: 0,
            warmup_ns: 0,
            measure_ns: length.as_nanos() as u64,
            settle_ns: 0,
            ..Phases::default()
        },
        prepare: PreparePlan { sign_in_rate: 0.0, identities: Identities::PerUser },
        checks: ChecksPlan::default(),
        thresholds: Vec::new(),
        live: LivePlan::default(),
        expect: Expectation::Either,
    }
}

fn header() -> Header {
    Header {
        format: FORMAT,
        scenario: "echo".into(),
        text: String::new(),
        parameters: Default::default(),
        seed: 1,
        world: World::Live,
        engine: None,
        targets: Vec::new(),
        versions: Default::default(),
        lock_hash: String::new(),
        machine: None,
        arguments: Vec::new(),
        started_unix_s: None,
        segment: None,
        clock: None,
        merged: Vec::new(),
    }
}

/// Processor time of this thread, as the kernel counts it: the first number of its `schedstat`, in nanoseconds.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("this benchmark needs Linux");
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}
