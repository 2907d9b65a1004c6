//! The same seed is the same whatever is around it, and who could make it differ is named.

use crate::support::{Ran, folder, program, run_in};
use rehearsal_reports::record::network::{Entry, NetworkReader, What};
use serde_json::Value;
use std::path::Path;

/// All its seeds are broken, so that each can leave a record with its own hash.
const NAIVE: &str = "two_clients_race_naive_worker";

/// The hash of seed 7 in its record, after these arguments and with this environment.
fn hash_of_seven(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let folder = folder();
    let mut process = program();
    process.current_dir(folder.path()).args(["simulate", NAIVE, "--records", "50"]).args(arguments);
    process.envs(environment.iter().copied());
    Ran::of(process.output().expect("it starts")).ends_with(0);
    let verdict = folder.path().join("runs").join(NAIVE).join("seed-7/verdict.json");
    let verdict: Value = serde_json::from_slice(&std::fs::read(verdict).expect("a record of seed 7")).expect("JSON");
    verdict["outcome"]["seeds"]["hash"].to_string()
}

#[test]
fn the_hash_of_a_seed_is_the_same_alone_first_last_beside_others_and_in_any_environment() {
    for engine in ["event", "turmoil"] {
        let alone = hash_of_seven(&["--seed", "7", "--seeds", "1", "--jobs", "1", "--engine", engine], &[]);
        let padding = "x".repeat(50_000);
        for (what, arguments, environment) in [
            ("first", &["--seed", "7", "--seeds", "4", "--jobs", "1"][..], &[][..]),
            ("last", &["--seed", "4", "--seeds", "4", "--jobs", "1"], &[]),
            ("beside others", &["--seed", "4", "--seeds", "8", "--jobs", "4"], &[]),
            ("twice", &["--seed", "6", "--seeds", "2", "--twice"], &[]),
            ("in a large environment", &["--seed", "7", "--seeds", "1"], &[("REHEARSAL_PADDING", &*padding)]),
            ("with all logs", &["--seed", "7", "--seeds", "1", "--jobs", "1"], &[("RUST_LOG", "trace")]),
        ] {
            let arguments = [arguments, &["--engine", engine]].concat();
            assert_eq!(hash_of_seven(&arguments, environment), alone, "{what}, on {engine}");
        }
    }
}

fn network_log(record: &Path) -> (String, Vec<Entry>) {
    let file = std::fs::File::open(record.join("network.jsonl.zst")).expect("a network log");
    let reader = NetworkReader::new(file).expect("readable");
    let engine = reader.header().engine.clone();
    (engine, reader.map(|entry| entry.expect("readable")).collect())
}

#[test]
fn a_replayed_record_is_played_by_its_own_engine_and_leaves_the_same_network_log() {
    for engine in ["event", "turmoil"] {
        let folder = folder();
        run_in(folder.path(), &["simulate", NAIVE, "--seeds", "1", "--engine", engine]).ends_with(0);
        let first = network_log(&folder.path().join("runs/latest"));
        let replayed = run_in(folder.path(), &["replay", "runs/latest"]).ends_with(0);
        assert!(!replayed.stderr.contains("note: the record"), "{}", replayed.stderr);
        let again = network_log(&folder.path().join("runs/latest"));
        assert_eq!(first.0, engine);
        assert_eq!(first, again);
        let (_, entries) = first;
        let count = |of: fn(&What) -> bool| entries.iter().filter(|entry| of(&entry.what)).count();
        assert!(count(|what| matches!(what, What::Task { .. })) > 100);
        assert!(count(|what| matches!(what, What::Draw { .. })) > 0);
        assert_eq!(count(|what| matches!(what, What::Time0)), 1);
        for word in ["syn", "answer", "data", "fin"] {
            let says = |entry: &&Entry| matches!(&entry.what, What::Packet { says, .. } if &**says == word);
            let packets: Vec<_> = entries.iter().filter(says).collect();
            assert!(packets.iter().any(|entry| &*entry.host == "server-0") || word == "syn", "{word}: {packets:?}");
        }
        assert!(entries.is_sorted_by_key(|entry| entry.t_ns), "in the order of virtual time");
    }
}

#[test]
fn a_replay_shows_who_asks_the_machine() {
    let folder = folder();
    let ran = run_in(folder.path(), &["replay", NAIVE, "--seed", "1"]).ends_with(0);
    for words in [
        "entropy ledger",
        "nobody passes the clock and the randomness that programs are handed",
        "tungstenite",
        "by hyper::common::date",
    ] {
        assert!(ran.stdout.contains(words), "no {words:?} in\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("MUST NOT"), "{}", ran.stdout);
}

#[test]
fn a_record_of_another_build_other_libraries_or_another_machine_says_so_when_it_is_replayed() {
    let folder = folder();
    run_in(folder.path(), &["simulate", NAIVE, "--seeds", "1"]).ends_with(0);
    let path = folder.path().join("runs/latest/header.json");
    let text = std::fs::read_to_string(&path).expect("a header");
    let header: Value = serde_json::from_str(&text).expect("JSON");
    let replayed = |pointer: &str, value: &str| {
        let mut other = header.clone();
        *other.pointer_mut(pointer).expect("it is there") = value.into();
        std::fs::create_dir_all(folder.path().join("old")).expect("writable");
        std::fs::write(folder.path().join("old/header.json"), other.to_string()).expect("writable");
        run_in(folder.path(), &["replay", "old"]).ends_with(0).stderr
    };
    for (pointer, value, words) in [
        ("/versions/rehearsal", "0.0.9", "note: the record was made by version 0.0.9, this is "),
        ("/versions/target", "aarch64-linux", "note: the record was made on aarch64-linux, this is "),
        ("/lock_hash", "00ff", "note: the record was made with other libraries (lock file 00ff, here "),
    ] {
        let stderr = replayed(pointer, value);
        assert_eq!(stderr.matches("note: the record").count(), 1, "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
}
