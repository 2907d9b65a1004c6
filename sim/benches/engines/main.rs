//! What the event-driven engine costs, side by side with turmoil and with no network at all, against the targets that
//! were set for it. One run, one core, one table; each figure is the processor time of the best of a few rounds,
//! after one that does not count.
//!
//! Rows: the flagship's seeds, echoes, an idle hour, growth in hosts, and full rooms. Neighbours: `echo`, `rooms`.

#![allow(clippy::unwrap_used, reason = "a bench that cannot run ends")]

mod echo;
mod rooms;

use echo::{Buffers, Echoes};
use rehearsal_scenarios::plan::World;
use rehearsal_scenarios::{Overrides, library, load};
use rehearsal_sim::engine::EngineKind;
use rehearsal_sim::event_engine::Manner;
use rehearsal_sim::event_log::Keep;
use rehearsal_sim::heap::SeedHeap;
use rehearsal_sim::seed::{SeedOptions, play};
use std::sync::Arc;
use std::time::Duration;

// As in the program itself.
#[global_allocator]
static HEAP: SeedHeap = SeedHeap;

const ROUNDS: usize = 5;

/// The least processor time of a few rounds: other programs on the machine take their time, not ours.
fn best(mut round: impl FnMut()) -> Duration {
    round();
    (0..ROUNDS).map(|_| timed(&mut round)).min().unwrap_or_default()
}

/// The same of two, whose rounds take turns: what disturbs one of them for a while disturbs the other as well.
fn best_in_turns(mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    one();
    other();
    let times: Vec<_> = (0..ROUNDS).map(|_| (timed(&mut one), timed(&mut other))).collect();
    let least = |of: fn(&(Duration, Duration)) -> Duration| times.iter().map(of).min().unwrap_or_default();
    (least(|times| times.0), least(|times| times.1))
}

fn timed(mut round: impl FnMut()) -> Duration {
    let began = processor_time();
    round();
    processor_time() - began
}

/// What all threads of this process have used.
fn processor_time() -> Duration {
    let mut used = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[allow(unsafe_code, reason = "nothing safe asks for it")]
    // SAFETY: the pointer is to a timespec of ours.
    let asked = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut used) };
    assert_eq!(asked, 0);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap())
}

fn row(what: &str, figure: String, target: &str) {
    println!("{what:<74} {figure:>34}   {target}");
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// The flagship as it is, and with jobs as short as they once were: turmoil pays for time, the event engine for what happens.
fn flagship() {
    const NAME: &str = "two_clients_race_for_one_worker";
    const JOB: &str = r#"job = { uniform = ["6s", "8s"] }"#;
    const SHORT_JOB: &str = r#"job = { uniform = ["2s", "3s"] }"#;
    const SEEDS: u64 = 10;
    /// The event engine plays them so often in a turn: a tenth of a second in place of a hundredth, as when many seeds are explored.
    const TIMES: u32 = 10;
    let source = library::get(NAME).unwrap();
    assert!(source.contains(JOB));
    let short = source.replace(JOB, SHORT_JOB);
    for (jobs, source, target) in [("6 to 8 s", source, "at least 50 times"), ("2 to 3 s", &short, "without a target")]
    {
        let scenario = load(NAME, source.as_bytes(), &Overrides::default()).unwrap();
        let play_on = |engine, times: u32| {
            let options = SeedOptions { engine, tick: Duration::from_millis(1), keep: Keep::VerdictsOnly };
            for seed in (0..times).flat_map(|_| 1..=SEEDS) {
                let run = play(Arc::new(scenario.plan(seed, World::Simulated)), options);
                assert_eq!(run.failure, None);
            }
        };
        let rounds = best_in_turns(|| play_on(EngineKind::Turmoil, 1), || play_on(EngineKind::Event, TIMES));
        let (turmoil, event) = (rounds.0 / SEEDS as u32, rounds.1 / (SEEDS as u32 * TIMES));
        row(&format!("flagship, jobs of {jobs}, one seed: turmoil at a 1 ms tick"), milliseconds(turmoil), "");
        let faster = format!("{} ({:.0} times faster)", milliseconds(event), ratio(turmoil, event));
        row(&format!("flagship, jobs of {jobs}, one seed: event engine"), faster, target);
    }
}

fn echoes() {
    let echoes = |buffers| {
        let (every, virtual_time) = (Duration::from_secs(1), Duration::from_secs(60));
        Echoes { clients: 12, every, virtual_time, buffers }
    };
    let plain =
        [(Manner::Plain, "search off", "at most 2.0 times"), (Manner::Searching, "search on", "without a target")];
    for (buffers, words) in [(Buffers::Tungstenite, "tungstenite's own buffers"), (Buffers::Small, "buffers of 4 KiB")]
    {
        let pipes = best(|| echoes(buffers).over_pipes());
        row(&format!("echo, 12 clients, 60 s, 1 message/s, {words}: in-memory pipes"), milliseconds(pipes), "");
        for (manner, search, target) in plain {
            let event = best(|| echoes(buffers).on_the_event_engine(manner));
            let figure = format!("{} ({:.2} times)", milliseconds(event), ratio(event, pipes));
            let target = if buffers == Buffers::Tungstenite { target } else { "without a target" };
            row(&format!("echo, the same on the event engine, {search}"), figure, target);
        }
    }
    let (every, virtual_time) = (Duration::from_secs(20), Duration::from_secs(3_600));
    let hour = Echoes { clients: 12, every, virtual_time, buffers: Buffers::Small };
    let event = best(|| hour.on_the_event_engine(Manner::Plain));
    row("12 connected peers, one exchange every 20 s, one virtual hour", milliseconds(event), "under 120 ms");
}

fn growth() {
    const MESSAGES: u32 = 10_000;
    let limits = [(10, ""), (100, "at most 2 times"), (1_000, "at most 4 times")];
    let mut first = None;
    for (clients, target) in limits {
        let every = Duration::from_secs(1);
        let virtual_time = every * (MESSAGES / clients);
        let echoes = Echoes { clients, every, virtual_time, buffers: Buffers::Small };
        let pipes = best(|| echoes.over_pipes());
        let event = best(|| echoes.on_the_event_engine(Manner::Plain));
        let (few, few_over_pipes) = *first.get_or_insert((event, pipes));
        let figure = format!("{} ({:.2} times)", milliseconds(event), ratio(event, few));
        row(&format!("{MESSAGES} messages by {clients} hosts"), figure, target);
        let figure = format!("{} ({:.2} times)", milliseconds(pipes), ratio(pipes, few_over_pipes));
        row(&format!("{MESSAGES} messages by {clients} clients over pipes, no hosts"), figure, "to compare");
    }
}

fn full_rooms() {
    let virtual_time = Duration::from_secs(60);
    let real = best(|| rooms::heartbeats(100, 10, virtual_time));
    let figure = format!("{} ({:.0} times real time)", milliseconds(real), ratio(virtual_time, real));
    row("100 rooms of 10 workers, 60 s, 108,000 heartbeats delivered", figure, "at least 10 times real time");
}

fn main() {
    // Cargo passes filters and `--bench`: a word picks the rows.
    let picked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (name, play) in [("flagship", flagship as fn()), ("echo", echoes), ("growth", growth), ("rooms", full_rooms)] {
        if picked.is_empty() || picked.iter().any(|word| name.contains(word.as_str())) {
            play();
        }
    }
}
