//! Faults on hosts: a killed process says goodbye, a lost machine does not, and a restarted one is a stranger.

use crate::world::{MS, PORT, Trace, World, dial, now_ms, play};
use rehearsal_reference::network::Stream;
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::FaultAction;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LATENCY: Distribution = Distribution::Fixed(10 * MS);
const NEVER_MS: u64 = 1_000_000;

fn kill(host: &str) -> FaultAction {
    FaultAction::Kill { hosts: vec![host.into()] }
}

fn lose(host: &str) -> FaultAction {
    FaultAction::Lose { hosts: vec![host.into()] }
}

fn two_hosts(fault: (u64, u64, FaultAction)) -> Trace {
    let trace = play(3, LATENCY, 12_000, |world| {
        world.add_server();
        world.add_client("client-0", 100);
        world.fault(fault.0, fault.1, fault.2);
    });
    trace.unwrap()
}

/// The first line with these words, and its time in milliseconds.
fn when(trace: &Trace, words: &str) -> Option<u64> {
    let lines = trace.lines();
    let line = lines.iter().find(|line| line.contains(words))?;
    line.split(' ').nth(1)?.parse().ok()
}

#[test]
fn a_killed_process_s_peer_sees_the_end_after_one_latency() {
    let trace = two_hosts((1_000, NEVER_MS, kill("client-0")));
    let seen = when(&trace, "server").unwrap();
    assert!((1_005..=1_020).contains(&seen), "{:?}", trace.lines().last());
    let trace = two_hosts((1_000, NEVER_MS, kill("server-0")));
    let seen = when(&trace, "client-0").map(|_| when(&trace, "lost").or(when(&trace, "cannot say"))).unwrap();
    assert!((1_005..=1_150).contains(&seen.unwrap()), "{:?}", trace.lines().last());
}

#[test]
fn a_lost_machine_s_peer_sees_nothing_until_it_waits_for_an_acknowledgement() {
    let trace = two_hosts((1_000, NEVER_MS, lose("client-0")));
    assert_eq!(when(&trace, "server"), None, "{:?}", trace.lines().last());
    let trace = two_hosts((1_000, NEVER_MS, lose("server-0")));
    let seen = when(&trace, "TimedOut").unwrap();
    assert!((5_900..=6_200).contains(&seen), "{seen}");
}

#[test]
fn a_restarted_machine_resets_who_still_speaks_to_the_old_one() {
    let trace = two_hosts((1_000, 3_000, lose("server-0")));
    let seen = when(&trace, "ConnectionReset").unwrap_or_else(|| panic!("{:?}", trace.lines().last()));
    assert!((3_000..=3_050).contains(&seen), "{seen}");
}

#[test]
fn a_restarted_client_reaches_the_server_again() {
    for fault in [kill("client-0"), lose("client-0")] {
        let trace = two_hosts((1_000, 2_000, fault));
        let joined: Vec<_> = trace.lines().into_iter().filter(|line| line.contains("joined")).collect();
        assert_eq!(joined.len(), 2, "{joined:?}");
        assert!(when(&trace, "heard 30").is_some());
    }
}

/// A server that says hello to everybody; what a client's attempt to read it comes to.
fn greeted(build: impl Send + FnOnce(&mut World)) -> Trace {
    let trace = play(3, LATENCY, 12_000, |world| {
        world.add("client-0", |host, trace| {
            Box::pin(async move {
                loop {
                    let greeting = async {
                        let mut words = String::new();
                        dial(&host.network, PORT).await?.read_to_string(&mut words).await?;
                        Ok::<_, std::io::Error>(words)
                    };
                    let greeting = greeting.await.map_err(|error| error.kind());
                    trace.write(format!("client-0 {} {greeting:?}", now_ms()));
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            })
        });
        build(world);
    });
    trace.unwrap()
}

fn greet(world: &mut World, goodbye: impl Fn(rehearsal_sim::network::SimStream) + Copy + Send + 'static) {
    world.add("server-0", move |host, _| {
        Box::pin(async move {
            use rehearsal_reference::network::{Listener, Network};
            let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(b"hello").await.unwrap();
                goodbye(stream);
            }
        })
    });
}

#[test]
fn a_close_delivers_what_was_written_and_an_abort_is_a_reset() {
    let closed = greeted(|world| greet(world, drop));
    assert!(closed.lines().iter().all(|line| line.contains("Ok(\"hello\")")), "{:?}", closed.lines());
    let aborted = greeted(|world| greet(world, Stream::abort));
    assert!(aborted.lines().iter().all(|line| line.contains("ConnectionReset")), "{:?}", aborted.lines());
}

#[test]
fn a_connect_is_refused_by_a_killed_process_and_times_out_at_a_lost_machine() {
    let killed = greeted(|world| {
        greet(world, drop);
        world.fault(1_000, NEVER_MS, kill("server-0"));
    });
    let refused = when(&killed, "ConnectionRefused").unwrap_or_else(|| panic!("{:?}", killed.lines()));
    assert!((1_000..=1_600).contains(&refused), "{refused}");
    let lost = greeted(|world| {
        greet(world, drop);
        world.fault(1_000, NEVER_MS, lose("server-0"));
    });
    assert!(!lost.has("Refused"));
    assert!(when(&lost, "TimedOut").is_some_and(|ms| (6_000..=6_600).contains(&ms)), "{:?}", lost.lines());
}

#[test]
fn who_does_not_read_stops_the_writer_after_a_window() {
    let trace = play(3, LATENCY, 3_000, |world| {
        world.add("client-0", |host, trace| {
            Box::pin(async move {
                let mut stream = dial(&host.network, PORT).await.unwrap();
                let mut sent = 0;
                while let Ok(Ok(())) =
                    tokio::time::timeout(Duration::from_millis(500), stream.write_all(&[0; 1_024])).await
                {
                    sent += 1;
                }
                trace.write(format!("client-0 {} stopped after {sent} KiB", now_ms()));
                std::future::pending().await
            })
        });
        world.add("server-0", |host, _| {
            Box::pin(async move {
                use rehearsal_reference::network::{Listener, Network};
                let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
                let _held = listener.accept().await;
                std::future::pending().await
            })
        });
    });
    assert!(trace.as_ref().unwrap().has("stopped after 256 KiB"), "{:?}", trace.unwrap().lines());
}
