//! Exploring by time, by profile and over many seeds: what counts, what only warns, what was covered, and what stands apart.

use crate::support::{Ran, folder, run_in, scenario};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

const NAIVE: &str = "two_clients_race_naive_worker";

/// Two clients that always race, a check that every seed breaks, and something that no seed shows.
const RACE: &str = r#"
format = 1
[users.workers]
role = "worker"
[users.clients]
role = "client"
count = 2
[check.something_rare]
about = "metadata is refused"
sometimes = { event = "failed", op = "update_metadata" }
"#;

fn write_project(folder: &Path, profiles: &str) {
    std::fs::write(folder.join("rehearsal.toml"), format!("scenarios = [\"race.toml\"]\n{profiles}"))
        .expect("writable");
}

#[test]
fn a_profile_says_which_seeds_and_the_command_line_outweighs_it() {
    let folder = folder();
    scenario(folder.path(), "race.toml", RACE);
    write_project(folder.path(), "[profiles.pr]\nseed = 5\nseeds = 7\n");
    let seeds = |arguments: &[&str]| {
        let all = [&["simulate", "--format", "json", "--quiet"], arguments].concat();
        let object = run_in(folder.path(), &all).ends_with(0).objects()[0].clone();
        object["seeds"].as_u64()
    };
    assert_eq!(seeds(&["--profile", "pr"]), Some(7));
    assert_eq!(seeds(&["--profile", "pr", "--seeds", "3"]), Some(3));
    assert_eq!(seeds(&["--profile", "pr", "--for", "1s"]), Some(7), "what comes of the fixed seeds stays the same");
    assert_eq!(seeds(&[]), Some(100));
    let unknown = run_in(folder.path(), &["simulate", "--profile", "prr"]).ends_with(2);
    assert!(unknown.stderr.contains("profiles are: pr"), "{}", unknown.stderr);
    write_project(folder.path(), "[profiles.pr]\nseedz = 5\n");
    run_in(folder.path(), &["simulate", "--profile", "pr"]).ends_with(2);
}

#[test]
fn the_profiles_that_new_writes_play() {
    let folder = folder();
    run_in(folder.path(), &["new"]).ends_with(0);
    let play = |profile, more: &[&str]| {
        let all = [&["simulate", "--profile", profile, "--format", "json", "--quiet"], more].concat();
        run_in(folder.path(), &all).ends_with(0).objects()
    };
    let pr = play("pr", &[]);
    assert_eq!((pr.len(), pr[0]["seeds"].as_u64(), pr[0].get("time")), (1, Some(500), None), "{pr:?}");
    let nightly = play("nightly", &["--for", "1s"]);
    // What the files before it and the start took is not given.
    let given_ms = nightly[0]["time"]["given_ms"].as_u64().expect("a time");
    assert!((1..=1_000).contains(&given_ms), "{given_ms}");
    // Kept failures are played as soon as there are some.
    run_in(folder.path(), &["replay", NAIVE, "--seed", "1", "--quiet"]).ends_with(0);
    run_in(folder.path(), &["keep", "runs/latest", "--name", "naive"]).ends_with(0);
    let pr = play("pr", &["--seeds", "5"]);
    let names: Vec<_> = pr.iter().filter_map(|one| one["scenario"].as_str()).collect();
    assert_eq!(names, ["naive", "first"]);
}

#[test]
fn what_no_seed_showed_is_reported_and_fails_where_a_profile_says_so() {
    let folder = folder();
    scenario(folder.path(), "race.toml", RACE);
    write_project(folder.path(), "[profiles.nightly]\nseeds = 3\nunmet_fails = true\n");
    let failures = || {
        let xml = std::fs::read_to_string(folder.path().join("junit.xml")).expect("written");
        (xml.matches("<failure").count(), xml.matches("not_seen").count())
    };
    let reported = run_in(folder.path(), &["simulate", "--seeds", "3", "--junit", "junit.xml"]).ends_with(0);
    assert!(reported.stdout.contains("no seed showed what `something_rare` is to see"), "{}", reported.stdout);
    assert_eq!(failures(), (0, 0));
    let failed = run_in(folder.path(), &["simulate", "--profile", "nightly", "--junit", "junit.xml"]).ends_with(1);
    assert!(failed.stdout.contains("not as expected"), "{}", failed.stdout);
    assert_eq!(failures(), (1, 1));
    let json = run_in(folder.path(), &["simulate", "--seeds", "3", "--unmet-fails", "--format", "json"]).ends_with(1);
    assert_eq!(json.objects()[0]["unmet"], serde_json::json!(["something_rare"]));
}

#[test]
fn what_is_found_after_the_fixed_seeds_is_a_warning() {
    let folder = folder();
    // Holds for the one fixed seed, and breaks sooner or later.
    let naive = RACE.replace(
        "role = \"worker\"\n",
        "role = \"worker\"\nstrategy = \"reject_when_busy\"\ndefects = [\"status_after_accept\", \"no_busy_rejection\"]\n",
    );
    scenario(
        folder.path(),
        "race.toml",
        &naive.replace("count = 2", "count = 2\nstart = { uniform = [\"0s\", \"2s\"] }"),
    );
    let lines = folder.path().join("lines.jsonl");
    let each =
        ["simulate", "race.toml", "--seeds", "40", "--each-seed", "lines.jsonl", "--shrink-for", "0s", "--expect"];
    run_in(folder.path(), &[&each[..], &["broken"]].concat()).ends_with(0);
    let verdicts: Vec<String> = read_lines(&lines).iter().map(|line| line["verdict"].to_string()).collect();
    let holds = verdicts.iter().position(|verdict| verdict == "\"holds\"").expect("some seed holds");
    let seed = (holds + 1).to_string();
    let ran =
        run_in(folder.path(), &["simulate", "race.toml", "--seed", &seed, "--seeds", "1", "--for", "3s"]).ends_with(0);
    assert!(ran.stdout.contains("warning beyond the fixed seeds, "), "{}", ran.stdout);
    assert!(ran.stdout.contains("rehearsal replay race.toml --seed ") && ran.stdout.contains("further seeds from"));
    assert!(ran.stdout.contains("time    of 3.0 s: exploring "), "{}", ran.stdout);
}

#[test]
fn a_find_within_the_given_time_is_confirmed_and_made_smaller_within_it() {
    let folder = folder();
    let ran = run_in(folder.path(), &["simulate", NAIVE, "--expect", "holds", "--for", "3s"]).ends_with(1);
    assert!(
        ran.stdout.contains("time    of 3.0 s: exploring ") && ran.stdout.contains(", shrinking "),
        "{}",
        ran.stdout
    );
    // On a machine that is busy with other things nothing may be left for it.
    let is_told = ran.stdout.contains("seed 1 was shrunk from") || ran.stdout.contains("told as it was found");
    assert!(is_told, "{}", ran.stdout);
    // With no time for it, the story is told as it was found.
    let ran = run_in(folder.path(), &["simulate", NAIVE, "--expect", "holds", "--for", "1ms"]).ends_with(1);
    assert!(ran.stdout.contains("told as it was found") && ran.stdout.contains("<- second"), "{}", ran.stdout);
}

#[test]
fn a_kept_failure_stands_apart_and_does_not_hide_a_new_one() {
    let folder = folder();
    run_in(folder.path(), &["replay", NAIVE, "--seed", "1", "--quiet"]).ends_with(0);
    run_in(folder.path(), &["keep", "runs/latest", "--name", "naive"]).ends_with(0);
    // The same race, and beside it something that was never kept.
    let text = crate::support::library(NAIVE)
        .replace("expect = { broken = [\"worker_runs_one_job_at_a_time\"] }", "expect = \"holds\"")
        + "\n[check.nobody_is_told]\nabout = \"nobody is told that a job is complete\"\n\
           never = { group = \"clients\", receives = { app_message_type = \"job_complete\" } }\n";
    scenario(folder.path(), "race.toml", &text);
    let play = |more: &[&str]| {
        let all = [&["simulate", "race.toml", "--seeds", "4", "--shrink-for", "5s"], more].concat();
        run_in(folder.path(), &all).ends_with(1).stdout
    };
    let alone = play(&[]);
    assert!(!alone.contains("was kept"), "{alone}");
    let beside = play(&["scenarios/regressions"]);
    let known = beside.find("worker_runs_one_job_at_a_time: ").expect("the kept one is told");
    let new = beside.find("nobody_is_told: ").expect("the new one is told");
    assert!(new < known, "the new one comes first:\n{beside}");
    assert!(beside.contains("(looks like naive, which was kept)"), "{beside}");
    let repeat = beside.lines().rev().find_map(|line| line.strip_prefix("repeat  rehearsal ")).expect("a command");
    let again = run_in(folder.path(), &repeat.split_whitespace().collect::<Vec<_>>()).ends_with(1).stdout;
    assert!(
        again.contains("BROKEN  nobody is told that a job is complete"),
        "the story is that of the new one:\n{again}"
    );
}

fn read_lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("it was written");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_seed_is_a_json_line_in_order_whatever_the_number_of_jobs() {
    let folder = folder();
    let lines = |jobs| {
        let play =
            ["simulate", "hunt_no_busy_rejection", "--seeds", "12", "--expect", "broken", "--each-seed", "all.jsonl"];
        // Whether one of twelve seeds is broken is not what this is about.
        run_in(folder.path(), &[&play[..], &["--jobs", jobs, "--shrink-for", "0s", "--quiet"]].concat());
        std::fs::read_to_string(folder.path().join("all.jsonl")).unwrap()
    };
    let one = lines("1");
    assert_eq!(one, lines("2"));
    let objects: Vec<Value> = one.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        objects.iter().filter_map(|line| line["seed"].as_u64()).collect::<Vec<_>>(),
        (1..=12).collect::<Vec<_>>()
    );
    assert!(objects.iter().all(|line| line["drawn"]["clients"].is_string()), "{one}");
    assert_eq!(objects[0]["new_behaviour"], true);
}

#[test]
fn many_seeds_tell_what_they_covered_unless_all_holds_quietly() {
    let folder = folder();
    let told = run_in(folder.path(), &["simulate", "worker_crashes_mid_job", "--seeds", "8"]).ends_with(0).stdout;
    assert!(told.contains("covered 8 seeds showed ") && told.contains("a new one with a chance of "), "{told}");
    let table: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("  fault ")).take(2).collect();
    assert!(table[0].contains("away") && table[0].contains("working"), "{told}");
    assert!(table[1].trim_start().starts_with("crash") && table[1].contains(" 8 "), "{told}");
    let quiet = run_in(folder.path(), &["simulate", "worker_crashes_mid_job", "--seeds", "8", "--quiet"]).ends_with(0);
    assert_eq!(quiet.stdout.lines().count(), 2, "{}", quiet.stdout);
}

#[test]
fn a_seed_says_what_it_drew() {
    let folder = folder();
    for arguments in
        [&["replay", "hunt_no_busy_rejection", "--seed", "3"][..], &["plan", "hunt_no_busy_rejection", "--seed", "3"]]
    {
        let said = run_in(folder.path(), arguments).stdout;
        assert!(said.contains("clients ") && said.contains(" of 2 to 4; "), "{said}");
    }
}

/// As when it is built anew while it explores.
#[cfg(target_os = "linux")]
#[test]
fn a_failure_is_confirmed_by_the_program_that_found_it_even_if_that_was_deleted_meanwhile() {
    let folder = folder();
    let copy = folder.path().join("rehearsal");
    std::fs::copy(env!("CARGO_BIN_EXE_rehearsal"), &copy).expect("writable");
    let exploring = Command::new(&copy)
        .args(["simulate", NAIVE, "--for", "2s", "--quiet"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    std::fs::remove_file(&copy).expect("removable");
    let ran = Ran::of(exploring.wait_with_output().expect("it ends")).ends_with(0);
    assert!(ran.stdout.contains("as expected"), "{}", ran.stdout);
}

#[test]
fn the_story_on_top_of_each_kept_failure_is_the_one_that_it_tells() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/regressions");
    let comment = |text: String| text.lines().take_while(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n");
    for file in std::fs::read_dir(kept).expect("a folder").map(|entry| entry.expect("readable").path()) {
        let folder = folder();
        run_in(folder.path(), &["simulate", &file.display().to_string(), "--quiet"]).ends_with(0);
        run_in(folder.path(), &["keep", "runs/latest", "--name", "again"]).ends_with(0);
        let again =
            std::fs::read_to_string(folder.path().join("scenarios/regressions/again.toml")).expect("it was kept");
        assert_eq!(comment(std::fs::read_to_string(&file).expect("readable")), comment(again), "{}", file.display());
    }
}
