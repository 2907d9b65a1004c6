//! The scenario files that come with the program: all are there, valid, planned in both worlds, and say where they come
//! from.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use rehearsal_scenarios::plan::{Expectation, IdentityKind, World};
use rehearsal_scenarios::{Overrides, Scenario, library, load, timeline};
use std::collections::BTreeSet;

fn embedded() -> impl Iterator<Item = Scenario> {
    library::names().map(|name| {
        let text = library::get(name).unwrap();
        load(name, text.as_bytes(), &Overrides::default()).unwrap_or_else(|faults| panic!("{faults}"))
    })
}

#[test]
fn every_embedded_file_is_valid_and_planned_the_same_twice_in_both_worlds() {
    for scenario in embedded() {
        for world in [World::Simulated, World::Live] {
            for seed in (0..20).chain([u64::MAX]) {
                let plan = scenario.plan(seed, world);
                assert!(!plan.users.is_empty(), "{} has users", plan.scenario);
                assert_eq!(plan, scenario.plan(seed, world), "{}", plan.scenario);
            }
        }
    }
}

#[test]
fn every_file_in_the_folder_is_embedded() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/files")).unwrap();
    let files: BTreeSet<String> = folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(files, library::names().map(|name| format!("{name}.toml")).collect());
}

#[test]
fn every_file_opens_with_what_it_is_where_it_comes_from_and_what_is_expected() {
    for scenario in embedded() {
        let comment: String = scenario.source().lines().take_while(|line| line.starts_with('#')).collect();
        assert!(comment.contains("document"), "{} names its document", scenario.name());
        assert!(comment.contains("Expected"), "{} says what is expected", scenario.name());
        assert!(!scenario.about().is_empty(), "{} says what it is about", scenario.name());
    }
}

#[test]
fn every_defect_file_expects_a_named_check_to_break_in_both_worlds() {
    for scenario in embedded().filter(|scenario| scenario.name().starts_with("defect_")) {
        let defect = scenario.name().trim_start_matches("defect_").to_owned();
        assert!(scenario.source().contains(&format!("defects = [\"{defect}\"]")), "{defect} is switched on");
        for world in [World::Simulated, World::Live] {
            let expect = scenario.expectation(world);
            assert!(matches!(expect, Expectation::Broken(checks) if !checks.is_empty()), "{defect}: {expect:?}");
        }
    }
}

#[test]
fn one_file_plays_with_the_signatures_of_a_deployment() {
    let signed =
        embedded().filter(|scenario| scenario.plan(1, World::Simulated).system.identity == IdentityKind::Rs256);
    assert_eq!(signed.map(|scenario| scenario.name().to_owned()).collect::<Vec<_>>(), ["v1_and_v2_peers_share_a_room"]);
}

#[test]
fn a_timeline_is_readable() {
    let text = library::get("worker_crashes_mid_job").unwrap();
    let scenario = load("worker_crashes_mid_job", text.as_bytes(), &Overrides::default()).unwrap();
    insta::assert_snapshot!(timeline(&scenario.plan(4, World::Simulated)), @r#"
    worker_crashes_mid_job, seed 4, simulated
    a worker dies in the middle of a job; the job is done elsewhere and the dead worker disappears
    5 users in 1 room on 3 hosts, 1 server; expected: holds

           0.000  prepare    rooms and sign-ins before time 0, within 6m
           0.000  measure    for at most 1m
           0.000  workers-0  room-0  worker, metadata_first, jobs take 3s..6s  (host workers-0)
           0.000  workers-1  room-0  worker, metadata_first, jobs take 3s..6s  (host workers-1)
           1.179  clients-2  room-0  client, metadata_first, wants 2 jobs, asks 3  (host clients-host0)
           1.250  clients-0  room-0  client, metadata_first, wants 2 jobs, asks 3  (host clients-host0)
           1.289  clients-1  room-0  client, metadata_first, wants 2 jobs, asks 3  (host clients-host0)
           7.660  crash      kill workers-1 for 7s546ms
          15.206  crash      back again
          60.000  settle     everything heals, no new work, for 15s
          75.000  end        clean up within 6m, then the verdict
    "#);
    let text = library::get("defect_message_crosses_rooms").unwrap();
    let scenario = load("defect_message_crosses_rooms", text.as_bytes(), &Overrides::default()).unwrap();
    insta::assert_snapshot!(timeline(&scenario.plan(4, World::Live)), @r#"
    defect_message_crosses_rooms, seed 4, live
    a message is delivered to a peer of another room
    2 users in 2 rooms on 2 hosts, 1 server; expected: broken (room_sees_only_its_own)
    the server has defects: message_crosses_rooms

           0.000  prepare  rooms and sign-ins before time 0, within 1m5s
           0.000  measure  for at most 12s
           0.000  alice-0  room-0  peer, plays 4 steps  (host alice-host0)
           0.000  bob-0    room-1  peer, plays 4 steps  (host bob-host0)
          12.000  settle   everything heals, no new work, for 2s
          14.000  end      clean up within 1m4s, then the verdict

    steps of alice
       1  join
       2  meet at both are there, 2 users, within 5s
       3  send to ${peer.bob-0} {"text":"hello from the other room"}
       4  meet at it is said, 2 users, within 10s

    steps of bob
       1  join
       2  meet at both are there, 2 users, within 5s
       3  expect {"type":"peer_message"} within 5s, otherwise continue
       4  meet at it is said, 2 users, within 10s
    "#);
}
