//! Whether a search finds a capacity that is known: a server answers one question after the other, each after the same time, so
//! that it serves exactly so many a second. Ten searches are held against it and against each other.
//!
//! - `server`: the server with one queue
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark measures real time over real sockets"
)]

mod server;

use rehearsal_loadgen::live::capacity::{Listener, search};
use rehearsal_loadgen::live::options::{Interrupt, LiveOptions};
use rehearsal_loadgen::live::progress::OnProgress;
use rehearsal_loadgen::live::threads;
use rehearsal_loadgen::target::{Target, user_agent};
use rehearsal_reports::capacity::outcome::{CapacityOutcome, PlayedStep};
use rehearsal_reports::capacity::search::Answer;
use rehearsal_reports::outcome::Validity;
use rehearsal_scenarios::plan::{Plan, World};
use rehearsal_scenarios::{Overrides, load};
use server::QueueServer;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;

/// How long each answer takes, one after the other: 200 a second.
const SERVICE: Duration = Duration::from_millis(5);

const SCENARIO: &str = r#"
format = 1
about = "asks a server that answers one question after the other"
params = { rate = 50.0 }

[system]
service = "own"

[time]
ramp = "500ms"
warmup = "1s"
measure = "12s"
settle = "500ms"

[users.askers]
flow = "ask"
count = 100
arrive = "even"
pace = { rate = "${rate}", gaps = "even" }

[flow.ask]
steps = [
  "connect",
  { repeat = { steps = [
    { raw = { type = "ask" }, span = "ask" },
    { expect = { type = "answer" }, within = "30s", span = "ask" },
  ] } },
]

[thresholds]
ask = ["p99 < 100ms", "errors < 1%"]

[capacity]
search = "rate"
between = [40.0, 1000.0]
"#;

fn main() {
    // `cargo test --benches` wants to see that it runs; `cargo bench` wants numbers.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let searches = if is_bench { 10 } else { 0 };
    let known = 1.0 / SERVICE.as_secs_f64();
    println!("one queue, {SERVICE:?} an answer: {known} a second");
    println!("| search | capacity | does not pass | apart from the known one | steps | took | generator |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let runtime = threads::runtime().unwrap();
    let server = QueueServer::start(SERVICE);
    let mut found = Vec::new();
    for nth in 1..=searches {
        let began = Instant::now();
        let outcome = runtime.block_on(one_search(server.port, nth));
        let (steps, took) = (outcome.steps.len(), began.elapsed().as_secs());
        let (passed, failed) = match outcome.answer {
            Answer::Between { passed, failed, .. } => (passed, failed),
            // A machine that is too busy to play says so, and nothing about the server.
            other => {
                println!("| {nth} | — | — | {other:?} | {steps} | {took} s | |");
                continue;
            }
        };
        let apart = (passed / known - 1.0) * 100.0;
        let generator = if outcome.validity == Validity::Valid { "valid" } else { "suspect" };
        println!("| {nth} | {passed:.1} | {failed:.1} | {apart:+.1} % | {steps} | {took} s | {generator} |");
        found.push(passed);
    }
    if let (Some(least), Some(most)) =
        (found.iter().copied().min_by(f64::total_cmp), found.iter().copied().max_by(f64::total_cmp))
    {
        println!("from {least:.1} to {most:.1}: {:.1} % apart from each other", (most / least - 1.0) * 100.0);
    }
}

async fn one_search(port: u16, seed: u64) -> CapacityOutcome {
    let folder = tempfile::tempdir().unwrap();
    let wanted = plan(50.0, seed).live.capacity.unwrap();
    let (_never, interrupt) = watch::channel(Interrupt::None);
    let options = options(port, &folder);
    search(&wanted, |rate| Ok(plan(rate, seed)), &options, &mut Silent, interrupt).await.unwrap()
}

fn plan(rate: f64, seed: u64) -> Plan {
    let overrides = Overrides { set: [("rate".to_owned(), rate.into())].into(), ..Overrides::default() };
    load("queue", SCENARIO.as_bytes(), &overrides).unwrap().plan(seed, World::Live)
}

fn options(port: u16, folder: &TempDir) -> LiveOptions {
    LiveOptions {
        out: Some(folder.path().to_owned()),
        scenario_text: SCENARIO.into(),
        ..LiveOptions::new(Target::plain("127.0.0.1", port, &user_agent("bench")), "bench".into())
    }
}

struct Silent;

impl Listener for Silent {
    fn begins(&mut self, _: usize, _: f64, _: &Plan) -> OnProgress {
        Box::new(|_| {})
    }

    fn ended(&mut self, _: usize, step: &PlayedStep) {
        if std::env::var_os("SHOW_STEPS").is_some() {
            eprintln!("{:8.1}  {:?}  {} s", step.load, step.verdict, step.seconds);
        }
    }
}
