//! What a live run may do and what it leaves alone: caps and headers of the project, rules that end it, rooms that exist, secrets.

use crate::http;
use crate::live::assert_nothing_is_left_on;
use crate::support::{Ran, Server, beside_each_other, folder, library, program, run_in, scenario};
use std::fs;
use std::path::Path;

/// A few seconds of discoveries.
fn short() -> String {
    library("steady_discovery_load").replace("live = \"10s\"", "live = \"3s\"")
}

/// Everything below a folder, as text.
fn everything_in(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("an entry").path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            text += &everything_in(&path);
        } else if path.extension().is_some_and(|ending| ending == "zst") {
            text += &decoded(&path);
        } else {
            text += &String::from_utf8_lossy(&fs::read(&path).expect("readable"));
        }
    }
    text
}

fn decoded(path: &Path) -> String {
    use rehearsal_reports::record::EventReader;
    let events = EventReader::new(fs::File::open(path).expect("there")).expect("readable");
    events.map_while(Result::ok).map(|event| format!("{event:?}\n")).collect()
}

#[test]
fn a_scenario_cannot_exceed_what_the_project_allows() {
    let folder = folder();
    for (cap, named) in
        [("users_max = 5", "users"), ("rate_max = 3.0", "planned repetitions"), ("time_max = \"4s\"", "of length")]
    {
        fs::write(folder.path().join("rehearsal.toml"), format!("[load]\n{cap}\n")).expect("writable");
        let refused =
            run_in(folder.path(), &["load", "steady_discovery_load", "--target", "ws://127.0.0.1:9"]).ends_with(2);
        assert!(
            refused.stderr.contains(named) && refused.stderr.contains("rehearsal.toml allows"),
            "{}",
            refused.stderr
        );
    }
    fs::write(folder.path().join("rehearsal.toml"), "[load]\nuser_max = 5\n").expect("writable");
    let unknown =
        run_in(folder.path(), &["load", "steady_discovery_load", "--target", "ws://127.0.0.1:9"]).ends_with(2);
    assert!(unknown.stderr.contains("user_max"), "{}", unknown.stderr);
}

#[test]
fn a_rule_about_an_observed_metric_ends_a_run_politely_and_says_so() {
    let (server, folder) = (Server::start(&[]), folder());
    let text = short().replace("live = \"3s\"", "live = \"60s\"")
        + &format!(
            "\n[abort]\nwhen = [\"errors > 99% for 1s\", \"server active_rooms > 0 for 1s\"]\n[observe]\nserver = \"{}/metrics\"\n\
             nobody = \"http://127.0.0.1:9/metrics\"\n",
            server.http
        );
    let path = scenario(folder.path(), "ended.toml", &text).display().to_string();
    let ran = run_in(folder.path(), &["load", &path, "--target", &server.ws]);
    assert!(
        ran.stdout.contains("ended by the rule `server active_rooms > 0 for 1s`: server active_rooms is"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("`nobody` did not answer"), "{}", ran.stdout);
    assert!(matches!(ran.code, Some(3 | 4)), "{ran:?}");
    assert_nothing_is_left_on(&server, folder.path());
    let record = folder.path().join("runs/latest");
    assert!(record.join("verdict.json").is_file());
    let samples = fs::read_to_string(record.join("samples.jsonl")).expect("samples");
    assert!(samples.contains("\"observed\":{\"server\":{"), "{samples}");
    assert!(samples.contains("\"unanswered\":{\"nobody\":"), "{samples}");
}

#[test]
fn a_room_that_exists_is_joined_and_still_there_afterwards_and_its_token_is_nowhere() {
    let (server, folder) = (Server::start(&[]), folder());
    let signed_in = http::json(&server.http, "POST", "/anonymous-signin", "");
    let bearer = format!("Authorization: Bearer {}\r\n", signed_in["id_token"].as_str().expect("a token"));
    let room = http::json(&server.http, "POST", "/create-room", &bearer);
    let (id, token) = (room["room_id"].as_str().expect("an id"), room["token"].as_str().expect("a token"));
    let text = short().replace("[rooms]\ncount = 2", "[rooms]\nexisting = \"env:STAGING_ROOM\"");
    let path = scenario(folder.path(), "existing.toml", &text).display().to_string();
    let refused = run_in(folder.path(), &["load", &path, "--target", &server.ws]).ends_with(2);
    assert!(refused.stderr.contains("env:STAGING_ROOM"), "{}", refused.stderr);
    let output = program()
        .current_dir(folder.path())
        .env("STAGING_ROOM", format!("{id}:{token}"))
        .args(["load", &path, "--target", &server.ws])
        .output()
        .expect("it starts");
    let ran = Ran::of(output);
    assert!(matches!(ran.code, Some(0 | 3 | 4)), "{ran:?}");
    assert_nothing_is_left_on(&server, folder.path());
    let body = format!("{{\"room_id\":\"{id}\"}}");
    let headers = bearer + "Content-Type: application/json\r\n";
    let extended = http::request(&server.http, "POST", "/extend-room", &headers, &body);
    assert!(extended.starts_with("HTTP/1.1 200"), "the room is gone: {extended}");
    let left = everything_in(folder.path());
    assert!(left.contains(id) && !left.contains(&format!(":{token}")), "the token is in the record");
}

#[test]
fn headers_and_tokens_of_the_project_reach_the_target_and_no_record_or_output() {
    let (server, folder) = (Server::start(&[]), folder());
    let signed_in = http::json(&server.http, "POST", "/anonymous-signin", "");
    let token = signed_in["id_token"].as_str().expect("a token");
    fs::write(folder.path().join("token.txt"), token).expect("writable");
    let project =
        "[load]\ntoken = \"command:cat token.txt\"\nheaders = { X-Stage = \"blue\", X-Key = \"env:STAGING_KEY\" }\n";
    fs::write(folder.path().join("rehearsal.toml"), project).expect("writable");
    let path = scenario(folder.path(), "short.toml", &short()).display().to_string();
    let output = program()
        .current_dir(folder.path())
        .env("STAGING_KEY", "k3y-that-nobody-may-see")
        .args(["load", &path, "--target", &server.ws])
        .output()
        .expect("it starts");
    let ran = Ran::of(output);
    assert!(matches!(ran.code, Some(0 | 3 | 4)), "{ran:?}");
    assert!(ran.stderr.contains("no sign-ins: the token comes from command:cat"), "{}", ran.stderr);
    assert_nothing_is_left_on(&server, folder.path());
    fs::remove_file(folder.path().join("token.txt")).expect("there");
    let told = everything_in(folder.path()) + &ran.stdout + &ran.stderr;
    for secret in [token, "k3y-that-nobody-may-see"] {
        assert!(!told.contains(secret), "a secret is told");
    }
}

#[test]
fn cleaning_up_after_a_crash_sends_the_headers_of_the_project_as_well() {
    let (folder, (http, received)) = (folder(), http::collector());
    fs::write(folder.path().join("rehearsal.toml"), "[load]\nheaders = { X-Stage = \"blue\" }\n").expect("writable");
    let head = format!("{{\"format\":1,\"run_id\":\"r\",\"http\":\"{http}\"}}");
    let made = "{\"did\":\"intend\",\"what\":\"room\"}\n{\"did\":\"made\",\"what\":\"room\",\"id\":\"den\"}";
    fs::write(folder.path().join("journal.jsonl"), format!("{head}\n{made}\n")).expect("writable");
    let cleaned = run_in(folder.path(), &["cleanup", "."]).ends_with(0);
    assert!(cleaned.stdout.contains("removed 1 rooms"), "{}", cleaned.stdout);
    let (head, body) = received.recv().expect("a request");
    assert!(head.starts_with("POST /delete-peers-and-room") && body.contains("den"), "{head}\n{body}");
    assert!(head.to_lowercase().contains("x-stage: blue"), "{head}");
}

#[test]
fn the_number_of_sign_ins_is_printed_first_and_shared_identities_need_fewer() {
    let cases =
        [("per_user", 21, "one for each user"), ("per_room", 3, "each room"), ("shared", 2, "one for all users")];
    beside_each_other(&cases, |(identities, sign_ins, whose)| {
        let (server, folder) = (Server::start(&[]), folder());
        let text = short() + &format!("\n[prepare]\nidentities = \"{identities}\"\n");
        let path = scenario(folder.path(), "identities.toml", &text).display().to_string();
        let ran = run_in(folder.path(), &["load", &path, "--target", &server.ws]);
        let line = ran.stderr.lines().find(|line| line.starts_with("identities")).expect("a line");
        assert!(line.contains(&format!("{sign_ins} sign-ins")) && line.contains(whose), "{line}");
        assert!(matches!(ran.code, Some(0 | 3 | 4)), "{ran:?}");
        assert!(!ran.stdout.contains("BROKEN"), "{}", ran.stdout);
        assert_nothing_is_left_on(&server, folder.path());
    });
}
