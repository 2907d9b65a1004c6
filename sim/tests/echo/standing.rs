//! Hosts that are paused or whose clocks are wrong. The latency is 10 ms, a connection gives up after 5 s, and the client
//! speaks every 100 ms.

use crate::world::{MS, PORT, Trace, dial, now_ms, play};
use rehearsal_reference::network::{Listener, Network};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::FaultAction;
use rehearsal_sim::host::EPOCH;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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
fn who_speaks_to_a_paused_host_is_acknowledged_by_its_machine_however_long_that_lasts() {
    // The pause is longer than a connection waits for an acknowledgement.
    let heard = heard(&paused("server-0", 1_000, 9_000));
    let after: Vec<_> = heard.iter().filter(|(at, _)| *at > 1_100).collect();
    assert!((9_000..9_030).contains(&after[0].0), "{heard:?}");
}

/// A client that connects to a paused server, and sends without end: what it could do, and what the server finds later.
fn flood(pause_ms: u64) -> Trace {
    let trace = play(3, LATENCY, 12_000, |world| {
        world.add("server-0", |host, trace| {
            Box::pin(async move {
                let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
                let (mut stream, _) = listener.accept().await.unwrap();
                let (mut chunk, mut read, mut told) = ([0; 1_024], 0, false);
                loop {
                    read += stream.read(&mut chunk).await.unwrap();
                    if !std::mem::replace(&mut told, true) {
                        trace.write(format!("server-0 {} begins to read", now_ms()));
                    }
                    if read == FLOOD_BYTES {
                        trace.write(format!("server-0 {} has read all", now_ms()));
                    }
                }
            })
        });
        world.add("client-0", |host, trace| {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let mut stream = dial(&host.network, PORT).await.unwrap();
                trace.write(format!("client-0 {} is connected", now_ms()));
                let mut sent = 0;
                while sent < FLOOD_BYTES {
                    let written = stream.write(&[0; 1_024]);
                    match tokio::time::timeout(Duration::from_millis(500), written).await {
                        Ok(written) => sent += written.unwrap(),
                        Err(_) => {
                            trace.write(format!("client-0 {} stopped after {} KiB", now_ms(), sent >> 10));
                            let rest = vec![0; FLOOD_BYTES - sent];
                            stream.write_all(&rest).await.unwrap();
                            sent = FLOOD_BYTES;
                        }
                    }
                }
                std::future::pending().await
            })
        });
        world.fault(100, 100 + pause_ms, FaultAction::Pause { hosts: vec!["server-0".into()] });
    });
    trace.unwrap()
}

const FLOOD_BYTES: usize = 1 << 20;

#[test]
fn a_paused_host_accepts_connections_and_takes_as_much_as_its_buffer_holds() {
    let lines = flood(8_000).lines();
    assert_eq!(lines[..2], ["client-0 220 is connected", "client-0 720 stopped after 256 KiB"]);
    assert!(lines[2].starts_with("server-0 81") && lines[2].ends_with("begins to read"), "{lines:?}");
    assert!(lines[3].starts_with("server-0 8") && lines[3].ends_with("has read all"), "{lines:?}");
    let unpaused = flood(1);
    assert!(!unpaused.has("stopped"), "{:?}", unpaused.lines());
}

#[test]
fn a_connect_of_a_paused_program_goes_on_without_it() {
    // It is held between its SYN and the answer, for longer than a connect may take.
    let trace = play(3, LATENCY, 12_000, |world| {
        world.add("server-0", |host, trace| {
            Box::pin(async move {
                let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
                let _connection = listener.accept().await.unwrap();
                trace.write(format!("server-0 {} accepted", now_ms()));
                std::future::pending().await
            })
        });
        world.add("client-0", |host, trace| {
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let connected = dial(&host.network, PORT).await.map(drop).map_err(|error| error.kind());
                trace.write(format!("client-0 {} {connected:?}", now_ms()));
                std::future::pending().await
            })
        });
        world.fault(105, 9_000, FaultAction::Pause { hosts: vec!["client-0".into()] });
    });
    let lines = trace.unwrap().lines();
    // One latency after the SYN, and up to a tick of turmoil's.
    assert!(["server-0 110 accepted", "server-0 115 accepted"].contains(&&*lines[0]), "{lines:?}");
    assert_eq!(lines[1..], ["client-0 9000 Ok(())"]);
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

/// When a timer of 4 s rings that was set before a fault of the second second.
fn rings_at(offset_ns: i64, drift_ppm: i64) -> Vec<String> {
    let trace = play(3, LATENCY, 6_000, |world| {
        world.add("skewed", |host, trace| {
            Box::pin(async move {
                let timers = host.surroundings("timers").timers;
                let late = timers.timeout(Duration::from_secs(4), std::future::pending::<()>()).await;
                trace.write(format!("{late:?} at {}", now_ms()));
                timers.sleep(Duration::from_secs(1)).await;
                trace.write(format!("and again at {}", now_ms()));
            })
        });
        world.fault(1_000, 2_000, FaultAction::ClockSkew { hosts: vec!["skewed".into()], offset_ns, drift_ppm });
    });
    trace.unwrap().lines()
}

#[test]
fn a_timer_that_was_set_before_a_drift_follows_it_while_it_lasts_and_an_offset_moves_none() {
    assert_eq!(rings_at(0, 1_000_000), ["Err(TooLate) at 3000", "and again at 4000"]);
    assert_eq!(rings_at(0, -500_000), ["Err(TooLate) at 4500", "and again at 5500"]);
    assert_eq!(rings_at(60_000_000_000, 0), ["Err(TooLate) at 4000", "and again at 5000"]);
}
