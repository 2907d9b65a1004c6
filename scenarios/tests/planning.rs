//! Planning is pure and total: the same bytes in, the same plan out, whatever the scenario and the seed, and no choice
//! depends on who else takes part.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;
use rehearsal_scenarios::plan::{Behaviour, FaultAction, Plan, Step, Verb, World};
use rehearsal_scenarios::{Overrides, Scenario, library, load, timeline};
use std::collections::BTreeSet;

fn scenario(text: &str) -> Scenario {
    load("generated", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{text}\n{faults}"))
}

fn bytes(plan: &Plan) -> Vec<u8> {
    serde_json::to_vec(plan).unwrap()
}

/// What every plan promises to those who play it.
fn assert_is_sound(plan: &Plan) {
    let hosts: BTreeSet<&str> = plan.users.iter().map(|user| user.host.as_str()).chain(["server-0"]).collect();
    assert!(!plan.rooms.is_empty());
    for (number, user) in plan.users.iter().enumerate() {
        assert_eq!(user.number as usize, number);
        assert!((user.room as usize) < plan.rooms.len());
        assert!(user.name.starts_with(&user.group));
        if let Behaviour::Flow(steps) = &user.behaviour {
            assert_meetings_are_counted(steps);
        }
    }
    assert!(plan.faults.is_sorted_by_key(|fault| fault.at_ns().map_or((1, 0), |at_ns| (0, at_ns))));
    for fault in &plan.faults {
        assert!(fault.action.hosts().next().is_some(), "{} hits somebody", fault.name);
        assert!(fault.action.hosts().all(|host| hosts.contains(host.as_str())), "{} hits hosts that exist", fault.name);
    }
    assert!(timeline(plan).lines().count() >= plan.users.len());
}

fn assert_meetings_are_counted(steps: &[Step]) {
    for step in steps {
        match &step.verb {
            Verb::Meet { count, .. } => assert!(*count > 0),
            Verb::Repeat { steps, .. } => assert_meetings_are_counted(steps),
            _ => {}
        }
    }
}

fn duration() -> impl Strategy<Value = String> {
    prop_oneof![
        (0u32..100_000).prop_map(|ms| format!("\"{ms}ms\"")),
        (0u32..100, 0u32..100).prop_map(|(low, more)| format!("{{ uniform = [\"{low}s\", \"{}s\"] }}", low + more)),
        (0u32..100).prop_map(|s| format!("{{ exponential = \"{s}s\" }}")),
        (1u32..100, 1u32..10).prop_map(|(p50, factor)| {
            format!("{{ lognormal = {{ p50 = \"{p50}ms\", p99 = \"{}ms\" }} }}", p50 * factor)
        }),
        Just("{ lognormal = { p50 = \"1ns\", p99 = \"30d\" } }".to_owned()),
        Just("{ exponential = \"30d\" }".to_owned()),
        Just("{ pick = [\"1s\", \"9s\"], weights = [9, 1] }".to_owned()),
    ]
}

fn arrival() -> impl Strategy<Value = String> {
    prop_oneof![
        (1u32..30, duration()).prop_map(|(count, start)| format!("count = {count}\nstart = {start}")),
        (1u32..30).prop_map(|count| format!("count = {count}\narrive = \"exponential\"")),
        (1u32..20, 1u32..20).prop_map(|(rate, s)| format!("arrive = {{ rate = {rate}, for = \"{s}s\" }}")),
        (0u32..5, 1u32..20).prop_map(|(from, more)| {
            format!("arrive = {{ from = {from}, to = {}, over = \"5s\", gaps = \"even\" }}", from + more)
        }),
    ]
}

fn fault(number: usize) -> impl Strategy<Value = String> {
    let what = prop_oneof![
        Just("do = \"partition\"\nbetween = [\"server\", { users = \"workers\", pick = 1 }]\nway = \"from_server\""),
        Just("do = \"latency\"\nbetween = [\"workers\", \"clients\"]\nadded = \"50ms\""),
        Just("do = \"loss\"\nbetween = [\"server\", \"clients\"]\nshare = 0.25"),
        Just("do = \"kill\"\nwho = [\"server\", { users = \"clients\", pick = 1 }]"),
        Just("do = \"lose\"\nwho = \"workers\""),
        Just("do = \"restart\"\nwho = [\"server\", \"workers\"]"),
        Just("do = \"bandwidth\"\nbetween = [\"server\", { users = \"clients\", share = 0.5 }]\nlimit = \"64KiB/s\""),
        Just("do = \"stop\"\nwho = { users = \"workers\", share = 0.01 }\ngrace = \"2s\""),
        Just("do = \"pause\"\nwho = [\"server\", \"workers\"]"),
        Just("do = \"clock_skew\"\nwho = \"clients\"\noffset = { uniform = [\"-5s\", \"1m\"] }\ndrift = -0.5"),
    ];
    let when = prop_oneof![
        3 => duration().prop_map(|at| format!("at = {at}")),
        1 => duration().prop_map(|after| {
            format!("when = {{ sends = {{ type = \"x\" }}, by = \"workers\", after = {after}, nth = {{ uniform = [1, 9] }} }}")
        }),
    ];
    let fault = move |(what, when)| format!("[faults.\"fault {number}\"]\n{what}\n{when}\n");
    (what, when).prop_map(fault)
}

/// The seeds at both ends are as good as any other.
fn seed() -> impl Strategy<Value = u64> {
    prop_oneof![4 => any::<u64>(), 1 => Just(u64::MAX), 1 => Just(0)]
}

prop_compose! {
    fn scenario_text()(
        rooms in 1u32..5,
        workers in arrival(),
        clients in arrival(),
        job in duration(),
        peers in 1u32..9,
        faults in prop::collection::vec(any::<()>(), 0..4)
            .prop_flat_map(|faults| (0..faults.len()).map(fault).collect::<Vec<_>>()),
    ) -> String {
        format!(
            "format = 1\n[time]\nramp = \"9s\"\n[rooms]\ncount = {rooms}\n\
             [users.workers]\n{workers}\njob = {job}\nproperties.gpu = {{ pick = [1, 2, 3], weights = [1, 0, 2] }}\n\
             [users.clients]\n{clients}\n\
             [users.peers]\nflow = \"meet\"\ncount = {peers}\n\
             [flow.meet]\nsteps = [\"join\", {{ repeat = {{ times = 2, steps = [{{ meet = \"here\" }}] }} }}]\n{}",
            faults.concat()
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_same_bytes_give_the_same_plan_and_every_plan_is_sound(text in scenario_text(), seed in seed()) {
        for world in [World::Simulated, World::Live] {
            let plan = scenario(&text).plan(seed, world);
            assert_is_sound(&plan);
            prop_assert_eq!(bytes(&plan), bytes(&scenario(&text).plan(seed, world)));
            prop_assert_eq!(&plan, &serde_json::from_slice::<Plan>(&bytes(&plan)).unwrap());
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused_or_planned_but_never_panics(
        name in prop::sample::select(library::names().collect::<Vec<_>>()),
        line in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            "1", "-1", "0", "99999999999999999999", "inf", "nan", "true", "1979-05-27", "''", "'x'", "'5s'", "[]", "{}",
            "[[], {}]", "[1, 'a']", "{ a = 1 }", "{ pick = [] }", "{ uniform = ['9s', '1s'] }", "'${x'", "'${peer.x-0}'",
        ]),
    ) {
        let mut lines: Vec<String> = library::get(name).unwrap().lines().map(str::to_owned).collect();
        let line = line.index(lines.len());
        if let Some((key, _)) = lines[line].clone().split_once(" = ") {
            lines[line] = format!("{key} = {value}");
        }
        match load(name, lines.join("\n").as_bytes(), &Overrides::default()) {
            Ok(scenario) => assert_is_sound(&scenario.plan(1, World::Simulated)),
            Err(faults) => prop_assert!(faults.to_string().contains("error: ")),
        }
    }

    #[test]
    fn a_damaged_file_is_refused_or_planned_but_never_panics(
        name in prop::sample::select(library::names().collect::<Vec<_>>()),
        cut in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut source = library::get(name).unwrap().as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(source.len());
            source[at] = byte;
        }
        source.truncate(cut.index(source.len() * 2).max(1));
        match load(name, &source, &Overrides::default()) {
            Ok(scenario) => assert_is_sound(&scenario.plan(1, World::Simulated)),
            Err(faults) => prop_assert!(!faults.faults.is_empty() && faults.to_string().contains("error: ")),
        }
    }
}

#[test]
fn another_group_shifts_nobodys_draws() {
    let group =
        |name: &str| format!("[users.{name}]\nrole = \"worker\"\ncount = 5\nstart = {{ exponential = \"5s\" }}\n");
    let alone = scenario(&format!("format = 1\n{}", group("b"))).plan(7, World::Simulated);
    let beside = scenario(&format!("format = 1\n{}{}", group("a"), group("b"))).plan(7, World::Simulated);
    let starts =
        |plan: &Plan| plan.users.iter().filter(|user| user.group == "b").map(|user| user.start_ns).collect::<Vec<_>>();
    assert_eq!(starts(&alone), starts(&beside));
    assert_eq!(starts(&alone).into_iter().collect::<BTreeSet<_>>().len(), 5, "each user has a draw of its own");
}

#[test]
fn another_seed_makes_other_choices() {
    let scenario = scenario("format = 1\n[users.workers]\nstart = { uniform = ['0s', '99s'] }\n");
    let starts: BTreeSet<u64> = (0..50).map(|seed| scenario.plan(seed, World::Simulated).users[0].start_ns).collect();
    assert_eq!(starts.len(), 50);
}

#[test]
fn the_smallest_scenario_has_a_default_for_everything() {
    let plan = scenario("format = 1\n[users.workers]\n[users.clients]\n").plan(1, World::Live);
    assert_eq!(plan.users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["workers-0", "clients-0"]);
    assert!(matches!(plan.users[0].behaviour, Behaviour::Worker(_)));
    assert!(matches!(plan.users[1].behaviour, Behaviour::Client(_)));
    assert_is_sound(&plan);
}

#[test]
fn users_that_a_fault_names_have_a_host_of_their_own_and_others_share() {
    let plan = scenario(
        "format = 1\n[users.workers]\ncount = 3\n[users.clients]\ncount = 20\n\
         [faults.kill]\ndo = 'kill'\nwho = { users = 'workers', pick = 1 }\nat = '1s'\n",
    )
    .plan(1, World::Simulated);
    let hosts: BTreeSet<&str> = plan.users.iter().map(|user| user.host.as_str()).collect();
    let expected = ["workers-0", "workers-1", "workers-2", "clients-host0", "clients-host1", "clients-host2"];
    assert_eq!(hosts, expected.into());
}

#[test]
fn a_killed_server_takes_its_restart_time_and_a_killed_user_stays_away() {
    let plan = scenario(
        "format = 1\n[system]\nserver.restart_takes = '7s'\n[users.workers]\n\
         [faults.kill]\ndo = 'kill'\nwho = 'server'\nat = '1s'\n[faults.x]\ndo = 'lose'\nwho = 'workers'\nat = '2s'\n",
    )
    .plan(1, World::Simulated);
    assert_eq!(plan.faults[0].for_ns, Some(7_000_000_000));
    assert_eq!(plan.faults[1].for_ns, None);
}

#[test]
fn whoever_is_restarted_comes_back_at_once_if_a_user_and_in_its_restart_time_if_a_server() {
    let restarts = |who: &str, back: &str| {
        let text = format!(
            "format = 1\n[system]\nserver.restart_takes = '7s'\n[users.workers]\n\
             [faults.restart]\ndo = 'restart'\nwho = {who}\nat = '1s'\n{back}"
        );
        let plan = scenario(&text).plan(1, World::Simulated);
        let fault = &plan.faults[0];
        assert!(matches!(fault.action, FaultAction::Kill { .. }) && fault.name == "restart", "{fault:?}");
        fault.for_ns
    };
    assert_eq!(restarts("'workers'", ""), Some(1_000_000_000));
    assert_eq!(restarts("'server'", ""), Some(7_000_000_000));
    assert_eq!(restarts("['workers', 'server']", ""), Some(7_000_000_000));
    assert_eq!(restarts("'workers'", "back = '4s'\n"), Some(4_000_000_000));
}

#[test]
fn a_plan_of_the_last_seed_and_of_the_widest_distribution_fits_its_numbers() {
    for start in ["{ lognormal = { p50 = '1ns', p99 = '30d' } }", "{ exponential = '30d' }"] {
        let text = format!("format = 1\n[users.workers]\ncount = 5000\nstart = {start}\n");
        assert_is_sound(&scenario(&text).plan(u64::MAX, World::Simulated));
    }
}

#[test]
fn a_derived_measure_phase_outlasts_everything_that_is_planned() {
    let plan = scenario(
        "format = 1\n[users.workers]\n[users.clients]\nstart = '100s'\n\
         [faults.loss]\ndo = 'loss'\nshare = 0.1\nbetween = ['server', 'workers']\nat = '200s'\nfor = '50s'\n",
    )
    .plan(1, World::Simulated);
    assert_eq!(plan.phases.measure_ns, 280_000_000_000);
}

#[test]
fn the_live_plan_of_the_flagship_ends_within_fifteen_seconds() {
    for name in ["two_clients_race_for_one_worker", "two_clients_race_naive_worker"] {
        let text = library::get(name).unwrap();
        let plan = load(name, text.as_bytes(), &Overrides::default()).unwrap().plan(1, World::Live);
        assert!(plan.end_ns() <= 15_000_000_000, "{name} ends at {} ns", plan.end_ns());
    }
}
