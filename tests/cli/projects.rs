//! A project of one's own: what `rehearsal new` writes plays at once, parameters and variants from the command line, and rows
//! from a file beside the scenario.

use crate::support::{folder, run_in, scenario};
use serde_json::json;

#[test]
fn what_new_writes_is_the_first_scenario_of_the_readme_and_plays_without_being_named() {
    let folder = folder();
    let ran = run_in(folder.path(), &["new"]).ends_with(0);
    assert!(ran.stdout.contains("rehearsal/first.toml") && ran.stdout.contains("next"), "{}", ran.stdout);
    let written = std::fs::read_to_string(folder.path().join("rehearsal/first.toml")).unwrap();
    assert!(include_str!("../../README.md").contains(&written), "the README shows\n{written}");
    assert!(written.lines().count() <= 15);
    let below = folder.path().join(".github");
    let ran = run_in(&below, &["simulate", "--seeds", "3", "--quiet", "--format", "json"]).ends_with(0);
    assert_eq!((&ran.objects()[0]["scenario"], &ran.objects()[0]["verdict"]), (&json!("first"), &json!("holds")));
    let again = run_in(folder.path(), &["new"]).ends_with(2);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);
}

#[test]
fn a_command_without_a_file_and_without_a_project_says_what_to_do() {
    let folder = folder();
    let ran = run_in(folder.path(), &["simulate"]).ends_with(2);
    assert!(ran.stderr.contains("rehearsal.toml") && ran.stderr.contains("rehearsal new"), "{}", ran.stderr);
    std::fs::write(folder.path().join("rehearsal.toml"), "scenario = 3\n").unwrap();
    let ran = run_in(folder.path(), &["lint"]).ends_with(2);
    assert!(ran.stderr.contains("scenarios = [\"FOLDER\"]"), "{}", ran.stderr);
}

#[test]
fn a_scenario_of_the_library_plays_by_name_from_any_folder() {
    let folder = folder();
    run_in(folder.path(), &["simulate", "v1_and_v2_peers_share_a_room", "--seeds", "1", "--quiet"]).ends_with(0);
}

#[test]
fn variants_are_played_one_after_the_other_and_stand_side_by_side_in_one_report() {
    let folder = folder();
    let play = ["simulate", "three_strategies_compared", "--seeds", "2", "--quiet", "--format", "json"];
    let played = run_in(folder.path(), &play).ends_with(0).objects();
    let named: Vec<&str> = played.iter().filter_map(|one| one["scenario"].as_str()).collect();
    let strategies = ["reject_when_busy", "metadata_first", "reservation"];
    assert_eq!(named, strategies.map(|strategy| format!("three_strategies_compared.{strategy}")));
    assert_eq!(played[2]["parameters"], json!({ "strategy": "reservation" }));
    let report = std::fs::read_to_string(folder.path().join("runs/report.html")).unwrap();
    assert!(strategies.iter().all(|strategy| report.contains(&format!("strategy = \"{strategy}\""))
        || report.contains(&format!("strategy = &quot;{strategy}&quot;"))));
}

#[test]
fn a_broken_seed_of_a_variant_is_repeated_with_its_parameters_from_its_record_and_by_the_command_that_it_prints() {
    let folder = folder();
    scenario(
        folder.path(),
        "race.toml",
        "format = 1\nexpect = \"broken\"\n[params]\ncount = 1\nflaws = []\n[variants.naive]\n\
         flaws = [\"status_after_accept\", \"no_busy_rejection\"]\n[users.workers]\nstrategy = \"reject_when_busy\"\n\
         defects = \"${flaws}\"\n[users.clients]\ncount = \"${count}\"\njobs = 3\nthink = \"0s\"\n",
    );
    let play = ["simulate", "race.toml", "--set", "count=6", "--seeds", "20", "--stop-at-first", "--quiet"];
    let ran = run_in(folder.path(), &play).ends_with(0);
    let repeat = ran.stdout.lines().find_map(|line| line.strip_prefix("repeat  rehearsal ")).expect("a command");
    assert!(repeat.contains("--variant naive --set count=6"), "{repeat}");
    let hash = |ran: crate::support::Ran| ran.objects()[0]["hash"].clone();
    let json = ["--format", "json", "--quiet"];
    let by_command: Vec<&str> = repeat.split_whitespace().chain(json).collect();
    let by_command = hash(run_in(folder.path(), &by_command).ends_with(0));
    let by_record = hash(run_in(folder.path(), &["replay", "runs/latest", json[0], json[1], json[2]]).ends_with(0));
    assert_eq!(by_command, by_record);
    let checked = run_in(folder.path(), &["check", "runs/latest"]).ends_with(0);
    assert!(checked.stdout.contains("params  count = 6"), "{}", checked.stdout);
}

#[test]
fn rows_come_from_a_file_beside_the_scenario_and_are_in_its_record() {
    let folder = folder();
    std::fs::write(folder.path().join("people.csv"), "name,text\nada,hello\nbob,\"hi, there\"\n").unwrap();
    let text = "format = 1\n[users.peers]\nflow = \"say\"\ncount = 2\nrows = \"people.csv\"\n[flow.say]\nsteps = [\"join\",\n\
                { send = { to = \"${user.peer_id}\", payload = { app_message_type = \"${row.text}\" } } },\n\
                { expect = { payload = { app_message_type = \"${row.text}\" } } }]\n";
    scenario(folder.path(), "rows.toml", text);
    run_in(folder.path(), &["replay", "rows.toml", "--seed", "1", "--quiet"]).ends_with(0);
    std::fs::remove_file(folder.path().join("people.csv")).unwrap();
    run_in(folder.path(), &["check", "runs/latest"]).ends_with(0);
    scenario(folder.path(), "whole.toml", "format = 1\n[users.workers]\n");
    let ran = run_in(folder.path(), &["lint", "rows.toml", "whole.toml"]).ends_with(2);
    assert!(ran.stdout.contains("the rows of `people.csv` cannot be read"), "{}", ran.stdout);
    assert!(ran.stdout.contains("rows.toml:5:8") && ran.stdout.contains("No such file"), "{}", ran.stdout);
    assert!(ran.stdout.contains("whole.toml: valid"), "one file does not hide another: {}", ran.stdout);
    std::fs::write(folder.path().join("people.csv"), "name,text\nada\n").unwrap();
    let ran = run_in(folder.path(), &["lint", "rows.toml", "--format", "json"]).ends_with(2);
    assert!(
        ran.objects()[0]["faults"][0]["message"].as_str().is_some_and(|it| it.contains("people.csv")),
        "{}",
        ran.stdout
    );
}
