//! Hosts that are paused or whose clocks are wrong. The latency is 10 ms, a connection gives up after 5 s, and the client
//! speaks every 100 ms.

use crate::world::{MS, Trace, now_ms, play};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::FaultAction;
use rehearsal_sim::host::EPOCH;
use std::time::Duration;

const LATENCY: Distribution = Distribution::Fixed(10 * MS);

fn paused(who: &str, from_ms: u64, until_ms: u64) -> Trace {
    let trace = play(3, LATENCY, 12_000, |world| {
        world.add_server();
        world.add_client("client-0", 100);
        world.add("bystander", |_, _| Box::pin(std::future::pending()));
        world.fault(from_ms, until_ms, FaultAction::Pause { hosts: vec![who.into()] });
    });
    trace.unwrap()
}

/// When the client heard which answer, in milliseconds.
fn heard(trace: &Trace) -> Vec<(u64, String)> {
    let lines = trace.lines();
    let heard = lines.iter().filter_map(|line| line.strip_prefix("client-0 ")?.split_once(" heard "));
    heard.map(|(at, number)| (at.parse().unwrap(), number.to_owned())).collect()
}

#[test]
fn a_paused_host_stands_still_and_then_goes_on_where_it_was() {
    for who in ["client-0", "server-0"] {
        let trace = paused(who, 1_000, 4_000);
        let heard = heard(&trace);
        assert!(!heard.iter().any(|(at, _)| (1_011..4_000).contains(at)), "{who}: {heard:?}");
        assert!(heard.iter().filter(|(at, _)| *at >= 4_000).count() > 50, "{who}");
        assert!(heard.iter().enumerate().all(|(index, (_, number))| *number == index.to_string()), "{who}: {heard:?}");
        assert!(!trace.has("lost"), "{who}");
    }
}

#[test]
fn a_paused_bystander_changes_nothing() {
    assert_eq!(heard(&paused("bystander", 1_000, 4_000)), heard(&paused("bystander", 20_000, 20_001)));
}

#[test]
fn who_speaks_to_a_host_that_is_paused_too_long_gives_up() {
    let trace = paused("server-0", 1_000, 9_000);
    assert!(trace.lines().iter().any(|line| line.starts_with("client-0 6") && line.contains("TimedOut")));
}

#[test]
fn a_skewed_wall_clock_is_wrong_while_the_fault_lasts_and_no_other_host_s_is() {
    let trace = play(3, LATENCY, 4_000, |world| {
        for name in ["skewed", "right"] {
            world.add(name, move |host, trace| {
                Box::pin(async move {
                    let clock = host.surroundings("clock").clock;
                    for _ in 0..3 {
                        tokio::time::sleep(Duration::from_millis(1_000)).await;
                        trace.write(format!("{name} {} shows {}", now_ms(), (clock.now() - EPOCH).as_millis()));
                    }
                })
            });
        }
        let action = FaultAction::ClockSkew { hosts: vec!["skewed".into()], offset_ns: 60_000_000_000, drift_ppm: 0 };
        world.fault(1_500, 2_500, action);
    });
    let trace = trace.unwrap();
    for line in ["skewed 1000 shows 1000", "skewed 2000 shows 62000", "skewed 3000 shows 3000", "right 2000 shows 2000"]
    {
        assert!(trace.has(line), "{line}: {:?}", trace.lines());
    }
}
