//! How accurate reported latencies are: a test server with known delays measures its own, and the reported percentiles of
//! the open model are held against that. The closed model plays beside it, to show that it does not see a freeze.
//!
//! - `server`: the test server
//! - `support`: the stand on which users play
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark measures real time over real sockets"
)]

mod server;
#[path = "../support/mod.rs"]
mod support;

use hdrhistogram::Histogram;
use rehearsal_loadgen::live::threads;
use rehearsal_reports::outcome::Latency;
use server::{Delay, TestServer};
use std::time::Duration;
use support::{Stand, plan};

/// How users begin their operations.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    /// 1,000 users, each with a planned time every 2.5 s: 400 a second, and none of them waits through a freeze of 2 s.
    Open,
    /// 20 users that ask again 49 ms after each answer: as many a second while the server is fast.
    Closed,
}

/// Reported values may differ from the server's own by the larger of a share of it and a number of milliseconds.
const LIMITS: [(f64, f64, f64); 3] = [(0.5, 0.01, 0.2), (0.99, 0.01, 0.2), (0.999, 0.05, 1.0)];

fn main() {
    // `cargo test --benches` wants to see that it runs; `cargo bench` wants numbers.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let measure_s = if is_bench { 15 } else { 1 };
    println!(
        "| server | model | samples | p50: own, reported | p99: own, reported | p99.9: own, reported | within the limits | lag p99 |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut truth = None;
    for (name, delay) in [
        ("1 ms", Delay::Fixed(Duration::from_millis(1))),
        ("10 ms", Delay::Fixed(Duration::from_millis(10))),
        ("100 ms", Delay::Fixed(Duration::from_millis(100))),
        ("1 ms, 1 in 10 takes 50 ms", Delay::Bimodal),
        ("1 ms, a freeze of 2 s", Delay::Freezes),
    ] {
        let played = play(delay, Pace::Open, measure_s);
        row(name, "open", &played.own, &played);
        truth = Some(played.own);
    }
    // Held against what planned arrivals met: those that a closed model does not send do not know of the freeze.
    row("the same freeze", "closed", &truth.unwrap(), &play(Delay::Freezes, Pace::Closed, measure_s));
}

/// What came of one play.
struct Played {
    /// The server's own measurements of what came in the measure phase.
    own: Histogram<u64>,
    /// What was reported of it.
    reported: Latency,
    /// 99th percentile of the generator's own lag.
    lag_p99_ms: f64,
}

fn play(delay: Delay, pace: Pace, measure_s: u64) -> Played {
    let server = TestServer::start(delay);
    let stand = Stand::new(plan(&scenario(pace, measure_s)), server.port, Box::new(|_| {}));
    let runtime = threads::runtime().unwrap();
    runtime.block_on(async {
        let measured = async {
            tokio::time::sleep(RAMP).await;
            server.measure();
        };
        tokio::join!(stand.play(), measured)
    });
    let recorded = stand.end();
    let discover = recorded.numbers.operations.iter().find(|operation| operation.name == "discover").unwrap();
    assert_eq!(discover.errors, 0);
    Played { own: server.own(), reported: discover.response, lag_p99_ms: recorded.generator.lag_p99_ns as f64 / 1e6 }
}

/// Users connect within this time; nothing of it is counted.
const RAMP: Duration = Duration::from_secs(3);

fn scenario(pace: Pace, measure_s: u64) -> String {
    let (users, repeat) = match pace {
        Pace::Open => (1_000, "every = \"2500ms\", steps = [{ discover = {} }]"),
        Pace::Closed => (20, "steps = [{ discover = {} }, { think = \"49ms\" }]"),
    };
    format!(
        "format = 1\nabout = \"asks a server with known delays\"\n[time]\nramp = \"{}s\"\nwarmup = \"0s\"\nmeasure = \"{measure_s}s\"\nsettle = \"3s\"\n\
         [users.users]\nrole = \"peer\"\nflow = \"ask\"\ncount = {users}\narrive = \"even\"\n\
         [flow.ask]\nsteps = [\"connect\", {{ repeat = {{ {repeat} }} }}]\n",
        RAMP.as_secs()
    )
}

fn row(name: &str, model: &str, own: &Histogram<u64>, played: &Played) {
    let reported = &played.reported;
    let mut cells = Vec::new();
    let mut is_within = true;
    for ((quantile, share, ms), found) in LIMITS.into_iter().zip([reported.p50_ns, reported.p99_ns, reported.p999_ns]) {
        let own = own.value_at_quantile(quantile) as f64 / 1e6;
        let Some(found) = found.map(|found| found as f64 / 1e6) else {
            cells.push(format!("{own:.2}, —"));
            is_within = false;
            continue;
        };
        is_within &= (found - own).abs() <= (own * share).max(ms);
        cells.push(format!("{own:.2}, {found:.2}"));
    }
    let verdict = if is_within { "yes" } else { "no" };
    let (samples, cells, lag) = (own.len(), cells.join(" | "), played.lag_p99_ms);
    println!("| {name} | {model} | {samples} | {cells} | {verdict} | {lag:.2} ms |");
}
