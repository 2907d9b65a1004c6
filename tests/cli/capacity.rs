//! `capacity` through the command line, against the reference server. What a search finds where is tested with a simulated queue
//! (`reports::capacity`) and shown by a benchmark; here it is about steps, records, forms of output and exit codes.

use crate::live::assert_nothing_is_left_on;
use crate::support::{Server, beside_each_other, folder, run_in, scenario};
use serde_json::Value;

fn file(threshold: &str) -> String {
    format!(
        "format = 1\nparams = {{ rate = 30.0 }}\n[time]\nmeasure = \"8s\"\nsettle = \"1s\"\n[prepare]\nidentities = \"shared\"\n\
         [users.seekers]\nrole = \"client\"\nflow = \"seek\"\ncount = 10\npace = {{ rate = \"${{rate}}\", gaps = \"even\" }}\n\
         [flow.seek]\nsteps = [\"join\", {{ repeat = {{ steps = [{{ discover = {{}} }}] }} }}]\n\
         [thresholds]\ndiscover = \"{threshold}\"\n[capacity]\nsearch = \"rate\"\nbetween = [30.0, 60.0]\n"
    )
}

#[test]
fn a_load_that_never_holds_is_below_the_range_and_one_that_always_holds_above_it() {
    // No answer is that fast, and every one is faster than a minute: what the machine does meanwhile changes neither.
    let cases = [("p50 < 1us", "below", 3, 2), ("p90 < 1m", "at_least", 0, 2)];
    beside_each_other(&cases, |&(threshold, verdict, code, steps)| {
        let (server, folder) = (Server::start(&[]), folder());
        let path = scenario(folder.path(), "search.toml", &file(threshold));
        let path = path.display().to_string();
        let ran = run_in(folder.path(), &["capacity", &path, "--target", &server.ws, "--format", "json", "--quiet"]);
        let found = &ran.objects()[0];
        if found["verdict"] == "unknown" {
            // The generator itself was too slow for its numbers to mean anything: then that is what it says.
            ran.ends_with(4);
            return;
        }
        assert_eq!((found["verdict"].as_str(), found["parameter"].as_str()), (Some(verdict), Some("rate")), "{found}");
        let played = found["steps"].as_array().expect("steps");
        assert!(played.len() >= steps, "{found}");
        for step in played.iter().filter(|step| step["verdict"] != "unusable") {
            let record = folder.path().join(step["record"].as_str().expect("a record"));
            assert!(record.join("verdict.json").is_file(), "{step}");
        }
        ran.ends_with(code);
        assert_nothing_is_left_on(&server, folder.path());
    });
}

#[test]
fn a_search_leaves_a_report_and_its_numbers_beside_the_records_of_its_steps() {
    let (server, folder) = (Server::start(&[]), folder());
    let path = scenario(folder.path(), "search.toml", &file("p50 < 1us")).display().to_string();
    let ran = run_in(folder.path(), &["capacity", &path, "--target", &server.ws]);
    assert!(ran.stdout.starts_with("step "), "{}", ran.stdout);
    assert!(ran.stdout.contains("even rate = 30 does not pass, on `discover p50 < 1us`"), "{}", ran.stdout);
    let report = ran.stdout.lines().find_map(|line| line.strip_prefix("report  ")).expect("a report");
    let page = std::fs::read_to_string(folder.path().join(report)).expect("it is there");
    assert!(page.contains("How the search closed in") && page.contains("beyond the limit"));
    let kept = folder.path().join(report).with_file_name("capacity.json");
    let kept: Value = serde_json::from_slice(&std::fs::read(kept).expect("it is there")).expect("JSON");
    assert_eq!((kept["format"].as_u64(), kept["answer"]["found"].as_str()), (Some(1), Some("below")));
    run_in(folder.path(), &["check", "runs/latest"]);
}

#[test]
fn a_file_that_does_not_say_what_its_load_is_is_refused() {
    let folder = folder();
    let ran = run_in(folder.path(), &["capacity", "ramp_until_slow", "--target", "ws://127.0.0.1:9"]).ends_with(2);
    assert!(ran.stderr.contains("does not say what its load is") && ran.stderr.contains("hint"), "{}", ran.stderr);
}
