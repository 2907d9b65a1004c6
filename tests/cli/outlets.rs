//! Numbers that go out while a run goes on: a page to scrape, and OTLP to a collector.

use crate::http;
use crate::support::{Ran, Server, folder, library, program, scenario};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn a_run_can_be_scraped_and_tells_a_collector() {
    let (server, folder) = (Server::start(&[]), folder());
    let (collector, received) = http::collector();
    let text = library("steady_discovery_load").replace("live = \"10s\"", "live = \"5s\"");
    let path = scenario(folder.path(), "told.toml", &text).display().to_string();
    let mut run = program()
        .current_dir(folder.path())
        .args(["load", &path, "--target", &server.ws, "--metrics-listen", "127.0.0.1:0", "--otlp", &collector])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stderr = BufReader::with_capacity(1, run.stderr.take().expect("piped"));
    let (mut seen, mut page) = (String::new(), None);
    let mut address = String::new();
    while stderr.read_line(&mut seen).expect("readable") > 0 {
        if let Some(told) = seen.lines().find_map(|line| line.strip_prefix("metrics    ")) {
            address = told.trim_end_matches("/metrics").to_owned();
        }
        if seen.contains("measure") && page.is_none() {
            page = Some(http::request(&address, "GET", "/metrics", "", ""));
            assert!(http::request(&address, "GET", "/", "", "").starts_with("HTTP/1.1 404"));
        }
    }
    let ran = Ran::of(run.wait_with_output().expect("it ends"));
    assert!(matches!(ran.code, Some(0 | 3 | 4)), "{ran:?}\n{seen}");
    let page = page.expect("it was scraped while it measured");
    assert!(page.contains("# TYPE rehearsal_operations_total counter"), "{page}");
    assert!(page.contains("rehearsal_stage{stage=\"") && page.contains("rehearsal_users_planned 20"), "{page}");
    let all: Vec<(String, String)> = received.try_iter().collect();
    let (head, body) = all.last().expect("at least the last numbers");
    assert!(head.starts_with("POST /v1/metrics HTTP/1.1") && head.contains("application/json"), "{head}");
    let body: Value = serde_json::from_str(body).expect("JSON");
    let metrics = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().expect("metrics");
    let total = metrics.iter().find(|metric| metric["name"] == "rehearsal_operations_total").expect("operations");
    assert!(total["sum"]["dataPoints"][0]["asDouble"].as_f64().is_some_and(|count| count > 0.0), "{total}");
}
