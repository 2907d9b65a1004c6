//! Checks of one's own and exports through the command line: what a file declares is judged, told and shown elsewhere.

use crate::support::{folder, library, run_in, scenario};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A check that the naive worker breaks, and something that no seed shows.
const OWN: &str = r#"
[check.nobody_is_accepted_meanwhile]
about = "a worker accepts nobody while it runs a job"
by = "user"
never = { sends = { app_message_type = "job_response", accepted = true } }
during = { from = { event = "began", op = "job" }, to = { event = "ended", op = "job" } }

[check.somebody_dies]
sometimes = { event = "died" }
"#;

#[test]
fn a_declared_check_breaks_and_a_sometimes_that_no_seed_met_is_named() {
    let folder = folder();
    let text = library("two_clients_race_naive_worker") + OWN;
    scenario(folder.path(), "race.toml", &text);
    let ran = run_in(folder.path(), &["simulate", "race.toml", "--seeds", "5"]);
    assert!(ran.stdout.contains("no seed showed what `somebody_dies` is to see at least once"), "{}", ran.stdout);
    assert!(ran.stdout.contains("a worker accepts nobody while it runs a job"), "{}", ran.stdout);
}

#[test]
fn a_record_is_exported_for_shiviz_and_perfetto_on_stdout() {
    let folder = folder();
    run_in(folder.path(), &["simulate", "two_clients_race_naive_worker", "--seeds", "2"]).ends_with(0);
    let log = run_in(folder.path(), &["report", "runs/latest", "--format", "shiviz"]).ends_with(0);
    let lines: Vec<&str> = log.stdout.lines().collect();
    let is_clock = |line: &&str| {
        line.split_once(' ')
            .is_some_and(|(host, clock)| serde_json::from_str::<Value>(clock).is_ok_and(|clock| clock[host].is_u64()))
    };
    assert!(lines.len() > 20 && lines.iter().skip(1).step_by(2).all(is_clock), "{}", log.stdout);
    assert!(lines.iter().any(|line| line.starts_with("job_request to workers-0 at ")), "{}", log.stdout);
    let trace = run_in(folder.path(), &["report", "runs/latest", "--format", "perfetto"]).ends_with(0);
    let trace: Value = serde_json::from_str(&trace.stdout).expect("one JSON object");
    let events = trace["traceEvents"].as_array().expect("a list");
    for phase in ["b", "e", "X", "s", "f", "M"] {
        assert!(events.iter().any(|event| event["ph"] == phase), "no {phase}");
    }
    let refused = run_in(folder.path(), &["report", "runs/latest", "--format", "shiviz", "--html", "x"]).ends_with(2);
    assert!(refused.stderr.contains("write `> FILE`"), "{}", refused.stderr);
}

/// The name of the one folder of a seed below these runs.
fn seed_folder(runs: &Path, scenario: &str) -> PathBuf {
    let mut seeds: Vec<PathBuf> =
        std::fs::read_dir(runs.join(scenario)).expect("records").map(|it| it.expect("readable").path()).collect();
    seeds.sort();
    seeds.remove(0)
}

#[test]
fn each_kept_seed_has_a_page_to_step_through_with_the_same_bytes_wherever_and_whenever_it_is_made() {
    const NAME: &str = "two_clients_race_naive_worker";
    let folder = folder();
    let ran = run_in(folder.path(), &["simulate", NAME, "--seeds", "3", "--records", "1"]).ends_with(0);
    let record = seed_folder(&folder.path().join("runs"), NAME);
    let page = std::fs::read(record.join("playback.html")).expect("a page");
    let shown = ran.stdout.lines().find_map(|line| line.strip_prefix("browse  ")).expect("told where it is");
    assert_eq!(std::fs::read(folder.path().join(shown)).expect("it is there"), page);
    let text = String::from_utf8_lossy(&page);
    for told in
        ["<h1>Broken: a worker runs one job at a time</h1>", "job_request", "\"app_message_type", "runs 2 jobs at once"]
    {
        assert!(text.contains(told), "{told} is not in the page");
    }
    assert!(page.len() < 2_000_000 && !text.contains("token\\\":\\\"ey"), "{} bytes", page.len());

    run_in(folder.path(), &["simulate", NAME, "--seeds", "3", "--records", "1", "--out", "elsewhere"]).ends_with(0);
    let other = seed_folder(&folder.path().join("elsewhere"), NAME).join("playback.html");
    assert!(std::fs::read(other).expect("a page") == page, "another folder makes another page");
    let record = record.to_str().expect("a plain path");
    run_in(folder.path(), &["report", record, "--format", "playback", "--html", "again.html"]).ends_with(0);
    assert!(std::fs::read(folder.path().join("again.html")).expect("a page") == page, "made again it is another one");
}
