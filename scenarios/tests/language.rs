//! What the language means where one word has several readings: expectations by world, directions of a cut, defaults
//! that follow from other groups, overrides.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use rehearsal_scenarios::distribution::Distribution;
use rehearsal_scenarios::plan::{
    Begin, Behaviour, DatagramPlan, Ending, Expectation, FaultAction, IdentityKind, Measure, Passing, Plan, Protocol,
    Strategy, Verb, Way, World,
};
use rehearsal_scenarios::{Overrides, Scenario, load};
use serde_json::json;
use std::collections::BTreeSet;

fn scenario(text: &str) -> Scenario {
    load("test", text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"))
}

fn plan(text: &str) -> Plan {
    scenario(text).plan(1, World::Simulated)
}

fn faults(text: &str) -> Vec<String> {
    let faults = load("test", text.as_bytes(), &Overrides::default()).unwrap_err();
    faults.faults.into_iter().map(|fault| fault.message).collect()
}

#[test]
fn an_expectation_may_differ_by_world() {
    let scenario = scenario(
        "format = 1\nexpect = { simulated = { broken = ['nobody_speaks_for_another'] }, live = 'either' }\n[users.workers]\n",
    );
    let broken = Expectation::Broken(vec!["nobody_speaks_for_another".into()]);
    assert_eq!(scenario.expectation(World::Simulated), &broken);
    assert_eq!(scenario.expectation(World::Live), &Expectation::Either);
}

#[test]
fn a_scenario_that_expects_nothing_else_expects_that_everything_holds() {
    assert_eq!(scenario("format = 1\n[users.workers]\n").expectation(World::Live), &Expectation::Holds);
    let any = scenario("format = 1\nexpect = 'broken'\n[users.workers]\n");
    assert_eq!(any.expectation(World::Live), &Expectation::Broken(Vec::new()));
}

#[test]
fn the_command_line_overrides_the_file_in_both_worlds() {
    let overrides =
        Overrides { expect: Some(Expectation::Either), measure_ns: Some(5_000_000_000), ..Overrides::default() };
    let scenario = load("test", b"format = 1\n[time]\nmeasure = '9s'\n[users.workers]\n", &overrides).unwrap();
    for world in [World::Simulated, World::Live] {
        let plan = scenario.plan(1, world);
        assert_eq!(plan.expect, Expectation::Either);
        assert_eq!(plan.phases.measure_ns, 5_000_000_000);
    }
}

#[test]
fn a_phase_may_have_another_length_in_each_world() {
    let scenario =
        scenario("format = 1\n[time]\nsettle = { simulated = '9s', live = '1s' }\nramp = '3s'\n[users.workers]\n");
    let settle = |world| scenario.plan(1, world).phases.settle_ns;
    assert_eq!((settle(World::Simulated), settle(World::Live)), (9_000_000_000, 1_000_000_000));
    assert_eq!(scenario.plan(1, World::Live).phases.measured().start, 3_000_000_000);
}

#[test]
fn to_the_server_is_left_or_right_depending_on_where_the_server_stands() {
    let way = |between: &str, way: &str| {
        let plan = plan(&format!(
            "format = 1\n[users.workers]\n[faults.cut]\ndo = 'partition'\nbetween = {between}\nway = '{way}'\nat = '1s'\n"
        ));
        match &plan.faults[0].action {
            FaultAction::Partition { way, .. } => *way,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(way("['server', 'workers']", "to_server"), Way::RightToLeft);
    assert_eq!(way("['workers', 'server']", "to_server"), Way::LeftToRight);
    assert_eq!(way("['workers', 'server']", "from_server"), Way::RightToLeft);
    assert_eq!(way("['workers', 'server']", "left_to_right"), Way::LeftToRight);
}

#[test]
fn a_fault_that_follows_a_message_knows_whose_and_which() {
    let text = "format = 1\n[users.workers]\ncount = 3\n[users.clients]\ncount = 2\n[faults.death]\ndo = 'kill'\n\
                who = { users = 'workers', pick = 2 }\n\
                when = { sends = { app_message_type = 'job_response' }, after = '80ms', nth = { uniform = [2, 4] } }\n";
    let mut nths = BTreeSet::new();
    for seed in 0..40 {
        let plan = scenario(text).plan(seed, World::Simulated);
        let [fault] = plan.faults.as_slice() else { panic!("one fault") };
        let Begin::After(sight) = &fault.begins else { panic!("{fault:?}") };
        assert_eq!(fault.at_ns(), None);
        assert_eq!((sight.passing, sight.delay_ns), (Passing::Sent, 80_000_000));
        assert_eq!(sight.users, fault.action.hosts().cloned().collect::<Vec<_>>(), "those who may be hit are watched");
        assert_eq!(sight.users.len(), 2);
        nths.insert(sight.nth);
    }
    assert_eq!(nths, [2, 3, 4].into());
    let by = plan(&text.replace("after =", "by = 'clients', after ="));
    let Begin::After(sight) = &by.faults[0].begins else { panic!("{by:?}") };
    assert_eq!(sight.users, ["clients-0", "clients-1"]);
}

#[test]
fn links_bandwidth_and_clocks_are_planned_in_plain_numbers() {
    let plan = plan(
        "format = 1\n[users.workers]\ncount = 2\n[network]\nbandwidth = '8Mbit/s'\ndatagrams.loss = 0.1\n\
         [network.links.far]\nbetween = ['workers', 'server']\nlatency = '90ms'\nbandwidth = '64KiB/s'\n\
         [search]\ndelay_points = 3\n\
         [faults.clocks]\ndo = 'clock_skew'\nwho = 'workers'\nat = '1s'\noffset = '-1.5s'\ndrift = 0.01\n",
    );
    assert_eq!(plan.network.bandwidth_bytes_per_s, Some(1_000_000));
    assert_eq!(plan.network.datagrams, DatagramPlan { loss: 0.1, ..DatagramPlan::default() });
    let [far] = plan.network.links.as_slice() else { panic!("one link") };
    assert_eq!(
        (&far.left[..], &far.right[..]),
        (&["workers-0".into(), "workers-1".into()][..], &["server-0".into()][..])
    );
    assert_eq!((far.latency.clone(), far.bandwidth_bytes_per_s), (Some(Distribution::Fixed(90_000_000)), Some(65_536)));
    assert_eq!(plan.delay_points.len(), 3);
    let hosts = vec!["workers-0".to_owned(), "workers-1".to_owned()];
    let skew = FaultAction::ClockSkew { hosts, offset_ns: -1_500_000_000, drift_ppm: 10_000 };
    assert_eq!(plan.faults[0].action, skew);
}

#[test]
fn clients_follow_the_strategy_of_the_workers_that_they_meet() {
    let strategy = |text: &str| match &plan(text).users.last().unwrap().behaviour {
        Behaviour::Client(client) => client.strategy,
        other => panic!("{other:?}"),
    };
    let two_rooms = "format = 1\n[rooms]\ncount = 2\n[users.a]\nrole = 'worker'\nstrategy = 'reservation'\nrooms = 0\n\
                     [users.b]\nrole = 'worker'\nrooms = 1\n[users.c]\nrole = 'client'\n";
    assert_eq!(strategy(&format!("{two_rooms}rooms = 0\n")), Strategy::Reservation);
    assert_eq!(strategy(&format!("{two_rooms}rooms = [1]\n")), Strategy::MetadataFirst);
    assert_eq!(strategy(&format!("{two_rooms}strategy = 'reject_when_busy'\n")), Strategy::RejectWhenBusy);
    assert_eq!(faults(two_rooms), ["group `c` meets workers of different strategies"]);
}

#[test]
fn users_take_their_rooms_in_turn() {
    let plan = plan("format = 1\n[rooms]\ncount = 3\n[users.workers]\ncount = 4\nrooms = [2, 0]\n");
    assert_eq!(plan.users.iter().map(|user| user.room).collect::<Vec<_>>(), [2, 0, 2, 0]);
    assert_eq!(plan.rooms, ["room-0", "room-1", "room-2"]);
    assert_eq!(faults("format = 1\n[users.workers]\nrooms = 1\n"), ["there is no room 1"]);
}

#[test]
fn a_step_is_a_bare_word_or_a_table_with_one_verb() {
    let plan = plan(
        "format = 1\n[users.peers]\nflow = 'all'\nprotocol = 'v1'\n[flow.all]\nsteps = ['join',\n\
         { expect = { type = 'offer' }, within = '3s', save = { sdp = '/sdp' } },\n\
         { raw = { type = 'answer', sdp = '${sdp}', n = 1, list = [true] } },\n\
         { http = { path = '/health' } }, 'reconnect', 'disconnect']\n",
    );
    assert_eq!(plan.users[0].protocol, Protocol::V1);
    assert_eq!(plan.users[0].role, "peer");
    let Behaviour::Flow(steps) = &plan.users[0].behaviour else { panic!("no flow") };
    assert_eq!(steps[1].verb, Verb::Expect { pattern: json!({ "type": "offer" }), within_ns: 3_000_000_000 });
    assert_eq!(steps[1].save["sdp"], "/sdp");
    let message = json!({ "type": "answer", "sdp": "${sdp}", "n": 1, "list": [true] });
    assert_eq!(steps[2].verb, Verb::Raw { message });
    assert!(matches!(&steps[3].verb, Verb::Http { method, status, .. } if method == "GET" && status == &[200]));
    assert_eq!(steps.len(), 6);
}

#[test]
fn a_raw_string_stays_as_it_is_with_its_templates_checked() {
    let step = |raw: &str| {
        format!("format = 1\n[users.peers]\nflow = 'x'\n[flow.x]\nsteps = ['connect', {{ raw = {raw} }}]\n")
    };
    let plan = plan(&step(r#"'{ "type": "register", "id_token": "${user.token}"'"#));
    let Behaviour::Flow(steps) = &plan.users[0].behaviour else { panic!("no flow") };
    let message = json!(r#"{ "type": "register", "id_token": "${user.token}""#);
    assert_eq!(steps[1].verb, Verb::Raw { message });
    assert_eq!(faults(&step("'${nobody}'")), ["nothing is called `${nobody}`"]);
    assert_eq!(faults(&step("7")).len(), 1);
}

#[test]
fn all_groups_that_come_to_a_point_meet_there_unless_it_names_them() {
    let text = "format = 1\n[users.a]\nflow = 'x'\ncount = 3\n[users.b]\nflow = 'y'\ncount = 2\n\
                [flow.x]\nsteps = ['join', { meet = 'here' }, { meet = 'alone', of = 'a' }]\n\
                [flow.y]\nsteps = ['join', { meet = 'here', of = ['a', 'b'] }]\n";
    let plan = plan(text);
    let Behaviour::Flow(steps) = &plan.users[0].behaviour else { panic!("no flow") };
    let count = |step: usize| match &steps[step].verb {
        Verb::Meet { count, .. } => *count,
        other => panic!("{other:?}"),
    };
    assert_eq!((count(1), count(2)), (5, 3));
    let left_out = text.replace("['a', 'b']", "'b'");
    assert_eq!(faults(&left_out), ["group `a` comes to `here` too, but `of` leaves it out"]);
    let never = text.replace("'alone', of = 'a'", "'alone', of = ['a', 'b']");
    assert_eq!(faults(&never), ["group `b` never comes to `alone`"]);
}

#[test]
fn a_time_that_a_flow_waits_for_lies_within_the_plan() {
    let text = |measure: &str| {
        format!(
            "format = 1\n[time]\n{measure}\n[users.peers]\nflow = 'x'\n[flow.x]\n\
             steps = ['join', {{ repeat = {{ times = 1, steps = [{{ at = '10m' }}] }} }}]\n"
        )
    };
    assert_eq!(faults(&text("measure = '10m'")), ["an `at` of group `peers` begins after the measure phase has ended"]);
    assert_eq!(plan(&text("measure = '11m'")).phases.measure_ns, 660_000_000_000);
    assert!(plan(&text("")).phases.measure_ns > 600_000_000_000, "left out, it is long enough");
}

#[test]
fn thresholds_are_set_on_what_is_measured() {
    let discover = plan("format = 1\n[users.workers]\n[thresholds]\ndiscover = ['p99 < 100ms', 'rate > 20/s']\n");
    assert_eq!(discover.thresholds[0].measure, Measure::Percentile(0.99));
    assert_eq!((discover.thresholds[0].limit, discover.thresholds[1].limit), (1e8, 20.0));
    let on = |operation: &str| {
        faults(&format!(
            "format = 1\n[users.peers]\nflow = 'x'\n[flow.x]\nsteps = ['join', {{ think = '1s', name = 'rest' }}]\n\
             [thresholds]\n{operation} = 'p99 < 1s'\n"
        ))
    };
    assert_eq!(on("rest"), ["nothing is called `rest`"]);
    assert_eq!(on("late"), ["of late work only its share is measured"]);
    let share = |operation: &str| format!("format = 1\n[users.workers]\n[thresholds]\n{operation} = 'share < 0.1%'\n");
    assert_eq!(plan(&share("late")).thresholds[0].measure, Measure::Late);
    assert_eq!(faults(&share("discover")), ["nothing of `discover` has a share"]);
    let span = "format = 1\n[users.peers]\nflow = 'x'\n[flow.x]\nsteps = ['join', { span = 'job to running', discover = {} }]\n\
                [thresholds]\n'job to running' = ['p95 < 3s', 'errors < 0.5%']\n";
    assert_eq!(plan(span).thresholds.len(), 2);
    let rows = "deliver = 'p99 < 1s'\ndeliver_to_all = 'p99 < 1s'\nstatus_seen = 'p99 < 1s'\n";
    assert_eq!(plan(&format!("format = 1\n[users.workers]\n[thresholds]\n{rows}")).thresholds.len(), 3);
}

#[test]
fn a_status_and_an_ending_may_stand_alone_or_in_the_longer_form() {
    let verb = |step: &str| {
        let text = format!("format = 1\n[users.peers]\nflow = 'x'\n[flow.x]\nsteps = ['join', {step}]\n");
        let Behaviour::Flow(steps) = plan(&text).users[0].behaviour.clone() else { panic!("no flow") };
        steps[1].verb.clone()
    };
    for (short, long) in [
        ("{ http = { path = '/', status = 404 } }", "{ http = { path = '/', status = [404] } }"),
        ("{ http = { path = '/' } }", "{ http = { path = '/', status = [200] } }"),
        ("{ disconnect = 'silent' }", "{ disconnect = { ending = 'silent' } }"),
        ("'disconnect'", "{ disconnect = {} }"),
    ] {
        assert_eq!(verb(short), verb(long));
    }
    assert_eq!(verb("{ disconnect = { ending = 'abrupt' } }"), Verb::Disconnect(Ending::Abrupt));
}

#[test]
fn a_check_is_asked_for_with_true_or_a_table() {
    for asked in ["room_sees_only_its_own = true", "room_sees_only_its_own = {}", "departed_peers_disappear = true"] {
        let plan = plan(&format!("format = 1\n[users.workers]\n[checks]\n{asked}\n"));
        assert_eq!(plan.checks.named, [asked.split(' ').next().unwrap()]);
        assert!(plan.checks.within_ns.is_empty());
    }
}

#[test]
fn simulated_tokens_are_signed_with_one_secret_unless_the_file_asks_for_a_key_pair() {
    let identity = |system: &str| plan(&format!("format = 1\n[users.workers]\n{system}")).system.identity;
    assert_eq!(identity(""), IdentityKind::Hs256);
    assert_eq!(identity("[system]\nidentity = 'rs256'\n"), IdentityKind::Rs256);
}

#[test]
fn a_bound_that_no_check_would_use_is_refused() {
    let text = "format = 1\n[users.workers]\n[checks]\nroom_sees_only_its_own.within = '5s'\n";
    assert_eq!(faults(text), ["unknown key `within` in a check without a bound"]);
    let plan = plan("format = 1\n[users.workers]\n[checks]\ndeparted_peers_disappear.within = '50s'\n");
    assert_eq!(plan.checks.within_ns["departed_peers_disappear"], 50_000_000_000);
    assert_eq!(plan.checks.named, ["departed_peers_disappear"]);
}

#[test]
fn the_identity_token_may_only_stand_in_raw_messages() {
    let step = |step: &str| format!("format = 1\n[users.peers]\nflow = 'x'\n[flow.x]\nsteps = ['join', {step}]\n");
    scenario(&step("{ raw = { id_token = '${user.token}' } }"));
    let leaks = step("{ send = { to = 'x', payload = { token = '${user.token}' } } }");
    assert_eq!(faults(&leaks), ["`${user.token}` may only stand in a `raw` message"]);
}
