//! How the search behaves: the same for any number of threads, never worse than what it began with, and minimal.

use crate::catalogue::{broken, shrunk};
use rehearsal_scenarios::plan::{Begin, Behaviour, Plan, Verb, World};
use rehearsal_scenarios::{Overrides, load};
use rehearsal_sim::explore::Fingerprint;
use rehearsal_sim::seed::{SeedOptions, play};
use rehearsal_sim::shrink::{ShrinkOptions, shrink};
use std::sync::Arc;
use std::time::Duration;

const RACE: &str = "two_clients_race_naive_worker";

/// The race of two, with a crowd and a fault that have nothing to do with it.
const CROWD: &str = r#"
format = 1

[system]
defects = ["message_crosses_rooms"]

[rooms]
count = 3

[users.alice]
flow = "write"
rooms = 0

[users.bob]
flow = "listen"
rooms = 1

[users.crowd]
role = "worker"
count = 5
rooms = 2

[users.more]
role = "client"
count = 2
rooms = 2

[faults."the crowd is cut off"]
do = "partition"
between = ["crowd", "server"]
at = "2s"
for = "1s"

[flow.write]
steps = [
  "join",
  "discover",
  { meet = "both are there", within = "5s" },
  { send = { to = "${peer.bob-0}", payload = { text = "hello from the other room" } } },
  { update_metadata = { properties = { mood = "fine" } } },
]

[flow.listen]
steps = [
  "join",
  { meet = "both are there", within = "5s" },
  { think = "2s" },
  "discover",
]
"#;

fn crowd() -> (Arc<Plan>, Fingerprint) {
    let scenario = load("crowd", CROWD.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
    let run = play(Arc::new(scenario.plan(1, World::Simulated)), SeedOptions::default());
    let fingerprint = Fingerprint::all_of(&run).into_iter().find(|one| one.check == "room_sees_only_its_own");
    (run.plan.clone(), fingerprint.unwrap())
}

#[test]
fn what_has_nothing_to_do_with_the_failure_goes_and_the_failure_stays() {
    let (plan, fingerprint) = crowd();
    let shrunk = shrink(&plan, &fingerprint, ShrinkOptions::default()).unwrap();
    let left = &shrunk.run.plan;
    let names: Vec<&str> = left.users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["alice-0", "bob-0"], "{left:?}");
    assert!(left.faults.is_empty());
    assert_eq!(left.rooms, ["room-0", "room-1"]);
    assert!(shrunk.is_minimal);
    // Joining, joining and writing.
    assert_eq!(shrunk.after.operations, 3, "{left:?}");
    assert!(Fingerprint::all_of(&shrunk.run).contains(&fingerprint));
}

/// Somebody is held 25 ms after the fifth message of many.
const WAITING: &str = r#"
format = 1

[users.alice]
flow = "write"

[faults.hiccup]
do = "pause"
who = "alice"
when = { sends = { app_message_type = "say" }, nth = 5, after = "25ms" }
for = "1s"

[flow.write]
steps = [
  "join",
  { repeat = { times = 8, every = "100ms", steps = [
    { send = { to = "${user.peer_id}", payload = { app_message_type = "say" } } },
  ] } },
]

[check.nobody_is_held]
about = "nobody is held"
never = { event = "fault" }
"#;

#[test]
fn a_fault_that_waits_for_a_message_comes_to_wait_for_the_first_and_begins_at_once() {
    let scenario =
        load("waiting", WAITING.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"));
    let run = play(Arc::new(scenario.plan(1, World::Simulated)), SeedOptions::default());
    let fingerprint = Fingerprint::all_of(&run).pop_first().unwrap();
    let shrunk = shrink(&run.plan, &fingerprint, ShrinkOptions::default()).unwrap();
    let Begin::After(sight) = &shrunk.run.plan.faults[0].begins else { panic!("{:?}", shrunk.run.plan.faults) };
    assert_eq!((sight.nth, sight.delay_ns), (1, 0));
    // Joining and the one message that is left.
    assert_eq!(shrunk.after.operations, 2, "{:?}", shrunk.run.plan.users);
}

#[test]
fn the_result_is_the_same_for_any_number_of_threads() {
    let (plan, fingerprint) = broken(RACE);
    let with = |jobs| {
        let options = ShrinkOptions { jobs, trials_max: 60, ..ShrinkOptions::default() };
        let shrunk = shrink(&plan, &fingerprint, options).unwrap();
        (shrunk.run.plan.clone(), shrunk.run.hash, shrunk.trials)
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn without_time_what_was_found_is_what_is_left() {
    let (plan, fingerprint) = broken(RACE);
    let shrunk =
        shrink(&plan, &fingerprint, ShrinkOptions { time_max: Duration::ZERO, ..ShrinkOptions::default() }).unwrap();
    assert_eq!(shrunk.run.plan, plan);
    assert_eq!((shrunk.trials, shrunk.is_minimal), (0, false));
}

#[test]
fn a_plan_that_does_not_fail_in_that_way_is_not_shrunk() {
    let (plan, _) = broken(RACE);
    let other = Fingerprint { check: "nobody_speaks_for_another".to_owned(), shape: "# did something else".to_owned() };
    assert!(shrink(&plan, &other, ShrinkOptions::default()).is_none());
}

#[test]
fn nothing_is_left_that_needs_a_step_that_went() {
    let shrunk = shrunk(RACE, 400);
    for user in &shrunk.run.plan.users {
        let Behaviour::Flow(steps) = &user.behaviour else { continue };
        let joins = steps.iter().position(|step| matches!(step.verb, Verb::Join));
        let sends = steps.iter().position(|step| matches!(step.verb, Verb::Send { .. }));
        assert!(sends.is_none() || joins < sends, "{steps:?}");
    }
}
