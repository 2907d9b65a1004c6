//! Datagrams on the simulated network: what is lost stays lost, what is doubled comes twice, what may be overtaken is, and a
//! quiet network does none of it.

use crate::world::{MS, Trace, World, network, play_on};
use rehearsal_reference::network::{DatagramSocket, Network};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{DatagramPlan, FaultAction, NetworkPlan, Way};
use rehearsal_sim::host::Host;
use std::time::Duration;

const COUNT: u32 = 400;

/// A socket that writes down what it hears, and one that sends a number every millisecond.
fn heard(plan: NetworkPlan, seed: u64, disturb: impl Send + FnOnce(&mut World)) -> Vec<u32> {
    let trace = play_on(seed, plan, 1_000, |world| {
        world.add("server-0", |host, trace| Box::pin(listen(host, trace)));
        world.add("client-0", |host, _| Box::pin(send(host)));
        disturb(world);
    });
    trace.unwrap().lines().iter().map(|line| line.parse().unwrap()).collect()
}

async fn listen(host: Host, trace: Trace) {
    let socket = host.network.bind_datagram("0.0.0.0:5000").await.unwrap();
    let mut buffer = [0; 64];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
        assert_eq!(from.port(), 6000);
        trace.write(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
}

async fn send(host: Host) {
    let socket = host.network.bind_datagram("0.0.0.0:6000").await.unwrap();
    for number in 0..COUNT {
        socket.send_to(number.to_string().as_bytes(), "server-0:5000").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    std::future::pending().await
}

fn plan(datagrams: DatagramPlan) -> NetworkPlan {
    NetworkPlan { datagrams, ..network(Distribution::Uniform(MS, 20 * MS)) }
}

fn doubles(heard: &[u32]) -> usize {
    let mut sorted = heard.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).filter(|pair| pair[0] == pair[1]).count()
}

/// How many numbers are missing at most in a row.
fn longest_gap(heard: &[u32]) -> u32 {
    let mut sorted = heard.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

#[test]
fn on_a_quiet_network_each_datagram_arrives_once_and_in_order() {
    assert_eq!(heard(plan(DatagramPlan::default()), 1, |_| ()), (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn a_share_is_lost_for_good() {
    let heard = heard(plan(DatagramPlan { loss: 0.25, ..DatagramPlan::default() }), 1, |_| ());
    assert!((250..350).contains(&heard.len()), "{}", heard.len());
    assert!(heard.is_sorted() && doubles(&heard) == 0);
}

#[test]
fn a_share_comes_twice() {
    let heard = heard(plan(DatagramPlan { duplicate: 0.25, ..DatagramPlan::default() }), 1, |_| ());
    assert!((50..150).contains(&doubles(&heard)), "{}", doubles(&heard));
    assert_eq!(heard.len() - doubles(&heard), COUNT as usize);
}

#[test]
fn a_share_is_overtaken_and_nothing_is_lost_by_that() {
    let mut heard = heard(plan(DatagramPlan { reorder: 0.25, ..DatagramPlan::default() }), 1, |_| ());
    assert!(!heard.is_sorted());
    heard.sort_unstable();
    assert_eq!(heard, (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn a_cut_loses_what_is_sent_meanwhile_and_a_seed_loses_the_same_again() {
    let cut = |world: &mut World| {
        let action =
            FaultAction::Partition { left: vec!["client-0".into()], right: vec!["server-0".into()], way: Way::Both };
        world.fault(100, 200, action);
    };
    let lossy = || plan(DatagramPlan { loss: 0.1, duplicate: 0.1, reorder: 0.5 });
    let first = heard(lossy(), 7, cut);
    assert!(longest_gap(&first) > 40 && longest_gap(&heard(lossy(), 7, |_| ())) < 10, "{first:?}");
    assert!(first.iter().any(|number| *number > 300), "it goes on after the cut");
    assert_eq!(heard(lossy(), 7, cut), first);
    assert_ne!(heard(lossy(), 8, cut), first);
}

/// What a listener hears that is paused from 50 ms until then.
fn heard_by_a_paused(until_ms: u64) -> Vec<u32> {
    let pause = |world: &mut World| world.fault(50, until_ms, FaultAction::Pause { hosts: vec!["server-0".into()] });
    heard(plan(DatagramPlan::default()), 1, pause)
}

#[test]
fn what_comes_to_a_paused_host_waits_in_its_buffer_and_what_does_not_fit_is_lost() {
    assert_eq!(heard_by_a_paused(250), (0..COUNT).collect::<Vec<_>>());
    // Linux' default buffer holds 276 of these; the first ones were read before the pause.
    let heard = heard_by_a_paused(900);
    assert!((276..340).contains(&heard.len()), "{}", heard.len());
    assert_eq!(heard, (0..heard.len() as u32).collect::<Vec<_>>(), "the last ones are lost");
}

#[test]
fn what_nobody_listens_for_vanishes_without_a_word() {
    let trace = play_on(1, plan(DatagramPlan::default()), 100, |world| {
        world.add("server-0", |_, _| Box::pin(std::future::pending()));
        world.add("client-0", |host, trace| {
            Box::pin(async move {
                let socket = host.network.bind_datagram("0.0.0.0:0").await.unwrap();
                socket.send_to(b"hello", "server-0:5000").await.unwrap();
                trace.write(format!("nowhere: {}", socket.send_to(b"hello", "nobody:1").await.is_err()));
                trace.write(format!("too long: {}", socket.send_to(&[0; 65_508], "server-0:1").await.is_err()));
                let taken = host.network.bind_datagram(&socket.local_addr().unwrap().to_string()).await;
                trace.write(format!("taken: {}", taken.is_err()));
                std::future::pending().await
            })
        });
    });
    assert_eq!(trace.unwrap().lines(), ["nowhere: true", "too long: true", "taken: true"]);
}
