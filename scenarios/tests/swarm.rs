//! What each seed draws for itself: within what the file allows, at places of its own, told, and only where it is asked for.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{FaultAction, PacePlan, Plan, World};
use rehearsal_scenarios::{Overrides, Scenario, drawn_text, library, load};
use std::collections::BTreeSet;

const SWARM: &str = r#"
format = 1

[search]
swarm = true

[network]
latency = { uniform = ["2ms", "40ms"] }
datagrams = { loss = 0.2 }

[network.links.slow]
between = ["workers", "server"]
latency = { lognormal = { p50 = "40ms", p99 = "400ms" } }

[users.workers]
role = "worker"
count = { uniform = [2, 5] }

[users.clients]
role = "client"
count = { uniform = [1, 8] }
start = { uniform = ["0s", "5s"] }
pace = { rate = { uniform = [1.0, 4.0] } }

[faults.crash]
do = "restart"
who = { users = "workers", pick = 2 }
at = "3s"

[faults."bad line"]
do = "loss"
between = ["clients", "server"]
share = 0.1
at = "1s"
for = "5s"
"#;

const SEEDS: u64 = 400;

fn scenario(text: &str) -> Scenario {
    load("swarm", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn plans(text: &str) -> Vec<Plan> {
    let scenario = scenario(text);
    (0..SEEDS).map(|seed| scenario.plan(seed, World::Simulated)).collect()
}

fn size(plan: &Plan, group: &str) -> usize {
    plan.users.iter().filter(|user| user.group == group).count()
}

#[test]
fn every_size_of_a_group_is_drawn_and_none_outside_of_its_range() {
    let plans = plans(SWARM);
    let sizes = |group| plans.iter().map(|plan| size(plan, group)).collect::<BTreeSet<_>>();
    assert_eq!(sizes("workers"), (2..=5).collect());
    assert_eq!(sizes("clients"), (1..=8).collect());
}

#[test]
fn each_fault_takes_part_in_about_half_of_the_seeds_and_every_mix_of_them_is_there() {
    let mixes: Vec<Vec<String>> =
        plans(SWARM).iter().map(|plan| plan.faults.iter().map(|fault| fault.name.clone()).collect()).collect();
    assert_eq!(mixes.iter().collect::<BTreeSet<_>>().len(), 4);
    let with_crash = mixes.iter().filter(|mix| mix.iter().any(|name| name == "crash")).count() as u64;
    assert!((SEEDS / 3..SEEDS * 2 / 3).contains(&with_crash), "{with_crash}");
}

#[test]
fn some_seeds_draw_the_times_of_all_faults_together_and_none_outside_of_what_the_file_allows() {
    const MS: u64 = 1_000_000;
    let range = |low: u64, high: u64| format!("at = {{ uniform = [\"{low}ms\", \"{high}ms\"] }}");
    let text =
        SWARM.replacen("at = \"3s\"", &range(1_000, 21_000), 1).replacen("at = \"1s\"", &range(1_000, 21_000), 1);
    let (mut together, mut apart, mut early, mut late) = (0, 0, 0, 0);
    for plan in plans(&text) {
        let told = plan.drawn.iter().find(|drawn| drawn.what == "fault times");
        assert_eq!(told.is_some(), !plan.faults.is_empty(), "{:?}", plan.drawn);
        let at: Vec<u64> = plan.faults.iter().filter_map(|fault| fault.at_ns()).collect();
        assert!(at.iter().all(|at| (1_000 * MS..=21_000 * MS).contains(at)), "{at:?}");
        let &[first, last] = at.as_slice() else { continue };
        if told.is_some_and(|told| told.value.starts_with("anywhere in 1s..21s")) {
            apart += u64::from(last - first > 5_000 * MS);
            continue;
        }
        assert!(told.is_some_and(|told| told.value.ends_with(" of 1s..21s")), "{told:?}");
        together += u64::from(last - first < 1_000 * MS);
        early += u64::from(last < 6_000 * MS);
        late += u64::from(first > 16_000 * MS);
    }
    assert!(together > 10 && apart > 10 && early > 0 && late > 0, "{together} {apart} {early} {late}");
    // Times that lie elsewhere are left as they are, and fixed ones are nobody's to draw.
    let elsewhere = text.replacen(&range(1_000, 21_000), &range(90_000, 95_000), 1);
    assert!(plans(&elsewhere).iter().flat_map(|plan| &plan.faults).all(|fault| match fault.name.as_str() {
        "crash" => fault.at_ns().is_some_and(|at| (90_000 * MS..=95_000 * MS).contains(&at)),
        _ => fault.at_ns().is_some_and(|at| at <= 21_000 * MS),
    }));
    let fixed = plans(SWARM);
    assert!(fixed.iter().all(|plan| plan.drawn.iter().all(|drawn| drawn.what != "fault times")));
}

#[test]
fn latencies_losses_and_rates_are_a_part_of_what_the_file_allows() {
    let mut ranges = BTreeSet::new();
    for plan in plans(SWARM) {
        let Distribution::Uniform(low, high) = plan.network.latency else { panic!("it stays uniform") };
        assert!(2_000_000 <= low && low <= high && high <= 40_000_000, "{low} to {high}");
        ranges.insert((low, high));
        let Some(Distribution::Lognormal { p50, p99 }) = plan.network.links[0].latency else { panic!("the link") };
        assert!(p50 <= 40_000_000 && p99 <= 400_000_000 && p99.abs_diff(p50 * 10) <= 10, "{p50} and {p99}");
        assert!((0.0..=0.2).contains(&plan.network.datagrams.loss));
        for fault in &plan.faults {
            if let FaultAction::Loss { share, .. } = fault.action {
                assert!(share > 0.0 && share <= 0.1, "{share}");
            }
        }
        let clients = size(&plan, "clients") as f64;
        let client = plan.users.iter().find(|user| user.group == "clients").unwrap();
        let rehearsal_scenarios::plan::Behaviour::Client(client) = &client.behaviour else { panic!("a client") };
        let Some(PacePlan { every: Distribution::Exponential(mean), .. }) = client.pace else { panic!("a pace") };
        let rate = clients / (mean as f64 / 1e9);
        assert!((0.99..4.01).contains(&rate), "{rate}");
    }
    assert!(ranges.len() as u64 > SEEDS / 2);
}

#[test]
fn a_swarm_has_delay_points_by_itself_and_a_range_or_number_that_is_written_counts() {
    let counts = |text: &str| plans(text).iter().map(|plan| plan.delay_points.len()).collect::<BTreeSet<_>>();
    assert_eq!(counts(SWARM), (0..=4).collect());
    let written = SWARM.replace("swarm = true", "swarm = true\ndelay_points = 2");
    assert_eq!(counts(&written), [2].into());
    let range = SWARM.replace("swarm = true", "delay_points = { uniform = [3, 5] }");
    assert_eq!(counts(&range), (3..=5).collect());
}

#[test]
fn what_was_drawn_is_told_in_the_plan() {
    let plan = scenario(SWARM).plan(7, World::Simulated);
    let told = drawn_text(&plan.drawn);
    for what in ["workers ", "clients ", "rate of clients ", "delay points ", "faults ", "latency ", "latency of slow "]
    {
        assert!(told.contains(what), "{what} is missing in {told}");
    }
    assert!(told.contains(&format!("clients {} of 1 to 8", size(&plan, "clients"))), "{told}");
    assert!(rehearsal_scenarios::timeline(&plan).contains(&format!("drew {told}")));
    let live = scenario(SWARM).plan(7, World::Live);
    assert_eq!(live.faults.len(), 2, "a live run has the faults and the network that the file says");
    assert_eq!(size(&live, "clients"), size(&plan, "clients"));
}

#[test]
fn whoever_does_not_ask_for_it_draws_nothing_and_plans_as_before() {
    for name in library::names() {
        let text = library::get(name).unwrap();
        if !text.contains("swarm") && !text.contains("count = {") {
            let plan = load(name, text.as_bytes(), &Overrides::default()).unwrap().plan(3, World::Simulated);
            assert_eq!(plan.drawn, [], "{name}");
            assert!(!serde_json::to_string(&plan).unwrap().contains("\"drawn\""), "{name}");
        }
    }
    // What is drawn besides stays where it is when a seed draws a mix.
    let fixed = scenario(&SWARM.replace("swarm = true", "swarm = false")).plan(7, World::Simulated);
    let mixed = scenario(SWARM).plan(7, World::Simulated);
    let starts = |plan: &Plan| plan.users.iter().map(|user| user.start_ns).collect::<Vec<_>>();
    assert_eq!(starts(&fixed), starts(&mixed));
    assert_eq!(fixed.faults.len(), 2);
}

#[test]
fn ranges_that_cannot_be_are_refused_with_their_place() {
    for (from, to, said) in [
        ("[1, 8]", "[8, 1]", "the lower end is above the upper end"),
        ("[1, 8]", "[0, 8]", "a whole number from 1 to 10000"),
        ("[1, 8]", "[1, 2, 3]", "the list is of the wrong length"),
        ("[1.0, 4.0]", "[4.0, 1.0]", "the lower end is above the upper end"),
        ("start = { uniform = [\"0s\", \"5s\"] }", "start = [\"0s\"]", "a list of times is for a count"),
        ("swarm = true", "swarm = true\ndelay_points = 1001", "a whole number from 0 to 1000"),
        ("pick = 2", "pick = 3", "has fewer users than that"),
        ("swarm = true", "swarm = 1", "true"),
    ] {
        let text = SWARM.replacen(from, to, 1);
        assert_ne!(text, SWARM, "{from}");
        let faults = load("swarm", text.as_bytes(), &Overrides::default()).expect_err(to).to_string();
        assert!(faults.contains(said), "{to}: {said} is missing in {faults}");
    }
}
