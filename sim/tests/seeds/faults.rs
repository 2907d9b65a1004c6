//! Faults in whole seeds: told when they begin and end, survived by the hardened system, healed after measure.

use crate::scenes::{broken, faults, plan, played, race_with, twice, word};
use rehearsal_reports::event::Kind;

fn fault(what: &str) -> String {
    race_with(&format!("[faults.first]\n{what}"))
}

#[test]
fn each_fault_is_told_and_the_hardened_system_survives_it() {
    let down = |doing: &str, who: &str| format!("do = \"{doing}\"\nwho = \"{who}\"\nat = \"2s\"\nback = \"1s\"");
    let link = |doing: &str, more: &str| {
        format!("do = \"{doing}\"\nbetween = [\"workers\", \"server\"]\nat = \"1s\"\nfor = \"3s\"\n{more}")
    };
    let kinds = [
        (down("kill", "workers"), ["killed", "restarted"]),
        (down("kill", "server"), ["killed", "restarted"]),
        (down("lose", "workers"), ["machine lost", "restarted"]),
        (down("lose", "clients"), ["machine lost", "restarted"]),
        (link("partition", ""), ["partition begins", "partition ends"]),
        (link("partition", "way = \"to_server\""), ["partition begins", "partition ends"]),
        (link("latency", "added = \"300ms\""), ["added latency begins", "added latency ends"]),
        (link("loss", "share = 0.2"), ["packet loss begins", "packet loss ends"]),
    ];
    for (what, words) in kinds {
        for seed in 1..=3 {
            let run = played(&fault(&what), seed);
            assert_eq!(run.failure, None, "{what}");
            let told: Vec<_> = faults(&run).into_iter().map(|(word, _)| word).collect();
            assert_eq!(told, words, "{what}");
            assert!(broken(&run).is_empty(), "seed {seed}, {what}: {:?}", broken(&run));
        }
    }
}

#[test]
fn a_fault_that_names_no_end_is_healed_after_measure_and_a_killed_user_stays_dead() {
    let cut = "do = \"partition\"\nbetween = [\"clients\", \"server\"]\nat = \"1s\"";
    let run = played(&fault(cut), 1);
    assert_eq!(run.failure, None);
    let told: Vec<_> = faults(&run).into_iter().map(|(word, _)| word).collect();
    assert_eq!(told, ["partition begins", "partition ends"]);
    let run = played(&fault("do = \"kill\"\nwho = { users = \"clients\", pick = 1 }\nat = \"1s\""), 1);
    assert_eq!(run.failure, None);
    let told: Vec<_> = faults(&run).into_iter().map(|(word, _)| word).collect();
    assert_eq!(told, ["killed"]);
}

#[test]
fn a_host_that_two_faults_take_down_starts_again_after_both() {
    let first = "do = \"kill\"\nwho = \"workers\"\nat = \"1s\"\nback = \"2s\"";
    let second = "do = \"lose\"\nwho = \"workers\"\nat = \"2s\"\nback = \"3s\"";
    let run = played(&format!("{}\n[faults.second]\n{second}", fault(first)), 1);
    assert_eq!(run.failure, None);
    let told = faults(&run);
    let words: Vec<_> = told.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(words, ["killed", "machine lost", "restarted"]);
    assert!((5.0..5.1).contains(&told[2].1), "{told:?}");
}

#[test]
fn a_user_that_comes_back_while_others_are_done_is_waited_for() {
    let run =
        played(&fault("do = \"kill\"\nwho = { users = \"clients\", pick = 1 }\nat = \"600ms\"\nback = \"20s\""), 1);
    assert_eq!(run.failure, None);
    let told = faults(&run);
    assert!(told.last().is_some_and(|(word, at)| word == "restarted" && (20.6..20.7).contains(at)), "{told:?}");
    let done = run.events.iter().filter(|event| &*event.op == "request_job" && event.kind == Kind::Ok).count();
    assert_eq!(done, 2, "both clients got their job done");
}

/// Everything at once, at random times.
const CHAOS: &str = r#"
format = 1
[users.workers]
role = "worker"
count = 3
strategy = "metadata_first"
job = { uniform = ["1s", "4s"] }
[users.clients]
role = "client"
count = 5
jobs = 3
start = { uniform = ["100ms", "3s"] }
[faults.kill]
do = "kill"
who = "server"
at = { uniform = ["1s", "20s"] }
back = { uniform = ["200ms", "4s"] }
[faults.lose]
do = "lose"
who = { users = "workers", pick = 1 }
at = { uniform = ["1s", "20s"] }
back = { uniform = ["200ms", "20s"] }
[faults.clients-die]
do = "kill"
who = { users = "clients", pick = 2 }
at = { uniform = ["1s", "20s"] }
back = { uniform = ["200ms", "20s"] }
[faults.partition]
do = "partition"
between = ["workers", "server"]
at = { uniform = ["1s", "20s"] }
for = { uniform = ["200ms", "40s"] }
[faults.half-cut]
do = "partition"
between = ["clients", "server"]
way = "to_server"
at = { uniform = ["1s", "20s"] }
for = { uniform = ["200ms", "10s"] }
[faults.loss]
do = "loss"
between = ["clients", "server"]
share = 0.2
at = { uniform = ["1s", "20s"] }
for = "5s"
"#;

#[test]
fn under_all_faults_at_once_every_seed_comes_to_its_end_and_no_job_is_run_twice() {
    for seed in 1..=8 {
        let run = twice(&plan(CHAOS, seed));
        assert_eq!(run.failure, None, "seed {seed}");
        assert_eq!(faults(&run).iter().filter(|(word, _)| word == "restarted").count(), 3, "seed {seed}");
        for check in ["worker_runs_one_job_at_a_time", "job_is_begun_by_one_worker", "nobody_speaks_for_another"] {
            assert_eq!(word(&run, check), "holds", "seed {seed}: {check}");
        }
    }
}
