//! Faults on links: each does what its name says, and its near miss does not. The latency is 10 ms, a connection gives
//! up after 5 s, and the client speaks every 100 ms, from about 30 ms on.

use crate::world::{MS, Trace, play};
use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{FaultAction, Way};

const LATENCY: Distribution = Distribution::Fixed(10 * MS);

fn one_client(from_ms: u64, until_ms: u64, fault: FaultAction) -> Trace {
    let trace = play(3, LATENCY, 12_000, |world| {
        world.add_server();
        world.add_client("client-0", 100);
        world.fault(from_ms, until_ms, fault);
    });
    trace.unwrap()
}

fn partition(way: Way) -> FaultAction {
    FaultAction::Partition { left: vec!["client-0".into()], right: vec!["server-0".into()], way }
}

/// When the client heard each answer, in milliseconds.
fn heard_ms(trace: &Trace) -> Vec<u64> {
    let lines = trace.lines();
    let heard = lines.iter().filter(|line| line.starts_with("client-0") && line.contains(" heard "));
    heard.map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}

/// The longest time between two answers, in milliseconds.
fn longest_gap_ms(trace: &Trace) -> u64 {
    heard_ms(trace).windows(2).map(|pair| pair[1] - pair[0]).max().unwrap()
}

#[test]
fn without_a_fault_an_answer_comes_every_interval_and_two_latencies() {
    let trace = one_client(20_000, 20_001, partition(Way::Both));
    assert!(heard_ms(&trace).len() > 90, "{:?}", trace.lines());
    assert!((120..=130).contains(&longest_gap_ms(&trace)), "{}", longest_gap_ms(&trace));
}

#[test]
fn a_short_partition_delays_and_loses_nothing() {
    for way in [Way::Both, Way::LeftToRight, Way::RightToLeft] {
        let trace = one_client(1_000, 4_000, partition(way));
        assert!((2_900..=3_200).contains(&longest_gap_ms(&trace)), "{way:?} {}", longest_gap_ms(&trace));
        let numbers: Vec<String> =
            trace.lines().iter().filter_map(|line| Some(line.split_once(" heard ")?.1.into())).collect();
        assert!(numbers.iter().enumerate().all(|(index, number)| *number == index.to_string()), "{way:?} {numbers:?}");
        assert!(!trace.has("lost"), "{way:?}");
    }
}

#[test]
fn a_partition_past_the_time_out_ends_the_end_that_waits_for_an_acknowledgement() {
    let trace = one_client(1_000, 9_000, partition(Way::Both));
    let lost: Vec<_> = trace.lines().into_iter().filter(|line| line.contains("lost")).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    // The client spoke within 120 ms of the cut and gives up 5 s later; the server has nothing to wait for.
    assert!(lost[0].starts_with("client-0 6") && lost[0].contains("TimedOut"), "{lost:?}");
}

#[test]
fn latency_is_added_while_the_fault_lasts() {
    let added = Distribution::Fixed(200 * MS);
    let fault = FaultAction::Latency { left: vec!["client-0".into()], right: vec!["server-0".into()], added };
    let trace = one_client(1_000, 3_000, fault);
    assert!((500..=540).contains(&longest_gap_ms(&trace)), "{}", longest_gap_ms(&trace));
    let after: Vec<_> = heard_ms(&trace).into_iter().filter(|ms| *ms > 4_000).collect();
    assert!(after.windows(2).all(|pair| pair[1] - pair[0] <= 130), "{after:?}");
}

#[test]
fn loss_is_a_retransmission_and_no_loss_of_data() {
    let fault = |share| FaultAction::Loss { left: vec!["client-0".into()], right: vec!["server-0".into()], share };
    let trace = one_client(1_000, 8_000, fault(0.3));
    assert!(longest_gap_ms(&trace) >= 300, "{}", longest_gap_ms(&trace));
    assert!(!trace.has("lost"));
    let all_lost = one_client(1_000, 11_000, fault(1.0));
    assert!(all_lost.has("TimedOut"), "{:?}", all_lost.lines().last());
}

#[test]
fn a_fault_on_another_link_changes_nothing() {
    let cut = |right: &str| {
        let trace = play(3, LATENCY, 3_000, |world| {
            world.add_server();
            world.add_client("client-0", 100);
            world.add_client("client-1", 100);
            let way = Way::Both;
            let fault = FaultAction::Partition { left: vec!["client-1".into()], right: vec![right.into()], way };
            world.fault(1_000, 2_000, fault);
        });
        longest_gap_ms(&trace.unwrap())
    };
    assert!(cut("server-0") <= 130);
    assert!(cut("client-0") <= 130);
}

#[test]
fn a_connect_waits_out_a_short_cut_and_times_out_in_a_long_one() {
    let short = one_client(0, 2_000, partition(Way::Both));
    let joined = short.lines().into_iter().find(|line| line.contains("joined")).unwrap();
    assert!(joined.starts_with("client-0 20"), "{joined}");
    let long = one_client(0, 11_000, partition(Way::Both));
    assert!(long.has("client-0 5000 cannot connect: TimedOut"), "{:?}", long.lines());
}
