//! From a race to a file: it is found, confirmed, made smaller, told, kept, and played again. And the harness's own score.

use crate::support::{Ran, folder, program, run_in};

const NAIVE: &str = "two_clients_race_naive_worker";

#[test]
fn what_breaks_unexpectedly_is_told_small_and_can_be_kept_and_played_again() {
    let folder = folder();
    let found = run_in(folder.path(), &["simulate", NAIVE, "--expect", "holds", "--seeds", "4"]).ends_with(1);
    for said in [
        "4 of 4 seeds (100 %), the lowest is 1: worker_runs_one_job_at_a_time",
        "seed 1 was shrunk from 0 faults, 13 operations",
        "nothing more can be taken away",
        "as it was found: rehearsal replay two_clients_race_naive_worker --seed 1",
        "<- second job begins",
    ] {
        assert!(found.stdout.contains(said), "{said} is missing in\n{}", found.stdout);
    }
    // The record that `latest` points at is the small one, and its own command plays it again.
    let repeat = found.stdout.lines().find_map(|line| line.strip_prefix("repeat  rehearsal ")).expect("a command");
    let again = run_in(folder.path(), &repeat.split_whitespace().collect::<Vec<_>>()).ends_with(1);
    let sentence =
        found.stdout.lines().find(|line| line.contains(" ran jobs ") && line.starts_with("  workers")).expect("told");
    assert!(again.stdout.contains(sentence), "{sentence} is missing in\n{}", again.stdout);

    let kept = run_in(folder.path(), &["keep", "runs/latest", "--name", "naive"]).ends_with(0);
    assert!(kept.stdout.contains("scenarios/regressions/naive.toml"), "{}", kept.stdout);
    let file = folder.path().join("scenarios/regressions/naive.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    assert!(text.contains("#     ") && text.contains("second job begins"), "the story is its comment:\n{text}");
    let played = run_in(folder.path(), &["simulate", "scenarios/regressions", "--format", "json"]).ends_with(0);
    let object = &played.objects()[0];
    assert_eq!((object["seeds"].as_u64(), object["verdict"].as_str()), (Some(1), Some("broken")), "{object}");

    // One edit says that it is mended, which it is not.
    let expect = text.lines().find(|line| line.starts_with("expect = ")).expect("an expectation");
    std::fs::write(&file, text.replacen(expect, "expect = \"holds\"", 1)).expect("writable");
    run_in(folder.path(), &["simulate", "scenarios/regressions", "--shrink-for", "0s"]).ends_with(1);
    run_in(folder.path(), &["keep", "runs/latest", "--name", "naive"]).ends_with(2);
}

#[test]
fn only_broken_records_are_kept_under_plain_names() {
    let folder = folder();
    run_in(folder.path(), &["replay", "two_clients_race_for_one_worker", "--seed", "1"]).ends_with(0);
    let holds = run_in(folder.path(), &["keep", "runs/latest", "--name", "fine"]).ends_with(2);
    assert!(holds.stderr.contains("no check is broken in this record"), "{}", holds.stderr);
    let name = run_in(folder.path(), &["keep", "runs/latest", "--name", "../up"]).ends_with(2);
    assert!(name.stderr.contains("is no name for a file"), "{}", name.stderr);
    run_in(folder.path(), &["keep", "nowhere", "--name", "fine"]).ends_with(2);
}

#[test]
fn a_replay_is_made_smaller_when_asked() {
    let folder = folder();
    let ran = run_in(folder.path(), &["replay", NAIVE, "--seed", "2", "--shrink"]).ends_with(0);
    assert!(ran.stdout.contains("seed 2 was shrunk from 0 faults, 13 operations"), "{}", ran.stdout);
}

#[test]
fn what_was_kept_still_breaks_as_its_file_says() {
    let folder = folder();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/regressions");
    run_in(folder.path(), &["simulate", kept]).ends_with(0);
}

#[test]
fn the_score_finds_every_defect_and_raises_no_false_alarm() {
    let folder = folder();
    let ran =
        run_in(folder.path(), &["score", "--control", "20", "--shrink-for", "0s", "--format", "json"]).ends_with(0);
    let objects = ran.objects();
    let (control, rows) = objects.split_last().expect("a line each");
    assert!(rows.len() > 8 && rows.iter().all(|row| row["found"] == true), "{}", ran.stdout);
    assert_eq!(rows[0]["check"], "nobody_registers", "the canary comes first");
    assert_eq!((control["control_seeds"].as_u64(), &control["false_alarms"]), (Some(20), &serde_json::json!([])));
}

#[test]
fn a_workflow_gets_an_annotation_and_a_step_summary() {
    let folder = folder();
    let summary = folder.path().join("summary.md");
    let mut workflow = program();
    workflow.current_dir(folder.path()).env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    workflow.args(["simulate", NAIVE, "--expect", "holds", "--seeds", "2", "--shrink-for", "0s", "--quiet"]);
    let ran = Ran::of(workflow.output().expect("it starts")).ends_with(1);
    assert!(
        ran.stderr.contains("::error title=two_clients_race_naive_worker::broken: a worker runs"),
        "{}",
        ran.stderr
    );
    let summary = std::fs::read_to_string(summary).expect("written");
    assert!(summary.contains("a worker runs one job at a time"), "{summary}");
}
