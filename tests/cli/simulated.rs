//! The simulated world through the command line.

use crate::support::{folder, run_in, scenario};

const NAIVE: &str = "two_clients_race_naive_worker";
const HARDENED: &str = "two_clients_race_for_one_worker";

#[test]
fn a_naive_worker_is_found_with_its_seed_its_story_and_the_command_that_repeats_it() {
    let folder = folder();
    let ran = run_in(folder.path(), &["simulate", NAIVE, "--seeds", "5"]).ends_with(0);
    for words in [
        "broken, as expected",
        "BROKEN  a worker runs one job at a time",
        "second acceptance while reserved",
        "repeat  rehearsal replay two_clients_race_naive_worker --seed 1",
        "exit 0: the expected verdict",
    ] {
        assert!(ran.stdout.contains(words), "no {words:?} in\n{}", ran.stdout);
    }
    let again = run_in(folder.path(), &["replay", NAIVE, "--seed", "1"]).ends_with(0);
    assert!(again.stdout.contains("second acceptance while reserved"), "{}", again.stdout);
}

#[test]
fn a_verdict_that_is_not_the_expected_one_ends_with_1_both_ways() {
    let folder = folder();
    let holds = run_in(folder.path(), &["simulate", NAIVE, "--seeds", "3", "--expect", "holds"]).ends_with(1);
    assert!(holds.stdout.contains("exit 1: not the expected verdict"), "{}", holds.stdout);
    run_in(folder.path(), &["simulate", HARDENED, "--seeds", "3", "--expect", "broken"]).ends_with(1);
    run_in(folder.path(), &["simulate", HARDENED, "--seeds", "3"]).ends_with(0);
}

#[test]
fn json_has_the_documented_keys_and_the_same_hash_for_any_number_of_jobs_and_any_process() {
    let folder = folder();
    let arguments = |jobs| ["simulate", NAIVE, "--seeds", "6", "--format", "json", "--jobs", jobs];
    let ran = run_in(folder.path(), &arguments("1")).ends_with(0);
    let objects = ran.objects();
    let [one] = objects.as_slice() else { panic!("one object a file: {}", ran.stdout) };
    for key in [
        "format",
        "scenario",
        "world",
        "engine",
        "seeds",
        "verdict",
        "expected",
        "checks",
        "first_broken_seed",
        "broken_seeds",
        "hash",
        "record",
    ] {
        assert!(one.get(key).is_some(), "no {key} in {one}");
    }
    assert_eq!((one["verdict"].as_str(), one["first_broken_seed"].as_u64()), (Some("broken"), Some(1)));
    assert_eq!(one["hash"].as_str().map(str::len), Some(16));
    let two = run_in(folder.path(), &arguments("2")).ends_with(0).objects();
    assert_eq!(one["hash"], two[0]["hash"]);
}

#[test]
fn a_host_that_is_killed_dies_the_same_way_whatever_else_the_process_plays() {
    let folder = folder();
    for engine in ["turmoil", "event"] {
        let hash = |jobs| {
            let arguments = ["server_restarts_while_workers_run", "--seed", "64", "--seeds", "8", "--engine", engine];
            let arguments = [&["simulate"][..], &arguments, &["--jobs", jobs, "--format", "json"]].concat();
            run_in(folder.path(), &arguments).ends_with(0).objects()[0]["hash"].clone()
        };
        assert_eq!(hash("1"), hash("2"), "on the {engine} engine");
    }
}

#[test]
fn a_seed_has_the_same_events_alone_and_from_its_record() {
    let folder = folder();
    let ran = run_in(folder.path(), &["simulate", NAIVE, "--seeds", "2", "--format", "json"]).ends_with(0);
    let record = ran.objects()[0]["record"].as_str().expect("a broken seed leaves a record").to_owned();
    let from_record = run_in(folder.path(), &["replay", &record, "--events"]).ends_with(0).stdout;
    let alone = run_in(folder.path(), &["replay", NAIVE, "--seed", "1", "--events"]).ends_with(0).stdout;
    assert!(from_record.lines().count() > 20);
    assert_eq!(from_record, alone);
}

#[test]
fn every_scenario_of_the_library_plays_the_same_twice() {
    let folder = folder();
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/files");
    let ran = run_in(folder.path(), &["simulate", files, "--seeds", "2", "--twice", "--format", "json"]).ends_with(0);
    assert_eq!(ran.stderr.matches("played twice, the same both times").count(), ran.objects().len());
    assert!(ran.objects().len() >= 17, "{}", ran.stdout);
}

#[test]
fn a_first_scenario_is_a_format_and_two_groups() {
    let folder = folder();
    let text = "format = 1\n[users.workers]\nrole = \"worker\"\n[users.clients]\nrole = \"client\"\n";
    scenario(folder.path(), "first.toml", text);
    let ran = run_in(folder.path(), &["simulate", "first.toml", "--seeds", "3"]).ends_with(0);
    assert!(ran.stdout.contains("HOLDS   a worker runs one job at a time"), "{}", ran.stdout);
    run_in(folder.path(), &["lint", "first.toml"]).ends_with(0);
    let plan = run_in(folder.path(), &["plan", "first.toml", "--seed", "7"]).ends_with(0);
    assert!(plan.stdout.contains("workers-0") && plan.stdout.contains("clients-0"), "{}", plan.stdout);
}

#[test]
fn files_for_build_servers_and_pull_requests_are_written() {
    let folder = folder();
    let arguments = ["simulate", NAIVE, "--seeds", "2", "--junit", "junit.xml", "--markdown", "summary.md"];
    run_in(folder.path(), &arguments).ends_with(0);
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).expect("written");
    assert!(junit.contains("<testsuite ") && junit.contains("worker_runs_one_job_at_a_time"), "{junit}");
    let markdown = std::fs::read_to_string(folder.path().join("summary.md")).expect("written");
    assert!(markdown.contains("a worker runs one job at a time"), "{markdown}");
}

#[test]
fn an_old_record_is_judged_again_and_its_report_written_again() {
    let folder = folder();
    run_in(folder.path(), &["simulate", NAIVE, "--seeds", "1"]).ends_with(0);
    let checked = run_in(folder.path(), &["check", "runs/latest"]).ends_with(0);
    assert!(checked.stdout.contains("BROKEN  a worker runs one job at a time"), "{}", checked.stdout);
    run_in(folder.path(), &["report", "runs/latest", "--html", "again.html"]).ends_with(0);
    let html = std::fs::read_to_string(folder.path().join("again.html")).expect("written");
    assert!(html.contains("a worker runs one job at a time"));
}

#[test]
fn stopping_at_the_first_broken_seed_reports_the_lowest_whatever_the_jobs() {
    let folder = folder();
    for jobs in ["1", "2"] {
        let arguments = ["simulate", NAIVE, "--stop-at-first", "--format", "json", "--jobs", jobs];
        let object = &run_in(folder.path(), &arguments).ends_with(0).objects()[0];
        assert_eq!((object["first_broken_seed"].as_u64(), object["seeds"].as_u64()), (Some(1), Some(1)), "{object}");
    }
}
