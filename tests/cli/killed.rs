//! Live runs that are killed with SIGKILL at chosen points, from the first contact to cleaning up: what had happened is in
//! the record, `check` says what is missing, and `cleanup` removes what was made.

use crate::gate::Gate;
use crate::live::assert_nothing_is_left_on;
use crate::support::{Ran, Server, folder, library, program, run_in, scenario};
use rehearsal_reports::event::{Event, Kind};
use rehearsal_reports::record::{EventReader, FileEnd};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use tempfile::TempDir;

/// It signs three identities in for its first contact (the room's holder, a worker, a client), then the owner of its
/// room, a worker and two clients.
const FLAGSHIP: &str = "two_clients_race_for_one_worker";
const SIGN_IN: &str = "POST /anonymous-signin";
const DELETE_ROOM: &str = "POST /delete-peers-and-room";

/// A run whose `nth` request of a kind is held, killed once it shows this stage.
struct Killed {
    server: Server,
    folder: TempDir,
}

impl Killed {
    fn at(request: &'static str, nth: usize, stage: Option<&str>) -> Killed {
        let (server, folder) = (Server::start(&[]), folder());
        let gate = Gate::before(&server, request, nth);
        let mut run = program()
            .current_dir(folder.path())
            .args(["load", FLAGSHIP, "--target", &gate.ws()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        gate.wait_until_it_holds();
        if let Some(stage) = stage {
            wait_for_stage(&mut run, stage);
        }
        run.kill().expect("still running");
        run.wait().expect("it ends");
        Killed { server, folder }
    }

    fn events(&self) -> Vec<Event> {
        let file = File::open(self.folder.path().join("runs/latest/events.jsonl.zst")).expect("events");
        let mut reader = EventReader::new(file).expect("readable");
        let events = reader.by_ref().map(|event| event.expect("an event")).collect();
        assert_eq!(reader.end(), Some(FileEnd::Truncated));
        events
    }

    /// How often an operation ended well.
    fn count(&self, op: &str) -> usize {
        self.events().iter().filter(|event| event.kind == Kind::Ok && &*event.op == op).count()
    }

    fn check(&self) -> Ran {
        let checked = run_in(self.folder.path(), &["check", "runs/latest"]).ends_with(4);
        assert!(checked.stdout.contains("cut off after"), "{}", checked.stdout);
        // One day is taken off such times. A random id may hold the same digits, so whole words are looked at.
        let unknown = checked.stdout.split_whitespace().any(|word| word.trim_start_matches('(').starts_with("-86"));
        assert!(!unknown, "times that nobody knows are not shown:\n{}", checked.stdout);
        checked
    }

    fn clean_up(&self, removed: &str) {
        let cleaned = run_in(self.folder.path(), &["cleanup", "runs/latest"]).ends_with(0);
        assert!(cleaned.stdout.starts_with(&format!("removed {removed} rooms and identities")), "{}", cleaned.stdout);
        assert_nothing_is_left_on(&self.server, self.folder.path());
    }
}

/// Reads progress until it shows this stage: by then everything from before is in the record.
fn wait_for_stage(run: &mut Child, stage: &str) {
    let mut stderr = BufReader::new(run.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains(stage) {
        line.clear();
        assert!(stderr.read_line(&mut line).expect("readable") > 0, "the run ended before it was in its stage {stage}");
    }
}

#[test]
fn killed_in_its_first_contact_a_run_leaves_the_journal_of_what_it_made() {
    let killed = Killed::at(SIGN_IN, 2, None);
    assert_eq!(killed.events(), []);
    let checked = killed.check();
    assert!(checked.stdout.contains("killed before time 0: nothing was played"), "{}", checked.stdout);
    killed.clean_up("2");
}

#[test]
fn killed_while_it_prepares_a_run_leaves_the_events_from_before() {
    let killed = Killed::at(SIGN_IN, 6, Some("prepare"));
    assert_eq!((killed.count("create_room"), killed.count("register")), (1, 0));
    assert!(killed.count("sign_in") >= 2 && killed.events().iter().all(|event| event.t_ns < 0));
    let checked = killed.check();
    assert!(checked.stdout.contains("killed before time 0: nothing was played"), "{}", checked.stdout);
    assert!(!checked.stdout.contains("made no room"), "{}", checked.stdout);
    killed.clean_up(&(1 + killed.count("sign_in")).to_string());
}

#[test]
fn killed_while_it_cleans_up_a_run_leaves_all_that_was_played() {
    let killed = Killed::at(DELETE_ROOM, 2, Some("clean-up"));
    let events = killed.events();
    assert!(events.first().is_some_and(|event| event.t_ns < 0) && events.last().is_some_and(|event| event.t_ns > 0));
    assert_eq!((killed.count("sign_in"), killed.count("delete_room")), (4, 0));
    assert!(killed.count("register") >= 3);
    let checked = killed.check();
    assert!(checked.stdout.contains("HOLDS   a worker runs one job at a time"), "{}", checked.stdout);
    killed.clean_up("5");
}

#[test]
fn a_record_that_is_handed_on_without_its_events_is_told() {
    let killed = Killed::at(SIGN_IN, 2, None);
    let record: &Path = &killed.folder.path().join("runs/latest");
    std::fs::remove_file(record.join("events.jsonl.zst")).expect("it is there");
    let checked = run_in(killed.folder.path(), &["check", "runs/latest"]).ends_with(2);
    assert!(checked.stderr.contains("lacks its events"), "{}", checked.stderr);
}

/// Lines that its journal has when a run is killed: drawn once, from the first contact over preparing to cleaning up.
const KILLED_AFTER_LINES: [usize; 6] = [3, 14, 22, 39, 57, 71];

#[test]
fn killed_at_any_other_point_a_run_leaves_nothing_that_cleanup_does_not_remove() {
    let short = library("steady_discovery_load").replace("live = \"10s\"", "live = \"1s\"");
    for lines in KILLED_AFTER_LINES {
        let (server, folder) = (Server::start(&[]), folder());
        let path = scenario(folder.path(), "short.toml", &short);
        let mut run = program()
            .current_dir(folder.path())
            .args(["load".as_ref(), path.as_os_str(), "--target".as_ref(), server.ws.as_ref(), "--quiet".as_ref()])
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let journal = folder.path().join("runs/latest/journal.jsonl");
        while std::fs::read_to_string(&journal).map_or(0, |text| text.lines().count()) < lines {
            assert!(
                run.try_wait().expect("it can be asked").is_none(),
                "it ended before its journal had {lines} lines"
            );
            std::thread::yield_now();
        }
        run.kill().expect("still running");
        run.wait().expect("it ends");
        let cleaned = run_in(folder.path(), &["cleanup", "runs/latest"]).ends_with(0);
        assert!(cleaned.stdout.contains("left behind nothing"), "{}", cleaned.stdout);
        // What was asked for and never answered has an id that nobody knows: it expires, and is told.
        if !cleaned.stdout.contains("had no answer") {
            assert_nothing_is_left_on(&server, folder.path());
        }
        let again = run_in(folder.path(), &["cleanup", "runs/latest"]).ends_with(0);
        assert!(again.stdout.contains("removed 0 "), "{}", again.stdout);
    }
}
