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
