//! The live world through the command line: the reference server as a process on loopback, loaded and disturbed.

use crate::support::{Ran, Server, beside_each_other, folder, library, program, run_in, scenario, signal};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

const HARDENED: &str = "two_clients_race_for_one_worker";

#[test]
fn the_flagship_holds_live_against_both_profiles_on_one_port_and_on_two() {
    let profiles = [&[][..], &["--http-listen", "127.0.0.1:0"], &["--deployed", "--http-listen", "127.0.0.1:0"]];
    beside_each_other(&profiles, |serve| {
        let (server, folder) = (Server::start(serve), folder());
        let arguments = ["load", HARDENED, "--target", &server.ws, "--http", &server.http, "--format", "json"];
        let ran = run_in(folder.path(), &arguments).ends_with(0);
        let object = &ran.objects()[0];
        assert_eq!((object["world"].as_str(), object["verdict"].as_str()), (Some("live"), Some("holds")), "{object}");
        for key in
            ["format", "scenario", "targets", "expected", "checks", "thresholds", "operations", "generator", "record"]
        {
            assert!(object.get(key).is_some(), "no {key} in {object}");
        }
        assert_nothing_is_left_on(&server, folder.path());
        let record = folder.path().join(object["record"].as_str().expect("a path"));
        for file in ["header.json", "events.jsonl.zst", "latency.hlog", "samples.jsonl", "verdict.json", "report.html"]
        {
            assert!(record.join(file).is_file(), "no {file} in the record");
        }
        run_in(folder.path(), &["check", "runs/latest"]).ends_with(0);
    });
}

#[test]
fn a_naive_worker_breaks_live_as_well() {
    let (server, folder) = (Server::start(&[]), folder());
    let arguments = ["load", "two_clients_race_naive_worker", "--target", &server.ws];
    let ran = run_in(folder.path(), &arguments).ends_with(0);
    assert!(ran.stdout.contains("BROKEN  a worker runs one job at a time"), "{}", ran.stdout);
}

#[test]
fn a_defect_of_the_server_is_found_live_and_its_absence_too() {
    beside_each_other(&[(&["--defect", "sender_not_checked"][..], 0), (&[][..], 1)], |(serve, code)| {
        let (server, folder) = (Server::start(serve), folder());
        run_in(folder.path(), &["load", "defect_sender_not_checked", "--target", &server.ws]).ends_with(*code);
    });
}

#[test]
fn preflight_only_sends_no_load_and_leaves_nothing() {
    let (server, folder) = (Server::start(&[]), folder());
    let arguments = ["load", HARDENED, "--target", &server.ws, "--preflight-only"];
    let ran = run_in(folder.path(), &arguments).ends_with(0);
    assert!(ran.stdout.contains("preflight") && ran.stdout.contains("ok"), "{}", ran.stdout);
    assert!(!folder.path().join("runs").exists(), "a preflight leaves no record");
    assert_nothing_is_left_on(&server, folder.path());
}

#[test]
fn ctrl_c_and_sigterm_end_politely_clean_up_and_write_the_record() {
    beside_each_other(&[libc::SIGINT, libc::SIGTERM], |sent| {
        let (server, folder) = (Server::start(&[]), folder());
        let mut run = long_run(&server, folder.path());
        wait_until_measuring(&mut run);
        signal(run.id(), *sent);
        let ran = Ran::of(run.wait_with_output().expect("it ends")).ends_with(130);
        assert!(ran.stdout.contains("exit 130: interrupted"), "{}", ran.stdout);
        assert!(folder.path().join("runs/latest/verdict.json").is_file());
        assert_nothing_is_left_on(&server, folder.path());
    });
}

#[test]
fn a_killed_run_leaves_a_readable_record_and_cleanup_removes_what_it_made() {
    let (server, folder) = (Server::start(&[]), folder());
    let mut run = long_run(&server, folder.path());
    wait_until_measuring(&mut run);
    run.kill().expect("still running");
    run.wait().expect("it ends");
    let checked = run_in(folder.path(), &["check", "runs/latest"]);
    assert!(checked.stdout.contains("cut off"), "{checked:?}");
    assert!(checked.stdout.contains("HOLDS   an acknowledged status is seen"), "{checked:?}");
    let cleaned = run_in(folder.path(), &["cleanup", "runs/latest"]).ends_with(0);
    assert!(cleaned.stdout.contains("left behind nothing"), "{}", cleaned.stdout);
    assert_nothing_is_left_on(&server, folder.path());
    let again = run_in(folder.path(), &["cleanup", "runs/latest"]).ends_with(0);
    assert!(again.stdout.contains("removed 0 "), "{}", again.stdout);
}

#[test]
fn a_server_that_dies_in_mid_run_is_counted_by_class_and_never_panics_the_generator() {
    let (server, folder) = (Server::start(&[]), folder());
    let mut run = long_run(&server, folder.path());
    wait_until_measuring(&mut run);
    signal(server.process_id(), libc::SIGKILL);
    let ran = Ran::of(run.wait_with_output().expect("it ends"));
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("refused") || ran.stdout.contains("reset") || ran.stdout.contains("closed"),
        "{}",
        ran.stdout
    );
    assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
}

/// A run of some seconds with steady work, as a process that goes on.
fn long_run(server: &Server, folder: &Path) -> Child {
    let text = library("steady_discovery_load").replace("live = \"10s\"", "live = \"6s\"");
    let file: PathBuf = scenario(folder, "long.toml", &text);
    program()
        .current_dir(folder)
        .args(["load".as_ref(), file.as_os_str(), "--target".as_ref(), server.ws.as_ref()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

/// Reads progress until the run is in its measure phase; the rest of stderr stays to be read.
fn wait_until_measuring(run: &mut Child) {
    let mut stderr = BufReader::with_capacity(1, run.stderr.take().expect("piped"));
    let mut seen = String::new();
    while stderr.read_line(&mut seen).expect("readable") > 0 {
        if seen.contains("measure") {
            run.stderr = Some(stderr.into_inner());
            return;
        }
    }
    panic!("the run never measured:\n{seen}");
}

/// The server's own metrics say that no room and no peer is left.
pub fn assert_nothing_is_left_on(server: &Server, folder: &Path) {
    let metrics: Value = metrics(server, folder);
    assert_eq!(
        (metrics["active_rooms"].as_u64(), metrics["active_connections"].as_u64()),
        (Some(0), Some(0)),
        "{metrics}"
    );
}

/// Reads `/metrics` over a plain socket: one request, one answer.
#[allow(clippy::disallowed_types, reason = "a test reads one page of a server on loopback")]
fn metrics(server: &Server, _: &Path) -> Value {
    use std::io::{Read, Write};
    let address = server.http.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).expect("the server listens");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {answer}"))
}
