//! How late planned sends are: tokio's own timer, a thread that only sleeps, and the pacer of live runs, each for one user
//! and for many at once, in one run on one machine.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark measures real time"
)]

use hdrhistogram::Histogram;
use rehearsal_loadgen::live::pacer::Pacer;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// Each user sends this often. No whole number of milliseconds, so that all phases of a millisecond occur.
const EVERY: Duration = Duration::from_micros(7_300);

fn main() {
    // `cargo test --benches` wants to see that it runs; `cargo bench` wants numbers.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let sends = if is_bench { 1_000 } else { 10 };
    println!("{:22} {:>6} {:>10} {:>10} {:>10} {:>10}", "late by, in ms", "users", "p50", "p99", "p99.9", "max");
    print("a thread that sleeps", 1, &thread(sends));
    for users in [1, 100, 1_000] {
        let sends = if users == 1_000 { sends / 4 } else { sends };
        print("tokio's sleep_until", users, &runtime().block_on(tokio_sleep(users, sends)));
        print("the pacer", users, &runtime().block_on(paced(users, sends)));
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 3).unwrap()
}

fn thread(sends: u32) -> Histogram<u64> {
    let mut late = histogram();
    let start = Instant::now();
    for at in (1..=sends).map(|nth| start + EVERY * nth) {
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        late.saturating_record(at.elapsed().as_nanos() as u64);
    }
    late
}

/// Users begin spread over one gap.
fn first(start: Instant, user: u32, users: u32) -> Instant {
    start + EVERY * user / users
}

async fn tokio_sleep(users: u32, sends: u32) -> Histogram<u64> {
    let start = Instant::now() + Duration::from_millis(50);
    let mut tasks = tokio::task::JoinSet::new();
    for user in 0..users {
        tasks.spawn(async move {
            let mut late = histogram();
            for at in (0..sends).map(|nth| first(start, user, users) + EVERY * nth) {
                tokio::time::sleep_until(at.into()).await;
                late.saturating_record(at.elapsed().as_nanos() as u64);
            }
            late
        });
    }
    merged(tasks.join_all().await)
}

async fn paced(users: u32, sends: u32) -> Histogram<u64> {
    let pacer = Arc::new(Pacer::start().unwrap());
    let start = Instant::now() + Duration::from_millis(50);
    let mut tasks = tokio::task::JoinSet::new();
    for user in 0..users {
        let pacer = pacer.clone();
        tasks.spawn(async move {
            let mut late = histogram();
            for at in (0..sends).map(|nth| first(start, user, users) + EVERY * nth) {
                pacer.until(at).await;
                late.saturating_record(at.elapsed().as_nanos() as u64);
            }
            late
        });
    }
    merged(tasks.join_all().await)
}

fn merged(all: Vec<Histogram<u64>>) -> Histogram<u64> {
    let mut sum = histogram();
    all.iter().for_each(|one| sum.add(one).unwrap());
    sum
}

fn print(name: &str, users: u32, late: &Histogram<u64>) {
    let ms = |quantile| late.value_at_quantile(quantile) as f64 / 1e6;
    println!("{name:22} {users:>6} {:>10.3} {:>10.3} {:>10.3} {:>10.3}", ms(0.5), ms(0.99), ms(0.999), ms(1.0));
}
