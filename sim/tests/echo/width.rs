//! How much a link carries, and links that differ from the rest.

use crate::world::{MS, PORT, dial, network, now_ms, play_on};
use rehearsal_reference::network::{Listener, Network};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{FaultAction, LinkPlan, NetworkPlan};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const BYTES: usize = 100_000;

fn link(latency: Option<Distribution>, bandwidth_bytes_per_s: Option<u64>) -> LinkPlan {
    let (left, right) = (vec!["client-0".into()], vec!["server-0".into()]);
    LinkPlan { name: "theirs".into(), left, right, latency, bandwidth_bytes_per_s }
}

/// When the server has read what each client has sent at once, in milliseconds from the start.
fn read_ms(network: NetworkPlan, fault: Option<FaultAction>) -> [u64; 2] {
    let trace = play_on(3, network, 30_000, |world| {
        for client in ["client-0", "client-1"] {
            world.add(client, |host, _| {
                Box::pin(async move {
                    let mut stream = dial(&host.network, PORT).await.unwrap();
                    stream.write_all(&[7; BYTES]).await.unwrap();
                    std::future::pending().await
                })
            });
        }
        world.add("server-0", |host, trace| {
            Box::pin(async move {
                let mut listener = host.network.bind(&format!("0.0.0.0:{PORT}")).await.unwrap();
                loop {
                    let (mut stream, client) = listener.accept().await.unwrap();
                    let trace = trace.clone();
                    let read = Box::pin(async move {
                        stream.read_exact(&mut [0; BYTES]).await.unwrap();
                        trace.write(format!("{} {}", client.ip(), now_ms()));
                    });
                    host.surroundings("reader").spawner.spawn("reader", read).detach();
                }
            })
        });
        if let Some(fault) = fault {
            world.fault(0, 30_000, fault);
        }
    });
    let lines = trace.unwrap().lines();
    ["10.0.0.1 ", "10.0.0.2 "].map(|client| {
        let line = lines.iter().find_map(|line| line.strip_prefix(client)).unwrap_or_else(|| panic!("{lines:?}"));
        line.parse().unwrap()
    })
}

#[test]
fn a_narrow_link_takes_its_time_and_a_wide_one_only_its_latency() {
    let plain = network(Distribution::Fixed(10 * MS));
    // Connecting takes two latencies, sending one.
    assert!(read_ms(plain.clone(), None).iter().all(|ms| (30..=45).contains(ms)), "{:?}", read_ms(plain.clone(), None));
    let narrow = NetworkPlan { bandwidth_bytes_per_s: Some(50_000), ..plain.clone() };
    assert!(read_ms(narrow, None).iter().all(|ms| (2_030..=2_045).contains(ms)));
    let one_link = NetworkPlan { links: vec![link(None, Some(50_000))], ..plain.clone() };
    let [on_it, beside_it] = read_ms(one_link, None);
    assert!((2_030..=2_045).contains(&on_it) && (30..=45).contains(&beside_it), "{on_it} {beside_it}");
    let fault =
        FaultAction::Bandwidth { left: vec!["client-1".into()], right: vec!["server-0".into()], bytes_per_s: 50_000 };
    let [beside_it, on_it] = read_ms(plain, Some(fault));
    assert!((2_030..=2_045).contains(&on_it) && (30..=45).contains(&beside_it), "{on_it} {beside_it}");
}

#[test]
fn a_link_that_differs_has_a_latency_of_its_own() {
    let plain = network(Distribution::Fixed(10 * MS));
    let far = NetworkPlan { links: vec![link(Some(Distribution::Fixed(200 * MS)), None)], ..plain };
    let [far, near] = read_ms(far, None);
    assert!((600..=615).contains(&far) && (30..=45).contains(&near), "{far} {near}");
}
