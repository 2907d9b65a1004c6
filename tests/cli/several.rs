//! One plan, played by several: segments by hand, processes of one machine, agents that a store brings together. What they
//! leave is one record, and whoever is lost on the way makes it invalid.

use crate::live::assert_nothing_is_left_on;
use crate::support::{Ran, Server, folder, program, run_in, scenario, signal};
use rehearsal_reports::event::{Body, Name};
use rehearsal_reports::record::EventReader;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Four rooms with three users each, which ask now and then.
const FOUR_ROOMS: &str = "format = 1\nabout = \"four rooms\"\n[time]\nramp = \"0s\"\nwarmup = \"0s\"\nmeasure = \"2s\"\nsettle = \"1s\"\n\
    [prepare]\nsign_in_rate = 200\n[rooms]\ncount = 4\n\
    [users.all]\nrole = \"peer\"\nflow = \"ask\"\ncount = 12\n\
    [flow.ask]\nsteps = [\"join\", { repeat = { every = \"100ms\", steps = [{ discover = {} }] } }]\n\
    [thresholds]\n\"discover\" = \"rate > 1/s\"\n";

/// The outcome, whatever a busy machine makes of the generator: then it cannot be judged (4).
#[track_caller]
fn in_json(ran: Ran) -> Value {
    let code = ran.code;
    let ran = if code == Some(4) { ran.ends_with(4) } else { ran.ends_with(0) };
    let outcome = ran.objects().swap_remove(0);
    assert!(code == Some(0) || outcome["generator"] == "invalid", "{outcome}");
    outcome
}

fn operations(outcome: &Value, name: &str) -> u64 {
    let rows = outcome["operations"].as_array().expect("operations");
    rows.iter().find(|row| row["name"] == name).map_or(0, |row| row["count"].as_u64().expect("a count"))
}

fn header(record: &Path) -> Value {
    let text = std::fs::read_to_string(record.join("header.json")).expect("a header");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the moment of a start is one of this machine")]
fn segments_that_start_together_are_merged_into_the_record_of_the_whole() {
    let (server, folder) = (Server::start(&[]), folder());
    scenario(folder.path(), "rooms.toml", FOUR_ROOMS);
    let start_at = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970") + Duration::from_secs(4);
    let start_at = format!("{:.3}", start_at.as_secs_f64());
    let segment = |nth: u32| {
        let (segment, out) = (format!("{nth}/2"), format!("runs-{nth}"));
        let arguments = ["load", "rooms.toml", "--target", &server.ws, "--segment", &segment, "--start-at", &start_at];
        let mut command = program();
        command.current_dir(folder.path()).args(arguments).args(["--out", &out]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let segments = [1, 2].map(segment).map(|child| Ran::of(child.wait_with_output().expect("it ends")));
    for ran in segments {
        assert!(ran.stdout.contains("HOLDS   a room sees only its own"), "{ran:?}");
        assert!(!ran.stdout.contains("rate > 1"), "thresholds are the whole's: {}", ran.stdout);
    }
    let missing = run_in(folder.path(), &["merge", "runs-1/latest"]).ends_with(2);
    assert!(missing.stderr.contains("segments are missing: 2/2"), "{}", missing.stderr);
    let twice = run_in(folder.path(), &["merge", "runs-1/latest", "runs-1/latest"]).ends_with(2);
    assert!(twice.stderr.contains("segment 1/2 is named twice"), "{}", twice.stderr);
    let merge = ["merge", "runs-2/latest", "runs-1/latest", "--out", "merged", "--format", "json"];
    let merged = in_json(run_in(folder.path(), &merge));
    assert_eq!((merged["verdict"].as_str(), operations(&merged, "register")), (Some("holds"), 12), "{merged}");
    assert_eq!(merged["thresholds"].as_array().map(Vec::len), Some(1), "{merged}");
    let record = folder.path().join(merged["record"].as_str().expect("a path"));
    for file in ["events.jsonl.zst", "latency.hlog", "samples.jsonl", "verdict.json", "report.html"] {
        assert!(record.join(file).is_file(), "no {file} in the merged record");
    }
    let checked = run_in(folder.path(), &["check", "merged/latest"]);
    assert!(checked.stdout.contains("HOLDS   a room sees only its own"), "{checked:?}");
    let whole = run_in(folder.path(), &["merge", "merged/latest"]).ends_with(2);
    assert!(whole.stderr.contains("is the record of a whole plan"), "{}", whole.stderr);
    assert_nothing_is_left_on(&server, folder.path());
}

#[test]
fn a_planned_start_that_has_passed_plays_nothing_and_leaves_nothing() {
    let (server, folder) = (Server::start(&[]), folder());
    scenario(folder.path(), "rooms.toml", FOUR_ROOMS);
    let ran =
        run_in(folder.path(), &["load", "rooms.toml", "--target", &server.ws, "--start-at", "1000000000"]).ends_with(4);
    assert!(ran.stdout.contains("after the planned start"), "{}", ran.stdout);
    assert_nothing_is_left_on(&server, folder.path());
}

#[test]
fn several_processes_are_one_run_and_rooms_are_spread_over_the_targets() {
    let (servers, folder) = ([Server::start(&[]), Server::start(&[])], folder());
    scenario(folder.path(), "rooms.toml", FOUR_ROOMS);
    let [one, other] = [&servers[0].ws, &servers[1].ws];
    let arguments = ["load", "rooms.toml", "--target", one, "--target", other, "--format", "json"];
    let outcome = in_json(run_in(folder.path(), &arguments));
    assert_eq!((outcome["verdict"].as_str(), operations(&outcome, "register")), (Some("holds"), 12), "{outcome}");
    assert_eq!(outcome["targets"].as_array().map(Vec::len), Some(4), "{outcome}");
    let merged = header(&folder.path().join("runs/latest"))["merged"].clone();
    let loaded: BTreeSet<&str> =
        merged.as_array().expect("parts").iter().filter_map(|part| part["targets"][0].as_str()).collect();
    assert_eq!(loaded, BTreeSet::from([one.as_str(), other.as_str()]));
    servers.iter().for_each(|server| assert_nothing_is_left_on(server, folder.path()));
    let uneven = run_in(folder.path(), &["load", "rooms.toml", "--target", one, "--target", other, "--processes", "3"])
        .ends_with(2);
    assert!(uneven.stderr.contains("3 processes cannot be spread evenly over 2 targets"), "{}", uneven.stderr);
    let too_many = run_in(folder.path(), &["load", "rooms.toml", "--target", one, "--processes", "5"]).ends_with(2);
    assert!(too_many.stderr.contains("falls into 4 parts"), "{}", too_many.stderr);
}

#[test]
fn a_fault_hits_its_victims_in_every_process_and_is_told_once() {
    let (server, folder) = (Server::start(&[]), folder());
    let cut = "[faults.cut]\ndo = \"partition\"\nbetween = [\"all\", \"server\"]\nat = \"1s\"\nfor = \"300ms\"\n";
    scenario(folder.path(), "cut.toml", &format!("{FOUR_ROOMS}{cut}"));
    let ran = run_in(folder.path(), &["load", "cut.toml", "--target", &server.ws, "--processes", "2"]);
    assert!(ran.stdout.contains("HOLDS   a room sees only its own"), "{ran:?}");
    let told = ran.stdout.matches("the target was not touched: `cut`").count();
    assert!(told == 1 && !ran.stdout.contains("segment 1/2: played"), "{}", ran.stdout);
    let file = File::open(folder.path().join("runs/latest/events.jsonl.zst")).expect("there");
    let events = EventReader::new(file).expect("readable").map(|event| event.expect("an event"));
    let mut struck: BTreeMap<Name, (u32, BTreeSet<Name>)> = BTreeMap::new();
    for event in events {
        if let Body::Fault { what, users, .. } = event.body {
            let (times, all) = struck.entry(what).or_default();
            *times += 1;
            all.extend(users);
        }
    }
    let struck = |what: &str| struck.get(what).map(|(times, users)| (*times, users.len()));
    assert_eq!((struck("partition begins"), struck("partition ends")), (Some((2, 12)), Some((2, 12))));
    assert_nothing_is_left_on(&server, folder.path());
}

#[cfg(unix)]
#[test]
fn where_one_process_may_not_open_enough_files_a_load_takes_several_by_itself() {
    let (server, folder) = (Server::start(&[]), folder());
    let text = FOUR_ROOMS.replace("count = 12", "count = 100");
    scenario(folder.path(), "rooms.toml", &text);
    let mut shell = Command::new("sh");
    let script = format!("ulimit -n 150 && exec \"$0\" load rooms.toml --target {} --format json", server.ws);
    shell.current_dir(folder.path()).arg("-c").arg(script).arg(program().get_program());
    let ran = Ran::of(shell.output().expect("there is a shell"));
    assert!(
        ran.stderr.contains("2 processes") && ran.stderr.contains("130 of 150 files in each process"),
        "{}",
        ran.stderr
    );
    assert_eq!(operations(&in_json(ran), "register"), 100);
}

#[test]
fn a_target_that_is_not_there_is_told_once_and_leaves_no_record() {
    let folder = folder();
    scenario(folder.path(), "rooms.toml", FOUR_ROOMS);
    let ran =
        run_in(folder.path(), &["load", "rooms.toml", "--target", "ws://127.0.0.1:9", "--processes", "2"]).ends_with(5);
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
    assert!(!folder.path().join("runs").exists());
}

/// A load of several processes that goes on for a while.
fn long_load(server: &Server, folder: &Path, more: &[&str]) -> Child {
    scenario(folder, "long.toml", &FOUR_ROOMS.replace("measure = \"2s\"", "measure = \"60s\""));
    let mut command = program();
    command.current_dir(folder).args(["load", "long.toml", "--target", &server.ws]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
}

/// Waits until progress says that it measures; the rest of stderr is read and dropped, so that nobody waits for a reader.
fn wait_until_measuring(run: &mut Child) {
    let mut stderr = BufReader::new(run.stderr.take().expect("piped"));
    let mut seen = String::new();
    while !seen.contains("measure") {
        assert!(stderr.read_line(&mut seen).expect("readable") > 0, "the run never measured:\n{seen}");
    }
    #[allow(clippy::disallowed_methods, reason = "a pipe has to be read by somebody")]
    std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(drop));
}

/// Processes that this one has started.
fn children_of(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).expect("it runs").flatten();
    let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")).unwrap_or_default());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_dies_makes_the_run_invalid_and_what_it_made_is_removed() {
    let (server, folder) = (Server::start(&[]), folder());
    let mut run = long_load(&server, folder.path(), &["--processes", "2"]);
    wait_until_measuring(&mut run);
    let children = children_of(run.id());
    assert_eq!(children.len(), 2);
    signal(children[0], libc::SIGKILL);
    let ran = Ran::of(run.wait_with_output().expect("it ends")).ends_with(4);
    // A process that is killed while a busy disk writes for it ends later than it falls silent.
    let told = ["was lost: its process ended (signal: 9", "was lost: it said nothing"];
    assert!(told.iter().any(|told| ran.stdout.contains(told)), "{}", ran.stdout);
    assert!(ran.stdout.contains("generator  invalid"), "{}", ran.stdout);
    assert_nothing_is_left_on(&server, folder.path());
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_all_processes_politely() {
    let (server, folder) = (Server::start(&[]), folder());
    let mut run = long_load(&server, folder.path(), &["--processes", "2"]);
    wait_until_measuring(&mut run);
    let children = children_of(run.id());
    signal(run.id(), libc::SIGINT);
    let ran = Ran::of(run.wait_with_output().expect("it ends")).ends_with(130);
    assert!(ran.stdout.contains("exit 130: interrupted"), "{}", ran.stdout);
    assert!(children.iter().all(|child| !PathBuf::from(format!("/proc/{child}/exe")).exists()), "none is left");
    assert_nothing_is_left_on(&server, folder.path());
}

/// A Redis of one test's own, on a free port; it ends with this value.
struct Redis {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// None, with a reason, where there is no Redis; `REHEARSAL_REQUIRE=redis` makes that a failure.
    fn start() -> Option<Redis> {
        let folder = folder();
        #[allow(clippy::disallowed_types, reason = "a free port is found by taking one")]
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let Ok(mut process) = command.current_dir(folder.path()).stdout(Stdio::piped()).spawn() else {
            let required = std::env::var("REHEARSAL_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|it| it == "redis"),
                "REHEARSAL_REQUIRE names redis, which is not installed"
            );
            // Past the capture of a test's output: who reads the log shall see it.
            let _ = writeln!(std::io::stderr(), "skipped: no redis-server in PATH");
            return None;
        };
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let is_ready = lines.map_while(Result::ok).any(|line| line.contains("eady to accept connections"));
        assert!(is_ready, "redis-server ended before it accepted");
        Some(Redis { process, url: format!("redis://127.0.0.1:{port}"), _folder: folder })
    }

    fn agent(&self, folder: &Path, nth: usize) -> Child {
        let out = format!("agent-{nth}");
        let mut command = program();
        command.current_dir(folder).args(["agent", "--via", &self.url, "--out", &out, "--patience", "60s"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn four_agents_play_one_load_through_a_store_and_their_records_come_back() {
    let Some(redis) = Redis::start() else { return };
    let (server, folder) = (Server::start(&[]), folder());
    scenario(folder.path(), "rooms.toml", FOUR_ROOMS);
    let agents: Vec<Child> = (0..4).map(|nth| redis.agent(folder.path(), nth)).collect();
    let arguments =
        ["load", "rooms.toml", "--target", &server.ws, "--agents", "4", "--via", &redis.url, "--format", "json"];
    let outcome = in_json(run_in(folder.path(), &arguments));
    assert_eq!((outcome["verdict"].as_str(), operations(&outcome, "register")), (Some("holds"), 12), "{outcome}");
    for mut agent in agents {
        let code = agent.wait().expect("it ends").code();
        assert!(matches!(code, Some(0 | 4)), "{code:?}");
    }
    let merged = header(&folder.path().join("runs/latest"))["merged"].clone();
    let parts = merged.as_array().expect("parts");
    assert_eq!(parts.len(), 4);
    assert!(parts.iter().all(|part| part["clock"]["bound_ns"].as_u64().is_some_and(|bound| bound > 0)), "{merged}");
    assert!(parts.iter().all(|part| part["clock_offset_ns"].is_i64()), "{merged}");
    let checked = run_in(folder.path(), &["check", "runs/latest"]);
    assert!(checked.stdout.contains("clocks were off by"), "{}", checked.stdout);
    assert_nothing_is_left_on(&server, folder.path());
}

#[test]
fn an_agent_that_dies_makes_the_run_invalid() {
    let Some(redis) = Redis::start() else { return };
    let (server, folder) = (Server::start(&[]), folder());
    let mut agents = [0, 1].map(|nth| redis.agent(folder.path(), nth));
    let mut run = long_load(&server, folder.path(), &["--agents", "2", "--via", &redis.url]);
    wait_until_measuring(&mut run);
    agents[0].kill().expect("it runs");
    let ran = Ran::of(run.wait_with_output().expect("it ends")).ends_with(4);
    assert!(ran.stdout.contains("was lost: it gave no sign of life"), "{}", ran.stdout);
    for agent in &mut agents {
        agent.wait().expect("it ends");
    }
    run_in(folder.path(), &["cleanup", "agent-0/latest"]).ends_with(0);
    assert_nothing_is_left_on(&server, folder.path());
}

#[test]
fn a_load_whose_agents_do_not_come_says_how_to_start_them_and_a_store_that_is_not_there_is_told() {
    let folder = folder();
    scenario(folder.path(), "rooms.toml", FOUR_ROOMS);
    let arguments =
        ["load", "rooms.toml", "--target", "ws://127.0.0.1:9", "--agents", "2", "--via", "redis://:hush@127.0.0.1:9"];
    let ran = run_in(folder.path(), &arguments).ends_with(2);
    assert!(ran.stderr.contains("the store at `redis://…@127.0.0.1:9` cannot be used"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hush") && !folder.path().join("runs").exists(), "{}", ran.stderr);
}
