//! The reference worker and client by hand: a worker makes a room, a client gets a job done in it, both leave.

use crate::support::{Ran, Server, folder, program, run_in, signal};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn a_client_gets_its_jobs_done_by_a_worker_that_leaves_on_sigterm() {
    for serve in [&[][..], &["--deployed"]] {
        let (server, folder) = (Server::start(serve), folder());
        let mut worker = program()
            .args(["worker", "--target", &server.ws, "--job", "100ms"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(worker.stdout.take().expect("piped")).read_line(&mut line).expect("it names its room");
        let room = line.trim().strip_prefix("room ").expect("it names its room").to_owned();
        let arguments = ["client", "--target", &server.ws, "--room", &room, "--jobs", "2"];
        let client = run_in(folder.path(), &arguments).ends_with(0);
        assert_eq!(client.stderr.matches(" completed, by ").count(), 2, "{}", client.stderr);
        signal(worker.id(), libc::SIGTERM);
        let worker = Ran::of(worker.wait_with_output().expect("it ends")).ends_with(0);
        assert_eq!(worker.stderr.matches(" begins, for ").count(), 2, "{}", worker.stderr);
    }
}

#[test]
fn members_without_a_server_end_with_5_and_a_hint() {
    for member in ["worker", "client"] {
        let ran = run_in(folder().path(), &[member, "--target", "ws://127.0.0.1:1"]).ends_with(5);
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
    }
}

#[test]
fn a_refused_registration_is_told_and_a_room_that_is_not_there_is_not_asked_for_twice() {
    let server = Server::start(&[]);
    let arguments = ["worker", "--target", &server.ws, "--room", "00000000:000000"];
    let ran = run_in(folder().path(), &arguments).ends_with(5);
    assert_eq!(ran.stderr.matches("the server refuses: ROOM_NOT_FOUND").count(), 1, "{}", ran.stderr);
}

#[test]
fn a_property_that_is_no_json_is_refused_with_an_example() {
    for property in ["gpu_model=A100", "=1", "gpu_memory_mb"] {
        let arguments = ["worker", "--target", "ws://127.0.0.1:1", "--property", property];
        let ran = run_in(folder().path(), &arguments).ends_with(2);
        assert!(ran.stderr.contains("gpu_memory_mb=24576"), "{}", ran.stderr);
    }
}

#[test]
fn a_client_that_is_interrupted_says_so() {
    let (server, folder) = (Server::start(&[]), folder());
    let mut client = program()
        .args(["client", "--target", &server.ws])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut told = BufReader::new(client.stderr.take().expect("piped")).lines();
    let looks = |line: &String| line.contains("looking for a worker");
    told.by_ref().map_while(Result::ok).find(looks).expect("it asks for a worker");
    signal(client.id(), libc::SIGINT);
    let _rest = told.by_ref().count();
    assert_eq!(client.wait().expect("it ends").code(), Some(130));
}
