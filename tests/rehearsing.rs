//! `rehearsal::scenario(…)` as a test of another package calls it, live: against the reference and a system of its own, in this
//! process. What it does with seeds is tested where a dependant does it, in `examples/own_service`.

use rehearsal::{Network, Plan, Rehearsal, Server, System, scenario};
use std::path::PathBuf;

fn library(name: &str) -> Rehearsal {
    scenario(format!("scenarios/files/{name}.toml"))
}

#[test]
fn the_reference_is_played_over_real_sockets_and_holds() {
    let outcome = library("two_clients_race_for_one_worker").live().run();
    let connects = outcome.operations.iter().find(|operation| operation.name == "connect");
    assert!(connects.is_some_and(|connect| connect.count >= 3 && connect.errors == 0), "{:?}", outcome.operations);
}

#[test]
fn the_record_of_a_run_that_was_not_as_expected_stays() {
    let rehearsal = library("two_clients_race_for_one_worker").live().expect_broken("room_sees_only_its_own");
    let outcome = rehearsal.try_run().expect("it plays");
    assert!(!outcome.expected);
    let place = outcome.notes.iter().find_map(|note| note.strip_prefix("its record is in ")).map(PathBuf::from);
    let record = place.expect("it is told");
    assert!(record.join("events.jsonl.zst").is_file(), "{record:?}");
    let out = record.parent().and_then(|scenario| scenario.parent()).expect("runs/<scenario>/<time>");
    std::fs::remove_dir_all(out).expect("it is ours");
}

/// Two servers, which would have to find each other.
struct Twins;

impl System for Twins {
    fn deploy<N: Network>(&self, _: &Plan) -> Vec<Server<N>> {
        let server = |name| Server::new(name, |_, stop: rehearsal::Stop| stop.asked());
        vec![server("server-0"), server("server-1")]
    }
}

#[test]
fn what_a_test_cannot_play_live_is_told() {
    let trouble = |rehearsal: Rehearsal| rehearsal.live().try_run().err().map_or_else(String::new, |it| it.to_string());
    let twins = trouble(library("two_clients_race_for_one_worker").system(Twins));
    assert!(twins.contains("the system has 2 servers") && twins.contains("two_clients_race"), "{twins}");
    let struck = trouble(library("server_restarts_while_workers_run"));
    assert!(struck.contains("server"), "{struck}");
}
