//! Rubbish: files, records, arguments and targets. Each gives one clear message with a hint and the documented exit code.

use crate::support::{Ran, folder, program, run_in, scenario};
use rehearsal_reports::event::Event;
use rehearsal_reports::record::{EventReader, EventWriter};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

/// A message that names the trouble, ends with this code, and holds no panic.
#[track_caller]
fn refused(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let ran = run_in(folder, arguments).ends_with(code);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(said.contains(word), "no {word:?} in\n{said}");
    }
}

#[test]
fn scenarios_that_are_no_scenarios_are_refused_with_their_place() {
    let folder = folder();
    let groups = "[users.workers]\nrole = \"worker\"\n[users.clients]\nrole = \"client\"\n";
    let cases: [(&str, String, &[&str]); 9] = [
        ("empty.toml", String::new(), &["empty.toml", "format"]),
        ("binary.toml", "\u{0}\u{1}\u{2}".to_owned(), &["binary.toml"]),
        ("words.toml", "this is not TOML".to_owned(), &["words.toml:1:"]),
        ("type.toml", format!("format = 1\n{groups}count = \"two\"\n"), &["type.toml:6:", "count"]),
        ("unknown.toml", format!("format = 1\n{groups}cuont = 2\n"), &["unknown.toml:6:", "did you mean `count`"]),
        ("newer.toml", format!("format = 2\n{groups}"), &["newer.toml:1:", "format"]),
        (
            "fault.toml",
            format!("format = 1\n{groups}[faults.death]\ndo = \"kill\"\nwho = \"nobody\"\nat = \"1s\"\n"),
            &["fault.toml:8:", "nobody"],
        ),
        (
            "later.toml",
            format!("format = 1\n{groups}[faults.new]\ndo = \"deploy\"\nat = \"1s\"\n"),
            &["later.toml:7:", "not there yet"],
        ),
        ("elsewhere.toml", format!("format = 1\n{groups}[sometimes]\n"), &["elsewhere.toml:6:", "[check.NAME]"]),
    ];
    for (name, text, words) in cases {
        scenario(folder.path(), name, &text);
        for command in ["lint", "simulate", "plan"] {
            refused(folder.path(), &[command, name], 2, words);
        }
        refused(folder.path(), &["load", name, "--target", "ws://127.0.0.1:1"], 2, words);
    }
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let folder = folder();
    scenario(
        folder.path(),
        "three.toml",
        "format = 1\nabuot = \"x\"\n[users.workers]\nrole = \"worker\"\ncount = -1\njob = \"5\"\n",
    );
    let ran = run_in(folder.path(), &["lint", "three.toml"]).ends_with(2);
    for line in ["three.toml:2:", "three.toml:5:", "three.toml:6:"] {
        assert!(ran.stdout.contains(line), "no {line} in\n{}", ran.stdout);
    }
}

#[test]
fn a_scenario_of_10_mb_and_one_that_is_not_utf_8_are_refused() {
    let folder = folder();
    scenario(folder.path(), "large.toml", &"# padding\n".repeat(1_100_000));
    refused(folder.path(), &["lint", "large.toml"], 2, &["large.toml"]);
    std::fs::write(folder.path().join("latin.toml"), b"about = \"caf\xe9\"\n").expect("writable");
    refused(folder.path(), &["lint", "latin.toml"], 2, &["latin.toml", "UTF-8"]);
}

#[test]
fn arguments_that_make_no_sense_end_with_2() {
    let folder = folder();
    refused(folder.path(), &["simulate"], 2, &["which scenario", "rehearsal.toml"]);
    refused(folder.path(), &["simulate", "no_such_file.toml"], 2, &["no_such_file.toml"]);
    refused(folder.path(), &["simulate", "two_clients_race_naive_workr"], 2, &["did you mean", "naive_worker"]);
    refused(folder.path(), &["simulate", "steady_discovery_load", "--engine", "dream"], 2, &["dream", "turmoil"]);
    refused(folder.path(), &["simulate", "steady_discovery_load", "--tick", "5"], 2, &["250ms"]);
    refused(folder.path(), &["serve", "--defect", "no_such_defect"], 2, &["no_such_defect", "sender_not_checked"]);
    refused(folder.path(), &["serve", "--defect", "no_busy_rejection"], 2, &["worker"]);
    refused(folder.path(), &["serve", "--listen", "nowhere"], 2, &["nowhere", "hint"]);
    refused(folder.path(), &["advise", "x"], 2, &["not there yet"]);
    refused(folder.path(), &["frobnicate"], 2, &["frobnicate"]);
    refused(folder.path(), &["replay", "steady_discovery_load"], 2, &["seed"]);
}

#[test]
fn faults_that_cannot_be_played_live_are_named() {
    let folder = folder();
    for (file, words) in [
        ("server_restarts_while_workers_run", ["restart", "it hits a server", "simulate"]),
        ("clocks_disagree", ["a worker in a hurry", "it sets clocks", "simulate"]),
    ] {
        refused(folder.path(), &["load", file, "--target", "ws://127.0.0.1:1"], 2, &words);
    }
}

#[test]
fn targets_that_are_down_or_wrong_end_with_5_and_those_not_allowed_with_2() {
    let folder = folder();
    let load = |target: &str, code, words: &[&str]| {
        refused(folder.path(), &["load", "steady_discovery_load", "--target", target], code, words);
    };
    load("ws://127.0.0.1:1", 5, &["refused", "hint"]);
    load("not a url", 2, &["not a url"]);
    load("http://127.0.0.1:1", 2, &["ws://"]);
    load("ws://rehearsal.invalid:80", 2, &["--yes-i-may-load rehearsal.invalid"]);
    load(&format!("ws://{}", something_else("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")), 5, &["hint"]);
    load(&format!("ws://{}", something_else("220 mail.rehearsal.invalid ready\r\n")), 5, &["hint"]);
    load(&format!("wss://{}", something_else("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")), 5, &["hint"]);
}

/// Something on loopback that answers every connection with the same words; ends with the test.
#[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a test's own server on loopback")]
fn something_else(answer: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten().take(100) {
            let _ = stream.read(&mut [0; 1_024]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn a_reader_that_goes_away_early_is_no_fault() {
    for arguments in [&["schema"][..], &["lint", "nothing.toml"], &["plan", "steady_discovery_load"], &["--help"]] {
        let mut run =
            program().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(run.stdout.take());
        let ran = Ran::of(run.wait_with_output().expect("it ends"));
        assert!(ran.code != Some(101) && !ran.stderr.contains("panicked"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn records_that_are_cut_off_edited_newer_or_missing_are_told() {
    let folder = folder();
    run_in(folder.path(), &["simulate", "two_clients_race_naive_worker", "--seeds", "1", "--out", "r"]).ends_with(0);
    let record = folder.path().join("r/two_clients_race_naive_worker/seed-1");
    let check = |code, words: &[&str]| refused(folder.path(), &["check", &record.display().to_string()], code, words);
    let events = std::fs::read(record.join("events.jsonl.zst")).expect("there");
    let header = std::fs::read_to_string(record.join("header.json")).expect("there");

    std::fs::write(record.join("events.jsonl.zst"), &events[..events.len() / 2]).expect("writable");
    let cut = run_in(folder.path(), &["check", &record.display().to_string()]);
    assert!(cut.stdout.contains("cut off") && !cut.stderr.contains("panicked"), "{cut:?}");

    std::fs::write(record.join("events.jsonl.zst"), b"rubbish").expect("writable");
    check(2, &["events"]);
    std::fs::write(record.join("events.jsonl.zst"), &events).expect("writable");

    std::fs::write(record.join("header.json"), header.replacen("\"format\": 1", "\"format\": 99", 1))
        .expect("writable");
    check(2, &["format 99", "hint"]);
    std::fs::write(record.join("header.json"), header.replacen("[users", "[usres", 1)).expect("writable");
    check(2, &["usres"]);
    std::fs::write(record.join("header.json"), "").expect("writable");
    check(2, &["header"]);
    std::fs::remove_file(record.join("header.json")).expect("there");
    check(2, &["header.json", "hint"]);
    refused(folder.path(), &["check", "no/such/record"], 2, &["no/such/record"]);
}

#[test]
fn what_was_edited_in_a_record_is_told_and_a_broken_verdict_blocks_nobody() {
    let folder = folder();
    run_in(folder.path(), &["simulate", "two_clients_race_naive_worker", "--seeds", "1", "--out", "r"]).ends_with(0);
    let record = folder.path().join("r/two_clients_race_naive_worker/seed-1");
    let check = || run_in(folder.path(), &["check", &record.display().to_string()]);
    let whole = check().ends_with(0);
    assert!(!whole.stdout.contains("its run wrote"), "{}", whole.stdout);

    let path = record.join("events.jsonl.zst");
    let packed = std::fs::read(&path).expect("there");
    let events: Vec<Event> =
        EventReader::new(&packed[..]).expect("readable").map(|event| event.expect("an event")).collect();
    let repack = |events: &[Event]| {
        let mut writer = EventWriter::new(Vec::new()).expect("in memory");
        events.iter().for_each(|event| writer.write(event).expect("in memory"));
        std::fs::write(&path, writer.finish().expect("in memory")).expect("writable");
    };
    repack(&events[..events.len() - 4]);
    let cut = check().stdout;
    let told = format!("the record holds {} events, its run wrote {}", events.len() - 4, events.len());
    assert!(cut.contains(&told) && cut.contains("edited or cut"), "{cut}");
    repack(&events);
    assert_eq!(check().ends_with(0).stdout, whole.stdout, "packed again as it was");
    let mut edited = events.clone();
    edited[2].t_ns += 1;
    repack(&edited);
    let told = check().ends_with(0).stdout;
    assert!(told.contains("the record was edited: events.jsonl.zst is not as its run wrote it"), "{told}");
    let header = std::fs::read_to_string(record.join("header.json")).expect("there");
    std::fs::write(record.join("header.json"), header.replacen("\"seed\": 1", "\"seed\": 2", 1)).expect("writable");
    let told = check().stdout;
    assert!(told.contains("the record was edited: header.json and events.jsonl.zst are not"), "{told}");
    std::fs::write(record.join("header.json"), header).expect("writable");
    repack(&events);

    for rubbish in ["", "{", "[1]", "{\"format\": 99}"] {
        std::fs::write(record.join("verdict.json"), rubbish).expect("writable");
        let judged = check().ends_with(0);
        assert!(judged.stdout.contains("a worker runs one job at a time"), "{}", judged.stdout);
        let told = judged.stdout.lines().find(|line| line.contains("judged again from its events alone"));
        assert!(told.is_some_and(|told| told.contains("the verdict")), "{}", judged.stdout);
    }
}
